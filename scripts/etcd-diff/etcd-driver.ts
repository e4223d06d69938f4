/** Asks a real etcd, and says what it answered. */
import { assertNever } from '../../src/base/assert.js'
import { EtcdAuth } from './etcd-auth.js'
import type { EtcdClient, Message } from './etcd-client.js'
import { EtcdRefusal } from './etcd-client.js'
import { buffer, bytesOf, rangeFields, revisionOf } from './etcd-fields.js'
import { EtcdWatches } from './etcd-watches.js'
import { LeaseNames } from './lease-names.js'
import {
  eventually,
  remainingOf,
  sortedAlarms,
  type Observation,
  type SeenAlarm,
  type SeenKeyResponse,
  type SeenKeyValue,
  type SeenResponse,
  type SeenWatch,
} from './observation.js'
import {
  NO_LEASE,
  OTHER_MEMBER,
  isAuthOperation,
  revisionAt,
  type AlarmOperation,
  type AlarmType,
  type Asked,
  type Bearings,
  type CompareOperation,
  type GrantOperation,
  type KeyOperation,
  type LeaseName,
} from './operation.js'

export class EtcdDriver {
  readonly #client: EtcdClient
  readonly #auth: EtcdAuth
  readonly #leases = new LeaseNames()
  readonly #watches: EtcdWatches

  constructor(client: EtcdClient) {
    this.#client = client
    this.#auth = new EtcdAuth(client)
    this.#watches = new EtcdWatches(client, (kv) => this.#keyValueOf(kv))
  }

  async perform(operation: Asked, at: Bearings): Promise<Observation> {
    try {
      return await this.#perform(operation, at)
    } catch (error) {
      if (error instanceof EtcdRefusal) return { error: error.seen }
      throw error
    }
  }

  /** What every watch delivered since it was last asked; waits for as much as the other store has delivered. */
  settle(awaited: readonly SeenWatch[], revision: number): Promise<readonly SeenWatch[]> {
    return this.#watches.settle(awaited, revision)
  }

  /** The revision up to which every watch was told everything. */
  progress(): Promise<readonly number[]> {
    return this.#watches.progress()
  }

