/**
 * Runs watches: hands out what the hub queued, and fetches from history what a watch missed.
 *
 * Always: history is read only when the consumer asks for more and its queue is empty; so a slow consumer costs a queue
 * of bounded size and nothing else, and makes nobody late.
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import type { Timers } from '../base/clock.js'
import { prefixEnd } from '../base/bytes.js'
import { StoreError, type ErrorCode } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Random } from '../base/random.js'
import type { Machine } from '../machine/machine.js'
import type { Applied } from '../machine/outcome.js'
import { decodeRecord, recordKey, RECORD_PREFIX, type Record } from '../mvcc/record.js'
import type { Event, KeyValue, Revision, RevisionId } from '../mvcc/types.js'
import type { StateStore } from '../storage/state-store.js'
import type { SharedBatch, WatchBatch } from '../watch/buffers.js'
import { WatchHub, type WatchOptions } from '../watch/hub.js'
import type { Watcher } from '../watch/watcher.js'
import type { Observe } from './event.js'
import { Gate } from './gate.js'
import type { MemberSpans } from './member-spans.js'
import { Progress } from './progress.js'
import type { StateRepair } from './state-repair.js'
import type { Telemeter } from './telemeter.js'

export interface WatchStreamOptions extends Omit<WatchOptions, 'currentRevision'> {
  /** How often to tell how far the watch has come while nothing is delivered. Undefined: only when asked. */
  readonly progressEveryMs?: number | undefined
  /** Undefined: it waits for nobody. */
  readonly turns?: Turns | undefined
}

/** Bounds what the watches of one consumer take at the same time, and what they read. */
export interface Turns {
  run<T>(kind: 'take' | 'history', step: () => Promise<T | undefined>): Promise<T | undefined>
}

/** What a consumer is handed. */
export type WatchItem =
  /** All events of one revision, and what this member is at. */
  | { readonly type: 'events'; readonly batch: SharedBatch; readonly currentRevision: Revision }
  /** Everything up to `revision` was handed out before. */
  | { readonly type: 'progress'; readonly revision: Revision; readonly requested: boolean }

/** One watch of one consumer, who asks for one batch at a time. */
export interface WatchStream {
  /** Undefined when the watch was closed. Rejects with `COMPACTED`, `CLOSED`, `MEMBER_FAILED`. */
  next(): Promise<WatchItem | undefined>
  /** The batch behind what `next` gave, if it waits already, was read from history too, and has no more bytes than this. */
  takeFromHistory(bytesMax: number): SharedBatch | undefined
  /** Has `next` tell how far it has come, after all that it has to tell before. */
  requestProgress(): void
  /** The version that an event replaced; undefined when there was none, or history does not hold it any more. */
  previous(event: Event): Promise<KeyValue | undefined>
  /** Everything up to here was handed out. */
  readonly revision: Revision
  close(): void
}

export interface WatchesParts {
  readonly machine: Machine
  readonly storage: { readonly state: Pick<StateStore, 'getMany' | 'range'> }
  readonly timers: Timers
  readonly random: Random
  /** What is damaged or replaced while history is read. Default: nothing ever is. */
  readonly repair?: Pick<StateRepair, 'blocked' | 'generation' | 'mayReadAgain'> | undefined
  readonly observe?: Observe | undefined
  readonly telemeter?: Telemeter | undefined
  /** Default: nobody traces it. */
  readonly spans?: Pick<MemberSpans, 'watch'> | undefined
  readonly buggify?: Buggify | undefined
}

export class Watches {
  readonly #parts: WatchesParts
  readonly #machine: Machine
  readonly #hub: WatchHub
  readonly #streams = new Set<OpenWatch>()
  readonly #observe: Observe | undefined
  readonly #catchUps = new Gate(LIMITS.watchCatchUpsMax)
  #opened = 0

  constructor(parts: WatchesParts) {
    this.#parts = parts
    this.#observe = parts.observe
    this.#machine = parts.machine
    this.#hub = new WatchHub(parts.machine.compactRevision, parts.buggify)
  }

