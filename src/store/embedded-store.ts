/** The Store over a member in this process: translates between what users say and what the member does. */
import type { BytesLike } from '../base/bytes.js'
import type { Environment } from '../base/clock.js'
import { traced, type ReadSpan } from '../base/spans.js'
import { AssertionError } from '../base/assert.js'
import { StoreError } from '../base/errors.js'
import type { Auth, Caller as GivenCaller } from '../api/auth.js'
import type { Health } from '../api/health.js'
import { healthOf } from '../api/health-of.js'
import type { KeyValue } from '../api/key-value.js'
import { checkBoolean } from '../api/check-boolean.js'
import { CALL_FIELDS, checkConsistency, checkSignal, checkTimeout } from '../api/check-call.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import type { Cluster } from '../api/cluster.js'
import type { Maintenance } from '../api/maintenance.js'
import { namespaceOf } from '../api/namespace.js'
import { checkOneKey, rangeOf, type Selection } from '../api/key-value.js'
import {
  DELETE_FIELDS,
  deleteRequest,
  PUT_FIELDS,
  putRequest,
  rangeRequest,
  READ_FIELDS,
  transactionRequest,
  type DeleteOptions,
  type Operation,
  type PutOptions,
  type Transaction,
} from '../api/operations.js'
import type {
  CallOptions,
  CompactOptions,
  DeleteResult,
  GetOptions,
  Leases,
  PutResult,
  RangeOptions,
  RangeResult,
  Store,
  StoreEvents,
  StorePosition,
  StoreStatus,
  TransactionResult,
  Watch,
  WatchOptions,
} from '../api/store.js'
import type { Telemetry } from '../api/telemetry.js'
import type { Request } from '../machine/command.js'
import type { Secrets } from '../base/secrets.js'
import type { CallLimits } from '../member/deadlines.js'
import { selectionOf } from '../member/member-spans.js'
import type { Member } from '../member/member.js'
import type { CompleteResponse } from '../member/response-reader.js'
import { validateOperation, validateRevision } from '../mvcc/validate.js'
import type { DeleteRequest, PutRequest, RangeRequest, Revision, TransactionRequest } from '../mvcc/types.js'
import type { JwtTokens } from '../runtime/jwt.js'
import type { Passwords } from '../runtime/password.js'
import type { Backups } from './backups.js'
import { Caller } from './caller.js'
import { EmbeddedAuth } from './embedded-auth.js'
import { EmbeddedCluster, type ClusterParts } from './embedded-cluster.js'
import { memberRecordOf } from './member-record.js'
import { EmbeddedLeases } from './embedded-leases.js'
import { alarmOf, EmbeddedMaintenance } from './embedded-maintenance.js'
import { EmbeddedTelemetry } from './embedded-telemetry.js'
import { EmbeddedWatch } from './embedded-watch.js'
import type { Listeners } from './listeners.js'
import type { Settings } from './options.js'
import { keyValueOf, keyValuesOf, resultsOf } from './results.js'
import { WatchPermission } from './watch-permission.js'

/** What a proposal's revision comes with. */
interface Done<Type extends CompleteResponse['type']> {
  readonly response: Extract<CompleteResponse, { type: Type }>
  readonly revision: Revision
}

const PUT_CALL: Fields<PutOptions & CallOptions> = { ...PUT_FIELDS, ...CALL_FIELDS }
const DELETE_CALL: Fields<DeleteOptions & CallOptions> = { ...DELETE_FIELDS, ...CALL_FIELDS }
const GET_CALL: Fields<GetOptions> = { revision: true, consistency: true, ...CALL_FIELDS }
const RANGE_CALL: Fields<RangeOptions> = { ...READ_FIELDS, consistency: true, ...CALL_FIELDS }
const COMPACT_CALL: Fields<CompactOptions> = { physical: true, ...CALL_FIELDS }

const NO_OPTIONS = {}

/** The time-out of a call without one of its own: this plus two election timeouts (etcd's rule). */
const CALL_TIMEOUT_MS = 5000

/** What all handles of one member share. */
export interface StoreParts {
  readonly member: Member
  readonly settings: Settings
  /** Of {@link EmbeddedCluster}. */
  readonly checkReachable: ClusterParts['checkReachable']
  readonly environment: Environment
  readonly listeners: Listeners
  readonly passwords: Passwords
  readonly secrets: Secrets
  /** Undefined: tokens are simple ones. */
  readonly jwt: JwtTokens | undefined
  /** Undefined: none are scheduled. */
  readonly backups: Backups | undefined
  /** The store is closed; undefined: nobody wants to know. */
  readonly closed: (() => void) | undefined
}

export class EmbeddedStore implements Store {
  readonly environment: Environment
  readonly leases: Leases
  readonly maintenance: Maintenance
  readonly auth: Auth
  readonly cluster: Cluster
  readonly telemetry: Telemetry
  readonly #parts: StoreParts
  readonly #caller: Caller
  readonly #member: Member
  readonly #settings: Settings

