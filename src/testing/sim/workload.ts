/**
 * Clients that write, read, compare-and-swap and watch, and a record of what each was told.
 *
 * Always: every value written is written once in the whole run, so that history shows what became of it.
 */
import { isStoreError } from '../../base/errors.js'
import { below, type Random } from '../../base/random.js'
import { seededRandom } from '../../base/seeded-random.js'
import { compare, get, put } from '../../api/operations.js'
import type { Store, WatchEvent } from '../../api/store.js'
import type { Place, SimWorld } from './world.js'

/** What became of a call: `pending` is what a crash of the caller's process leaves. */
export type CallOutcome = 'ok' | 'refused' | 'unknown' | 'pending'

export interface Recorded {
  readonly type: 'put' | 'swap' | 'read' | 'delete'
  readonly member: string
  readonly key: string
  /** What it writes, or what it read; undefined for a deletion and for a key that does not exist. */
  value: string | undefined
  readonly invokedMs: number
  returnedMs: number | undefined
  outcome: CallOutcome
  /** Of the write, or at which it was read. */
  revision: number | undefined
  /** A swap whose compare did not hold wrote nothing; a deletion may find nothing. */
  changed: boolean
}

export interface Watched {
  readonly member: string
  readonly startRevision: number
  readonly events: WatchEvent[]
}

const KEYS = ['a', 'b', 'c', 'd', 'e']
const TIMEOUT_MS_MAX = 3000

export class Workload {
  readonly calls: Recorded[] = []
  readonly watches: Watched[] = []
  readonly #world: SimWorld
  #values = 0
  #clients = 0
  #stopped = false

  constructor(world: SimWorld) {
    this.#world = world
  }

  /** Lets `clients` clients and a watcher work at this place until its process ends or {@link stop}. */
  attach(place: Place, clients: number, pauseMsMax: number): void {
    const store = place.store
    if (store === undefined) return
    for (let at = 0; at < clients; at++) void this.#client(place, store, pauseMsMax)
    void this.#watch(place, store)
  }

  /** No further calls; those under way end by themselves. */
  stop(): void {
    this.#stopped = true
  }

  /** Calls that have not ended though their process lives. */
  get underWay(): number {
    const alive = new Set(this.#world.places.filter(({ store }) => store !== undefined).map(({ store }) => store))
    return [...this.#open].filter(({ store }) => alive.has(store)).length
  }

  readonly #open = new Set<{ readonly store: Store }>()

  async #client(place: Place, store: Store, pauseMsMax: number): Promise<void> {
    const random = seededRandom(this.#world.seed * 7919 + ++this.#clients)
    while (!this.#stopped && place.store === store) {
      await new Promise<void>((resolve) => {
        store.environment.timers.after(below(random, pauseMsMax) + 1, resolve)
      })
      if (this.#stopped) return
      await this.#call(place, store, random)
    }
  }

  async #call(place: Place, store: Store, random: Random): Promise<void> {
    const type = (['put', 'put', 'swap', 'read', 'read', 'delete'] as const)[below(random, 6)] ?? 'put'
    const call: Recorded = {
      type,
      member: place.name,
      key: KEYS[below(random, KEYS.length)] ?? 'a',
      value: type === 'put' || type === 'swap' ? `v${++this.#values}` : undefined,
      invokedMs: this.#world.nowMs,
      returnedMs: undefined,
      outcome: 'pending',
      revision: undefined,
      changed: false,
    }
    this.calls.push(call)
    const open = { store }
    this.#open.add(open)
    try {
      // Often too short for a cluster in trouble: so that some calls end without knowing what became of them.
      await perform(store, call, 50 + below(random, TIMEOUT_MS_MAX))
      call.outcome = 'ok'
    } catch (error) {
      if (!isStoreError(error)) throw error
      call.outcome = error.outcome
    }
    this.#open.delete(open)
    call.returnedMs = this.#world.nowMs
  }

  async #watch(place: Place, store: Store): Promise<void> {
    const watched: Watched = { member: place.name, startRevision: store.status().revision + 1, events: [] }
    this.watches.push(watched)
    try {
      for await (const event of store.watch({ all: true }, { startRevision: watched.startRevision })) {
        watched.events.push(event)
      }
    } catch (error) {
      if (!isStoreError(error)) throw error
    }
  }
}

async function perform(store: Store, call: Recorded, timeoutMs: number): Promise<void> {
  const { type, key, value = '' } = call
  switch (type) {
    case 'put':
      call.revision = (await store.put(key, value, { timeoutMs })).revision
      call.changed = true
      return
    case 'delete': {
      const { revision, deleted } = await store.delete(key, { timeoutMs })
      call.revision = revision
      call.changed = deleted > 0
      return
    }
    case 'read': {
      const { items, revision } = await store.range(key, { timeoutMs })
      call.revision = revision
      call.value = items[0]?.text()
      return
    }
    case 'swap': {
      const found = await store.get(key, { timeoutMs })
      const swap = {
        compare: [compare(key).modRevision('=', found?.modRevision ?? 0)],
        success: [put(key, value)],
        failure: [get(key)],
      }
      const { revision, succeeded } = await store.txn(swap, { timeoutMs })
      call.revision = revision
      call.changed = succeeded
      return
    }
  }
}
