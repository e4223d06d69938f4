/**
 * Reads the records that a plan names, for an answer: some at a time, and with a turn of the loop in between.
 *
 * Always: the records are those of the plan, whatever is compacted while they are read. The sweep is held from the call
 * on until the caller has its answer or has given up, so the plan must have been made in the same turn, after which
 * nothing may be swept before this is called. (That all reads *start* in that turn would do as well, since
 * `StateStore.getMany` answers as of its call; but then nothing could bound them, for how large a record is is seen when
 * it is read.) So a record that is missing is damage, not bad luck.
 * Always: once the caller has given up, no further read is started.
 * What the cache of values had when the plan was made is not read again; what is read for a short answer is kept there.
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import type { Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { Choosing } from '../mvcc/choosing.js'
import { tooLarge } from '../mvcc/range.js'
import { decodeRecord, recordKey } from '../mvcc/record.js'
import type { MvccStore } from '../mvcc/store.js'
import type { KeyValue, RangePlan, RevisionId } from '../mvcc/types.js'
import type { StateStore } from '../storage/state-store.js'
import type { Pending } from './deadlines.js'
import { Slices } from './slices.js'
import type { StateRepair } from './state-repair.js'

export interface Reading {
  readonly records: readonly RevisionId[]
  /** Bytes that the answer has already. */
  readonly bytes: number
  /** Takes a record, in the order of `records`, and gives the bytes that it adds to the answer. */
  readonly take: (keyValue: KeyValue, at: number) => number
  /** Whether the rest can be left unread. */
  readonly decided?: (() => boolean) | undefined
}

export interface RecordReaderParts {
  readonly machine: { readonly store: MvccStore }
  readonly storage: { readonly state: Pick<StateStore, 'getMany'> }
  readonly timers: Timers
  /** What is damaged, or replaced in the middle. Default: nothing ever is. */
  readonly repair?: Pick<StateRepair, 'generation' | 'mayReadAgain' | 'damaged' | 'whole'> | undefined
  /** Called when a sweep that was held may go on. */
  readonly wake: () => void
  readonly buggify?: Buggify | undefined
}

/** How many are read first, while nothing is known of their size; twice as many each time, while they are small. */
const FIRST_RECORDS = 16

export class RecordReader {
  readonly #parts: RecordReaderParts
  readonly #repair: NonNullable<RecordReaderParts['repair']>

  constructor(parts: RecordReaderParts) {
    this.#parts = parts
    this.#repair = parts.repair ?? NEVER_DAMAGED
  }

  /**
   * For a caller who waits with `pending`, and whom the caller of this settles afterwards. False if it was settled
   * meanwhile: its deadline passed, or it was aborted. Rejects with `RESPONSE_TOO_LARGE`, `DATA_DAMAGED`, `DISK_FAILED`,
   * `STATE_REPLACED`. `generation`: of the state of which the plan is.
   */
  async read<T>(reading: Reading, pending: Pending<T>, generation = this.#repair.generation): Promise<boolean> {
    const { records, take, decided } = reading
    const { buggify = NEVER } = this.#parts
    const slices = new Slices(this.#parts)
    this.#hold(pending)
    let answerBytes = reading.bytes
    checkSize(answerBytes)
    let size = firstSize(records)
    for (let at = 0; at < records.length;) {
      if (at > 0) await slices.turn()
      if (pending.settled) return false
      if (decided?.() === true) break
      const ids = records.slice(at, at + (buggify('read-one-record') ? 1 : size))
      const found = await this.#valuesOf(ids, records.length <= LIMITS.readChunkRecordsMax, generation, pending)
      if (pending.settled) return false
      let bytes = 0
      for (const [place, keyValue] of found.entries()) {
        answerBytes += take(keyValue, at + place)
        bytes += keyValue.value.byteLength
      }
      checkSize(answerBytes)
      at += ids.length
      size = nextSize(ids.length, bytes)
    }
    return true
  }

  /** A long answer is not kept: it would drive out all that others read. */
  async #valuesOf<T>(
    ids: readonly RevisionId[],
    keep: boolean,
    generation: number,
    pending: Pending<T>,
  ): Promise<KeyValue[]> {
    const { machine, buggify = NEVER } = this.#parts
    const missing = ids.filter(({ cached }) => cached === undefined || buggify('value-cache-missed'))
    const records = await this.#recordsOf(missing, pending)
    const read = missing.map((id, at) => keyValueOf(records[at], id) ?? this.#isMissing(id, generation))
    if (keep) for (const [at, keyValue] of read.entries()) machine.store.keep(missing[at] as RevisionId, keyValue)
    let next = 0
    return ids.map((id) => (id === missing[next] ? (read[next++] as KeyValue) : (id.cached as KeyValue)))
  }

  /** Records are the same in every state that has them: those that cannot be read here are read from the next one. */
  async #recordsOf<T>(ids: readonly RevisionId[], pending: Pending<T>): Promise<(Uint8Array | undefined)[]> {
    for (;;) {
      const { generation } = this.#repair
      try {
        return await this.#parts.storage.state.getMany(ids.map(recordKey))
      } catch (error) {
        if (pending.settled || !this.#repair.mayReadAgain(error, generation)) throw error
        await this.#repair.whole(pending.promise)
        if (pending.settled) throw error
      }
    }
  }

  /** In the state of the plan that is damage; another one may have been compacted further. */
  #isMissing({ main, sub }: RevisionId, generation: number): never {
    if (generation !== this.#repair.generation) {
      throw new StoreError(
        'STATE_REPLACED',
        `The record of revision ${main}.${sub} is not in the state that this member took over meanwhile; ask again.`,
      )
    }
    const damaged = new StoreError(
      'DATA_DAMAGED',
      `The record of revision ${main}.${sub}, which the key index names, is missing or is another one; ` +
        'restart to verify the data directory.',
    )
    this.#repair.damaged(damaged)
    throw damaged
  }

