/**
 * The guarantees of watches, on a real store: whatever the consumers do and however far they lag, each sees exactly the
 * history it asked for, every event once, in order, those of one revision together, or learns that it was compacted.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { decodeRecord, isRecordKey, recordKey } from '../../src/mvcc/record.js'
import { MvccStore } from '../../src/mvcc/store.js'
import type { Event, Operation } from '../../src/mvcc/types.js'
import { WatchHub } from '../../src/watch/hub.js'
import type { WatchBatch } from '../../src/watch/buffers.js'
import type { Watcher } from '../../src/watch/watcher.js'
import { deletion, key, put, rangeEnd } from '../mvcc/arbitraries.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { hasDuplicates, within } from '../mvcc/model.js'
import { always, put as putOf } from '../mvcc/requests.js'

type Step =
  | { readonly do: 'write'; readonly operation: Operation }
  /** Enough to fill a queue. */
  | { readonly do: 'burst'; readonly key: string }
  | {
      readonly do: 'open'
      readonly key: string
      readonly rangeEnd: string | undefined
      readonly start: number
      readonly noPut: boolean
      readonly noDelete: boolean
    }
  | { readonly do: 'take'; readonly watch: number; readonly batches: number }
  | { readonly do: 'read'; readonly watch: number; readonly revisions: number }
  | { readonly do: 'finish'; readonly watch: number }
  | { readonly do: 'compact'; readonly back: number }
  | { readonly do: 'close'; readonly watch: number }

const watch = fc.nat(7)
const free = fc.oneof(
  put.filter((request) => !request.ignoreValue && !request.ignoreLease).map((request) => ({ ...request, lease: 0n })),
  deletion,
)
const pair = fc.tuple(free, free).map((operations) => always(...operations))
const write: fc.Arbitrary<Operation> = fc.oneof(
  free,
  pair.filter((request) => !hasDuplicates(request)),
)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: write.map((operation) => ({ do: 'write' as const, operation })) },
  { weight: 2, arbitrary: key.map((drawn) => ({ do: 'burst' as const, key: drawn })) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('open' as const),
      key,
      rangeEnd,
      start: fc.integer({ min: -12, max: 5 }),
      noPut: fc.nat(4).map((drawn) => drawn === 0),
      noDelete: fc.nat(4).map((drawn) => drawn === 0),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('take' as const), watch, batches: fc.integer({ min: 1, max: 4 }) }),
  },
  {
    weight: 5,
    arbitrary: fc.record({ do: fc.constant('read' as const), watch, revisions: fc.integer({ min: 1, max: 9 }) }),
  },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('finish' as const), watch }) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 8 }).map((back) => ({ do: 'compact' as const, back })) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('close' as const), watch }) },
)

test('every watch sees exactly the filtered history, whatever its consumer does', () => {
  const met = { live: 0, lagged: 0, failed: 0 }
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80, size: 'max' }), (steps) => {
      const world = new World()
      for (const drawn of steps) world.step(drawn)
      world.finish(met)
    }),
    { numRuns: 60 },
  )
  // The property is worth something only if all of it happened.
  expect(Math.min(met.live, met.lagged, met.failed)).toBeGreaterThan(0)
})

interface Consumer {
  readonly watcher: Watcher
  readonly wants: (event: Event) => boolean
  readonly start: number
  readonly seen: WatchBatch[]
  /** History that was read and not yet supplied: the store may go on meanwhile. */
  read: { batches: WatchBatch[]; through: number } | undefined
  closed: boolean
  followed: boolean
  /** Its queue was full once. */
  lagged: boolean
}

class World {
  readonly #backend = new MemoryBackend()
  readonly #store = new MvccStore(this.#backend)
  readonly #hub = new WatchHub(0)
  readonly #history: WatchBatch[] = []
  readonly #consumers: Consumer[] = []

