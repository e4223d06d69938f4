/**
 * One watch: the events of a key or range from some revision on, each exactly once and in order, at its consumer's pace.
 *
 *     live       follows: what is published is queued here
 *     lagging    does not: history has what it needs, from `nextRevision` on
 *
 *     open from the past ──> lagging ──supplied up to now──> live ──queue full──> lagging ──> ...
 *     open from now on or later ──────────────────────────────^
 *
 * Always: of what it watches, all of `revision < nextRevision` (and not older than where it started) is queued or taken,
 * and nothing from `nextRevision` on. Every step goes forward from there, so that nothing comes twice, nothing is missed,
 * and a queue that is full costs nobody but this watch: whatever comes then stays in history.
 * Always: the events of one revision are in one batch.
 */
import { assert } from '../base/assert.js'
import type { Buggify } from '../base/buggify.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Revision } from '../mvcc/types.js'
import { SharedBatch, type Buffers, type WatchBatch } from './buffers.js'
import { admits, type Filter } from './filter.js'

/** What a watcher needs of its hub. */
export interface WatcherHost {
  /** The last revision published. */
  readonly publishedRevision: Revision
  /** The watcher caught up and follows from now on. */
  follow(watcher: Watcher): void
  /** The watcher's queue is full: it follows no more. */
  fallBehind(watcher: Watcher): void
  /** It was closed, or failed: once for each watcher. */
  leave(watcher: Watcher): void
  /** What all watches hold. */
  readonly buffers: Buffers
  readonly buggify: Buggify
}

export interface WatcherRevisions {
  /** The first to deliver. */
  readonly startRevision: Revision
  /** The store's, when it was opened. */
  readonly openedRevision: Revision
  /** What the consumer asked to start from; 0: from the next one on. */
  readonly askedRevision: Revision
}

export type WatcherState = 'live' | 'lagging' | 'failed' | 'closed'

export class Watcher {
  readonly filter: Filter
  /** Called when there is something new for the consumer: a batch, or a failure. Must not throw. */
  onWake: (() => void) | undefined
  /** The consumer waits: the next batch goes straight to it, and is no burden to anybody. */
  awaited = false
  readonly #host: WatcherHost
  #state: WatcherState
  /** The first revision that was not delivered. While live: the first that it wants, behind which the published ones stand. */
  #nextRevision: Revision
  /** What the store had when the watch was opened: history up to here is needed even if it was published before. */
  readonly #openedRevision: Revision
  readonly #askedRevision: Revision
  #queue: SharedBatch[] = []
  #taken = 0
  #queuedEvents = 0
  #queuedBytes = 0
  #failure: StoreError | undefined

  /** Made by the hub. `state` is live where `startRevision` lies in the future. */
  constructor(host: WatcherHost, filter: Filter, { startRevision, openedRevision, askedRevision }: WatcherRevisions) {
    this.#host = host
    this.#askedRevision = askedRevision
    this.filter = filter
    this.#nextRevision = startRevision
    this.#openedRevision = openedRevision
    this.#state = startRevision > openedRevision ? 'live' : 'lagging'
  }

  get state(): WatcherState {
    return this.#state
  }

  /** Why the watch ended by itself: `COMPACTED`, with `compactRevision`. What is still queued can be taken. */
  get failure(): StoreError | undefined {
    return this.#failure
  }

  /** The next batch, taken off the queue. */
  take(): SharedBatch | undefined {
    const batch = this.#queue[this.#taken]
    if (batch === undefined) return undefined
    this.#taken++
    this.#queuedEvents -= batch.events.length
    this.#queuedBytes -= batch.bytes
    this.#host.buffers.release(batch)
    if (this.#taken === this.#queue.length) {
      this.#queue = []
      this.#taken = 0
    } else if (this.#taken >= COMPACT_QUEUE_AT) {
      this.#queue = this.#queue.slice(this.#taken)
      this.#taken = 0
    }
    return batch
  }

  /** The same, but only where it is from history and has no more bytes than this. */
  takeFromHistory(bytesMax: number): SharedBatch | undefined {
    const batch = this.#queue[this.#taken]
    return batch?.fromHistory === true && batch.bytes <= bytesMax ? this.take() : undefined
  }

  /** There is something to take. */
  get hasQueued(): boolean {
    return !this.#empty
  }

  /** Where to read history from; undefined while there is something to take, or nothing was missed. */
  get needsHistoryFrom(): Revision | undefined {
    return this.#state === 'lagging' && this.#empty ? this.#nextRevision : undefined
  }

  /**
   * Everything up to here was taken: a watch opened from the next revision on goes on where this one is. For a watch
   * that waits for a revision in the future this is the one before that, which may not have happened yet.
   */
  get progressRevision(): Revision {
    const next = this.#queue[this.#taken]
    if (next !== undefined) return next.revision - 1
    return this.#nextMissing - 1
  }

