/**
 * The watches of a programme at a real etcd: all on one stream, beside a watch of one key that is written each time the
 * programme waits for its watches.
 *
 * What a stream delivers for watches that are up to date comes in the order of revisions, so whatever was due before that
 * key's event has come when it comes. Of a watch that starts in the past nothing tells that it is up to date: what the
 * other store delivered is waited for, and before a compaction the time in which etcd is known to bring it up to date.
 */
import type { ClientDuplexStream } from '@grpc/grpc-js'
import type { EtcdClient, Message } from './etcd-client.js'
import { buffer, rangeFields, revisionOf } from './etcd-fields.js'
import type { SeenEvent, SeenKeyValue, SeenWatch } from './observation.js'
import { revisionAt, type Bearings, type WatchOperation } from './operation.js'

/** Written to say "up to here"; no programme uses it by name. */
export const FENCE_KEY = '\xfefence'

/** How long an event that the other store has delivered may take. */
const EVENT_MS_MAX = 3_000
/** etcd takes up what starts in the past each 100 ms. */
const CATCH_UP_MS = 300

/** In place of a watch's id. */
const OF_THE_STREAM = '-1'

interface Watch {
  id: string
  events: SeenEvent[]
  ended: SeenWatch['ended']
}

export class EtcdWatches {
  readonly #client: EtcdClient
  readonly #keyValueOf: (kv: Message) => SeenKeyValue
  readonly #watches = new Map<string, Watch>()
  /** Answers to what was asked, in its order. */
  readonly #created: ((response: Message) => void)[] = []
  readonly #waiting = new Set<() => void>()
  #stream: ClientDuplexStream<Message, Message> | undefined
  #fenceRevision = 0
  #noticed: number[] = []
  #catchingUpUntilMs = 0

  constructor(client: EtcdClient, keyValueOf: (kv: Message) => SeenKeyValue) {
    this.#client = client
    this.#keyValueOf = keyValueOf
  }

  /** Gives the revision at which it was made. */
  async create(operation: WatchOperation, at: Bearings): Promise<number> {
    if (this.#stream === undefined) {
      this.#stream = this.#open()
      await this.#ask({ key: buffer(FENCE_KEY) }, undefined)
    }
    const { watch: name, key, rangeEnd, prevKv, fragment, noPut, noDelete } = operation
    const startRevision = revisionAt(operation.startRevision, at)
    const watch: Watch = { id: '', events: [], ended: undefined }
    const request = {
      ...rangeFields(key, rangeEnd),
      startRevision,
      prevKv,
      fragment,
      filters: [...(noPut ? ['NOPUT'] : []), ...(noDelete ? ['NODELETE'] : [])],
    }
    this.#watches.set(name, watch)
    const response = await this.#ask(request, watch)
    if (startRevision !== 0 && startRevision <= at.revision) this.#catchingUpUntilMs = performance.now() + CATCH_UP_MS
    return revisionOf(response)
  }

  async cancel(name: string): Promise<void> {
    const watch = this.#watches.get(name)
    if (watch !== undefined && watch.ended === undefined) {
      this.#stream?.write({ cancelRequest: { watchId: watch.id } })
      await this.#until(() => watch.ended !== undefined)
    }
    this.#watches.delete(name)
  }

  async settle(awaited: readonly SeenWatch[], revision: number): Promise<readonly SeenWatch[]> {
    if (this.#stream === undefined) return []
    await this.#until(() => this.#fenceRevision >= revision)
    await this.#until(() =>
      awaited.every(({ watch: name, events, ended }) => {
        const watch = this.#watches.get(name)
        if (watch === undefined) return true
        return watch.events.length >= events.length && (ended === undefined || watch.ended !== undefined)
      }),
    )
    return [...this.#watches].map(([name, watch]) => {
      const events = watch.events
      watch.events = []
      return { watch: name, events, ended: watch.ended }
    })
  }

  async progress(): Promise<readonly number[]> {
    this.#noticed = []
    this.#stream?.write({ progressRequest: {} })
    await this.#until(() => this.#noticed.length > 0)
    return this.#noticed
  }

  /** Before a compaction: what starts in the past would be told that it is gone. */
  async caughtUp(): Promise<void> {
    const leftMs = this.#catchingUpUntilMs - performance.now()
    if (this.#watches.size > 0 && leftMs > 0) await new Promise((resolve) => setTimeout(resolve, leftMs))
  }

  close(): void {
    this.#watches.clear()
    this.#created.length = 0
    this.#stream?.cancel()
    this.#stream = undefined
    this.#catchingUpUntilMs = 0
  }

  #open(): ClientDuplexStream<Message, Message> {
    const stream = this.#client.stream('Watch', 'Watch')
    stream.on('data', (response: Message) => {
      if (stream !== this.#stream) return
      this.#take(response)
      for (const check of this.#waiting) check()
    })
    // Its end is ours; else what it owes is missed.
    stream.on('error', () => undefined)
    return stream
  }

  #ask(createRequest: Message, watch: Watch | undefined): Promise<Message> {
    const answered = new Promise<Message>((resolve, reject) => {
      const late = setTimeout(() => {
        reject(new Error('etcd did not answer the request for a watch'))
      }, EVENT_MS_MAX)
      this.#created.push((response) => {
        clearTimeout(late)
        // At once: events for it may come with the next response.
        if (watch !== undefined) {
          watch.id = String(response['watchId'])
          if (response['canceled'] === true) watch.ended = endOf(response)
        }
        resolve(response)
      })
    })
    this.#stream?.write({ createRequest })
    return answered
  }

  #take(response: Message): void {
    if (response['created'] === true) {
      this.#created.shift()?.(response)
      return
    }
    const events = (response['events'] as Message[]).map((event) => this.#eventOf(event))
    const id = String(response['watchId'])
    if (id === OF_THE_STREAM) this.#noticed.push(revisionOf(response))
    const watch = [...this.#watches.values()].find((each) => each.id === id && each.ended === undefined)
    if (watch === undefined) {
      const fence = events.findLast(({ kv }) => kv.key === FENCE_KEY)
      if (fence !== undefined) this.#fenceRevision = Math.max(this.#fenceRevision, fence.kv.modRevision)
      return
    }
    watch.events.push(...events)
    if (response['canceled'] === true) watch.ended = endOf(response)
  }

  #eventOf(event: Message): SeenEvent {
    const prevKv = event['prevKv'] as Message | null
    return {
      type: event['type'] as SeenEvent['type'],
      kv: this.#keyValueOf(event['kv'] as Message),
      prevKv: prevKv === null ? undefined : this.#keyValueOf(prevKv),
    }
  }

  /** Also when it does not come to hold: the comparison tells what is missing. */
  #until(holds: () => boolean): Promise<void> {
    if (holds()) return Promise.resolve()
    return new Promise((resolve) => {
      const check = (): void => {
        if (holds()) done()
      }
      const done = (): void => {
        clearTimeout(late)
        this.#waiting.delete(check)
        resolve()
      }
      const late = setTimeout(done, EVENT_MS_MAX)
      this.#waiting.add(check)
    })
  }
}

function endOf(response: Message): SeenWatch['ended'] {
  return { compactRevision: Number(response['compactRevision']), reason: response['cancelReason'] as string }
}
