/** Asks our store, through its public interface, and says what it answered. */
import { assertNever } from '../../src/base/assert.js'
import {
  compare,
  del,
  get,
  isStoreError,
  put,
  txn,
  type Alarm,
  type Compare,
  type KeyValue,
  type MemberId,
  type Operation as StoreOperation,
  type OperationResult,
  type PutOptions,
  type ReadOptions,
  type Relation,
  type Store,
  type Transaction,
} from '../../src/index.js'
import { LeaseNames } from './lease-names.js'
import {
  eventually,
  remainingOf,
  sortedAlarms,
  type Observation,
  type SeenAlarm,
  type SeenKeyResponse,
  type SeenKeyValue,
  type SeenWatch,
} from './observation.js'
import {
  NO_LEASE,
  OTHER_MEMBER,
  isAuthOperation,
  revisionAt,
  type AlarmMember,
  type AlarmOperation,
  type AlarmType,
  type Asked,
  type Bearings,
  type CompareOperation,
  type CompareResult,
  type GrantOperation,
  type KeyOperation,
  type LeaseName,
  type PutOperation,
  type RangeOperation,
  type TransactionOperation,
} from './operation.js'
import { bytesOf, seenBytes, seenError, seenKeyValue, selectionOf } from './our-values.js'
import { OurAuth } from './our-auth.js'
import { OurWatches } from './our-watches.js'

export class OurDriver {
  readonly #store: Store
  readonly #auth: OurAuth
  readonly #leases = new LeaseNames()
  readonly #watches: OurWatches
  /** Those that may exist. */
  readonly #granted = new Set<LeaseName>()

  constructor(store: Store) {
    this.#store = store
    this.#auth = new OurAuth(store)
    this.#watches = new OurWatches(store, this.#leases)
  }

  get bearings(): Bearings {
    const { revision, compactRevision } = this.#store.status()
    return { revision, compactRevision }
  }

  async perform(operation: Asked, at: Bearings): Promise<Observation> {
    try {
      return await this.#perform(operation, at)
    } catch (error) {
      const seen = seenError(error)
      if (seen === undefined) throw error
      return { error: seen }
    }
  }

  settle(revision: number): Promise<readonly SeenWatch[]> {
    return this.#watches.settle(revision)
  }

  /** The revisions up to which watches were told everything. */
  progress(at: Bearings): Promise<readonly number[]> {
    return this.#watches.progress(at)
  }

