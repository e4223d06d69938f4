/** A watch as users iterate it: events one by one, or those of a revision together with notices of progress. */
import type { Cancel } from '../base/clock.js'
import type { Closing } from '../api/closing.js'
import type { KeyRange } from '../api/key-value.js'
import type { Watch, WatchBatch, WatchEvent, WatchOptions } from '../api/watch.js'
import { eventParts } from '../api/watch-parts.js'
import { checkWatchOptions } from '../api/watch-options.js'
import type { Member } from '../member/member.js'
import type { WatchStream } from '../member/watches.js'
import type { SharedBatch } from '../watch/buffers.js'
import type { Revision } from '../mvcc/types.js'
import { watchEventOf } from './results.js'
import type { WatchPermission } from './watch-permission.js'

export class EmbeddedWatch implements Watch {
  readonly #stream: WatchStream
  readonly #options: WatchOptions
  /** What was taken from the stream and not yet by the consumer: batches, and events of the one before. */
  #batches: WatchBatch[] = []
  #events: WatchEvent[] = []
  /** How it is consumed; undefined while it is not. */
  #mode: 'events' | 'batches' | undefined
  /** The revision whose events are being made ready for the consumer. */
  #preparing: Revision | undefined
  /** Undefined: of the member's own handle. */
  readonly #permission: WatchPermission | undefined
  /** What it was refused with, until somebody was told. */
  #refusal: Error | undefined
  /** The same, kept for {@link opened}. */
  #refused: Error | undefined
  readonly #stopListening: Cancel
  /** Where it stood when it was closed. */
  #endRevision: Revision | undefined
  /** Ends when the call of `next` before has: they are answered in their order, also when nobody waits in between. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    member: Member,
    closing: Closing,
    range: KeyRange,
    options: WatchOptions,
    permission: WatchPermission | undefined,
  ) {
    this.#options = options
    this.#permission = permission
    const progressEveryMs = checkWatchOptions(options)
    this.#stream = member.watch({
      ...range,
      startRevision: options.startRevision ?? 0,
      noPut: options.filter?.puts === false,
      noDelete: options.filter?.deletes === false,
      progressEveryMs,
      turns: options.turns,
    })
    this.#stopListening = closing.onEnd(options.signal, () => {
      this.#end()
    })
    // One that is refused keeps nothing, also where nobody ever asks for an event.
    permission?.opened.catch((error: Error) => {
      if (this.#endRevision !== undefined) return
      this.#refused = this.#refusal = error
      void this.close()
    })
  }

  get revision(): Revision {
    return this.#endRevision ?? this.#takenRevision ?? this.#stream.revision
  }

  get #takenRevision(): Revision | undefined {
    const next = this.#events[0]?.revision ?? firstRevisionOf(this.#batches[0]) ?? this.#preparing
    return next === undefined ? undefined : next - 1
  }

  async opened(): Promise<void> {
    await this.#permission?.opened.catch(() => undefined)
    if (this.#refused !== undefined) throw this.#refused
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
    this.#stream.requestProgress()
  }

  close(): Promise<void> {
    this.#stopListening()
    this.#end()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #end(): void {
    this.#endRevision ??= this.revision
    this.#events = []
    this.#batches = []
    this.#stream.close()
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
    this.#check()
    return this.#events.shift()
  }

  async #nextBatch(): Promise<WatchBatch | undefined> {
    if (this.#permission !== undefined) await this.#allowed(this.#permission)
    if (this.#batches.length === 0) {
      const item = await this.#stream.next()
      if (item === undefined) return undefined
      if (item.type === 'progress') {
        this.#check()
        return item
      }
      const { batch, currentRevision } = item
      const { fromHistory } = batch
      this.#preparing = batch.revision
      const events: WatchEvent[] = []
      for (const { events: taken } of this.#merged(batch)) {
        for (const event of taken) {
          const previous = this.#options.previous === true ? await this.#stream.previous(event) : undefined
          events.push(watchEventOf(event, previous))
        }
      }
      if (this.#endRevision !== undefined) return undefined
      const bytesMax = this.#mode === 'batches' ? this.#options.fragmentBytesMax : undefined
      const fragments = bytesMax === undefined ? [events] : eventParts(events, bytesMax)
      this.#batches = fragments.map((part, at) => {
        const { revision } = part.at(-1) as WatchEvent
        const fragment = at < fragments.length - 1
        return { type: 'events', revision, events: part, fragment, currentRevision, fromHistory }
      })
      this.#preparing = undefined
    }
    // What was allowed may be so no more: then nothing else is handed out.
    this.#check()
    return this.#batches.shift()
  }

  /** It, and what waits behind it, as far as they are to come as one. */
  #merged(first: SharedBatch): readonly SharedBatch[] {
    const merged = [first]
    const { mergeBytesMax } = this.#options
    if (mergeBytesMax === undefined || this.#mode !== 'batches' || !first.fromHistory) return merged
    let bytes = first.bytes
    for (;;) {
      const batch = this.#stream.takeFromHistory(mergeBytesMax - bytes)
      if (batch === undefined) return merged
      merged.push(batch)
      bytes += batch.bytes
    }
  }

  /** Rejects, once, where the watch was refused. */
  async #allowed(permission: WatchPermission): Promise<void> {
    await permission.opened.catch(() => undefined)
    const refusal = this.#refusal
    if (refusal === undefined) return
    this.#refusal = undefined
    throw refusal
  }

  #check(): void {
    try {
      this.#permission?.check()
    } catch (error) {
      void this.close()
      throw error
    }
  }
}

function firstRevisionOf(batch: WatchBatch | undefined): Revision | undefined {
  return batch?.type === 'events' ? batch.events[0]?.revision : batch?.revision
}