  /**
   * Finds what a range shows where its plan leaves a choice, and gives the plan as it is then: nothing of it is left to be
   * read. What is kept meanwhile counts as the answer does, beside the `bytes` that are there already. For a caller as
   * that of {@link read}; undefined if it was settled meanwhile. Rejects likewise.
   */
  async choose<T>(range: RangePlan, bytes: number, pending: Pending<T>): Promise<RangePlan | undefined> {
    const choosing = new Choosing(range)
    const { generation } = this.#repair
    const slices = new Slices(this.#parts)
    this.#hold(pending)
    for (const keyValue of range.known ?? []) {
      choosing.take(keyValue)
      if (slices.spend(0)) await slices.turn()
      if (pending.settled) return undefined
    }
    const take = (keyValue: KeyValue): number => choosing.take(keyValue)
    const decided = (): boolean => choosing.decided
    if (!(await this.read({ records: range.records, bytes, take, decided }, pending, generation))) return undefined
    const answer: KeyValue[] = []
    for (let last = choosing.takeLast(); last !== undefined; last = choosing.takeLast()) {
      answer.push(last)
      if (slices.spend(0)) await slices.turn()
      if (pending.settled) return undefined
    }
    return choosing.planFor(answer.reverse())
  }

  #hold<T>(pending: Pending<T>): void {
    const { machine, wake } = this.#parts
    const { store } = machine
    const release = store.holdSweep()
    const done = (): void => {
      release()
      if (store.sweeping) wake()
    }
    pending.promise.then(done, done)
  }
}

/** What is at hand costs no read, and its size is known. */
function firstSize(records: readonly RevisionId[]): number {
  const missing = records.findIndex(({ cached }) => cached === undefined)
  return Math.min(Math.max(missing < 0 ? records.length : missing, FIRST_RECORDS), LIMITS.readChunkRecordsMax)
}

function nextSize(records: number, bytes: number): number {
  const fitting = Math.max(1, Math.floor(LIMITS.readChunkBytes / Math.max(1, bytes / records)))
  return Math.min(2 * records, fitting, LIMITS.readChunkRecordsMax)
}

/** Undefined where it is not the record of `id`. */
function keyValueOf(bytes: Uint8Array | undefined, id: RevisionId): KeyValue | undefined {
  const record = bytes && decodeRecord(bytes)
  const isIt = record?.type === 'put' && record.id.main === id.main && record.id.sub === id.sub
  return isIt ? record.keyValue : undefined
}

const NEVER_DAMAGED = {
  generation: 0,
  mayReadAgain: (): boolean => false,
  damaged: (): boolean => false,
  whole: (): Promise<void> => Promise.resolve(),
}

function checkSize(bytes: number): void {
  if (bytes > LIMITS.responseBytesMax) throw tooLarge()
}
