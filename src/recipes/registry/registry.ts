/**
 * Service discovery: instances register under a name, and whoever looks for the service sees those that live.
 *
 * Not here: whether an instance works. It is registered while its process lives and reaches the cluster.
 */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields, type Fields } from '../../api/check-fields.js'
import type { CallOptions, Store } from '../../api/store.js'
import { checkInstance, decodeInstance, type Instance, type NewInstance } from './instance.js'
import { LiveSet } from './live-set.js'
import { Patience, type WaitOptions } from '../patience.js'
import { readPages } from '../read-pages.js'
import { Registration } from './registration.js'
import { checkTtl } from '../session/session.js'
import type { ViewOptions } from '../view/view-options.js'
import { checkName, prefixOf } from '../name.js'
import { checkStore } from '../check-store.js'

export interface RegisterOptions extends WaitOptions {
  /**
   * Milliseconds after which the instance is gone when its process dies; default 10 000. The store may grant more: whole
   * seconds, at least one and a half election timeouts.
   */
  readonly ttlMs?: number | undefined
}

const REGISTER_FIELDS: Fields<RegisterOptions> = { ttlMs: true, ...CALL_FIELDS }
const TTL_MS = 10_000

/**
 * A name under which instances of a service are found.
 *
 * @example
 * const registry = new Registry<{ version: string }>(store, 'services/web')
 * const registration = await registry.register({ id: 'web-1', address: 'http://10.0.0.1:80', metadata: { version: '1.2' } })
 * const live = await registry.open()
 * for (const { address, metadata } of live.instances) console.log(address, metadata.version)
 */
export class Registry<Metadata = unknown> {
  readonly #store: Store
  readonly #name: string

  constructor(store: Store, name: string) {
    checkStore(store)
    checkName(name)
    this.#store = store
    this.#name = name
  }

  /**
   * Registers an instance until its registration is closed or its process ends; resolves when others can find it. Where the id
   * is taken it waits for that lease to end: after a crash, a process comes back under its id within the TTL.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when waiting is given up, and with what the store rejects with where that cannot pass.
   * What was begun is taken back then, and goes with its lease at the latest.
   */
  async register(instance: NewInstance<Metadata>, options: RegisterOptions = {}): Promise<Registration<Metadata>> {
    checkInstance(instance)
    checkFields(options, REGISTER_FIELDS, 'register()')
    const { ttlMs = TTL_MS, ...wait } = options
    checkTtl(ttlMs)
    const { id, ...description } = instance
    return Registration.open(this.#store, `${prefixOf(this.#name)}${id}`, description, { ttlMs, ...wait })
  }

  /** Those that live now, in the order of their ids. Linearizable. Without a quorum it ends with the deadline of the store. */
  async instances(options: CallOptions = {}): Promise<readonly Instance<Metadata>[]> {
    checkFields(options, CALL_FIELDS, 'instances()')
    const patience = new Patience(this.#store.environment, options)
    patience.tryOnce()
    const instances: Instance<Metadata>[] = []
    try {
      for await (const { items } of readPages(this.#store, { prefix: prefixOf(this.#name) }, patience)) {
        for (const found of items) {
          const instance = this.#decode(found)
          if (instance !== undefined) instances.push(instance)
        }
      }
    } finally {
      patience.end()
    }
    return instances
  }

  /** Those that live, kept up to date until it is closed. Rejects as {@link CachedView.open} does. */
  open(options: ViewOptions = {}): Promise<LiveSet<Metadata>> {
    return LiveSet.open<Metadata>(this.#store, this.#name, options)
  }

  /** What is no instance is left out, as in a live set. */
  #decode(found: Parameters<typeof decodeInstance>[1]): Instance<Metadata> | undefined {
    try {
      return decodeInstance<Metadata>(this.#name, found)
    } catch {
      return undefined
    }
  }
}
