/** The watches of a programme at our store, each read as fast as it delivers. */
import { setImmediate } from 'node:timers/promises'
import { isStoreError, type Store, type Watch, type WatchEvent, type WatchOptions } from '../../src/index.js'
import type { LeaseNames } from './lease-names.js'
import type { SeenEvent, SeenWatch } from './observation.js'
import { revisionAt, type Bearings, type WatchOperation } from './operation.js'
import { seenError, seenKeyValue, selectionOf } from './our-values.js'

const DELIVERY_MS_MAX = 3_000

interface OpenWatch {
  readonly watch: Watch
  events: SeenEvent[]
  ended: SeenWatch['ended']
}

export class OurWatches {
  readonly #store: Store
  readonly #leases: LeaseNames
  readonly #watches = new Map<string, OpenWatch>()

  constructor(store: Store, leases: LeaseNames) {
    this.#store = store
    this.#leases = leases
  }

  create(operation: WatchOperation, at: Bearings): void {
    const startRevision = revisionAt(operation.startRevision, at)
    const options: WatchOptions = {
      ...(startRevision === 0 ? {} : { startRevision }),
      previous: operation.prevKv,
      filter: {
        ...(operation.noPut ? { puts: false } : {}),
        ...(operation.noDelete ? { deletes: false } : {}),
      },
    }
    // etcd takes no key at all for the least one.
    const selection = selectionOf(operation.key === '' ? '\0' : operation.key, operation.rangeEnd)
    const open: OpenWatch = { watch: this.#store.watch(selection, options), events: [], ended: undefined }
    this.#watches.set(operation.watch, open)
    void this.#read(open)
  }

  async cancel(name: string): Promise<void> {
    const open = this.#watches.get(name)
    this.#watches.delete(name)
    await open?.watch.close()
  }

  async settle(revision: number): Promise<readonly SeenWatch[]> {
    await this.caughtUp(revision)
    return [...this.#watches].map(([name, open]) => {
      const events = open.events
      open.events = []
      return { watch: name, events, ended: open.ended }
    })
  }

  /** Each has delivered everything up to `revision`, or has ended. */
  async caughtUp(revision: number): Promise<void> {
    const lastMs = performance.now() + DELIVERY_MS_MAX
    const isLate = ({ watch, ended }: OpenWatch): boolean => ended === undefined && watch.revision < revision
    while ([...this.#watches.values()].some(isLate) && performance.now() < lastMs) await setImmediate()
    await setImmediate()
  }

  async clean(): Promise<void> {
    for (const { watch } of this.#watches.values()) await watch.close()
    this.#watches.clear()
  }

  async #read(open: OpenWatch): Promise<void> {
    try {
      for await (const event of open.watch) open.events.push(this.#seenEvent(event))
    } catch (error) {
      const seen = seenError(error)
      if (seen === undefined) throw error
      const compactRevision = isStoreError(error, 'COMPACTED') ? (error.compactRevision ?? 0) : 0
      // etcd says the revision in place of the reason.
      open.ended = { compactRevision, reason: compactRevision > 0 ? '' : seen.text }
    }
  }

  #seenEvent({ type, keyValue, previous }: WatchEvent): SeenEvent {
    return {
      type: type === 'put' ? 'PUT' : 'DELETE',
      kv: seenKeyValue(keyValue, this.#leases),
      prevKv: previous && seenKeyValue(previous, this.#leases),
    }
  }
}
