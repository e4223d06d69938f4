/**
 * A Store that is a part of another one: all keys under a prefix, which it does not show.
 *
 * Over the contract alone, so that every Store has it by one line. What is said of keys is translated (key-prefix.ts); what is
 * not about keys is the whole store's, and is passed on.
 *
 * Always: it can be closed by itself, as a handle of `as()` can, and ends with the store or the handle that it was made of.
 */
import type { BytesLike } from '../base/bytes.js'
import type { Environment } from '../base/clock.js'
import type { Auth, Caller } from './auth.js'
import type { CallOptions } from './call-options.js'
import { Closing } from './closing.js'
import type { Cluster } from './cluster.js'
import type { Health } from './health.js'
import { KeyPrefix } from './key-prefix.js'
import { checkOneKey, type KeyValue, type Selection } from './key-value.js'
import type { Maintenance } from './maintenance.js'
import { NamespaceWatch } from './namespace-watch.js'
import { authOf, clusterOf, leasesOf, maintenanceOf, telemetryOf } from './namespace-parts.js'
import type { DeleteOptions, Operation, PutOptions, Revision, Transaction } from './operations.js'
import type {
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
} from './store.js'
import type { Telemetry } from './telemetry.js'
import type { TransactionResult } from './transaction-result.js'
import type { Watch, WatchOptions } from './watch.js'

/**
 * What {@link Store.namespace} is, for whoever implements it. Throws TypeError, RangeError.
 *
 * @param above of the handle that it is made of, where there is one: the namespaces of a store share it.
 */
export function namespaceOf(store: Store, prefix: BytesLike, above?: Closing): Store {
  return new Namespace(store, KeyPrefix.of(prefix), new Closing(above))
}

class Namespace implements Store {
  readonly environment: Environment
  readonly leases: Leases
  readonly maintenance: Maintenance
  readonly auth: Auth
  readonly cluster: Cluster
  readonly telemetry: Telemetry
  readonly #store: Store
  readonly #prefix: KeyPrefix
  readonly #closing: Closing

  constructor(store: Store, prefix: KeyPrefix, closing: Closing) {
    this.#store = store
    this.#prefix = prefix
    this.#closing = closing
    this.environment = store.environment
    this.leases = leasesOf(store.leases, prefix, closing)
    this.maintenance = maintenanceOf(store.maintenance, prefix, closing)
    this.auth = authOf(store.auth, closing)
    this.cluster = clusterOf(store.cluster, closing)
    this.telemetry = telemetryOf(store.telemetry, closing)
  }

  namespace(prefix: BytesLike): Store {
    return new Namespace(this.#store, this.#prefix.and(prefix), new Closing(this.#closing))
  }

  as(caller: Caller): Store {
    return new Namespace(this.#store.as(caller), this.#prefix, new Closing(this.#closing))
  }

  async ready(call?: CallOptions): Promise<void> {
    await this.#call(() => this.#store.ready(call))
  }

  async put(key: BytesLike, value: BytesLike, options?: PutOptions & CallOptions): Promise<PutResult> {
    const result = await this.#call(() => this.#store.put(this.#prefix.key(key), value, options))
    return { ...result, previous: this.#prefix.keyValue(result.previous) }
  }

  async get(key: BytesLike, options?: GetOptions): Promise<KeyValue | undefined> {
    checkOneKey(key)
    return this.#prefix.keyValue(await this.#call(() => this.#store.get(this.#prefix.key(key), options)))
  }

  async range(selection: Selection, options?: RangeOptions): Promise<RangeResult> {
    const result = await this.#call(() => this.#store.range(this.#prefix.selection(selection), options))
    return { ...result, items: this.#prefix.keyValues(result.items) }
  }

  async delete(selection: Selection, options?: DeleteOptions & CallOptions): Promise<DeleteResult> {
    const result = await this.#call(() => this.#store.delete(this.#prefix.selection(selection), options))
    return { ...result, previous: this.#prefix.keyValues(result.previous) }
  }

  txn<const Success extends readonly Operation[], const Failure extends readonly Operation[]>(
    transaction: Transaction<Success, Failure>,
    options?: CallOptions,
  ): Promise<TransactionResult<Success, Failure>>
  async txn(transaction: Transaction, options?: CallOptions): Promise<TransactionResult> {
    const result = await this.#call(() => this.#store.txn(this.#prefix.transaction(transaction), options))
    return { ...result, results: result.results.map((each) => this.#prefix.result(each)) }
  }

  watch(selection: Selection, options: WatchOptions = {}): Watch {
    this.#closing.check()
    const watch = this.#store.watch(this.#prefix.selection(selection), options)
    return new NamespaceWatch(watch, this.#prefix, this.#closing, options.signal)
  }

  async compact(revision: Revision, options?: CompactOptions): Promise<void> {
    await this.#call(() => this.#store.compact(revision, options))
  }

  status(): StoreStatus {
    return this.#store.status()
  }

  position(): StorePosition {
    return this.#store.position()
  }

  health(): Health {
    return this.#store.health()
  }

  on<Name extends keyof StoreEvents>(event: Name, listener: StoreEvents[Name]): () => void {
    if (event !== 'closed') return this.#store.on(event, listener)
    return this.#closing.onClosed(this.#store, listener as StoreEvents['closed'])
  }

  close(): Promise<void> {
    this.#closing.close()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #call<Result>(call: () => Promise<Result>): Promise<Result> {
    this.#closing.check()
    try {
      return await call()
    } catch (error) {
      throw this.#prefix.error(error)
    }
  }
}
