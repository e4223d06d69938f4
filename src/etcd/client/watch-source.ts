/**
 * Where a watch gets its changes from: a stream of one server, and when that breaks one of another, from where it was.
 *
 *     open ──► created ──► events, events ... ──► broken ──► open again, from the revision behind the last whole one
 *                └──► cancelled: compacted, or not allowed: over
 *
 * Always: a revision is handed out when all of it is there, so that the next stream begins behind it and nothing is seen twice.
 * Always: one stream for each watch, read no faster than it is consumed: a slow one waits by itself, in the window of its stream.
 */
import type { Cancel } from '../../base/clock.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import type { KeyRange } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import type { WatchEvent } from '../../api/watch.js'
import { FROM_KEY_ON } from '../../base/bytes.js'
import {
  WatchCreateRequest_FilterType,
  WatchService,
  type WatchCreateRequest,
  type WatchRequest,
  type WatchResponse,
} from '../generated/rpc.js'
import { numberOf } from '../wire/numbers.js'
import type { DuplexCall } from './duplex-call.js'
import { knownText } from './failure.js'
import type { Remote } from './remote.js'
import { bytesOf } from './requests.js'
import { watchEventOf } from './responses.js'

export interface WatchedEvents {
  readonly type: 'events'
  readonly revision: Revision
  /** All of this revision. */
  readonly events: readonly WatchEvent[]
  readonly currentRevision: Revision
}

export interface WatchedProgress {
  readonly type: 'progress'
  readonly revision: Revision
}

export interface WatchSourceOptions {
  readonly range: KeyRange
  /** The first revision to see, or {@link FROM_NOW}. */
  readonly from: Revision
  /** Its user asked for nothing of the past: where `from` was compacted away meanwhile, it begins behind that. */
  readonly isFromNow: boolean
  readonly previous: boolean
  readonly noPut: boolean
  readonly noDelete: boolean
}

type Stream = DuplexCall<WatchRequest, WatchResponse>

/** Begins where the server is when it takes the watch. */
export const FROM_NOW: Revision = 0
/** Of an answer to a question for progress; those to nobody in particular have it too. */
const NO_WATCH = -1n
/** Milliseconds before progress is asked for again: a server that cannot tell it yet says nothing. */
const ASK_AGAIN_MS = 200

export class WatchSource {
  readonly #remote: Remote
  readonly #options: WatchSourceOptions
  readonly #controller = new AbortController()
  #from: Revision
  /** The first revision that it shows, as far as that is known. */
  #begin: Revision
  /** Whether no stream has shown yet that it has what is wanted: nothing is lost then where it begins later. */
  #mayBeginLater: boolean
  #stream: Stream | undefined
  #opening: Promise<Stream> | undefined
  /** What has come and was not taken. */
  #items: (WatchedEvents | WatchedProgress)[] = []
  /** Of a revision that is not whole yet. */
  #part: { revision: Revision; events: WatchEvent[] } | undefined
  /** Somebody waits for how far it is, and for this revision at least. */
  #askedFrom: Revision | undefined
  #askAgain: Cancel | undefined
  /** Streams that broke since something came. */
  #broken = 0

  constructor(remote: Remote, options: WatchSourceOptions) {
    this.#remote = remote
    this.#options = options
    this.#from = options.from
    this.#begin = options.from
    this.#mayBeginLater = options.isFromNow
  }

  get begin(): Revision {
    return this.#begin
  }

  /** Resolves when a server has taken the watch. Rejects with why it may not be had. */
  async opened(): Promise<void> {
    await this.#current()
  }

