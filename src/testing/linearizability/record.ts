/**
 * A store that writes down what it is asked and what it answers.
 *
 * Always: it answers what the store behind it answers, errors included. A process that crashes leaves its calls pending.
 */
import { asBuffer, keyOf, type BytesLike } from '../../base/bytes.js'
import type { Environment } from '../../base/clock.js'
import { isStoreError } from '../../base/errors.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { Cluster } from '../../api/cluster.js'
import type { Telemetry } from '../../api/telemetry.js'
import type { Auth, Caller } from '../../api/auth.js'
import type { Health } from '../../api/health.js'
import type { KeyValue, Selection } from '../../api/key-value.js'
import type { Maintenance } from '../../api/maintenance.js'
import { namespaceOf } from '../../api/namespace.js'
import {
  deleteRequest,
  putRequest,
  rangeRequest,
  transactionRequest,
  type DeleteOptions,
  type Operation,
  type PutOptions,
  type Transaction,
} from '../../api/operations.js'
import type {
  CallOptions,
  CompactOptions,
  Consistency,
  DeleteResult,
  GetOptions,
  Lease,
  Leases,
  LeaseStatus,
  ListLeasesOptions,
  TimeToLiveOptions,
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
import type { LeaseId, Revision } from '../../mvcc/types.js'
import { keyValueData, operationData, previousData, rangeData, resultData } from './etcd-calls.js'
import type { EtcdInput, EtcdOutput } from './etcd-calls.js'
import { History } from './history.js'

export interface RecordOptions {
  readonly history: History<EtcdInput, EtcdOutput>
  /** The lane of the history: whoever does one thing after the other. */
  readonly client: string
}

/**
 * The same store, whose calls are written into `history`, for {@link check} with {@link etcdModel}. Watches, `status()`,
 * `ready()`, maintenance and auth pass through unrecorded; what `as()` and `namespace()` give is recorded too. A call whose arguments the
 * store refuses to look at is written down as refused.
 *
 * @example
 * const history = new History<EtcdInput, EtcdOutput>()
 * const alice = record(store, { history, client: 'alice' })
 * await alice.put('job/1', 'done')
 * expect(check(history, etcdModel).verdict).toBe('ok')
 */
export function record(store: Store, options: RecordOptions): Store {
  checkRecorded(store, options)
  return new RecordedStore(store, options)
}

const FIELDS: Fields<RecordOptions> = { history: true, client: true }

function checkRecorded(store: unknown, options: RecordOptions | undefined): void {
  const { environment, put } = (store ?? {}) as Partial<Record<keyof Store, unknown>>
  if (environment === undefined || typeof put !== 'function') {
    throw new TypeError(`record() takes a store first, not ${kind(store)}`)
  }
  if (options === undefined) throw new TypeError('record() takes { history, client } second, not undefined')
  checkFields(options, FIELDS, 'record()')
  const { history, client } = options as Partial<RecordOptions>
  if (!(history instanceof History)) throw new TypeError(`history must be a History, not ${kind(history)}`)
  if (typeof client !== 'string') throw new TypeError(`client must be a string, not ${kind(client)}`)
}

class Recorder {
  readonly #history: History<EtcdInput, EtcdOutput>
  readonly #client: string
  readonly #environment: Environment

  constructor({ history, client }: RecordOptions, environment: Environment) {
    this.#history = history
    this.#client = client
    this.#environment = environment
  }

  /** `input` throws for arguments that are none: then there is nothing to write down, and the store says it better. */
  async call<Result>(
    input: () => EtcdInput,
    perform: () => Promise<Result>,
    output: (result: Result) => EtcdOutput,
  ): Promise<Result> {
    const asked = attempt(input)
    if (asked === undefined) return perform()
    const call = this.#history.invoke(this.#client, asked, this.#nowMs)
    let result: Result
    try {
      result = await perform()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      // What is no operating error was thrown before anything was done, or by a bug that may have done anything.
      const outcome = isStoreError(error)
        ? error.outcome
        : error instanceof TypeError || error instanceof RangeError
          ? 'refused'
          : 'unknown'
      this.#history.end(
        call,
        { outcome, reason: isStoreError(error) ? `${error.code}: ${reason}` : reason },
        this.#nowMs,
      )
      throw error
    }
    this.#history.end(call, { outcome: 'ok', output: output(result) }, this.#nowMs)
    return result
  }

  get #nowMs(): number {
    return this.#environment.clock.wallMs()
  }
}

function attempt<Value>(make: () => Value): Value | undefined {
  try {
    return make()
  } catch {
    return undefined
  }
}

class RecordedStore implements Store {
  readonly environment: Environment
  readonly leases: Leases
  readonly maintenance: Maintenance
  readonly auth: Auth
  readonly cluster: Cluster
  readonly telemetry: Telemetry
  readonly #store: Store
  readonly #options: RecordOptions
  readonly #recorder: Recorder

  constructor(store: Store, options: RecordOptions) {
    this.environment = store.environment
    this.#store = store
    this.#recorder = new Recorder(options, store.environment)
    this.#options = options
    this.maintenance = store.maintenance
    this.auth = store.auth
    this.cluster = store.cluster
    this.telemetry = store.telemetry
    this.leases = new RecordedLeases(store.leases, this.#recorder)
  }

  put(key: BytesLike, value: BytesLike, options?: PutOptions & CallOptions): Promise<PutResult> {
    return this.#recorder.call(
      () => operationData(putRequest(key, value, options)),
      () => this.#store.put(key, value, options),
      ({ revision, previous }) => ({ type: 'put', revision, ...previousData(previous) }),
    )
  }

