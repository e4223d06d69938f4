/**
 * Which file numbers LevelDB may give to new files, and which files make up the database, as its MANIFEST says.
 *
 * LevelDB opens new files with truncation, whether or not there is one of that name. A file that a crash left behind, or
 * that a damaged MANIFEST no longer counts, is overwritten in place: whoever wants to keep it needs a copy, not a link.
 *
 * Always: the answer is never above the number LevelDB would read. The reader stops at the first thing it cannot follow;
 * LevelDB either stops there too, refuses the whole, or goes on to higher numbers. Checksums are left to LevelDB, which
 * writes nothing when one of the MANIFEST is wrong.
 *
 * LevelDB, doc/log_format.md and db/version_edit.cc.
 */
import { maskedChecksum } from './level-checksum.js'

const BLOCK_BYTES = 32_768
const HEADER_BYTES = 7
/** A change begins with its sequence number and how many keys it has. */
const BATCH_HEADER_BYTES = 12
const SEQUENCE_TOP_BYTE = 7
const TYPE = { full: 1, first: 2, middle: 3, last: 4 } as const
const TAG = {
  comparator: 1,
  log: 2,
  nextFile: 3,
  sequence: 4,
  pointer: 5,
  deleted: 6,
  added: 7,
  previousLog: 9,
} as const

/** Files with numbers below this one are never written again; 0 when nothing can be told. */
export function nextFileNumber(manifest: Uint8Array): number {
  let next = 0
  for (const edit of editsOf(manifest)) {
    const edited = emptyDatabase()
    if (!follow(new EditReader(edit), edited)) return next
    next = Math.max(next, edited.nextFile)
  }
  return next
}

/** What a database consists of, besides files that are newer than its MANIFEST. */
export interface LiveFiles {
  /** Logs from this number on are read. */
  readonly logNumber: number
  readonly previousLogNumber: number
  /** The size of each table, by its number. */
  readonly tables: ReadonlyMap<number, number>
}

/** Undefined where the MANIFEST cannot be followed to its end. */
export function liveFiles(manifest: Uint8Array): LiveFiles | undefined {
  const database = emptyDatabase()
  for (const edit of editsOf(manifest)) if (!follow(new EditReader(edit), database)) return undefined
  return database
}

/** What edits come to, one after the other. */
interface EditedDatabase extends LiveFiles {
  logNumber: number
  previousLogNumber: number
  readonly tables: Map<number, number>
  /** As last named; 0 where none was. */
  nextFile: number
}

function emptyDatabase(): EditedDatabase {
  return { logNumber: 0, previousLogNumber: 0, tables: new Map(), nextFile: 0 }
}

/** Whether the edit could be followed. */
function follow(edit: EditReader, database: EditedDatabase): boolean {
  while (!edit.ended) {
    const tag = edit.varint()
    if (tag === TAG.log) database.logNumber = edit.varint()
    else if (tag === TAG.previousLog) database.previousLogNumber = edit.varint()
    else if (tag === TAG.nextFile) database.nextFile = edit.varint()
    else if (tag === TAG.sequence) edit.varint()
    else if (tag === TAG.comparator) edit.skipText()
    else if (tag === TAG.pointer) edit.skip(1, 1)
    else if (tag === TAG.deleted) {
      edit.skip(1, 0)
      database.tables.delete(edit.varint())
    } else if (tag === TAG.added) {
      edit.skip(1, 0)
      const number = edit.varint()
      database.tables.set(number, edit.varint())
      edit.skip(0, 2)
    } else return false
  }
  return edit.intact
}

/**
 * Whether there is a record in a log of changes that is whole and none of a change: LevelDB ends the process on one (the
 * sequence number, of which it keeps a byte for itself, is too large), for instance when a MANIFEST has come to stand there.
 */
export function holdsForeignRecord(log: Uint8Array): boolean {
  for (const record of editsOf(log, true)) {
    if (record.byteLength < BATCH_HEADER_BYTES || record[SEQUENCE_TOP_BYTE] !== 0) return true
  }
  return false
}

/** The records of a log, or of a MANIFEST, which is one of edits. `checked`: up to the first that fails its checksum. */
function* editsOf(manifest: Uint8Array, checked = false): Generator<Uint8Array> {
  const view = new DataView(manifest.buffer, manifest.byteOffset, manifest.byteLength)
  let fragments: Uint8Array[] = []
  for (let at = 0; ;) {
    const left = BLOCK_BYTES - (at % BLOCK_BYTES)
    if (left < HEADER_BYTES) {
      at += left
      continue
    }
    if (at + HEADER_BYTES > manifest.byteLength) return
    const length = view.getUint16(at + 4, true)
    const type = view.getUint8(at + 6)
    const end = at + HEADER_BYTES + length
    const starts = type === TYPE.full || type === TYPE.first
    const continues = type === TYPE.middle || type === TYPE.last
    if (HEADER_BYTES + length > left || end > manifest.byteLength) return
    if ((!starts && !continues) || starts !== (fragments.length === 0)) return
    if (checked && view.getUint32(at, true) !== maskedChecksum(manifest, at + 6, end)) return
    fragments.push(manifest.subarray(at + HEADER_BYTES, end))
    at = end
    if (type === TYPE.first || type === TYPE.middle) continue
    yield Buffer.concat(fragments)
    fragments = []
  }
}

class EditReader {
  /** Whether everything read so far was there. */
  intact = true
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.byteLength
  }

  varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) {
        this.intact = false
        return 0
      }
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }

  skipText(): void {
    const length = this.varint()
    this.#at += length
    if (this.#at > this.#bytes.byteLength) this.intact = false
  }

  skip(varints: number, texts: number): void {
    for (let count = 0; count < varints; count++) this.varint()
    for (let count = 0; count < texts; count++) this.skipText()
  }
}
