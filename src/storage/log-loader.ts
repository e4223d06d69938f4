/**
 * Reads the log database whole, and believes nothing: every record's checksum, that the records follow each other without
 * gap, that each chains to the one before, that they begin and end where the head says, and that the head is not behind
 * the high-water mark.
 *
 * Always: anything else than exactly what was written is damage. LevelDB skips unreadable blocks silently (measured:
 * 118 acknowledged records from the middle, for one flipped bit), so that a missing record is never the end of the log.
 */
import { isStoreError, type StoreError } from '../base/errors.js'
import type { Entry } from '../raft/types.js'
import { damaged } from './damage.js'
import type { Database } from './disk.js'
import { type DecodedRecord, type RecordSpan, decodeEntryRecord, entryRecordKey } from './entry-record.js'
import { type HighWaterMark, markOf } from './high-water.js'
import { IDENTITY_KEY, type Identity, type Owner, decodeIdentity, describeIdentity, sameIdentity } from './identity.js'
import { type ChainedPosition, LOG_HEAD_KEY, type LogHead, decodeLogHead } from './log-head.js'
import { readFailure } from './read-failure.js'

const RECORDS_PER_READ = 256

export interface LoadedLog {
  readonly head: LogHead
  readonly spans: RecordSpan[]
  readonly entries: Entry[]
}

/** What there is of a log, and what is wrong with it. */
export interface LogFinding {
  /** The log, where it is whole in itself; undefined where it is not, or where nothing was ever written. */
  readonly loaded: LoadedLog | undefined
  /** What can be read of it, whole or not. */
  readonly head: LogHead | undefined
  readonly identity: Identity | undefined
  /** The records from its beginning on that follow each other; of one that is read to the end, all that can be read. */
  readonly spans: readonly RecordSpan[]
  /** What these hold. */
  readonly entries: readonly Entry[]
  /** Undefined: it is exactly what was written. */
  readonly damage: StoreError | undefined
}

/** Of a log that does not even open, or is not there. */
export function unopenedLog(damage: StoreError | undefined): LogFinding {
  return { loaded: undefined, head: undefined, identity: undefined, spans: [], entries: [], damage }
}

/** Against what a log is read. */
export interface LogProof {
  /** Whose it must be; undefined: anybody's. */
  readonly identity: Identity | undefined
  /** Whose it may be as well: the same member's before it left its cluster (former-cluster.ts). */
  readonly formerly: Owner | undefined
  readonly mark: HighWaterMark
}

/**
 * Reads the log against the mark; without one, as far as it can be judged by itself. Rejects with `DISK_FAILED`; damage is
 * told and not thrown, so that whoever can go on without the log may.
 *
 * @param tell is told of all damage there is, and the log is read to its end whatever is found. Default: the first is enough.
 */
export async function loadLog(
  database: Database,
  proof: LogProof,
  location: string,
  tell?: (damage: StoreError) => void,
): Promise<LogFinding> {
  const loader = new Loader(location, tell)
  let damage: StoreError | undefined
  try {
    await loader.load(database, proof)
  } catch (error) {
    const failure = readFailure(location, 'the log', error)
    if (!isStoreError(failure, 'DATA_DAMAGED')) throw failure
    tell?.(failure)
    damage = failure
  }
  const { head, identity, spans, entries, whole } = loader
  const loaded = head !== undefined && whole ? { head, spans, entries } : undefined
  return { loaded, head, identity, spans, entries, damage: loader.behindMark ?? loader.firstTold ?? damage }
}

class Loader {
  head: LogHead | undefined
  identity: Identity | undefined
  readonly spans: RecordSpan[] = []
  readonly entries: Entry[] = []
  /** Whether entries and head were found to be of one log. */
  whole = false
  /** What the log lacks of what the mark shows. */
  behindMark: StoreError | undefined
  /** The first damage behind which it went on. */
  firstTold: StoreError | undefined
  readonly #location: string
  readonly #tell: ((damage: StoreError) => void) | undefined

  constructor(location: string, tell: ((damage: StoreError) => void) | undefined) {
    this.#location = location
    this.#tell = tell
  }

