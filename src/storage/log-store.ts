/**
 * The log on disk: entries, and the hard state that must be durable with them.
 *
 *     append 1..4      [1..4]                        head: base 0, last 4
 *     append 5..6      [1..4] [5..6]                       base 0, last 6
 *     append 3'        [1..2] [3']                         base 0, last 3: truncation and what replaces it, at once
 *     trim to 2        [3']                                base 2, last 3
 *
 * Always: each write is one atomic, durable batch that also holds the head (log-head.ts); then the high-water file is
 * rewritten; then the promise resolves. A crash between the two leaves the log ahead of the file, which is harmless:
 * nothing had been acknowledged.
 * Always: one write at a time. Entries are not kept here; Raft has them in memory.
 *
 * Thesis 3.8 (persisted state). Differs from etcd in: no segments and no separate snapshot record, since the state machine
 * has a database of its own.
 */
import { assert } from '../base/assert.js'
import type { Buggify } from '../base/buggify.js'
import type { Write } from '../raft/ready.js'
import {
  type Entry,
  type HardState,
  type Index,
  type LogPosition,
  NOBODY,
  type Promises,
  type StoredState,
} from '../raft/types.js'
import { damaged } from './damage.js'
import { DURABLE } from './database-options.js'
import type { Database, StateSlot } from './disk.js'
import type { DiskHealth } from './disk-health.js'
import { type RecordSpan, decodeEntryRecord, encodeEntryRecord, entryRecordKey, recordLength } from './entry-record.js'
import { type HighWater, type HighWaterMark, markOf } from './high-water.js'
import { type ChainedPosition, LOG_HEAD_KEY, type LogHead, encodeLogHead } from './log-head.js'
import type { LoadedLog } from './log-loader.js'
import { reviewLog, type Reviewed } from './log-review.js'
import { readFailure } from './read-failure.js'

type Batch = ReturnType<Database['batch']>

export interface LogStoreOptions {
  readonly database: Database
  readonly highWater: HighWater
  readonly health: DiskHealth
  readonly location: string
  readonly loaded: LoadedLog
  /** To be called before the first write, and once log and state have been found to meet. */
  readonly verified: () => void
  readonly buggify: Buggify
}

/** For those who look at a log and know nothing else of the core. */
export type { Entry, HardState, LogPosition, Promises, StoredState } from '../raft/types.js'

/** How log and state do not meet: who of them is behind, or that they are of two histories. */
export interface Misfit {
  readonly kind: 'state-behind' | 'log-behind' | 'apart'
  readonly what: string
}

/** Where a log begins anew, with what must be durable from there on. */
export interface NewBeginning {
  readonly position: LogPosition
  readonly hardState: HardState
  /** Default: as they are. */
  readonly promises?: Promises
}

export class LogStore {
  readonly #database: Database
  readonly #highWater: HighWater
  readonly #health: DiskHealth
  readonly #location: string
  readonly #verified: () => void
  readonly #buggify: Buggify
  #head: LogHead
  /** The records on disk, oldest first. */
  readonly #spans: RecordSpan[]
  /** As loaded; let go by the first write, since it is no longer what is stored. */
  #loaded: readonly Entry[] | undefined
  #appending = false
  /** Nothing rests on when it is recorded: until then the next open waits once more. */
  #cameBack = false
  /** The write under way. A trim may come while an append runs, and the other way round: the second one waits. */
  #writing: Promise<void> | undefined

  constructor(options: LogStoreOptions) {
    this.#database = options.database
    this.#highWater = options.highWater
    this.#health = options.health
    this.#location = options.location
    this.#verified = options.verified
    this.#buggify = options.buggify
    this.#head = options.loaded.head
    this.#spans = options.loaded.spans
    this.#loaded = options.loaded.entries
  }

