/** Asks a real etcd, and says what it answered. */
import { assertNever } from '../../src/base/assert.js'
import type { EtcdClient, Message } from './etcd-client.js'
import { EtcdRefusal } from './etcd-client.js'
import { buffer, rangeFields, revisionOf } from './etcd-fields.js'
import { EtcdWatches } from './etcd-watches.js'
import { LeaseNames } from './lease-names.js'
import {
  remainingOf,
  type Observation,
  type SeenKeyResponse,
  type SeenKeyValue,
  type SeenResponse,
  type SeenWatch,
} from './observation.js'
import {
  NO_LEASE,
  revisionAt,
  type Bearings,
  type CompareOperation,
  type GrantOperation,
  type KeyOperation,
  type Operation,
} from './operation.js'

export class EtcdDriver {
  readonly #client: EtcdClient
  readonly #leases = new LeaseNames()
  readonly #watches: EtcdWatches

  constructor(client: EtcdClient) {
    this.#client = client
    this.#watches = new EtcdWatches(client, (kv) => this.#keyValueOf(kv))
  }

  async perform(operation: Exclude<Operation, { type: 'settle' }>, at: Bearings): Promise<Observation> {
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

  /** Ends leases and watches, whatever the programme left. The keys are deleted like any others. */
  async clean(): Promise<void> {
    this.#watches.close()
    const { leases } = await this.#client.call('Lease', 'LeaseLeases', {})
    // In one order at both: history shows which keys went first.
    const names = (leases as Message[]).map(({ ID }) => this.#leases.nameOf(String(ID))).sort()
    for (const name of names) await this.#client.call('Lease', 'LeaseRevoke', { ID: this.#leases.idOf(name) })
  }

  async #perform(operation: Exclude<Operation, { type: 'settle' }>, at: Bearings): Promise<Observation> {
    switch (operation.type) {
      case 'range':
      case 'put':
      case 'delete':
      case 'transaction': {
        const [method, request] = this.#requestOf(operation, at)
        return observed(await this.#client.call('KV', method, request), (body) =>
          this.#responseOf(operation.type, body),
        )
      }
      case 'compact': {
        await this.#watches.caughtUp()
        const request = { revision: revisionAt(operation.revision, at), physical: operation.physical }
        return observed(await this.#client.call('KV', 'Compact', request), () => ({ type: 'compact' }))
      }
      case 'grant':
        return this.#grant(operation)
      case 'revoke': {
        const response = await this.#client.call('Lease', 'LeaseRevoke', { ID: this.#leases.idOf(operation.lease) })
        return observed(response, () => ({ type: 'revoke' }))
      }
      case 'keep-alive': {
        const response = await this.#keepAlive(this.#leases.idOf(operation.lease))
        return observed(response, ({ TTL }) => ({ type: 'keep-alive', ttlSeconds: Number(TTL) }))
      }
      case 'time-to-live': {
        const request = { ID: this.#leases.idOf(operation.lease) }
        const response = await this.#client.call('Lease', 'LeaseTimeToLive', request)
        return observed(response, ({ TTL, grantedTTL }) => ({
          type: 'time-to-live',
          grantedTtlSeconds: Number(grantedTTL),
          remaining: remainingOf(Number(grantedTTL), Number(TTL)),
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

  async #grant({ lease, ttlSeconds, revokeAtOnce }: GrantOperation): Promise<Observation> {
    const request = { TTL: ttlSeconds, ID: lease.startsWith('#') ? '0' : lease }
    const response = await this.#client.call('Lease', 'LeaseGrant', request)
    const id = String(response['ID'])
    const own = lease.startsWith('#') ? this.#leases.learn(lease, id) : lease
    if (revokeAtOnce) await this.#client.call('Lease', 'LeaseRevoke', { ID: id })
    return observed(response, ({ TTL }) => ({
      type: 'grant',
      lease: own,
      ttlSeconds: Number(TTL),
      revoked: revokeAtOnce,
    }))
  }

  #keepAlive(id: string): Promise<Message> {
    const stream = this.#client.stream('Lease', 'LeaseKeepAlive')
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
      key: (kv['key'] as Buffer).toString('latin1'),
      createRevision: Number(kv['createRevision']),
      modRevision: Number(kv['modRevision']),
      version: Number(kv['version']),
      value: (kv['value'] as Buffer).toString('latin1'),
      lease: kv['lease'] === NO_LEASE ? NO_LEASE : this.#leases.nameOf(String(kv['lease'])),
    }
  }
}

function observed(body: Message, response: (body: Message) => SeenResponse): Observation {
  return { revision: revisionOf(body), response: response(body) }
}