  get(key: BytesLike, options?: GetOptions): Promise<KeyValue | undefined> {
    return this.#recorder.call(
      () => ({
        type: 'get',
        key: keyOf(key),
        ...(options?.revision ? { revision: options.revision } : {}),
        ...localData(options),
      }),
      () => this.#store.get(key, options),
      (found) => (found === undefined ? { type: 'get' } : { type: 'get', found: keyValueData(found) }),
    )
  }

  range(selection: Selection, options?: RangeOptions): Promise<RangeResult> {
    return this.#recorder.call(
      () => ({ ...rangeData(rangeRequest(selection, options)), ...localData(options) }),
      () => this.#store.range(selection, options),
      ({ items, count, more, revision }) => ({ type: 'range', items: items.map(keyValueData), count, more, revision }),
    )
  }

  delete(selection: Selection, options?: DeleteOptions & CallOptions): Promise<DeleteResult> {
    return this.#recorder.call(
      () => operationData(deleteRequest(selection, options)),
      () => this.#store.delete(selection, options),
      ({ revision, deleted, previous }) => ({
        type: 'delete',
        revision,
        deleted,
        previous: previous.map(keyValueData),
      }),
    )
  }

  txn<const Success extends readonly Operation[], const Failure extends readonly Operation[]>(
    transaction: Transaction<Success, Failure>,
    options?: CallOptions,
  ): Promise<TransactionResult<Success, Failure>>
  txn(transaction: Transaction, options?: CallOptions): Promise<TransactionResult> {
    return this.#recorder.call(
      () => operationData(transactionRequest(transaction)),
      () => this.#store.txn(transaction, options),
      ({ revision, succeeded, results }) => ({ type: 'txn', revision, succeeded, results: results.map(resultData) }),
    )
  }

  compact(revision: Revision, options?: CompactOptions): Promise<void> {
    return this.#recorder.call(
      () => ({ type: 'compact', revision }),
      () => this.#store.compact(revision, options),
      () => ({ type: 'done' }),
    )
  }

  ready(call?: CallOptions): Promise<void> {
    return this.#store.ready(call)
  }

  watch(selection: Selection, options?: WatchOptions): Watch {
    return this.#store.watch(selection, options)
  }

  health(): Health {
    return this.#store.health()
  }

  status(): StoreStatus {
    return this.#store.status()
  }

  position(): StorePosition {
    return this.#store.position()
  }

  on<Name extends keyof StoreEvents>(event: Name, listener: StoreEvents[Name]): () => void {
    return this.#store.on(event, listener)
  }

  as(caller: Caller): Store {
    return new RecordedStore(this.#store.as(caller), this.#options)
  }

  /** What is recorded are whole keys: histories of several namespaces may be one. */
  namespace(prefix: BytesLike): Store {
    return namespaceOf(this, prefix)
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#store[Symbol.asyncDispose]()
  }
}

class RecordedLeases implements Leases {
  readonly #leases: Leases
  readonly #recorder: Recorder

  constructor(leases: Leases, recorder: Recorder) {
    this.#leases = leases
    this.#recorder = recorder
  }

  grant(options: { readonly ttlMs: number; readonly id?: LeaseId | undefined }, call?: CallOptions): Promise<Lease> {
    return this.#recorder.call(
      () => ({ type: 'grant', ...(options.id === undefined ? {} : { lease: String(options.id) }) }),
      () => this.#leases.grant(options, call),
      ({ id }) => ({ type: 'grant', lease: String(id) }),
    )
  }

  keepAlive(id: LeaseId, call?: CallOptions): Promise<Lease> {
    return this.#recorder.call(
      () => ({ type: 'keep-alive', lease: String(id) }),
      () => this.#leases.keepAlive(id, call),
      () => ({ type: 'done' }),
    )
  }

  revoke(id: LeaseId, call?: CallOptions): Promise<void> {
    return this.#recorder.call(
      () => ({ type: 'revoke', lease: String(id) }),
      () => this.#leases.revoke(id, call),
      () => ({ type: 'done' }),
    )
  }

  list(options?: ListLeasesOptions): Promise<readonly LeaseId[]> {
    return this.#recorder.call(
      () => ({ type: 'leases', ...localData(options) }),
      () => this.#leases.list(options),
      (leases) => ({ type: 'leases', leases: leases.map(String) }),
    )
  }

  timeToLive(id: LeaseId, options?: TimeToLiveOptions): Promise<LeaseStatus | undefined> {
    return this.#recorder.call(
      () => ({ type: 'time-to-live', lease: String(id), ...(options?.keys === true ? { keys: true } : {}) }),
      () => this.#leases.timeToLive(id, options),
      (status) => ({ type: 'time-to-live', exists: status !== undefined, ...keysData(status) }),
    )
  }
}

function keysData(status: LeaseStatus | undefined): { readonly keys?: readonly string[] } {
  if (status?.keys === undefined) return {}
  return { keys: status.keys.map(({ keyBytes }) => asBuffer(keyBytes).toString('latin1')) }
}

function localData(options: Consistency | undefined): { readonly local?: true } {
  return options?.consistency === 'local' ? { local: true } : {}
}