  open(options: WatchStreamOptions): WatchStream {
    const { revision: currentRevision } = this.#machine
    const watcher = this.#hub.open({ ...options, currentRevision })
    const watch = ++this.#opened
    const startRevision = options.startRevision ?? 0
    this.#observe?.({ type: 'watch-opened', watch, filter: watcher.filter, startRevision, currentRevision })
    const span = this.#parts.spans?.watch(watcher.filter, startRevision)
    const stream: OpenWatch = new OpenWatch(watcher, this.#parts, this.#catchUps, options, {
      delivered: (batch) => {
        span?.delivered(batch.events.length)
        this.#parts.telemeter?.tell?.({ type: 'events-delivered', events: batch.events.length })
        this.#observe?.({ type: 'watch-delivered', watch, batch })
      },
      progressed: (revision, requested) => this.#observe?.({ type: 'watch-progress', watch, revision, requested }),
      ended: (revision, failure) => {
        this.#streams.delete(stream)
        span?.ended(revision, failure)
        this.#observe?.({ type: 'watch-ended', watch, revision, failure })
      },
    })
    this.#streams.add(stream)
    return stream
  }

  /** Watches that are open. */
  get count(): number {
    return this.#streams.size
  }

  /** Of those, that are caught up from history. */
  get lagging(): number {
    return this.#hub.lagging
  }

  /** Bytes of events that wait in them. */
  get bufferedBytes(): number {
    return this.#hub.bufferedBytes
  }

  publish(applied: Applied): void {
    if (applied.events.length > 0) this.#hub.publish(applied.revision, applied.events)
    if (applied.outcome?.ok === true && applied.outcome.response.type === 'compact') {
      this.#hub.compacted(this.#machine.compactRevision)
    }
  }

  /** Another state is there, further on: what was not published comes from its history. */
  jumped(): void {
    const { revision, compactRevision } = this.#machine
    this.#hub.jumped(revision, compactRevision)
    for (const stream of this.#streams) stream.wake()
  }

  closeAll(error: StoreError): void {
    for (const stream of [...this.#streams]) stream.end(error)
  }
}

/** What a watch tells of itself. */
interface WatchListener {
  readonly delivered: (batch: WatchBatch) => void
  readonly progressed: (revision: Revision, requested: boolean) => void
  /** Once; everything up to `revision` was delivered. */
  readonly ended: (revision: Revision, failure: ErrorCode | undefined) => void
}

class OpenWatch implements WatchStream {
  readonly #watcher: Watcher
  readonly #machine: Machine
  readonly #storage: WatchesParts['storage']
  readonly #buggify: Buggify
  readonly #listener: WatchListener
  readonly #catchUps: Gate
  readonly #progress: Progress
  readonly #turns: Turns | undefined
  readonly #repair: NonNullable<WatchesParts['repair']>
  #closed = false
  #failure: StoreError | undefined
  #endRevision: Revision | undefined
  /** Wakes the consumer who waits in `next`. */
  #wake: (() => void) | undefined

  constructor(
    watcher: Watcher,
    { machine, storage, timers, random, repair = NEVER_DAMAGED, buggify = NEVER }: WatchesParts,
    catchUps: Gate,
    { progressEveryMs, turns }: Pick<WatchStreamOptions, 'progressEveryMs' | 'turns'>,
    listener: WatchListener,
  ) {
    this.#buggify = buggify
    this.#repair = repair
    this.#watcher = watcher
    this.#machine = machine
    this.#storage = storage
    this.#catchUps = catchUps
    this.#listener = listener
    this.#turns = turns
    const wake = (): void => {
      this.wake()
    }
    this.#progress = new Progress(timers, random, progressEveryMs, wake)
    watcher.onWake = wake
  }

  get revision(): Revision {
    return this.#endRevision ?? this.#watcher.progressRevision
  }

  async next(): Promise<WatchItem | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      if (this.#closed) return undefined
      if (this.#turns !== undefined && this.#work !== undefined) {
        const given = await this.#turns.run(this.#work, () => this.#step())
        if (given !== undefined) return given
        continue
      }
      const item = this.#handOut()
      if (item !== undefined) return item
      // While another state is waited for there is no history to read; when it is there, all watches are woken.
      const fromRevision = this.#watcher.needsHistoryFrom
      if (fromRevision === undefined || this.#repair.blocked) await this.#sleep()
      else await this.#tryToCatchUp(fromRevision)
    }
  }

  takeFromHistory(bytesMax: number): SharedBatch | undefined {
    const batch = this.#closed ? undefined : this.#watcher.takeFromHistory(bytesMax)
    if (batch !== undefined) this.#listener.delivered(batch)
    return batch
  }

  async previous({ keyValue, previous }: Event): Promise<KeyValue | undefined> {
    const bytes = previous && (await this.#replacedBytes(previous, keyValue.modRevision))
    const record = bytes && decodeRecord(bytes)
    return record?.type === 'put' ? record.keyValue : undefined
  }

  /** There may be something new for the consumer. */
  wake(): void {
    this.#wake?.()
  }

  requestProgress(): void {
    this.#progress.request()
  }

  close(): void {
    this.end(undefined)
  }

  end(error: StoreError | undefined): void {
    this.#end(error, error?.code)
  }

  /** `failure`: what whoever calls `next` from now on is told; the code is that of what ended it. */
  #end(failure: StoreError | undefined, code: ErrorCode | undefined): void {
    if (this.#closed) return
    this.#closed = true
    this.#progress.stop()
    this.#failure = failure
    // Closing drops what is queued, which was not handed out and must not count as if it were.
    this.#endRevision = this.#watcher.progressRevision
    this.#watcher.close()
    this.#listener.ended(this.#endRevision, code)
    this.#wake?.()
  }

  /** What a turn is needed for; undefined: nothing is to be done. */
  get #work(): 'take' | 'history' | undefined {
    const watcher = this.#watcher
    if (watcher.hasQueued || watcher.failure !== undefined) return 'take'
    if (this.#progress.due && watcher.settledRevision !== undefined) return 'take'
    return watcher.needsHistoryFrom === undefined || this.#repair.blocked ? undefined : 'history'
  }

  /** What is done in one turn; much may have changed since it was asked for. */
  async #step(): Promise<WatchItem | undefined> {
    if (this.#closed) return undefined
    const item = this.#handOut()
    if (item !== undefined) return item
    const fromRevision = this.#watcher.needsHistoryFrom
    if (fromRevision !== undefined && !this.#repair.blocked) await this.#tryToCatchUp(fromRevision)
    return undefined
  }

  /** What can be handed out at once. Throws what the watch failed with, once nothing else is left. */
  #handOut(): WatchItem | undefined {
    const batch = this.#watcher.take()
    if (batch !== undefined) {
      this.#progress.delivered()
      this.#listener.delivered(batch)
      return { type: 'events', batch, currentRevision: this.#machine.revision }
    }
    if (this.#watcher.failure !== undefined) {
      this.#end(undefined, this.#watcher.failure.code)
      throw this.#watcher.failure
    }
    const settledRevision = this.#progress.due ? this.#watcher.settledRevision : undefined
    return settledRevision === undefined ? undefined : this.#tellProgress(settledRevision)
  }

  #tellProgress(revision: Revision): WatchItem {
    const requested = this.#progress.told()
    this.#listener.progressed(revision, requested)
    return { type: 'progress', revision, requested }
  }

  /** Nothing can have happened between the look at the watcher and this: both are in one synchronous step. */
  async #sleep(): Promise<void> {
    this.#watcher.awaited = true
    await new Promise<void>((resolve) => {
      this.#wake = resolve
    })
    this.#wake = undefined
    this.#watcher.awaited = false
  }

  /** Of the version `id`, which the revision `replacedAt` replaced. */
  async #replacedBytes(id: RevisionId, replacedAt: Revision): Promise<Uint8Array | undefined> {
    for (;;) {
      const { generation } = this.#repair
      try {
        const [bytes] = await this.#storage.state.getMany([recordKey(id)])
        // The revision before can be read as long as none from this one on is compacted, and this version belongs to it.
        if (bytes !== undefined || this.#machine.compactRevision >= replacedAt) return bytes
        throw missingChange(id.main)
      } catch (error) {
        if (this.#closed || !this.#repair.mayReadAgain(error, generation)) throw error
        while (this.#repair.blocked && !this.#closed) await this.#sleep()
      }
    }
  }

  async #tryToCatchUp(fromRevision: Revision): Promise<void> {
    const { generation } = this.#repair
    try {
      await this.#catchUp(fromRevision)
    } catch (error) {
      // Who closed it, or ended the member, said why; what the read met after that is nobody's business.
      if (!this.#repair.mayReadAgain(error, generation) && !this.#closed) throw error
    }
  }

  /**
   * One step of catching up: some whole revisions from `fromRevision` on.
   *
   * The current revision is taken before the read: what is applied during it is either in the read already or is read
   * by the next step; taken after, a revision that the read missed would be taken for delivered.
   */
  async #catchUp(fromRevision: Revision): Promise<void> {
    const currentRevision = this.#machine.revision
    const { generation } = this.#repair
    const { records, throughRevision } = await this.#history(fromRevision, currentRevision)
    if (this.#closed) return
    // Of a state that is no more: what it had may be there in another form, and is read again.
    if (generation !== this.#repair.generation || this.#repair.blocked) return
    // A compaction that came during the read may have removed some of what it should have found.
    if (this.#machine.compactRevision > fromRevision) return
    this.#checkWhole(records, fromRevision, throughRevision)
    this.#watcher.supply(
      batchesOf(records, (record) => this.#machine.store.eventOf(record)),
      throughRevision,
    )
  }

  /** A seal shows that a record is as it was written, not that one is missing: a watch would pass over it without a word. */
  #checkWhole(records: readonly Record[], fromRevision: Revision, throughRevision: Revision): void {
    const { store } = this.#machine
    let at = 0
    // An empty store is at revision 1, without a change.
    for (let main = Math.max(fromRevision, 2); main <= throughRevision; main++) {
      for (let left = store.changesOf(main); left > 0; left--) {
        if (records[at++]?.id.main !== main) throw missingChange(main)
      }
    }
  }

  /** In its turn, so that many watches that lag share the disk evenly, and do not keep it from everybody else. */
  #history(fromRevision: Revision, currentRevision: Revision): Promise<History> {
    return this.#catchUps.run(() =>
      this.#closed ? Promise.resolve(NOTHING) : this.#readHistory(fromRevision, currentRevision),
    )
  }

  /** Records of whole revisions; at least one revision, however many records it has. */
  async #readHistory(fromRevision: Revision, currentRevision: Revision): Promise<History> {
    const start = recordKey({ main: fromRevision, sub: 0 })
    const first = this.#buggify('watch-history-of-one') ? 1 : LIMITS.watchCatchUpRevisionsMax
    for (let limit = first; ; limit *= 2) {
      const found = await this.#storage.state.range(start, prefixEnd(RECORD_PREFIX), limit)
      const records = found.map(([, bytes]) => decodeRecord(bytes)).filter(({ id }) => id.main <= currentRevision)
      if (found.length < limit) return { records, throughRevision: currentRevision }
      // The last revision may go on behind the limit: it is left for the next step.
      const last = records.at(-1)?.id.main ?? currentRevision
      const whole = records.filter(({ id }) => id.main < last)
      if (whole.length > 0) return { records: whole, throughRevision: last - 1 }
    }
  }
}

function missingChange(main: Revision): StoreError {
  return new StoreError('DATA_DAMAGED', `The state on disk is damaged: a change of revision ${main} is missing.`)
}

interface History {
  readonly records: readonly Record[]
  /** They are all there are from where was asked for to here. */
  readonly throughRevision: Revision
}

const NEVER_DAMAGED = { blocked: false, generation: 0, mayReadAgain: (): boolean => false }

/** For whoever does not want it any more. */
const NOTHING: History = { records: [], throughRevision: 0 }

function batchesOf(records: readonly Record[], eventOf: (record: Record) => Event): WatchBatch[] {
  const batches: { revision: Revision; events: Event[] }[] = []
  for (const record of records) {
    const last = batches.at(-1)
    if (last?.revision === record.id.main) last.events.push(eventOf(record))
    else batches.push({ revision: record.id.main, events: [eventOf(record)] })
  }
  return batches
}