  /** Ends leases and watches, whatever the programme left. The keys are deleted like any others. */
  async clean(): Promise<void> {
    this.#watches.close()
    await this.#auth.clean()
    const { alarms } = await this.#call('Maintenance', 'Alarm', {})
    for (const alarm of alarms as Message[]) {
      await this.#call('Maintenance', 'Alarm', { action: 'DEACTIVATE', ...alarm })
    }
    // In one order at both: history shows which keys went first.
    for (const name of this.#leaseNamesOf(await this.#call('Lease', 'LeaseLeases', {})))
      await this.#call('Lease', 'LeaseRevoke', { ID: this.#leases.idOf(name) })
  }

  async #perform(operation: Asked, at: Bearings): Promise<Observation> {
    if (isAuthOperation(operation)) return this.#auth.perform(operation, at)
    switch (operation.type) {
      case 'range':
      case 'put':
      case 'delete':
      case 'transaction': {
        const [method, request] = this.#requestOf(operation, at)
        return observed(await this.#call('KV', method, request), (body) => this.#responseOf(operation.type, body))
      }
      case 'compact': {
        await this.#watches.caughtUp()
        const request = { revision: revisionAt(operation.revision, at), physical: operation.physical }
        return observed(await this.#call('KV', 'Compact', request), () => ({ type: 'compact' }))
      }
      case 'grant':
        return this.#grant(operation)
      case 'revoke': {
        const response = await this.#call('Lease', 'LeaseRevoke', { ID: this.#leases.idOf(operation.lease) })
        return observed(response, () => ({ type: 'revoke' }))
      }
      case 'keep-alive': {
        const response = await this.#keepAlive(this.#leases.idOf(operation.lease))
        return observed(response, ({ TTL }) => ({ type: 'keep-alive', ttlSeconds: Number(TTL) }))
      }
      case 'time-to-live': {
        const request = { ID: this.#leases.idOf(operation.lease), keys: operation.keys }
        const response = await this.#call('Lease', 'LeaseTimeToLive', request)
        return observed(response, ({ TTL, grantedTTL, keys }) => ({
          type: 'time-to-live',
          grantedTtlSeconds: Number(grantedTTL),
          remaining: remainingOf(Number(grantedTTL), Number(TTL)),
          keys: (keys as Buffer[]).length === 0 ? undefined : (keys as Buffer[]).map(bytesOf).sort(),
        }))
      }
      case 'expire': {
        await this.#call('Lease', 'LeaseGrant', { TTL: 1, ID: operation.lease })
        const key = buffer(operation.key)
        await this.#call('KV', 'Put', { key, lease: operation.lease })
        const isGone = async (): Promise<boolean> => (await this.#call('KV', 'Range', { key }))['count'] === '0'
        const expired = await eventually(isGone)
        return observed(await this.#call('KV', 'Range', { key }), () => ({ type: 'expire', expired }))
      }
      case 'leases':
        return observed(await this.#call('Lease', 'LeaseLeases', {}), (body) => {
          return { type: 'leases', leases: this.#leaseNamesOf(body) }
        })
      case 'alarm':
        return this.#alarm(operation, at)
      case 'hash': {
        const request = { revision: revisionAt(operation.revision, at) }
        const response = await this.#call('Maintenance', 'HashKV', request)
        return observed(response, (body) => ({
          type: 'hash',
          compactRevision: Math.max(0, Number(body['compactRevision'])),
        }))
      }
      case 'watch':
        return { revision: await this.#watches.create(operation, at), response: { type: 'watch' } }
      case 'cancel':
        await this.#watches.cancel(operation.watch)
        return { revision: at.revision, response: { type: 'cancel' } }
      default:
        return assertNever(operation, 'operation')
    }
  }

  #call(service: string, method: string, request: Message): Promise<Message> {
    return this.#client.call(service, method, request, this.#auth.token)
  }

  async #grant({ lease, ttlSeconds, revokeAtOnce }: GrantOperation): Promise<Observation> {
    const request = { TTL: ttlSeconds, ID: lease.startsWith('#') ? '0' : lease }
    const response = await this.#call('Lease', 'LeaseGrant', request)
    const id = String(response['ID'])
    const own = lease.startsWith('#') ? this.#leases.learn(lease, id) : lease
    if (revokeAtOnce) await this.#call('Lease', 'LeaseRevoke', { ID: id })
    return observed(response, ({ TTL }) => ({
      type: 'grant',
      lease: own,
      ttlSeconds: Number(TTL),
      revoked: revokeAtOnce,
    }))
  }

  async #alarm({ action, member, alarm }: AlarmOperation, { revision }: Bearings): Promise<Observation> {
    const id = member === 'own' ? await this.#memberId() : member === 'other' ? OTHER_MEMBER : 0
    const request = { action, memberID: id, alarm: alarm ?? 'NONE' }
    const body = await this.#call('Maintenance', 'Alarm', request)
    const alarms = (body['alarms'] as Message[]).map((each): SeenAlarm => ({
      member: each['memberID'] === String(OTHER_MEMBER) ? 'other' : 'own',
      alarm: each['alarm'] as AlarmType,
    }))
    // 3.4 leaves out the header.
    return {
      revision,
      response: { type: 'alarm', alarms: action === 'ACTIVATE' ? undefined : sortedAlarms(alarms) },
    }
  }

  async #memberId(): Promise<unknown> {
    const { header } = await this.#client.call('KV', 'Range', { key: buffer('a'), countOnly: true })
    return (header as Message)['memberId']
  }

  #leaseNamesOf(body: Message): readonly LeaseName[] {
    return (body['leases'] as Message[]).map(({ ID }) => this.#leases.nameOf(String(ID))).sort()
  }

  #keepAlive(id: string): Promise<Message> {
    const stream = this.#client.stream('Lease', 'LeaseKeepAlive', this.#auth.token)
    return new Promise((resolve, reject) => {
      stream.once('data', (response: Message) => {
        resolve(response)
        stream.end()
      })
      stream.once('error', (error) => {
        reject(new EtcdRefusal(error as ConstructorParameters<typeof EtcdRefusal>[0]))
      })
      stream.write({ ID: id })
    })
  }

  /** The method for it alone, and its request. */
  #requestOf(operation: KeyOperation, at: Bearings): [method: string, request: Message] {
    switch (operation.type) {
      case 'range': {
        const { type: _, key, rangeEnd, ...rest } = operation
        const revisions = {
          revision: revisionAt(operation.revision, at),
          minModRevision: revisionAt(operation.minModRevision, at),
          maxModRevision: revisionAt(operation.maxModRevision, at),
          minCreateRevision: revisionAt(operation.minCreateRevision, at),
          maxCreateRevision: revisionAt(operation.maxCreateRevision, at),
        }
        return ['Range', { ...rest, ...revisions, ...rangeFields(key, rangeEnd) }]
      }
      case 'put': {
        const { type: _, key, value, lease, ...rest } = operation
        return ['Put', { ...rest, key: buffer(key), value: buffer(value), lease: this.#leases.idOf(lease) }]
      }
      case 'delete': {
        const { key, rangeEnd, prevKv } = operation
        return ['DeleteRange', { ...rangeFields(key, rangeEnd), prevKv }]
      }
      case 'transaction': {
        const { compare, success, failure } = operation
        return [
          'Txn',
          {
            compare: compare.map((each) => this.#compareOf(each, at)),
            success: success.map((each) => this.#partOf(each, at)),
            failure: failure.map((each) => this.#partOf(each, at)),
          },
        ]
      }
      default:
        return assertNever(operation, 'operation')
    }
  }

  #partOf(operation: KeyOperation, at: Bearings): Message {
    const [, request] = this.#requestOf(operation, at)
    switch (operation.type) {
      case 'range':
        return { requestRange: request }
      case 'put':
        return { requestPut: request }
      case 'delete':
        return { requestDeleteRange: request }
      case 'transaction':
        return { requestTxn: request }
      default:
        return assertNever(operation, 'operation')
    }
  }

  #compareOf(compare: CompareOperation, at: Bearings): Message {
    const { key, rangeEnd, result, target } = compare
    const common = { ...rangeFields(key, rangeEnd), result, target }
    switch (compare.target) {
      case 'VERSION':
        return { ...common, version: compare.version }
      case 'CREATE':
        return { ...common, createRevision: revisionAt(compare.revision, at) }
      case 'MOD':
        return { ...common, modRevision: revisionAt(compare.revision, at) }
      case 'VALUE':
        return { ...common, value: buffer(compare.value) }
      case 'LEASE':
        return { ...common, lease: this.#leases.idOf(compare.lease) }
      default:
        return assertNever(compare, 'compare')
    }
  }

  #responseOf(type: KeyOperation['type'], body: Message): SeenKeyResponse {
    switch (type) {
      case 'range':
        return {
          type,
          kvs: (body['kvs'] as Message[]).map((kv) => this.#keyValueOf(kv)),
          more: body['more'] as boolean,
          count: Number(body['count']),
        }
      case 'put':
        return { type, prevKv: this.#maybeKeyValueOf(body['prevKv']) }
      case 'delete':
        return {
          type,
          deleted: Number(body['deleted']),
          prevKvs: (body['prevKvs'] as Message[]).map((kv) => this.#keyValueOf(kv)),
        }
      case 'transaction':
        return {
          type,
          succeeded: body['succeeded'] as boolean,
          responses: (body['responses'] as Message[]).map((part) => this.#partResponseOf(part)),
        }
      default:
        return assertNever(type, 'type')
    }
  }

  #partResponseOf(part: Message): SeenKeyResponse {
    switch (part['response']) {
      case 'responseRange':
        return this.#responseOf('range', part['responseRange'] as Message)
      case 'responsePut':
        return this.#responseOf('put', part['responsePut'] as Message)
      case 'responseDeleteRange':
        return this.#responseOf('delete', part['responseDeleteRange'] as Message)
      case 'responseTxn':
        return this.#responseOf('transaction', part['responseTxn'] as Message)
      default:
        throw new Error(`etcd answered an operation of a transaction with ${String(part['response'])}`)
    }
  }

  #maybeKeyValueOf(kv: unknown): SeenKeyValue | undefined {
    return kv === null || kv === undefined ? undefined : this.#keyValueOf(kv as Message)
  }

  #keyValueOf(kv: Message): SeenKeyValue {
    return {
      key: bytesOf(kv['key'] as Buffer),
      createRevision: Number(kv['createRevision']),
      modRevision: Number(kv['modRevision']),
      version: Number(kv['version']),
      value: bytesOf(kv['value'] as Buffer),
      lease: kv['lease'] === NO_LEASE ? NO_LEASE : this.#leases.nameOf(String(kv['lease'])),
    }
  }
}

function observed(body: Message, response: (body: Message) => SeenResponse): Observation {
  return { revision: revisionOf(body), response: response(body) }
}