  private constructor(parts: StoreParts, caller: Caller) {
    const { member, settings, environment } = parts
    this.#parts = parts
    this.#caller = caller
    this.#member = member
    this.#settings = settings
    this.environment = environment
    this.leases = new EmbeddedLeases(member, caller, (call) => {
      checkFields(call, CALL_FIELDS, 'a call of leases')
      return this.#limits(call)
    })
    this.telemetry = new EmbeddedTelemetry(member, caller)
    this.maintenance = new EmbeddedMaintenance(member, caller, (call) => this.#limits(call))
    const { checkReachable } = parts
    this.cluster = new EmbeddedCluster({
      ...{ member, caller, environment, checkReachable },
      limits: (call) => this.#limits(call),
    })
    this.auth = new EmbeddedAuth(parts, caller, (call) => {
      checkFields(call, CALL_FIELDS, 'a call of auth')
      return this.#limits(call)
    })
  }

  /** @internal The handle that `open()` returns. */
  static owned(parts: StoreParts): EmbeddedStore {
    const { member, jwt, environment } = parts
    return new EmbeddedStore(parts, Caller.owner({ member, jwt, wallMs: () => environment.clock.wallMs() }))
  }

  as(caller: GivenCaller): Store {
    return new EmbeddedStore(this.#parts, this.#caller.as(caller))
  }

  namespace(prefix: BytesLike): Store {
    return namespaceOf(this, prefix, this.#caller.closing)
  }

  async ready(call?: CallOptions): Promise<void> {
    checkFields(call, CALL_FIELDS, 'ready()')
    const limits = this.#limits(call)
    await this.#caller.perform(limits, () => this.#member.confirmRead(limits))
  }

  async put(key: BytesLike, value: BytesLike, options?: PutOptions & CallOptions): Promise<PutResult> {
    checkFields(options, PUT_CALL, 'put()')
    const { response, revision } = await this.#write('put', putRequest(key, value, options), options)
    return { revision, previous: keyValueOf(response.previous) }
  }

  async get(key: BytesLike, options?: GetOptions): Promise<KeyValue | undefined> {
    checkOneKey(key)
    checkFields(options, GET_CALL, 'get()')
    const { items } = await this.#range(key, options)
    return items[0]
  }

  async range(selection: Selection, options?: RangeOptions): Promise<RangeResult> {
    checkFields(options, RANGE_CALL, 'range()')
    return this.#range(selection, options)
  }

  async delete(selection: Selection, options?: DeleteOptions & CallOptions): Promise<DeleteResult> {
    checkFields(options, DELETE_CALL, 'delete()')
    const { response, revision } = await this.#write('delete', deleteRequest(selection, options), options)
    const previous = await keyValuesOf(response.previous, this.environment)
    return { revision, deleted: response.deleted, previous }
  }

  txn<const Success extends readonly Operation[], const Failure extends readonly Operation[]>(
    transaction: Transaction<Success, Failure>,
    options?: CallOptions,
  ): Promise<TransactionResult<Success, Failure>>
  async txn(transaction: Transaction, options?: CallOptions): Promise<TransactionResult> {
    checkFields(options, CALL_FIELDS, 'txn()')
    const { response, revision } = await this.#write('transaction', transactionRequest(transaction), options)
    const results = await resultsOf(response.responses, this.environment)
    return { revision, succeeded: response.succeeded, results }
  }

  watch(selection: Selection, options: WatchOptions = {}): Watch {
    const range = rangeOf(selection)
    const { signal } = options
    const { closing } = this.#caller
    if (this.#caller.isOwner) return new EmbeddedWatch(this.#member, closing, range, options, undefined)
    const permission = new WatchPermission(this.#member, this.#caller, range, () => this.#limits({ signal }))
    return new EmbeddedWatch(this.#member, closing, range, options, permission)
  }

  async compact(revision: Revision, options?: CompactOptions): Promise<void> {
    checkFields(options, COMPACT_CALL, 'compact()')
    const physical = checkBoolean(options?.physical, 'physical')
    validateRevision(revision)
    // One deadline for both: taken before.
    const limits = this.#limits(options)
    await this.#proposeWithin('compact', { type: 'compact', revision }, limits)
    if (physical) await this.#member.upkeep.swept(revision, limits)
  }

  status(): StoreStatus {
    if (!this.#caller.isOwner) this.#member.authorize(this.#caller.known, { type: 'status' })
    const { status, stopped, closing } = this.#member
    const { name, clusterId, memberId } = this.#settings
    const book = this.#member.addressBook
    return {
      remote: false,
      name,
      clusterId,
      memberId,
      members: this.#member.members.map(memberRecordOf),
      role: this.#member.removed ? 'removed' : stopped ? 'stopped' : status.role,
      learner: status.learners.includes(memberId),
      electionTimeoutMs: this.#settings.electionTimeoutMs,
      closing: closing && !stopped,
      leader: stopped ? undefined : book.nameOf(status.leader),
      term: status.term,
      commitIndex: status.commitIndex,
      appliedIndex: status.appliedIndex,
      revision: status.revision,
      compactRevision: status.compactRevision,
      digest: status.digest,
      alarms: status.alarms.map(alarmOf),
      quotaBytes: status.quotaBytes,
      sizeInUseBytes: status.sizeInUseBytes,
      promises: status.promises,
      awaitsState: status.awaitsState,
      damage: status.damage,
      outrun: status.followers.flatMap(({ id, state }) => {
        return state === 'snapshot' ? [book.nameOf(id) ?? `${id}`] : []
      }),
      log: { firstIndex: status.firstIndex, lastIndex: status.lastIndex },
      durableAppliedIndex: status.durableAppliedIndex,
      stateWrites: status.stateWrites,
      logTrims: status.logTrims,
      scrub: status.scrub,
      disk: status.disk,
      eventLoop: status.eventLoop,
      formerClusters: status.formerClusters,
      backups: this.#parts.backups?.status,
    }
  }

  position(): StorePosition {
    if (!this.#caller.isOwner) this.#member.authorize(this.#caller.known, { type: 'status' })
    const { term, leader, learner, revision } = this.#member.position
    const { stopped } = this.#member
    return { term, revision, learner, leader: stopped ? undefined : this.#member.addressBook.nameOf(leader) }
  }

  health(): Health {
    return healthOf(this.status())
  }

  on<Name extends keyof StoreEvents>(event: Name, listener: StoreEvents[Name]): () => void {
    const { listeners } = this.#parts
    const add: Store['on'] = (...given) => listeners.add(...given)
    if (event !== 'closed' || this.#caller.isOwner) return add(event, listener)
    return this.#caller.closing.onClosed({ on: add, environment: this.environment }, listener as StoreEvents['closed'])
  }

  async close(): Promise<void> {
    if (this.#caller.isOwner) {
      const { backups, closed, listeners } = this.#parts
      try {
        await Promise.all([backups?.close(), this.#member.close()])
      } finally {
        listeners.closed()
        closed?.()
      }
      return
    }
    this.#caller.closing.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Not async: what it throws its callers reject with, and a read is not to wait for more promises than it must. */
  #range(selection: Selection, options: RangeOptions = NO_OPTIONS): Promise<RangeResult> {
    const { consistency = 'linearizable' } = options
    checkConsistency(consistency)
    const request = rangeRequest(selection, options)
    validateOperation(request)
    const limits = this.#limits(options)
    const channel = this.environment.spans?.read
    if (channel?.hasSubscribers !== true) return this.#rangeWithin(request, consistency, limits)
    const span: ReadSpan = { member: this.#settings.name, selection: selectionOf(request), consistency }
    const read = (): Promise<RangeResult> => this.#rangeWithin(request, consistency, limits)
    return traced(channel, span, read, ({ items, count, revision }) => {
      span.items = items.length
      span.count = count
      span.revision = revision
    })
  }

  async #rangeWithin(
    request: RangeRequest,
    consistency: ReadSpan['consistency'],
    limits: CallLimits,
  ): Promise<RangeResult> {
    const { keyValues, count, more, revision } = await this.#caller.perform(limits, async (identity) => {
      if (consistency === 'linearizable') await this.#member.confirmRead(limits)
      return this.#member.range(request, identity, limits)
    })
    return { items: await keyValuesOf(keyValues, this.environment), count, more, revision }
  }

  /** What is wrong with it whatever the store holds is said here, and costs no entry in the log. */
  async #write<Type extends 'put' | 'delete' | 'transaction'>(
    type: Type,
    request: PutRequest | DeleteRequest | TransactionRequest,
    call: CallOptions | undefined,
  ): Promise<Done<Type>> {
    validateOperation(request)
    return this.#propose(type, request, call)
  }

  async #propose<Type extends CompleteResponse['type']>(
    type: Type,
    request: Request,
    call: CallOptions | undefined,
  ): Promise<Done<Type>> {
    return this.#proposeWithin(type, request, this.#limits(call))
  }

  async #proposeWithin<Type extends CompleteResponse['type']>(
    type: Type,
    request: Request,
    limits: CallLimits,
  ): Promise<Done<Type>> {
    const { response, revision } = await this.#caller.perform(limits, (identity) => {
      return this.#member.propose(request, identity, limits)
    })
    if (response.type !== type) throw new AssertionError(`a ${request.type} was answered with a ${response.type}`)
    return { response: response as Extract<CompleteResponse, { type: Type }>, revision }
  }

  #limits(call: CallOptions = NO_OPTIONS): CallLimits {
    const { timeoutMs = CALL_TIMEOUT_MS + 2 * this.#settings.electionTimeoutMs, signal } = call
    checkTimeout(timeoutMs)
    checkSignal(signal)
    if (signal?.aborted === true) {
      throw new StoreError('ABORTED', 'The signal was aborted before the call.', { cause: signal.reason })
    }
    return { deadlineMs: this.environment.clock.monotonicMs() + timeoutMs, signal }
  }
}
