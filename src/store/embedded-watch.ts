/** A watch as users iterate it: events one by one, revision by revision. */
import { keyText } from '../base/bytes.js'
import type { Cancel } from '../base/clock.js'
import { checkSignal } from '../api/check-call.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import type { KeyRange } from '../api/key-value.js'
import type { Watch, WatchEvent, WatchOptions } from '../api/store.js'
import type { AbortSignals } from '../member/abort-signals.js'
import type { Member } from '../member/member.js'
import type { WatchStream } from '../member/watches.js'
import type { Event, KeyValue as KeyValueRecord, Revision } from '../mvcc/types.js'
import { keyValueOf } from './results.js'
import type { WatchPermission } from './watch-permission.js'

const WATCH_FIELDS: Fields<WatchOptions> = { startRevision: true, previous: true, filter: true, signal: true }
const FILTER_FIELDS: Fields<NonNullable<WatchOptions['filter']>> = { puts: true, deletes: true }

/** What the watches of one handle share. */
export interface WatchPlace {
  readonly signals: AbortSignals
  /** Ends them all, like their own signal. */
  readonly closing: AbortSignal
}

export class EmbeddedWatch implements Watch {
  readonly #stream: WatchStream
  readonly #options: WatchOptions
  #pending: WatchEvent[] = []
  /** The revision whose events are being made ready for the consumer. */
  #preparing: Revision | undefined
  /** Undefined: of the member's own handle. */
  readonly #permission: WatchPermission | undefined
  /** What it was refused with, until somebody was told. */
  #refusal: Error | undefined
  #stopListening: readonly Cancel[] = []
  /** Where it stood when it was closed. */
  #endRevision: Revision | undefined
  /** Ends when the call of `next` before has: they are answered in their order, also when nobody waits in between. */
  #last: Promise<unknown> = Promise.resolve()

  constructor(
    member: Member,
    { signals, closing }: WatchPlace,
    range: KeyRange,
    options: WatchOptions,
    permission: WatchPermission | undefined,
  ) {
    this.#options = options
    this.#permission = permission
    checkFields(options, WATCH_FIELDS, 'watch()')
    checkFilter(options.filter)
    checkSignal(options.signal)
    this.#stream = member.watch({
      ...range,
      startRevision: options.startRevision ?? 0,
      noPut: options.filter?.puts === false,
      noDelete: options.filter?.deletes === false,
    })
    const ending = options.signal === undefined ? [closing] : [closing, options.signal]
    if (ending.some(({ aborted }) => aborted)) this.#onAbort()
    else this.#stopListening = ending.map((signal) => signals.onAbort(signal, this.#onAbort))
    // One that is refused keeps nothing, also where nobody ever asks for an event.
    permission?.opened.catch((error: Error) => {
      if (this.#endRevision !== undefined) return
      this.#refusal = error
      void this.close()
    })
  }

  get revision(): Revision {
    return this.#endRevision ?? this.#takenRevision ?? this.#stream.revision
  }

  /** What waits here was taken from the stream but not yet by the consumer. */
  get #takenRevision(): Revision | undefined {
    const next = this.#pending[0]?.revision ?? this.#preparing
    return next === undefined ? undefined : next - 1
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent, undefined> {
    return {
      next: async () => {
        const taken = this.#last.then(() => this.#next())
        this.#last = taken.catch(() => undefined)
        const event = await taken
        return event === undefined ? { done: true, value: undefined } : { done: false, value: event }
      },
      return: async () => {
        await this.close()
        return { done: true, value: undefined }
      },
    }
  }

  close(): Promise<void> {
    this.#endRevision ??= this.revision
    for (const stop of this.#stopListening) stop()
    this.#pending = []
    this.#stream.close()
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  readonly #onAbort = (): void => {
    void this.close()
  }

  async #next(): Promise<WatchEvent | undefined> {
    if (this.#permission !== undefined) await this.#allowed(this.#permission)
    while (this.#pending.length === 0) {
      const batch = await this.#stream.next()
      if (batch === undefined) return undefined
      this.#preparing = batch.revision
      const events: WatchEvent[] = []
      for (const event of batch.events) events.push(await this.#eventOf(event))
      if (this.#endRevision !== undefined) return undefined
      this.#pending = events
      this.#preparing = undefined
    }
    // What was allowed may be so no more: then nothing else is handed out.
    this.#check()
    return this.#pending.shift()
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

  async #eventOf(event: Event): Promise<WatchEvent> {
    let previous: KeyValueRecord | undefined
    if (this.#options.previous === true && event.previous !== undefined) {
      previous = await this.#stream.record(event.previous)
    }
    const { keyValue } = event
    return {
      type: event.type,
      keyValue: keyValueOf(keyValue),
      key: keyText(keyValue.key),
      revision: keyValue.modRevision,
      created: event.type === 'put' && keyValue.createRevision === keyValue.modRevision,
      previous: keyValueOf(previous),
    }
  }
}

/** Throws TypeError for what is no filter. `puts: true` may have been meant as "puts only", which is `deletes: false`. */
function checkFilter(filter: WatchOptions['filter']): void {
  checkFields(filter, FILTER_FIELDS, 'the filter of watch()')
  for (const field of ['puts', 'deletes'] as const) {
    const value: unknown = filter?.[field]
    if (value === undefined || value === false) continue
    const other = field === 'puts' ? 'deletes' : 'puts'
    throw new TypeError(
      `${field} in the filter of watch() must be false, which leaves them out; ` +
        `to see ${field} only, say { ${other}: false }`,
    )
  }
}
