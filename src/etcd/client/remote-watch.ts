/** A watch over etcd's API, as users iterate it: events one by one, or those of a revision together with notices of progress. */
import type { Cancel } from '../../base/clock.js'
import { isStoreError } from '../../base/errors.js'
import type { KeyRange } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import type { Watch, WatchBatch, WatchEvent, WatchOptions } from '../../api/watch.js'
import { checkWatchOptions } from '../../api/watch-options.js'
import { eventBytes, eventParts } from '../../api/watch-parts.js'
import type { Remote } from './remote.js'
import { checkRevision } from './requests.js'
import { FROM_NOW, WatchSource, type WatchedEvents } from './watch-source.js'

/** Of the time between two notices, by which each comes later by chance. */
const JITTER = 0.1

export class RemoteWatch implements Watch {
  readonly #remote: Remote
  readonly #source: WatchSource
  readonly #options: WatchOptions
  readonly #opened: Promise<void>
  readonly #stopListening: Cancel
  readonly #progressEveryMs: number | undefined
  #cancelNotice: Cancel | undefined
  /** What was taken from the source and not yet by the consumer. */
  #batches: WatchBatch[] = []
  #events: WatchEvent[] = []
  #mode: 'events' | 'batches' | undefined
  #requested = false
  /** Up to where all was handed out, but for what waits. */
  #revision: Revision
  #closed = false
  /** What it ended with. */
  #failure: Error | undefined
  /** Ends when the call of `next` before has: they are answered in their order. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(remote: Remote, range: KeyRange, options: WatchOptions) {
    const progressEveryMs = checkWatchOptions(options)
    const { startRevision = 0, previous = false, filter } = options
    checkRevision(startRevision)
    // What happens after the call begins, at the latest, behind what this client has heard of: so nothing is left out.
    // Where it has heard of nothing, the server says where it begins.
    const now = remote.known.hasRevision ? remote.known.revision + 1 : FROM_NOW
    const from = startRevision === 0 ? now : startRevision
    this.#remote = remote
    this.#options = options
    this.#progressEveryMs = progressEveryMs
    this.#revision = Math.max(0, from - 1)
    const [noPut, noDelete] = [filter?.puts === false, filter?.deletes === false]
    this.#source = new WatchSource(remote, { range, from, isFromNow: startRevision === 0, previous, noPut, noDelete })
    this.#stopListening = remote.closing.onEnd(options.signal, () => {
      this.#end()
    })
    this.#opened = this.#closed ? Promise.resolve() : this.#source.opened()
    // Whoever iterates is told too.
    this.#opened.catch((error: unknown) => {
      if (!this.#closed) this.#fail(error)
    })
    this.#noticeLater()
  }

  get revision(): Revision {
    const next = this.#events[0]?.revision ?? firstRevisionOf(this.#batches[0])
    return next === undefined ? Math.max(this.#revision, this.#source.begin - 1) : next - 1
  }

  async opened(): Promise<void> {
    try {
      await this.#opened
    } catch (error) {
      if (!this.#closed || this.#failure !== undefined) throw error
    }
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent, undefined> {
    this.#consume('events')
    return this.#iterator(() => this.#nextEvent())
  }

  batches(): AsyncIterable<WatchBatch> {
    this.#consume('batches')
    return { [Symbol.asyncIterator]: () => this.#iterator(() => this.#nextBatch()) }
  }

  requestProgress(): void {
    if (this.#closed) return
    this.#requested = true
    this.#source.requestProgress()
  }

  close(): Promise<void> {
    this.#end()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #end(): void {
    if (this.#closed) return
    this.#revision = this.revision
    this.#closed = true
    this.#events = []
    this.#batches = []
    this.#cancelNotice?.()
    // Not there yet where it ends while it is made.
    ;(this.#stopListening as Cancel | undefined)?.()
    this.#source.close()
  }

  #fail(error: unknown): void {
    this.#failure = error as Error
    this.#end()
  }

  #consume(mode: 'events' | 'batches'): void {
    this.#mode ??= mode
    if (this.#mode === mode) return
    throw new TypeError(`this watch is consumed by its ${this.#mode} already; open another one for its ${mode}`)
  }

  #iterator<T extends object>(take: () => Promise<T | undefined>): AsyncIterator<T, undefined> {
    return {
      next: async () => {
        const taken = this.#last.then(take)
        this.#last = taken.catch(() => undefined)
        const value = await taken
        return value === undefined ? { done: true, value: undefined } : { done: false, value }
      },
      return: async () => {
        await this.close()
        return { done: true, value: undefined }
      },
    }
  }

  async #nextEvent(): Promise<WatchEvent | undefined> {
    while (this.#events.length === 0) {
      const batch = await this.#nextBatch()
      if (batch === undefined) return undefined
      if (batch.type === 'events') this.#events = [...batch.events]
    }
    return this.#events.shift()
  }

  async #nextBatch(): Promise<WatchBatch | undefined> {
    if (this.#batches.length === 0) await this.#fetch()
    this.#noticeLater()
    return this.#batches.shift()
  }

  /** Leaves nothing behind where the watch has ended. Rejects, each time, where it failed. */
  async #fetch(): Promise<void> {
    const item = await this.#taken()
    if (this.#failure !== undefined) throw this.#failure
    if (item === undefined || this.#closed) return
    this.#revision = Math.max(this.#revision, item.revision)
    if (item.type === 'progress') {
      this.#batches.push({ type: 'progress', revision: item.revision, requested: this.#requested })
      this.#requested = false
      return
    }
    const { currentRevision } = item
    const fromHistory = isFromHistory(item)
    const events = this.#merged(item)
    const bytesMax = this.#mode === 'batches' ? this.#options.fragmentBytesMax : undefined
    const parts = bytesMax === undefined ? [events] : eventParts(events, bytesMax)
    this.#batches = parts.map((part, at) => {
      const { revision } = part.at(-1) as WatchEvent
      return { type: 'events', revision, events: part, fragment: at < parts.length - 1, currentRevision, fromHistory }
    })
  }

  async #taken(): Promise<Awaited<ReturnType<WatchSource['next']>>> {
    if (this.#closed) return undefined
    const { turns } = this.#options
    const take = (): ReturnType<WatchSource['next']> => this.#source.next()
    try {
      return await (turns === undefined ? take() : turns.run('take', take))
    } catch (error) {
      // Closed by its user, it has ended; closed with the client, that is told.
      if (!this.#closed || isStoreError(error, 'CLOSED')) this.#fail(error)
      return undefined
    }
  }

  /** Its events, and those of what waits behind it, as far as they are to come as one. */
  #merged(first: WatchedEvents): readonly WatchEvent[] {
    const { mergeBytesMax } = this.#options
    if (mergeBytesMax === undefined || this.#mode !== 'batches' || !isFromHistory(first)) return first.events
    const events = [...first.events]
    let bytes = sum(first.events)
    for (;;) {
      const next = this.#source.waiting
      if (next?.type !== 'events' || !isFromHistory(next)) return events
      bytes += sum(next.events)
      if (bytes > mergeBytesMax) return events
      this.#source.take()
      this.#revision = Math.max(this.#revision, next.revision)
      events.push(...next.events)
    }
  }

  /** Nothing was delivered for so long: then it is told how far the watch has come. */
  #noticeLater(): void {
    const everyMs = this.#progressEveryMs
    if (everyMs === undefined || this.#closed) return
    const { timers, random } = this.#remote.environment
    this.#cancelNotice?.()
    const laterMs = everyMs * JITTER * (random.uint32() / 0x1_0000_0000)
    this.#cancelNotice = timers.after(everyMs + laterMs, () => {
      this.#source.requestProgress()
    })
  }
}

/** It was behind what its member had, when this was read. */
function isFromHistory({ revision, currentRevision }: WatchedEvents): boolean {
  return revision < currentRevision
}

function sum(events: readonly WatchEvent[]): number {
  return events.reduce((bytes, event) => bytes + eventBytes(event), 0)
}

function firstRevisionOf(batch: WatchBatch | undefined): Revision | undefined {
  return batch?.type === 'events' ? batch.events[0]?.revision : batch?.revision
}
