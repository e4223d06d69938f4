/**
 * One stream of watches: takes the client's requests one after the other, follows each watch that is open, and hands out what
 * they have to tell in the order in which they had it.
 *
 * Always: a watch tells nothing before its creation was told, and nothing after its end. A request is looked at once the
 * answer to the one before was taken, so that a client that only asks has nothing pile up here.
 * Always: the watches end with the stream, whatever state it is in.
 */
import { assertNever } from '../../../base/assert.js'
import { isStoreError, StoreError } from '../../../base/errors.js'
import { LIMITS } from '../../../base/limits.js'
import type { WatchBatch } from '../../../api/watch.js'
import type { WatchCreateRequest, WatchRequest, WatchResponse } from '../../generated/rpc.js'
import type { Face } from '../face.js'
import type { Call } from '../service.js'
import { Outbox } from './outbox.js'
import { StreamProgress } from './watch-progress.js'
import { cancelReasonOf, faultOf, watchedBy, watchOptionsOf, type OpenWatch } from './watch-request.js'
import {
  canceledResponse,
  compactedResponse,
  createdResponse,
  eventsResponse,
  NO_WATCH,
  progressResponse,
  rejectedResponse,
} from './watch-response.js'
import { OneWatchTurns, StreamTurns } from './watch-turns.js'

/** As this stream has it in hand. */
interface Followed extends OpenWatch {
  readonly turns: OneWatchTurns
}

export class WatchStream {
  readonly #face: Face
  readonly #call: Call
  readonly #outbox = new Outbox<WatchResponse>()
  readonly #watches = new Map<bigint, Followed>()
  readonly #turns = new StreamTurns()
  readonly #progress: StreamProgress
  #nextId = 0n

  constructor(face: Face, call: Call) {
    this.#face = face
    this.#call = call
    this.#progress = new StreamProgress({
      watches: this.#watches,
      revision: () => face.store.position().revision,
      tell: (revision) => this.#outbox.send(progressResponse(face.header(revision), NO_WATCH)),
    })
  }

  async *run(requests: AsyncIterable<WatchRequest>): AsyncGenerator<WatchResponse, void, undefined> {
    const { signal } = this.#call
    const end = (): void => this.#outbox.end()
    if (signal.aborted) return
    signal.addEventListener('abort', end, { once: true })
    // A client that has no more to ask still wants to be told.
    this.#serve(requests).catch((error: unknown) => this.#outbox.fail(error))
    try {
      yield* this.#outbox
    } finally {
      signal.removeEventListener('abort', end)
      end()
      for (const followed of this.#watches.values()) this.#leave(followed)
    }
  }

  async #serve(requests: AsyncIterable<WatchRequest>): Promise<void> {
    for await (const { request_union: request } of requests) {
      if (this.#outbox.ended) return
      switch (request?.$case) {
        case 'create_request':
          await this.#create(request.value)
          break
        case 'cancel_request':
          await this.#cancel(request.value.watch_id)
          break
        case 'progress_request':
          this.#progress.request()
          break
        case undefined:
          // What a newer client asks for, or nothing: etcd passes over it.
          break
        default:
          assertNever(request, 'request')
      }
    }
  }

  async #create(request: WatchCreateRequest): Promise<void> {
    const header = this.#face.header()
    const fault = faultOf(request, request.watch_id !== 0n && this.#watches.has(request.watch_id))
    if (fault !== undefined) return this.#outbox.send(rejectedResponse(header, fault))
    let followed: Followed
    try {
      followed = this.#open(request)
    } catch (error) {
      return this.#reject(error)
    }
    try {
      await followed.watch.opened()
    } catch (error) {
      this.#leave(followed)
      return this.#reject(error)
    }
    if (!this.#isOpen(followed)) return
    this.#progress.joined(followed)
    await this.#outbox.send(createdResponse(header, followed.id))
    if (this.#isOpen(followed)) void this.#follow(followed)
  }

  #reject(error: unknown): Promise<void> {
    const reason = cancelReasonOf(error)
    if (reason === undefined) throw error
    return this.#outbox.send(rejectedResponse(this.#face.header(), reason))
  }

  /** It is known from here on, so that it ends with the stream also while it is not decided whether it may be had. */
  #open(request: WatchCreateRequest): Followed {
    if (this.#watches.size >= LIMITS.etcdStreamWatchesMax) {
      throw new StoreError(
        'TOO_MANY_REQUESTS',
        `${this.#watches.size} watches are open on this stream, which is the limit; open another stream.`,
      )
    }
    const turns = new OneWatchTurns(this.#turns)
    const { watchProgressNotifyIntervalMs, requestBytesMax } = this.#face.settings
    const options = watchOptionsOf(request, turns, {
      progressMs: watchProgressNotifyIntervalMs,
      fragmentBytesMax: requestBytesMax,
      mergeBytesMax: LIMITS.etcdWatchMergeBytes,
    })
    const watch = this.#call.store.watch(watchedBy(request), options)
    const id = request.watch_id === 0n ? this.#freeId() : request.watch_id
    const followed = { id, watch, turns, startRevision: options.startRevision ?? 0 }
    this.#watches.set(id, followed)
    return followed
  }

  #freeId(): bigint {
    while (this.#watches.has(this.#nextId)) this.#nextId++
    return this.#nextId++
  }

  async #cancel(id: bigint): Promise<void> {
    const followed = this.#watches.get(id)
    if (followed === undefined) return
    this.#leave(followed)
    await this.#outbox.send(canceledResponse(this.#face.header(), id))
  }

  /** Never rejects. */
  async #follow(followed: Followed): Promise<void> {
    try {
      for await (const batch of followed.watch.batches()) {
        if (!this.#isOpen(followed)) break
        await this.#tell(followed, batch)
        // Its parts are in hand together.
        if (batch.type === 'progress' || !batch.fragment) followed.turns.done()
        if (!this.#isOpen(followed)) break
      }
    } catch (error) {
      if (this.#isOpen(followed)) this.#failed(followed, error)
    } finally {
      followed.turns.done()
    }
  }

  #tell(followed: Followed, batch: WatchBatch): Promise<void> | undefined {
    const { id } = followed
    if (batch.type === 'events') {
      const revision = batch.fromHistory ? batch.currentRevision : batch.revision
      return this.#outbox.send(eventsResponse(this.#face.header(revision), id, batch))
    }
    if (!batch.requested) return this.#outbox.send(progressResponse(this.#face.header(batch.revision), id))
    this.#progress.told(followed, batch.revision)
    return undefined
  }

  #failed(followed: Followed, error: unknown): void {
    const { id } = followed
    this.#leave(followed)
    if (isStoreError(error, 'COMPACTED')) {
      void this.#outbox.send(compactedResponse(this.#face.header(0), id, error.compactRevision ?? 0))
      return
    }
    const reason = cancelReasonOf(error)
    if (reason === undefined) this.#outbox.fail(error)
    else void this.#outbox.send(canceledResponse(this.#face.header(), id, reason))
  }

  #isOpen(followed: Followed): boolean {
    return !this.#outbox.ended && this.#watches.get(followed.id) === followed
  }

  #leave(followed: Followed): void {
    this.#watches.delete(followed.id)
    followed.turns.done()
    void followed.watch.close()
    this.#progress.left(followed)
  }
}