  /** Undefined once it is closed. Rejects with `COMPACTED`, `PERMISSION_DENIED` and the like: then it is over. */
  async next(): Promise<WatchedEvents | WatchedProgress | undefined> {
    for (;;) {
      const item = this.#items.shift()
      if (item !== undefined) return item
      if (this.#controller.signal.aborted) return undefined
      const stream = await this.#current()
      let response: WatchResponse | undefined
      try {
        this.#ask()
        response = await stream.next()
      } catch (error) {
        if (this.#controller.signal.aborted) return undefined
        this.#checkPasses(error)
      }
      if (response === undefined) this.#broke()
      else this.#take(response)
    }
  }

  /** What comes next, where it is there already. */
  get waiting(): WatchedEvents | WatchedProgress | undefined {
    return this.#items[0]
  }

  /** Takes what {@link waiting} shows. */
  take(): void {
    this.#items.shift()
  }

  requestProgress(): void {
    this.#askedFrom = Math.max(this.#askedFrom ?? 0, this.#remote.known.revision)
    this.#ask()
  }

  close(): void {
    this.#controller.abort()
    this.#items = []
    this.#drop()
  }

  #current(): Promise<Stream> {
    if (this.#stream !== undefined) return Promise.resolve(this.#stream)
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #open(): Promise<Stream> {
    const { signal } = this.#controller
    const limits = { deadlineMs: Infinity, signal }
    const { calls } = this.#remote.client
    for (;;) {
      if (this.#broken > 0) await calls.rest(this.#broken - 1, limits)
      try {
        const stream = await calls.open(WatchService.watch, limits)
        stream.write({ request_union: { $case: 'create_request', value: this.#request() } })
        const response = await stream.next()
        if (response === undefined) throw new StoreError('UNREACHABLE', 'The stream of a watch ended at once.')
        if (response.canceled) {
          stream.cancel()
          if (this.#beginsLater(response)) continue
          throw this.#cancellation(response)
        }
        this.#remote.known.tell(response.header)
        if (this.#from === FROM_NOW) this.#beginAt(numberOf(response.header?.revision ?? 0n) + 1)
        this.#stream = stream
        return stream
      } catch (error) {
        this.#checkPasses(error)
        this.#broken += 1
      }
    }
  }

  #request(): WatchCreateRequest {
    const { range, previous, noPut, noDelete } = this.#options
    const { key, rangeEnd } = range
    // etcd refuses an interval without keys. Nothing happens in it, and how far the watch is can be asked all the same.
    const isEmpty = rangeEnd !== undefined && rangeEnd !== FROM_KEY_ON && rangeEnd <= key
    return {
      key: bytesOf(key),
      range_end: bytesOf(isEmpty ? undefined : rangeEnd),
      start_revision: BigInt(this.#from),
      progress_notify: false,
      filters: [
        ...(noPut || isEmpty ? [WatchCreateRequest_FilterType.NOPUT] : []),
        ...(noDelete || isEmpty ? [WatchCreateRequest_FilterType.NODELETE] : []),
      ],
      prev_kv: previous,
      watch_id: 0n,
      fragment: true,
    }
  }

  #take(response: WatchResponse): void {
    const { header, events, canceled, fragment, created, watch_id } = response
    this.#remote.known.tell(header)
    if (canceled) {
      this.#drop()
      this.#mayBeginLater = this.#beginsLater(response)
      if (!this.#mayBeginLater) this.#checkPasses(this.#cancellation(response))
      return
    }
    // Not for one that is ended as soon as it was taken: the next stream would be asked for at once, for ever.
    this.#broken = 0
    this.#mayBeginLater = false
    const currentRevision = numberOf(header?.revision ?? 0n)
    for (const each of events) {
      const event = watchEventOf(each)
      if (this.#part !== undefined && this.#part.revision !== event.revision) this.#finish(currentRevision)
      this.#part ??= { revision: event.revision, events: [] }
      this.#part.events.push(event)
    }
    if (!fragment) this.#finish(currentRevision)
    if (events.length === 0 && !created) this.#progressed(currentRevision, watch_id === NO_WATCH)
  }

  #beginAt(revision: Revision): void {
    this.#from = revision
    this.#begin = revision
  }

  /** Whether it was refused for a past that nobody asked for: then it is asked for behind what was compacted. */
  #beginsLater({ compact_revision }: WatchResponse): boolean {
    const compactRevision = numberOf(compact_revision)
    if (!this.#mayBeginLater || compactRevision < this.#from) return false
    this.#remote.known.tellCompacted(compactRevision)
    this.#beginAt(compactRevision + 1)
    return true
  }

  #finish(currentRevision: Revision): void {
    if (this.#part === undefined) return
    const { revision, events } = this.#part
    this.#part = undefined
    this.#from = Math.max(this.#from, revision + 1)
    this.#items.push({ type: 'events', revision, events, currentRevision })
  }

  #progressed(revision: Revision, isAnswer: boolean): void {
    if (this.#remote.known.ordersProgress) this.#from = Math.max(this.#from, revision + 1)
    if (!isAnswer || this.#askedFrom === undefined || revision < this.#askedFrom) return
    this.#askedFrom = undefined
    this.#askAgain?.()
    this.#items.push({ type: 'progress', revision })
  }

  #ask(): void {
    if (this.#askedFrom === undefined || this.#stream === undefined) return
    this.#stream.write({ request_union: { $case: 'progress_request', value: {} } })
    this.#askAgain?.()
    this.#askAgain = this.#remote.environment.timers.after(ASK_AGAIN_MS, () => {
      this.#ask()
    })
  }

  /** What it would have shown from then on is wanted: no stream may leave that out. */
  #broke(): void {
    this.#mayBeginLater = false
    this.#drop()
  }

  #drop(): void {
    this.#askAgain?.()
    this.#stream?.cancel()
    this.#stream = undefined
    this.#part = undefined
    this.#broken += 1
  }

  /** Throws `error` unless another stream may do. */
  #checkPasses(error: unknown): void {
    if (this.#controller.signal.aborted || !isStoreError(error) || error.code === 'CLOSED') throw error
    if (error.retryable || error.code === 'NOT_SUPPORTED') return
    const { login } = this.#remote.client.calls
    const { code } = error
    const isOfToken = code === 'AUTH_TOKEN_INVALID' || code === 'AUTH_REVISION_OLD' || code === 'USER_EMPTY'
    if (!isOfToken || !login.canRenew) throw error
    login.refused(login.known?.text)
  }

  #cancellation({ compact_revision, cancel_reason }: WatchResponse): StoreError {
    if (compact_revision > 0n) {
      const compactRevision = numberOf(compact_revision)
      this.#remote.known.tellCompacted(compactRevision)
      return new StoreError(
        'COMPACTED',
        `History before revision ${compactRevision} was compacted; the watch wants to go on at ${this.#from}.`,
        { compactRevision },
      )
    }
    if (cancel_reason === '') return new StoreError('UNREACHABLE', 'The server ended the watch.')
    const known = knownText(cancel_reason)
    return new StoreError(known?.code ?? 'SERVER_ERROR', cancel_reason)
  }
}