  /** The last entry on disk; the base in a log without entries. */
  get last(): LogPosition {
    return { index: this.#head.last.index, term: this.#head.last.term }
  }

  /** The last trimmed entry. */
  get base(): LogPosition {
    return { index: this.#head.base.index, term: this.#head.base.term }
  }

  /** How often it was opened, this time included. */
  get incarnation(): number {
    return this.#head.incarnation
  }

  /** Whether all that was promised from this log is known to be in it. */
  get promises(): Promises {
    return this.#head.promises
  }

  /** Whether it was made for a member that was added to a cluster. */
  get joined(): boolean {
    return this.#head.joined
  }

  /** What the high-water file is to show of it. */
  get mark(): HighWaterMark {
    return markOf(this.#head)
  }

  /** The database that holds the state. */
  get slot(): StateSlot {
    return this.#head.slot
  }

  /**
   * Whether the state was given up or lost, before this open or in it, and neither has another one been received since nor
   * has it come back from entries of the leader. What there is of it is not to be shown.
   */
  get awaitsState(): boolean {
    return this.#head.awaitsState
  }

  /**
   * What Raft starts from; to be called before the first write. `applied` is the position of the state machine's durable
   * state; undefined where there is none and the log does not go back to its beginning: then the member waits for a state,
   * and has applied, as far as Raft is concerned, what is trimmed. Entries at or below the position are given too, where
   * they are still there: followers that lag need them.
   *
   * Throws `DATA_DAMAGED` when log and state do not meet (`Storage.meet` comes before).
   */
  storedState(applied: LogPosition | undefined): StoredState {
    const entries = this.#loaded
    assert(entries !== undefined, 'the stored state is asked for after a write')
    const misfit = applied && this.misfit(applied)
    if (misfit !== undefined) throw damaged(this.#location, misfit.what)
    this.#verified()
    const { hardState, promises } = this.#head
    return {
      ...{ hardState, compacted: this.base, entries, applied: (applied ?? this.base).index },
      ...(promises === 'lost' && { promisesLost: true }),
    }
  }

  /**
   * How the state that has applied `applied` does not fit, if it does not. The log behind the state is not a smaller log: a
   * member applies only what is durable in its own log, so that entries it had acknowledged are gone.
   */
  misfit(applied: LogPosition): Misfit | undefined {
    const entries = this.#loaded
    assert(entries !== undefined, 'log and state are compared after a write')
    return misfitOf({ head: this.#head, entries }, applied)
  }

  /**
   * Makes `write` durable, all of it or nothing, together with whether the promises are kept (default: as it was). When the
   * promise resolves, what rests on it may be acknowledged. One at a time. Rejects with `DISK_FAILED`; whether the write is
   * on disk is then unknown until the next start.
   */
  async append(write: Write, promises = this.#head.promises): Promise<void> {
    assert(!this.#appending, 'an append while another one is under way')
    this.#appending = true
    try {
      await this.#exclusively(() => this.#append(write, promises))
    } finally {
      this.#appending = false
    }
  }

  /**
   * Forgets, durably, the records that lie wholly at or below `to`; the state must be durable there. Records are not cut:
   * `base` becomes the end of the last one forgotten, at most a batch before `to`.
   */
  async trim(to: LogPosition): Promise<void> {
    await this.#exclusively(() => this.#trim(to))
  }

  /**
   * Makes a log to which nothing was ever written begin behind `position`, durably: what lies before is in the state, which
   * must be durable there. Nothing was promised in it yet: no vote is recorded.
   */
  async beginBehind(position: LogPosition): Promise<void> {
    const { last, hardState, slot } = this.#head
    assert(last.index === 0 && hardState.term === 0, () => `a log that ends at entry ${last.index} begins anew`)
    await this.takeState(slot, { position, hardState: { term: position.term, vote: NOBODY } })
  }

  /**
   * Of a member that left its cluster (former-cluster.ts): the log begins anew behind `position`, durably, as that of somebody
   * who has promised nothing to anybody: what was promised, or lost, concerns the old cluster. The state must be durable there;
   * before Raft starts.
   */
  async beginAlone(position: LogPosition): Promise<void> {
    const { hardState } = this.#head
    await this.#exclusively(async () => {
      const batch = this.#database.batch()
      const head = this.#beginAnew(batch, { position, hardState, promises: 'kept' })
      await this.#write(batch, { ...head, awaitsState: false, joined: false }, 'writing the log')
      await this.#highWater.sync()
    })
    this.#loaded = []
  }

  /**
   * The one moment at which a state takes the place of another: durably, `slot` holds it from here on. With `beginning` the
   * log is empty behind that position; without, it stays, and must hold the position of the state.
   */
  async takeState(slot: StateSlot, beginning?: NewBeginning): Promise<void> {
    await this.#exclusively(async () => {
      const batch = this.#database.batch()
      await this.#write(batch, { ...this.#beginAnew(batch, beginning), slot, awaitsState: false }, 'writing the log')
      await this.#highWater.sync()
    })
  }

  /** The state was given up, and this log does not bring it back: before Raft starts. */
  async awaitState(): Promise<void> {
    const entries = this.#loaded
    await this.#exclusively(() =>
      this.#write(this.#database.batch(), { ...this.#head, awaitsState: true }, 'writing the log'),
    )
    this.#loaded = entries
  }

  /** The state is what it should be again, without another one having been received: recorded with the next write. */
  stateCameBack(): void {
    this.#cameBack = true
  }

  /**
   * What was promised from this log is not all in it, durably so: before Raft starts, or when it was asked for the last time.
   * With `applied` the log is behind the state and is emptied: what is missing between the two nobody here can give it. Its
   * term is at least that of the state. With what is missing, opens may have been forgotten: this one counts as more than
   * `incarnationFloor`.
   */
  async losePromises(incarnationFloor: number, applied?: LogPosition): Promise<void> {
    const entries = applied === undefined ? this.#loaded : []
    await this.#exclusively(async () => {
      const { hardState } = this.#head
      const term = Math.max(hardState.term, applied?.term ?? 0)
      const known = term === hardState.term ? hardState : { term, vote: NOBODY }
      const batch = this.#database.batch()
      const head = this.#beginAnew(batch, applied && { position: applied, hardState: known })
      const incarnation = Math.max(head.incarnation, incarnationFloor) + 1
      await this.#write(batch, { ...head, incarnation, promises: 'lost' }, 'writing the log')
      await this.#highWater.sync()
    })
    this.#loaded = entries
  }

