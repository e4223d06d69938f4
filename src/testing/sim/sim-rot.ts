/**
 * Decay of what lies on a simulated disk, synced or not: without a word, as far as LevelDB is concerned.
 *
 *     torn-tail     the end of the log is cut off: the last writes are gone
 *     hole          a block of the log cannot be read: at most 32 KiB of writes in the middle are gone, later ones stay;
 *                   without such writes, records that lie side by side in a table
 *     bit-flip      in a table: another value, another key, a record that is gone or cannot be read; in the log LevelDB
 *                   finds it by its checksum, and leaves out the block: a hole
 *     unopenable    the MANIFEST is cut short
 *
 * Always: what a running process has in memory stays as it is; it is the next open that reads the log. How often each kind
 * of flip happens is as measured: 19 of 20 in an uncompressed table a wrong value, one a missing record; in a compressed one
 * 7, 3, and 10 that cannot be read.
 */
import { type SimMedium, type SimWrite, UNREADABLE } from './sim-medium.js'

/** What rot does to a database: a torn end, a hole in what was synced, a flipped bit, a database that does not open. */
export type Rot = 'torn-tail' | 'hole' | 'bit-flip' | 'unopenable'

const TAIL_WRITES_MAX = 3
const BLOCK_BYTES = 32_768
const TABLE_RUN_MAX = 8

type Decay = 'value' | 'key' | 'missing' | 'unreadable'

/** Of twenty flipped bits. */
const DECAYS: Readonly<Record<'plain' | 'compressed', readonly (readonly [Decay, number])[]>> = {
  plain: [
    ['value', 16],
    ['key', 3],
    ['missing', 1],
  ],
  compressed: [
    ['value', 6],
    ['key', 1],
    ['missing', 3],
    ['unreadable', 10],
  ],
}

/** Lets `medium` decay; false when there is nothing on it that could. */
export function rotMedium(medium: SimMedium, rot: Rot, compressed: boolean): boolean {
  switch (rot) {
    case 'torn-tail':
      return cutTail(medium)
    case 'hole':
      return makeHole(medium) || dropRecords(medium)
    case 'bit-flip':
      return medium.tables.size > 0 ? flipBit(medium, compressed) : makeHole(medium)
    case 'unopenable':
      if (!medium.exists) return false
      medium.unopenable = 'Corruption: no meta-nextfile entry in descriptor'
      medium.tell('unopenable', medium.unopenable)
      return true
  }
}

function cutTail(medium: SimMedium): boolean {
  const file = medium.files.findLast((file) => file.writes.some(isThere))
  if (file === undefined) return false
  const there = file.writes.filter(isThere)
  const count = 1 + medium.fate.below('rot-length', Math.min(TAIL_WRITES_MAX, there.length))
  for (const write of there.slice(-count)) write.lost = true
  medium.tell('torn-tail', `the last ${count} writes of the log, synced or not`)
  return true
}

/** Only where something is left behind it in the same file: otherwise it is a torn tail. */
function makeHole(medium: SimMedium): boolean {
  const file = medium.files.findLast((file) => file.writes.filter(isThere).length > 1)
  if (file === undefined) return false
  const there = file.writes.filter(isThere)
  const first = medium.fate.below('rot-place', there.length - 1)
  const most = 1 + medium.fate.below('rot-length', there.length - 1 - first)
  let bytes = 0
  let count = 0
  for (const write of there.slice(first, first + most)) {
    bytes += bytesOf(write)
    if (count > 0 && bytes > BLOCK_BYTES) break
    write.lost = true
    count++
  }
  medium.tell('hole', `${count} writes of the log with ${there.length - first - count} behind them`)
  return true
}

function dropRecords(medium: SimMedium): boolean {
  const keys = keysOf(medium)
  if (keys.length === 0) return false
  const first = medium.fate.below('rot-place', keys.length)
  const run = keys.slice(first, first + 1 + medium.fate.below('rot-length', TABLE_RUN_MAX))
  for (const key of run) medium.decay(key, undefined)
  medium.tell('hole', `${run.length} records of a table`)
  return true
}

function flipBit(medium: SimMedium, compressed: boolean): boolean {
  const keys = keysOf(medium)
  const key = keys[medium.fate.below('rot-place', keys.length)] as string
  const value = medium.tables.get(key) as Uint8Array
  const drawn = drawDecay(medium, compressed)
  const decay = value.byteLength === 0 || key === '' ? 'missing' : drawn
  if (decay === 'value') {
    medium.decay(key, flipped(medium, value))
  } else if (decay === 'key') {
    const other = Buffer.from(flipped(medium, Buffer.from(key, 'latin1'))).toString('latin1')
    medium.decay(key, undefined)
    medium.decay(other, value)
  } else {
    medium.decay(key, decay === 'missing' ? undefined : UNREADABLE)
  }
  const kind = decay === 'missing' ? 'hole' : decay === 'unreadable' ? 'unreadable' : 'bit-flip'
  medium.tell(kind, `${decay} of the record ${JSON.stringify(key)}`)
  return true
}

function drawDecay(medium: SimMedium, compressed: boolean): Decay {
  let left = medium.fate.below('rot-kind', 20)
  for (const [decay, share] of DECAYS[compressed ? 'compressed' : 'plain']) {
    if (left < share) return decay
    left -= share
  }
  return 'value'
}

function flipped(medium: SimMedium, bytes: Uint8Array): Uint8Array {
  const changed = Uint8Array.from(bytes)
  const bit = medium.fate.below('rot-bit', 8 * changed.byteLength)
  changed[bit >> 3] = (changed[bit >> 3] as number) ^ (1 << (bit & 7))
  return changed
}

function keysOf({ tables }: SimMedium): string[] {
  const keys: string[] = []
  for (let pair = tables.next('', true); pair !== undefined; pair = tables.next(pair[0], false)) keys.push(pair[0])
  return keys
}

function isThere(write: SimWrite): boolean {
  return !write.lost
}

function bytesOf({ operations }: SimWrite): number {
  let bytes = 0
  for (const [key, value] of operations) bytes += key.length + (value?.byteLength ?? 0)
  return bytes
}