  step(drawn: Step): void {
    switch (drawn.do) {
      case 'write':
        this.#write(drawn.operation)
        return
      case 'burst':
        for (let count = 0; count < BURST; count++) this.#write(always(...MANY.map((at) => putOf(`${drawn.key}${at}`))))
        return
      case 'open':
        this.#open(drawn)
        return
      case 'take':
        this.#with(drawn.watch, (consumer) => {
          for (let count = 0; count < drawn.batches; count++) this.#take(consumer)
        })
        return
      case 'read':
        this.#with(drawn.watch, (consumer) => this.#read(consumer, drawn.revisions))
        return
      case 'finish':
        this.#with(drawn.watch, (consumer) => this.#supply(consumer))
        return
      case 'compact': {
        const revision = this.#store.revision - drawn.back
        if (revision <= this.#store.compactRevision) return
        this.#store.compact(revision)
        this.#store.sweep(Infinity)
        this.#hub.compacted(revision)
        return
      }
      case 'close':
        this.#with(drawn.watch, (consumer) => {
          consumer.watcher.close()
          consumer.closed = true
        })
    }
  }

  /** Lets every consumer take all there is, and looks at what each has seen. */
  finish(met: { live: number; lagged: number; failed: number }): void {
    for (const consumer of this.#consumers) {
      const { watcher, seen, wants, start } = consumer
      while (!consumer.closed) {
        if (this.#take(consumer)) continue
        if (watcher.needsHistoryFrom === undefined) break
        consumer.read = undefined
        this.#read(consumer, LIMITS.watchCatchUpRevisionsMax)
        this.#supply(consumer)
      }
      const expected = this.#history
        .filter(({ revision }) => revision >= start)
        .map(({ revision, events }) => ({ revision, events: events.filter(wants) }))
        .filter(({ events }) => events.length > 0)
      const ended = consumer.closed || watcher.failure !== undefined
      expect(simple(seen)).toEqual(simple(ended ? expected.slice(0, seen.length) : expected))
      if (watcher.failure) {
        met.failed++
        expect(watcher.failure.compactRevision).toBeLessThanOrEqual(this.#store.compactRevision)
      } else if (!consumer.closed) {
        met.live++
        expect(watcher.state).toBe('live')
        expect(watcher.progressRevision).toBe(Math.max(start - 1, this.#store.revision))
      }
      if (consumer.lagged) met.lagged++
    }
  }

  #write(operation: Operation): void {
    const { events } = this.#store.write(operation)
    if (events.length === 0) return
    this.#history.push({ revision: this.#store.revision, events })
    this.#hub.publish(this.#store.revision, events)
    for (const consumer of this.#consumers) {
      if (consumer.watcher.state === 'live') consumer.followed = true
      else if (consumer.followed && consumer.watcher.state === 'lagging') consumer.lagged = true
    }
  }

  #open(drawn: Extract<Step, { do: 'open' }>): void {
    if (this.#consumers.length === 8) return
    const { revision } = this.#store
    const startRevision = Math.max(0, revision + drawn.start)
    const watcher = this.#hub.open({ ...drawn, startRevision, currentRevision: revision })
    const wants = (event: Event) =>
      within(drawn, event.keyValue.key) && !(event.type === 'put' ? drawn.noPut : drawn.noDelete)
    const start = startRevision === 0 ? revision + 1 : startRevision
    this.#consumers.push({
      watcher,
      wants,
      start,
      seen: [],
      read: undefined,
      closed: false,
      followed: false,
      lagged: false,
    })
  }

  #take(consumer: Consumer): boolean {
    const before = consumer.watcher.progressRevision
    const settled = consumer.watcher.settledRevision
    const batch = consumer.watcher.take()
    // A notice of progress is never ahead of what is still to be delivered.
    if (settled !== undefined) expect([batch, before]).toEqual([undefined, settled])
    if (batch === undefined) return false
    expect(before).toBeLessThan(batch.revision)
    expect(consumer.watcher.progressRevision).toBeGreaterThanOrEqual(batch.revision)
    consumer.seen.push(batch)
    return true
  }

  /** As a member does: the records from a revision on, as they are now. */
  #read(consumer: Consumer, revisions: number): void {
    const from = consumer.watcher.needsHistoryFrom
    if (from === undefined || consumer.read !== undefined) return
    const through = Math.min(this.#store.revision, from + revisions - 1)
    const first = recordKey({ main: from, sub: 0 })
    const batches = new Map<number, Event[]>()
    for (const [stateKey, bytes] of this.#backend.sorted()) {
      if (!isRecordKey(stateKey) || stateKey < first) continue
      const record = decodeRecord(bytes)
      if (record.id.main > through) break
      const events = batches.get(record.id.main) ?? []
      events.push(this.#store.eventOf(record))
      batches.set(record.id.main, events)
    }
    consumer.read = { batches: [...batches].map(([revision, events]) => ({ revision, events })), through }
  }

  #supply(consumer: Consumer): void {
    const { read } = consumer
    if (read === undefined) return
    consumer.read = undefined
    consumer.watcher.supply(read.batches, read.through)
  }

  #with(place: number, action: (consumer: Consumer) => void): void {
    const consumer = this.#consumers[place]
    if (consumer && !consumer.closed) action(consumer)
  }
}

/** Transactions, and puts in each: together more than the queue of a watch holds. */
const MANY = Array.from({ length: LIMITS.transactionOperationsMax }, (_, at) => at)
const BURST = LIMITS.watchBufferEventsMax / MANY.length + 2

function simple(batches: readonly WatchBatch[]): string[] {
  return batches.map(
    ({ revision, events }) =>
      `${revision}: ${events.map(({ type, keyValue }) => `${type} ${keyValue.key}@${keyValue.modRevision}`).join(' ')}`,
  )
}