  /**
   * Everything up to here was taken, and the store has come so far: what a notice of progress may say now. Undefined while
   * anything is still to be delivered, and before a revision in the future that was asked for is reached (etcd #15220, #20221).
   */
  get settledRevision(): Revision | undefined {
    if (this.#state !== 'live' || !this.#empty) return undefined
    const revision = Math.max(this.#host.publishedRevision, this.#openedRevision)
    return revision < this.#askedRevision ? undefined : revision
  }

  /**
   * Takes what was read from history: all events from `needsHistoryFrom` through `throughRevision`, by revision and in
   * order, matching or not. What does not fit into the queue is left for the next time.
   *
   * `throughRevision` must have been settled before the read: what was published during it is read again.
   */
  supply(batches: readonly WatchBatch[], throughRevision: Revision): void {
    if (this.#state !== 'lagging') return
    for (const { revision, events } of batches) {
      if (revision < this.#nextRevision) continue
      assert(revision <= throughRevision, () => `revision ${revision} was supplied behind ${throughRevision}`)
      const wanted = events.filter((event) => admits(this.filter, event))
      if (wanted.length === 0) continue
      const batch = new SharedBatch(revision, wanted, true)
      // The consumer asked, so the first is taken at once, however large it is.
      if (!this.#empty && !this.#fits(batch)) {
        this.#nextRevision = revision
        this.wake()
        return
      }
      this.#push(batch)
    }
    this.#nextRevision = Math.max(this.#nextRevision, throughRevision + 1)
    if (throughRevision >= Math.max(this.#host.publishedRevision, this.#openedRevision)) {
      this.#state = 'live'
      this.#host.follow(this)
    }
    this.wake()
  }

  close(): void {
    if (this.#state === 'closed') return
    const counted = this.#state !== 'failed'
    this.#state = 'closed'
    this.#drop()
    if (counted) this.#host.leave(this)
  }

  /** By the hub: a batch of its group is published. Whether the consumer is to be woken, once all watches have it. */
  offer(batch: SharedBatch): boolean {
    assert(this.#state === 'live', () => `a watch that is ${this.#state} is offered revision ${batch.revision}`)
    // Older: it was supplied from history before it was published, or lies before where the watch starts.
    if (batch.revision < this.#nextRevision) return false
    const wasEmpty = this.#empty
    if (this.#fits(batch)) {
      this.#push(batch)
      this.#nextRevision = batch.revision + 1
      return wasEmpty
    }
    this.#nextRevision = batch.revision
    this.#state = 'lagging'
    this.#host.fallBehind(this)
    return false
  }

  /** By the hub: the store jumped ahead without publishing what lies between. */
  skipped(): void {
    if (this.#state !== 'live') return
    this.#nextRevision = this.#nextMissing
    this.#state = 'lagging'
    this.#host.fallBehind(this)
    this.wake()
  }

  /** By the hub: history before `compactRevision` is gone. A watch that needs it has failed. */
  compacted(compactRevision: Revision): void {
    if (this.#state !== 'lagging' || this.#nextRevision >= compactRevision) return
    this.#state = 'failed'
    this.#failure = new StoreError(
      'COMPACTED',
      `The watch needs events from revision ${this.#nextRevision} on, but the oldest available is ${compactRevision}.`,
      { compactRevision },
    )
    this.#host.leave(this)
    this.wake()
  }

  /** By the hub, and itself: there is something new to see. */
  wake(): void {
    this.onWake?.()
  }

  get #empty(): boolean {
    return this.#taken === this.#queue.length
  }

  /** A live watch is told only of revisions that concern it, so it has seen all that were published. */
  get #nextMissing(): Revision {
    return this.#state === 'live' ? Math.max(this.#nextRevision, this.#host.publishedRevision + 1) : this.#nextRevision
  }

  /** An empty queue takes a batch of any size: it must be delivered whole. */
  #fits(batch: SharedBatch): boolean {
    if (this.#empty && this.awaited) return true
    if (this.#host.buffers.full) return false
    if (this.#empty) return true
    if (this.#host.buggify('watch-queue-full')) return false
    return (
      this.#queuedEvents + batch.events.length <= LIMITS.watchBufferEventsMax &&
      this.#queuedBytes + batch.bytes <= LIMITS.watchBufferBytesMax
    )
  }

  #push(batch: SharedBatch): void {
    this.#host.buffers.hold(batch)
    this.#queue.push(batch)
    this.#queuedEvents += batch.events.length
    this.#queuedBytes += batch.bytes
  }

  #drop(): void {
    for (let at = this.#taken; at < this.#queue.length; at++) this.#host.buffers.release(this.#queue[at] as SharedBatch)
    this.#queue = []
    this.#taken = 0
    this.#queuedEvents = 0
    this.#queuedBytes = 0
  }
}

/** Taken batches are cut off the queue in pieces of this many. */
const COMPACT_QUEUE_AT = 256