  /** Reads `head` and `identity` first: they sort behind the entries, but say where these must begin. */
  async load(database: Database, { identity, formerly, mark }: LogProof): Promise<void> {
    const [headBytes, identityBytes] = await database.getMany([LOG_HEAD_KEY, IDENTITY_KEY])
    if (headBytes === undefined && identityBytes === undefined && mark.generation === 0) {
      return await this.refuseRecords(database)
    }
    if (identityBytes !== undefined) {
      this.#judge(() => {
        this.identity = this.decode('the identity record of the log', () => decodeIdentity(identityBytes))
        this.#checkOwner(this.identity, identity, formerly)
      })
    }
    if (headBytes === undefined) {
      throw damaged(this.#location, `the log has no head; the high-water mark counts ${mark.generation} writes of it`)
    }
    const head = this.decode('the head of the log', () => decodeLogHead(headBytes))
    this.head = head
    this.#judge(() => {
      if (identityBytes === undefined) throw damaged(this.#location, 'the log has no identity record')
    })
    this.checkMark(head, mark)
    if (this.behindMark !== undefined) this.#tell?.(this.behindMark)
    await this.loadEntries(database, head)
    this.whole = this.firstTold === undefined
  }

  #checkOwner(recorded: Identity, identity: Identity | undefined, formerly: Owner | undefined): void {
    if (identity === undefined || sameIdentity(recorded, identity)) return
    if (formerly !== undefined && sameIdentity(recorded, formerly)) return
    const owners = `${describeIdentity(recorded)}, the high-water file to ${describeIdentity(identity)}`
    throw damaged(this.#location, `the log belongs to ${owners}: they were not written together`)
  }

  /** Damage ends the reading, unless somebody wants to know of all there is. Returns whether it is all right. */
  #judge(check: () => void): boolean {
    try {
      check()
      return true
    } catch (error) {
      if (this.#tell === undefined || !isStoreError(error, 'DATA_DAMAGED')) throw error
      this.firstTold ??= error
      this.#tell(error)
      return false
    }
  }

  decode<T>(what: string, decode: () => T): T {
    try {
      return decode()
    } catch (error) {
      if (!isStoreError(error, 'MALFORMED')) throw error
      throw damaged(this.#location, `${what} is unreadable (${error.message})`, error)
    }
  }

  async refuseRecords(database: Database): Promise<void> {
    const keys = await database.keys({ limit: 1 }).all()
    if (keys.length > 0) throw damaged(this.#location, 'the log holds records, but neither head nor identity')
  }

  /**
   * A head behind the mark has lost writes, even where its last index is higher: the lost one may have been a truncation.
   * A head ahead of it is what a crash between the two leaves behind, or a power loss, which takes unsynced marks.
   */
  checkMark(head: LogHead, mark: HighWaterMark): void {
    const { hardState, last } = head
    const recorded = `the high-water mark ${describeMark(mark)}`
    const found = `the log is at ${describeMark(markOf(head))}`
    if (head.generation < mark.generation) {
      const lost = mark.generation - head.generation
      const what =
        mark.promises === 'lost'
          ? `${lost} writes of the log are gone, or were given up`
          : `the last ${lost} writes of the log are gone`
      this.behindMark = damaged(this.#location, `${what}: ${found}, ${recorded}`)
      return
    }
    const contradicts =
      hardState.term < mark.term ||
      (hardState.term === mark.term && mark.vote !== 0 && hardState.vote !== mark.vote) ||
      (head.generation === mark.generation &&
        (hardState.term !== mark.term ||
          hardState.vote !== mark.vote ||
          last.index !== mark.lastIndex ||
          last.chain !== mark.chain ||
          head.promises !== mark.promises ||
          head.slot !== mark.slot))
    if (contradicts) {
      this.behindMark = damaged(this.#location, `the log contradicts the high-water file: ${found}, ${recorded}`)
    }
  }

  async loadEntries(database: Database, head: LogHead): Promise<void> {
    /** Undefined behind a record that cannot be read. */
    let end: ChainedPosition | undefined = head.base
    const iterator = database.iterator({ lt: LOG_HEAD_KEY })
    try {
      for (;;) {
        const chunk = await iterator.nextv(RECORDS_PER_READ)
        if (chunk.length === 0) break
        for (const [key, value] of chunk) end = this.#addRecord(key, value, end)
      }
    } finally {
      await iterator.close()
    }
    const { last } = head
    if (end === undefined) return
    if (end.index === last.index && end.term === last.term && end.chain === last.chain) return
    const ends = `the log ends at entry ${describe(end)}, its head says ${describe(last)}`
    this.#judge(() => {
      throw damaged(this.#location, ends)
    })
  }

  /** Checks that the record follows `before`; returns its end. */
  #addRecord(key: string, value: Uint8Array, before: ChainedPosition | undefined): ChainedPosition | undefined {
    let record: DecodedRecord | undefined
    this.#judge(() => {
      const where = before === undefined ? 'behind one that cannot be read' : `at or behind entry ${before.index + 1}`
      record = this.decode(`the log record ${where}`, () => decodeEntryRecord(value))
    })
    if (record === undefined) return undefined
    const { firstIndex, lastIndex, lastTerm, chainBefore, chainAfter } = record
    if (before !== undefined) {
      const follows = record
      this.#judge(() => {
        this.#checkFollows(key, follows, before)
      })
    }
    this.spans.push({ firstIndex, lastIndex, lastTerm, chainBefore, chainAfter })
    for (const entry of record.entries) this.entries.push(entry)
    return { index: lastIndex, term: lastTerm, chain: chainAfter }
  }

  #checkFollows(key: string, record: DecodedRecord, before: ChainedPosition): void {
    const expected = before.index + 1
    const { firstIndex } = record
    if (firstIndex > expected) {
      const missing =
        firstIndex === expected + 1 ? `entry ${expected} is` : `entries ${expected} to ${firstIndex - 1} are`
      throw damaged(
        this.#location,
        `${missing} missing from the log: behind entry ${before.index} follows ${firstIndex}`,
      )
    }
    if (firstIndex < expected) {
      throw damaged(
        this.#location,
        `the log record of entry ${firstIndex} should be gone: entry ${before.index} precedes it`,
      )
    }
    if (key !== entryRecordKey(firstIndex)) {
      throw damaged(this.#location, `the log record of entry ${firstIndex} stands under another key`)
    }
    if (record.chainBefore !== before.chain) {
      throw damaged(this.#location, `the log record of entry ${firstIndex} does not chain to the one before it`)
    }
  }
}

function describe(position: ChainedPosition): string {
  return `${position.index} of term ${position.term} (chain ${position.chain.toString(16)})`
}

function describeMark(mark: HighWaterMark): string {
  return `write ${mark.generation} (term ${mark.term}, vote ${mark.vote}, last entry ${mark.lastIndex}, chain ${mark.chain.toString(16)})`
}
