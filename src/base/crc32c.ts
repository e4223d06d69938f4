/**
 * CRC-32C (Castagnoli), which LevelDB guards its blocks with. `node:zlib` has only the other CRC-32.
 *
 * Eight bytes at a time, by eight tables (Kounavis and Berry, 2005): some 500 MB/s, four times as fast as byte by byte.
 */

const POLYNOMIAL = 0x82f63b78
const TABLES = tables()

/** Of `bytes` from `start` to before `end`. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.byteLength): number {
  const [t0, t1, t2, t3, t4, t5, t6, t7] = TABLES
  let crc = -1
  let at = start
  for (; at + 8 <= end; at += 8) {
    crc ^= (bytes[at] as number) | ((bytes[at + 1] as number) << 8)
    crc ^= ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)
    crc =
      (t7[crc & 255] as number) ^
      (t6[(crc >>> 8) & 255] as number) ^
      (t5[(crc >>> 16) & 255] as number) ^
      (t4[crc >>> 24] as number) ^
      (t3[bytes[at + 4] as number] as number) ^
      (t2[bytes[at + 5] as number] as number) ^
      (t1[bytes[at + 6] as number] as number) ^
      (t0[bytes[at + 7] as number] as number)
  }
  for (; at < end; at++) crc = (t0[(crc ^ (bytes[at] as number)) & 255] as number) ^ (crc >>> 8)
  return ~crc >>> 0
}

type Table = Int32Array
type Tables = readonly [Table, Table, Table, Table, Table, Table, Table, Table]

function tables(): Tables {
  const first = new Int32Array(256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    first[byte] = crc
  }
  const all = [first]
  while (all.length < 8) {
    const before = all.at(-1) as Table
    all.push(before.map((crc) => (first[crc & 255] as number) ^ (crc >>> 8)))
  }
  return all as unknown as Tables
}
