/** The Store over servers of etcd's API: translates between what users say and what goes over the wire. */
import type { BytesLike } from '../../base/bytes.js'
import type { Environment } from '../../base/clock.js'
import type { Auth, Caller } from '../../api/auth.js'
import { checkBoolean } from '../../api/check-boolean.js'
import { CALL_FIELDS, checkConsistency } from '../../api/check-call.js'
import { checkFields, type Fields } from '../../api/check-fields.js'
import type { Cluster } from '../../api/cluster.js'
import type { Health } from '../../api/health.js'
import { healthOf } from '../../api/health-of.js'
import { checkOneKey, type KeyValue, rangeOf, type Selection } from '../../api/key-value.js'
import type { Maintenance } from '../../api/maintenance.js'
import { namespaceOf } from '../../api/namespace.js'
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
  type Revision,
  type Transaction,
} from '../../api/operations.js'
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
} from '../../api/store.js'
import { NO_TELEMETRY, type Telemetry } from '../../api/telemetry.js'
import { keyValueOf } from '../wire/key-value.js'
import { numberOf } from '../wire/numbers.js'
import type { Remote } from './remote.js'
import { RemoteAuth } from './remote-auth.js'
import { RemoteCluster } from './remote-cluster.js'
import { RemoteLeases } from './remote-leases.js'
import { RemoteMaintenance } from './remote-maintenance.js'
import { RemoteWatch } from './remote-watch.js'
import { operationResultOf, revisionOf } from './responses.js'
import {
  checkKey,
  checkRevision,
  deleteMessage,
  onlyReads,
  putMessage,
  rangeMessage,
  transactionMessage,
} from './requests.js'

const PUT_CALL: Fields<PutOptions & CallOptions> = { ...PUT_FIELDS, ...CALL_FIELDS }
const DELETE_CALL: Fields<DeleteOptions & CallOptions> = { ...DELETE_FIELDS, ...CALL_FIELDS }
const GET_CALL: Fields<GetOptions> = { revision: true, consistency: true, ...CALL_FIELDS }
const RANGE_CALL: Fields<RangeOptions> = { ...READ_FIELDS, consistency: true, ...CALL_FIELDS }
const COMPACT_CALL: Fields<CompactOptions> = { physical: true, ...CALL_FIELDS }

export class RemoteStore implements Store {
  readonly environment: Environment
  readonly leases: Leases
  readonly maintenance: Maintenance
  readonly auth: Auth
  readonly cluster: Cluster
  readonly telemetry: Telemetry = NO_TELEMETRY
  readonly #remote: Remote

  constructor(remote: Remote) {
    this.#remote = remote
    this.environment = remote.environment
    this.leases = new RemoteLeases(remote)
    this.maintenance = new RemoteMaintenance(remote)
    this.auth = new RemoteAuth(remote)
    this.cluster = new RemoteCluster(remote)
  }

  as(caller: Caller): Store {
    return new RemoteStore(this.#remote.as(caller))
  }

  namespace(prefix: BytesLike): Store {
    return namespaceOf(this, prefix, this.#remote.closing)
  }

  async ready(call: CallOptions = {}): Promise<void> {
    checkFields(call, CALL_FIELDS, 'ready()')
    await this.#remote.members(true, call)
  }

  async put(key: BytesLike, value: BytesLike, options?: PutOptions & CallOptions): Promise<PutResult> {
    checkFields(options, PUT_CALL, 'put()')
    const request = putMessage(putRequest(key, value, options))
    const { header, prev_kv } = await this.#remote.call(({ kv }) => kv.put(request, callOf(options)))
    return { revision: revisionOf(header), previous: prev_kv && keyValueOf(prev_kv) }
  }

  async get(key: BytesLike, options?: GetOptions): Promise<KeyValue | undefined> {
    checkOneKey(key)
    checkFields(options, GET_CALL, 'get()')
    return (await this.#range(key, options)).items[0]
  }

  async range(selection: Selection, options?: RangeOptions): Promise<RangeResult> {
    checkFields(options, RANGE_CALL, 'range()')
    return this.#range(selection, options)
  }

  async delete(selection: Selection, options?: DeleteOptions & CallOptions): Promise<DeleteResult> {
    checkFields(options, DELETE_CALL, 'delete()')
    const request = deleteMessage(deleteRequest(selection, options))
    const response = await this.#remote.call(({ kv }) => kv.deleteRange(request, callOf(options)))
    const { header, deleted, prev_kvs } = response
    return { revision: revisionOf(header), deleted: numberOf(deleted), previous: prev_kvs.map(keyValueOf) }
  }

  txn<const Success extends readonly Operation[], const Failure extends readonly Operation[]>(
    transaction: Transaction<Success, Failure>,
    options?: CallOptions,
  ): Promise<TransactionResult<Success, Failure>>
  async txn(transaction: Transaction, options?: CallOptions): Promise<TransactionResult> {
    checkFields(options, CALL_FIELDS, 'txn()')
    const request = transactionRequest(transaction)
    const message = transactionMessage(request)
    const call = { ...callOf(options), repeatable: onlyReads(request) }
    const { header, succeeded, responses } = await this.#remote.call(({ kv }) => kv.txn(message, call))
    return { revision: revisionOf(header), succeeded, results: responses.map(operationResultOf) }
  }

  watch(selection: Selection, options: WatchOptions = {}): Watch {
    this.#remote.check()
    const range = rangeOf(selection)
    checkKey(range.key)
    return new RemoteWatch(this.#remote, range, options)
  }

  async compact(revision: Revision, options?: CompactOptions): Promise<void> {
    checkFields(options, COMPACT_CALL, 'compact()')
    const physical = checkBoolean(options?.physical, 'physical') ?? false
    checkRevision(revision)
    const request = { revision: BigInt(revision), physical }
    await this.#remote.call(({ kv }) => kv.compact(request, callOf(options)))
    this.#remote.known.tellCompacted(revision)
  }

  status(): StoreStatus {
    return this.#remote.known.status
  }

  position(): StorePosition {
    return this.#remote.known.status
  }

  health(): Health {
    return healthOf(this.status())
  }

  on<Name extends keyof StoreEvents>(event: Name, listener: StoreEvents[Name]): () => void {
    return this.#remote.on(event, listener)
  }

  close(): Promise<void> {
    return this.#remote.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #range(selection: Selection, options: RangeOptions = {}): Promise<RangeResult> {
    const { consistency = 'linearizable' } = options
    checkConsistency(consistency)
    const request = rangeMessage(rangeRequest(selection, options), consistency === 'local')
    const { header, kvs, count, more } = await this.#remote.call(({ kv }) => kv.range(request, callOf(options)))
    return { items: kvs.map(keyValueOf), count: numberOf(count), more, revision: revisionOf(header) }
  }
}

/** What a call over the wire takes of the options of a call. */
function callOf(options: CallOptions | undefined): CallOptions {
  return { signal: options?.signal, timeoutMs: options?.timeoutMs }
}
