/**
 * Unpacks what Snappy packed: LevelDB packs the index of a table as it packs data. Undefined for what is no such thing.
 *
 * Snappy, format_description.txt.
 */

/** `bytesMax`: what says that it is larger is not unpacked. */
export function unpackSnappy(packed: Uint8Array, bytesMax: number): Uint8Array | undefined {
  const [length, begin] = lengthOf(packed)
  if (length > bytesMax) return undefined
  const unpacked = new Uint8Array(length)
  let to = 0
  for (let at = begin; at < packed.byteLength;) {
    const tag = packed[at++] as number
    let count: number
    if ((tag & 3) === 0) {
      // A literal: its length less one in the tag, or in one to four bytes behind it.
      count = tag >>> 2
      const extra = Math.max(0, count - 59)
      if (extra > 0) count = little(packed, at, extra)
      at += extra
      count++
      if (!(at + count <= packed.byteLength && to + count <= length)) return undefined
      unpacked.set(packed.subarray(at, at + count), to)
      at += count
    } else {
      // A copy of what was unpacked before; it may reach into itself.
      const extra = [0, 1, 2, 4][tag & 3] as number
      count = (tag & 3) === 1 ? ((tag >>> 2) & 7) + 4 : (tag >>> 2) + 1
      const back = little(packed, at, extra) + ((tag & 3) === 1 ? (tag >>> 5) * 256 : 0)
      at += extra
      if (!(back > 0 && back <= to && to + count <= length)) return undefined
      for (let end = to + count, from = to - back; to < end;) unpacked[to++] = unpacked[from++] as number
      continue
    }
    to += count
  }
  return to === length ? unpacked : undefined
}

/** The length of what is packed, and where it begins. */
function lengthOf(packed: Uint8Array): [length: number, begin: number] {
  let length = 0
  for (let at = 0; at < 5; at++) {
    const byte = packed[at] ?? 0x80
    length += (byte & 0x7f) * 2 ** (7 * at)
    if (byte < 0x80) return [length, at + 1]
  }
  return [Infinity, 0]
}

/** NaN, and so no length that fits, where bytes are missing. */
function little(bytes: Uint8Array, at: number, count: number): number {
  let value = 0
  for (let byte = 0; byte < count; byte++) value += (bytes[at + byte] ?? NaN) * 256 ** byte
  return value
}