  /**
   * Reads the log back as it is on disk, beside its use, and compares it with what was written: piece by piece, as it is
   * asked for. Rejects with `DATA_DAMAGED`.
   */
  async *review(): AsyncGenerator<Reviewed, void, undefined> {
    // While a write is under way the records that there must be are not those on disk. Looked at here and not by settled():
    // the next write could begin before that has told.
    while (this.#writing !== undefined) await this.#writing.catch(() => undefined)
    this.#health.check()
    yield* reviewLog(this.#database, this.#spans, this.#head, this.#location)
  }

  /** Resolves when no write is under way. */
  async settled(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.catch(() => undefined)
  }

  /**
   * After the write that is under way. Waits here, and not by `settled()`: between that having told and the next step another
   * one could begin, and two writes would count the same generation.
   */
  async #exclusively(write: () => Promise<void>): Promise<void> {
    while (this.#writing !== undefined) await this.#writing.catch(() => undefined)
    this.#health.check()
    this.#writing = write()
    try {
      await this.#writing
    } finally {
      this.#writing = undefined
    }
  }

  async #append({ hardState, entries }: Write, promises: Promises): Promise<void> {
    this.#checkWrite(hardState, entries)
    const batch = this.#database.batch()
    const first = entries[0]
    if (first !== undefined) {
      if (first.index <= this.#head.last.index) await this.#truncate(batch, first.index)
      this.#putEntries(batch, entries)
    }
    const last = endOf(this.#spans, this.#head.base)
    await this.#write(batch, { ...this.#head, hardState, last, promises }, 'writing the log')
  }

  /** From here on `#spans` is ahead of the disk; should the batch fail, nobody reads it again. */
  #putEntries(batch: Batch, entries: readonly Entry[]): void {
    let { chain } = endOf(this.#spans, this.#head.base)
    for (let start = 0; start < entries.length;) {
      const length = this.#buggify('log-record-of-one') ? 1 : recordLength(entries, start)
      const whole = length === entries.length
      const { bytes, span } = encodeEntryRecord(whole ? entries : entries.slice(start, start + length), chain)
      batch.put(entryRecordKey(span.firstIndex), bytes)
      this.#spans.push(span)
      chain = span.chainAfter
      start += length
    }
  }

  async #trim(to: LogPosition): Promise<void> {
    const { base, last } = this.#head
    assert(to.index <= last.index, () => `trim to ${to.index}, behind the log's end at ${last.index}`)
    const kept = this.#spans.findIndex((span) => span.lastIndex > to.index)
    const count = kept < 0 ? this.#spans.length : kept
    if (count === 0) return
    const forgotten = this.#spans.splice(0, count)
    const end = endOf(forgotten, base)
    assert(
      end.index < to.index || end.term === to.term,
      () => `entry ${to.index} is of term ${end.term}, not ${to.term}`,
    )
    const batch = this.#database.batch()
    for (const span of forgotten) batch.del(entryRecordKey(span.firstIndex))
    await this.#write(batch, { ...this.#head, base: end }, 'trimming the log')
  }

  /** Puts into `batch` the removal of everything, and gives the head of the log without it. */
  #beginAnew(batch: Batch, beginning: NewBeginning | undefined): LogHead {
    if (beginning === undefined) return this.#head
    for (const span of this.#spans.splice(0)) batch.del(entryRecordKey(span.firstIndex))
    const { position, hardState, promises = this.#head.promises } = beginning
    const base = { index: position.index, term: position.term, chain: 0 }
    return { ...this.#head, hardState, base, last: base, promises }
  }

  async #write(batch: Batch, changed: Omit<LogHead, 'generation'>, what: string): Promise<void> {
    this.#verified()
    const awaitsState = changed.awaitsState && !this.#cameBack
    const head = { ...changed, awaitsState, generation: this.#head.generation + 1 }
    batch.put(LOG_HEAD_KEY, encodeLogHead(head))
    await this.#health.during(what, () => batch.write(DURABLE))
    this.#head = head
    this.#loaded = undefined
    this.#highWater.write(head)
    if (this.#buggify('high-water-sync')) await this.#highWater.sync()
  }

  /** Puts into `batch` the removal of everything from `from` on. */
  async #truncate(batch: Batch, from: Index): Promise<void> {
    for (;;) {
      const span = this.#spans[this.#spans.length - 1]
      if (span === undefined || span.lastIndex < from) return
      this.#spans.pop()
      if (span.firstIndex >= from) {
        batch.del(entryRecordKey(span.firstIndex))
      } else {
        const shortened = encodeEntryRecord(await this.#readEntries(span, from), span.chainBefore)
        batch.put(entryRecordKey(span.firstIndex), shortened.bytes)
        this.#spans.push(shortened.span)
      }
    }
  }

  /** The entries of the record before `end`, from disk: truncation is rare, and memory has better uses. */
  async #readEntries(span: RecordSpan, end: Index): Promise<readonly Entry[]> {
    try {
      const bytes = await this.#database.get(entryRecordKey(span.firstIndex))
      if (bytes === undefined) throw damaged(this.#location, `the log record of entry ${span.firstIndex} is gone`)
      const record = decodeEntryRecord(bytes)
      if (record.chainAfter !== span.chainAfter) {
        throw damaged(this.#location, `the log record of entry ${span.firstIndex} is not the one that was written`)
      }
      return record.entries.slice(0, end - span.firstIndex)
    } catch (error) {
      const what = `the log record of entry ${span.firstIndex}`
      throw this.#health.fail(`reading ${what}`, readFailure(this.#location, what, error))
    }
  }

  /** What Raft never does: a bug that reached the disk would outlive the process. */
  #checkWrite(hardState: Write['hardState'], entries: readonly Entry[]): void {
    const { base, last, hardState: before } = this.#head
    assert(hardState.term >= before.term, () => `the term falls from ${before.term} to ${hardState.term}`)
    const voteStands = hardState.term > before.term || before.vote === NOBODY || hardState.vote === before.vote
    assert(voteStands, () => `the vote of term ${hardState.term} changes from ${before.vote} to ${hardState.vote}`)
    const first = entries[0]
    if (first === undefined) return
    assert(first.index > base.index, () => `entry ${first.index} replaces one that is trimmed up to ${base.index}`)
    assert(first.index <= last.index + 1, () => `entry ${first.index} leaves a gap behind ${last.index}`)
    const term = entries[entries.length - 1]?.term ?? 0
    assert(term <= hardState.term, () => `an entry of term ${term} in term ${hardState.term}`)
  }
}

/** Where the last of `spans` ends; `base` when there is none. */
function endOf(spans: readonly RecordSpan[], base: ChainedPosition): ChainedPosition {
  const span = spans[spans.length - 1]
  return span === undefined ? base : { index: span.lastIndex, term: span.lastTerm, chain: span.chainAfter }
}

/** As {@link LogStore.misfit}, of a log that is only read. */
export function misfitOf(
  { head, entries }: { readonly head: LogHead; readonly entries: readonly Entry[] },
  applied: LogPosition,
): Misfit | undefined {
  const { base, last } = head
  if (applied.index < base.index) {
    const what = `the state ends at entry ${applied.index}, the log begins behind entry ${base.index}: what lies between is in neither`
    return { kind: 'state-behind', what }
  }
  if (applied.index > last.index) {
    const what = `the log ends at entry ${last.index}, the state has applied entry ${applied.index}`
    return { kind: 'log-behind', what }
  }
  const term = applied.index === base.index ? base.term : entries[applied.index - base.index - 1]?.term
  if (term === applied.term) return undefined
  const found = `the state has applied entry ${applied.index} of term ${applied.term}`
  return { kind: 'apart', what: `${found}, in the log it is of term ${term}: they are not of one history` }
}
