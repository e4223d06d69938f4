/**
 * Looks through the files of a database before LevelDB opens them.
 *
 * LevelDB, as it is built into classic-level, reads the blocks of its tables without looking at their checksums, and ends the
 * process (an assertion in ExtractUserKey, in PackSequenceAndType) on some that are damaged: a page of zeros does it. A
 * member must say that its data is damaged, not die of it at each start. So every block of every table that the MANIFEST
 * names is held against its checksum here, and the logs are looked at for records that LevelDB never wrote.
 *
 * Always: what a crash may leave is no damage: tables that no MANIFEST names, a log that ends in the middle of a record.
 * Not here: whether the records of the log are all there, and the MANIFEST itself: LevelDB has checksums for both and uses
 * them, and what it leaves out is found by what is recorded of the log and the state.
 *
 * LevelDB, doc/table_format.md, doc/log_format.md, table/format.cc.
 */
import { open, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isMissing } from './folder.js'
import { maskedChecksum } from './level-checksum.js'
import { holdsForeignRecord, liveFiles, type LiveFiles } from './manifest.js'
import { unpackSnappy } from './snappy.js'

const FOOTER_BYTES = 48
const MAGIC = Buffer.from('57fb808b247547db', 'hex')
/** Behind each block: whether it is packed, and a checksum. */
const TRAILER_BYTES = 5
const SNAPPY = 1
/** LevelDB makes tables of two megabytes; an index of a table is far smaller than that. */
const INDEX_BYTES_MAX = 64 * 1024 * 1024

/** What is damaged in the files of the database in `folder`, as a sentence; undefined where nothing is. Changes nothing. */
export async function findLevelDamage(folder: string): Promise<string | undefined> {
  const live = await findLive(folder)
  // Without a MANIFEST that can be followed, LevelDB does not open.
  if (live === undefined) return undefined
  for (const name of await readdir(folder)) {
    const [, number, kind] = /^(\d+)\.(ldb|sst|log)$/.exec(name) ?? []
    if (number === undefined) continue
    const damage =
      kind === 'log'
        ? await findInLog(join(folder, name), Number(number), live)
        : await findInTable(join(folder, name), Number(number), live)
    if (damage !== undefined) return `in ${name} ${damage}`
  }
  return undefined
}

async function findLive(folder: string): Promise<LiveFiles | undefined> {
  try {
    const current = (await readFile(join(folder, 'CURRENT'), 'latin1')).trim()
    if (!/^MANIFEST-\d+$/.test(current)) return undefined
    return liveFiles(await readFile(join(folder, current)))
  } catch (error) {
    // A folder in the place of a file, or the other way round, LevelDB refuses by itself.
    const { code = '' } = error as NodeJS.ErrnoException
    if (isMissing(error) || code === 'EISDIR' || code === 'ENOTDIR') return undefined
    throw error
  }
}

async function findInLog(path: string, number: number, live: LiveFiles): Promise<string | undefined> {
  if (number < live.logNumber && number !== live.previousLogNumber) return undefined
  return holdsForeignRecord(await readFile(path)) ? 'there is a record that is none of a log of changes' : undefined
}

async function findInTable(path: string, number: number, live: LiveFiles): Promise<string | undefined> {
  const size = live.tables.get(number)
  if (size === undefined) return undefined
  const table = await readTable(path, size)
  if (table.byteLength !== size) return `there are ${table.byteLength} bytes instead of ${size}`
  if (size < FOOTER_BYTES) return 'there is no room for its end'
  const footer = table.subarray(size - FOOTER_BYTES)
  if (!MAGIC.equals(footer.subarray(FOOTER_BYTES - MAGIC.byteLength))) return 'the end is not that of a table'
  const handles = new Handles(footer)
  const meta = handles.next()
  const index = handles.next()
  return (
    findInBlocks(table, [meta, index]) ?? findInBlocks(table, [...handlesIn(table, meta), ...handlesIn(table, index)])
  )
}

/** At most one byte more than it should have. */
async function readTable(path: string, size: number): Promise<Buffer> {
  const handle = await open(path, 'r')
  try {
    const buffer = Buffer.allocUnsafe(size + 1)
    let at = 0
    for (let read = 1; read > 0 && at < buffer.byteLength; at += read)
      read = (await handle.read(buffer, at, buffer.byteLength - at)).bytesRead
    return buffer.subarray(0, at)
  } finally {
    await handle.close()
  }
}

interface Handle {
  readonly offset: number
  readonly bytes: number
}

function findInBlocks(table: Buffer, handles: readonly (Handle | undefined)[]): string | undefined {
  for (const handle of handles) {
    if (handle === undefined) return 'a list of blocks cannot be read'
    const end = handle.offset + handle.bytes
    if (end + TRAILER_BYTES > table.byteLength) return `a block at ${handle.offset} would reach beyond the end`
    const recorded = table.readUInt32LE(end + 1)
    if (recorded !== maskedChecksum(table, handle.offset, end + 1))
      return `the block at ${handle.offset} fails its checksum`
  }
  return undefined
}

/** The blocks that a block of the index names; one that is undefined where it cannot be followed. */
function handlesIn(table: Buffer, index: Handle | undefined): (Handle | undefined)[] {
  if (index === undefined) return [undefined]
  const end = index.offset + index.bytes
  const packed = table.subarray(index.offset, end)
  const block = table[end] === SNAPPY ? unpackSnappy(packed, INDEX_BYTES_MAX) : packed
  if (block === undefined || block.byteLength < 4) return [undefined]
  const restarts = Buffer.from(block.buffer, block.byteOffset, block.byteLength).readUInt32LE(block.byteLength - 4)
  const entries = new Handles(block.subarray(0, Math.max(0, block.byteLength - 4 - 4 * restarts)))
  const found: (Handle | undefined)[] = []
  while (!entries.ended) found.push(entries.nextEntry())
  return found
}

class Handles {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get ended(): boolean {
    return this.#at >= this.#bytes.byteLength
  }

  next(): Handle | undefined {
    const offset = this.#varint()
    const bytes = this.#varint()
    return Number.isNaN(offset + bytes) ? undefined : { offset, bytes }
  }

  /** Past the key that stands before it: how much it shares with the one before, how much not, how long the handle is. */
  nextEntry(): Handle | undefined {
    this.#varint()
    const key = this.#varint()
    const value = this.#varint()
    if (Number.isNaN(key + value)) return undefined
    this.#at += key
    const handle = new Handles(this.#bytes.subarray(this.#at, this.#at + value)).next()
    this.#at += value
    return handle
  }

  /** NaN where bytes are missing. */
  #varint(): number {
    let value = 0
    for (let scale = 1; ; scale *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined || scale > 2 ** 49) {
        this.#at = this.#bytes.byteLength
        return NaN
      }
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
  }
}