  /** Ends leases and watches, whatever the programme left. The keys are deleted like any others. */
  async clean(): Promise<void> {
    await this.#watches.clean()
    await this.#auth.clean()
    await this.#store.maintenance.disarm()
    for (const name of [...this.#granted].sort()) {
      try {
        await this.#store.leases.revoke(this.#idOf(name))
      } catch (error) {
        if (!isStoreError(error, 'LEASE_NOT_FOUND')) throw error
      }
    }
    this.#granted.clear()
  }

  async #perform(operation: Asked, at: Bearings): Promise<Observation> {
    if (isAuthOperation(operation)) {
      const response = await this.#auth.perform(operation)
      return { revision: this.bearings.revision, response }
    }
    const { store } = this.#auth
    switch (operation.type) {
      case 'range': {
        const consistency = operation.serializable ? 'local' : 'linearizable'
        const options = { ...readOptionsOf(operation, at), consistency } as const
        const { revision, ...result } = await store.range(selectionOf(operation.key, operation.rangeEnd), options)
        return { revision, response: this.#responseOf({ type: 'range', ...result }) }
      }
      case 'put': {
        const { key, value } = operation
        const { revision, previous } = await store.put(bytesOf(key), bytesOf(value), this.#putOptionsOf(operation))
        return { revision, response: this.#responseOf({ type: 'put', previous }) }
      }
      case 'delete': {
        const selection = selectionOf(operation.key, operation.rangeEnd)
        const { revision, ...result } = await store.delete(selection, { previous: operation.prevKv })
        return { revision, response: this.#responseOf({ type: 'delete', ...result }) }
      }
      case 'transaction': {
        const { revision, ...result } = await store.txn(this.#transactionOf(operation, at))
        return { revision, response: this.#responseOf({ type: 'transaction', ...result }) }
      }
      case 'compact':
        await this.#watches.caughtUp(at.revision)
        await store.compact(revisionAt(operation.revision, at), { physical: operation.physical })
        return { revision: this.bearings.revision, response: { type: 'compact' } }
      case 'grant':
        return this.#grant(operation)
      case 'revoke':
        await store.leases.revoke(this.#idOf(operation.lease))
        return { revision: this.bearings.revision, response: { type: 'revoke' } }
      case 'keep-alive':
        return { revision: at.revision, response: { type: 'keep-alive', ttlSeconds: await this.#keepAlive(operation) } }
      case 'time-to-live': {
        const status = await store.leases.timeToLive(this.#idOf(operation.lease), { keys: operation.keys })
        const grantedTtlSeconds = (status?.ttlMs ?? 0) / 1000
        const remainingSeconds = status === undefined ? -1 : Math.floor(status.remainingMs / 1000)
        const remaining = remainingOf(grantedTtlSeconds, remainingSeconds)
        const seen = (status?.keys ?? []).map(({ keyBytes }) => seenBytes(keyBytes))
        const keys = seen.length === 0 ? undefined : seen
        return { revision: at.revision, response: { type: 'time-to-live', grantedTtlSeconds, remaining, keys } }
      }
      case 'expire': {
        const key = bytesOf(operation.key)
        const { id } = await store.leases.grant({ ttlMs: 1000, id: BigInt(operation.lease) })
        await store.put(key, '', { lease: id })
        const expired = await eventually(async () => (await store.get(key)) === undefined)
        return { revision: this.bearings.revision, response: { type: 'expire', expired } }
      }
      case 'leases': {
        const leases = (await store.leases.list()).map((id) => this.#leases.nameOf(String(id))).sort()
        return { revision: at.revision, response: { type: 'leases', leases } }
      }
      case 'alarm':
        return { revision: at.revision, response: { type: 'alarm', alarms: await this.#alarm(operation) } }
      case 'hash': {
        const revision = revisionAt(operation.revision, at)
        const { compactRevision } = await store.maintenance.hash(revision === 0 ? {} : { revision })
        return { revision: at.revision, response: { type: 'hash', compactRevision } }
      }
      case 'watch':
        this.#watches.create(operation, at)
        return { revision: at.revision, response: { type: 'watch' } }
      case 'cancel':
        await this.#watches.cancel(operation.watch)
        return { revision: at.revision, response: { type: 'cancel' } }
      default:
        return assertNever(operation, 'operation')
    }
  }

  async #grant({ lease: name, ttlSeconds, revokeAtOnce }: GrantOperation): Promise<Observation> {
    const id = name.startsWith('#') ? undefined : BigInt(name)
    const lease = await this.#auth.store.leases.grant({ ttlMs: ttlSeconds * 1000, id })
    const own = id === undefined ? this.#leases.learn(name, String(lease.id)) : name
    if (revokeAtOnce) await this.#auth.store.leases.revoke(lease.id)
    else this.#granted.add(own)
    return {
      revision: this.bearings.revision,
      response: {
        type: 'grant',
        lease: own,
        ttlSeconds: lease.ttlMs / 1000,
        revoked: revokeAtOnce,
      },
    }
  }

  async #alarm(operation: AlarmOperation): Promise<readonly SeenAlarm[] | undefined> {
    const { maintenance } = this.#auth.store
    const { action } = operation
    switch (action) {
      case 'GET': {
        // Of which member is asked makes no difference to etcd.
        const type = operation.alarm && ALARMS[operation.alarm]
        const alarms = await maintenance.alarms()
        return this.#seenAlarms(alarms.filter(({ alarm }) => (type ?? alarm) === alarm))
      }
      case 'ACTIVATE':
        await maintenance.raise({ alarm: ALARMS[operation.alarm], memberId: this.#memberIdOf(operation.member) })
        return undefined
      case 'DEACTIVATE': {
        const selection = { alarm: ALARMS[operation.alarm], memberId: this.#memberIdOf(operation.member) }
        return this.#seenAlarms(await maintenance.disarm(selection))
      }
      default:
        return assertNever(action, 'action')
    }
  }

  #memberIdOf(member: AlarmMember): MemberId {
    return member === 'own' ? this.#store.status().memberId : OTHER_MEMBER
  }

  #seenAlarms(alarms: readonly Alarm[]): readonly SeenAlarm[] {
    return sortedAlarms(
      alarms.map(({ memberId, alarm }) => ({
        member: memberId === OTHER_MEMBER ? 'other' : 'own',
        alarm: alarm === 'no-space' ? 'NOSPACE' : 'CORRUPT',
      })),
    )
  }

  /** On etcd's wire a lease that has ended is answered with no time left. */
  async #keepAlive({ lease }: { lease: string }): Promise<number> {
    try {
      return (await this.#auth.store.leases.keepAlive(this.#idOf(lease))).ttlMs / 1000
    } catch (error) {
      if (isStoreError(error, 'LEASE_NOT_FOUND')) return 0
      throw error
    }
  }

  #idOf(lease: string): bigint {
    return BigInt(this.#leases.idOf(lease))
  }

  #putOptionsOf({ lease, prevKv, ignoreValue, ignoreLease }: PutOperation): PutOptions {
    const id = lease === NO_LEASE ? undefined : this.#idOf(lease)
    return { lease: id, previous: prevKv, ignoreValue, ignoreLease }
  }

  #transactionOf({ compare, success, failure }: TransactionOperation, at: Bearings): Transaction {
    return {
      compare: compare.map((each) => this.#compareOf(each, at)),
      success: success.map((each) => this.#partOf(each, at)),
      failure: failure.map((each) => this.#partOf(each, at)),
    }
  }

  #partOf(operation: KeyOperation, at: Bearings): StoreOperation {
    switch (operation.type) {
      case 'range':
        return get(selectionOf(operation.key, operation.rangeEnd), readOptionsOf(operation, at))
      case 'put':
        return put(bytesOf(operation.key), bytesOf(operation.value), this.#putOptionsOf(operation))
      case 'delete':
        return del(selectionOf(operation.key, operation.rangeEnd), { previous: operation.prevKv })
      case 'transaction':
        return txn(this.#transactionOf(operation, at))
      default:
        return assertNever(operation, 'operation')
    }
  }

  #compareOf(operation: CompareOperation, at: Bearings): Compare {
    const builder = compare(selectionOf(operation.key, operation.rangeEnd))
    const relation = RELATIONS[operation.result]
    switch (operation.target) {
      case 'VERSION':
        return builder.version(relation, operation.version)
      case 'CREATE':
        return builder.createRevision(relation, revisionAt(operation.revision, at))
      case 'MOD':
        return builder.modRevision(relation, revisionAt(operation.revision, at))
      case 'VALUE':
        return builder.value(relation, bytesOf(operation.value))
      case 'LEASE':
        return builder.lease(relation, this.#idOf(operation.lease))
      default:
        return assertNever(operation, 'compare')
    }
  }

  #responseOf(result: OperationResult): SeenKeyResponse {
    switch (result.type) {
      case 'range':
        return {
          type: 'range',
          kvs: result.items.map((each) => this.#seen(each)),
          more: result.more,
          count: result.count,
        }
      case 'put':
        return { type: 'put', prevKv: result.previous && this.#seen(result.previous) }
      case 'delete':
        return {
          type: 'delete',
          deleted: result.deleted,
          prevKvs: result.previous.map((each) => this.#seen(each)),
        }
      case 'transaction':
        return {
          type: 'transaction',
          succeeded: result.succeeded,
          responses: result.results.map((each) => this.#responseOf(each)),
        }
      default:
        return assertNever(result, 'result')
    }
  }

  #seen(keyValue: KeyValue): SeenKeyValue {
    return seenKeyValue(keyValue, this.#leases)
  }
}

const ALARMS: Readonly<Record<AlarmType, Alarm['alarm']>> = { NOSPACE: 'no-space', CORRUPT: 'corrupt' }

const RELATIONS: Readonly<Record<CompareResult, Relation>> = {
  EQUAL: '=',
  GREATER: '>',
  LESS: '<',
  NOT_EQUAL: '!=',
}

const SORTED_BY = {
  KEY: 'key',
  VERSION: 'version',
  CREATE: 'createRevision',
  MOD: 'modRevision',
  VALUE: 'value',
} as const

function readOptionsOf(operation: RangeOperation, at: Bearings): ReadOptions {
  const { limit, countOnly, keysOnly, sortOrder, sortTarget } = operation
  const order = sortOrder === 'DESCEND' ? 'descending' : 'ascending'
  return {
    revision: revisionAt(operation.revision, at),
    limit,
    countOnly,
    keysOnly,
    ...(sortOrder === 'NONE' && sortTarget === 'KEY' ? {} : { sort: { by: SORTED_BY[sortTarget], order } }),
    minModRevision: revisionAt(operation.minModRevision, at),
    maxModRevision: revisionAt(operation.maxModRevision, at),
    minCreateRevision: revisionAt(operation.minCreateRevision, at),
    maxCreateRevision: revisionAt(operation.maxCreateRevision, at),
  }
}
