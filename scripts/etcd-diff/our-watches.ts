/** The watches of a programme at our store, each read as fast as it delivers. */
import { setImmediate } from 'node:timers/promises'
import { isStoreError, type Store, type Watch, type WatchEvent, type WatchOptions } from '../../src/index.js'
import type { LeaseNames } from './lease-names.js'
import type { SeenEvent, SeenWatch } from './observation.js'
import { revisionAt, type Bearings, type WatchOperation } from './operation.js'
import { seenError, seenDeletion, seenKeyValue, selectionOf } from './our-values.js'

const DELIVERY_MS_MAX = 3_000
/** So little that revisions are split. */
const FRAGMENT_BYTES_MAX = 100

interface OpenWatch {
  readonly watch: Watch
  /** Before it there is nothing to tell of. */
  readonly startRevision: number
  noticed: number | undefined
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
      ...(operation.fragment ? { fragmentBytesMax: FRAGMENT_BYTES_MAX } : {}),
      filter: {
        ...(operation.noPut ? { puts: false } : {}),
        ...(operation.noDelete ? { deletes: false } : {}),
      },
    }
    // etcd takes no key at all for the least one.
    const selection = selectionOf(operation.key === '' ? '\0' : operation.key, operation.rangeEnd)
    const watch = this.#store.watch(selection, options)
    const open: OpenWatch = { watch, startRevision, noticed: undefined, events: [], ended: undefined }
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

  /** What each was told that is there and can tell; in one number where it is one. */
  async progress({ revision }: Bearings): Promise<readonly number[]> {
    const open = [...this.#watches.values()].filter(
      ({ ended, startRevision }) => ended === undefined && startRevision <= revision,
    )
    for (const each of open) {
      each.noticed = undefined
      each.watch.requestProgress()
    }
    const lastMs = performance.now() + DELIVERY_MS_MAX
    while (open.some(({ noticed }) => noticed === undefined) && performance.now() < lastMs) await setImmediate()
    return [...new Set(open.map(({ noticed }) => noticed ?? 0))]
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
      for await (const batch of open.watch.batches()) {
        if (batch.type === 'progress') open.noticed = batch.revision
        else open.events.push(...batch.events.map((event) => this.#seenEvent(event)))
      }
    } catch (error) {
      const seen = seenError(error)
      if (seen === undefined) throw error
      const compactRevision = isStoreError(error, 'COMPACTED') ? (error.compactRevision ?? 0) : 0
      // etcd says the revision in place of the reason.
      open.ended = { compactRevision, reason: compactRevision > 0 ? '' : seen.text }
    }
  }

  #seenEvent({ type, keyValue, previous }: WatchEvent): SeenEvent {
    const prevKv = previous && seenKeyValue(previous, this.#leases)
    return type === 'put'
      ? { type: 'PUT', kv: seenKeyValue(keyValue, this.#leases), prevKv }
      : { type: 'DELETE', kv: seenDeletion(keyValue), prevKv }
  }
}
