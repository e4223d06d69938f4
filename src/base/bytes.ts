/**
 * Keys and bytes.
 *
 * Inside, a key is a latin1 string: one character per byte, so that the order of characters is the order of bytes and a
 * comparison costs a quarter of `Buffer.compare` (measured). Bytes appear at the edge only.
 */

/** A key inside the store: one character, U+0000 to U+00FF, per byte. */
export type Key = string

/** What users may give for a key or a value: text is taken as UTF-8. */
export type BytesLike = string | Uint8Array

/** As a range end: everything from the start key on (etcd's one-zero-byte convention). */
export const FROM_KEY_ON: Key = '\0'

/** A view on `bytes` as a Buffer, without copying. */
export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

/** The four bytes from `at` on, big endian; they must be there. By hand, since a DataView costs more to make than it saves. */
export function uint32At(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] as number) << 24) | ((bytes[at + 1] as number) << 16)
  return (high | ((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number)) >>> 0
}

/** Puts the low 32 bits of the whole part of `value` there, big endian. */
export function putUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24
  bytes[at + 1] = value >>> 16
  bytes[at + 2] = value >>> 8
  bytes[at + 3] = value >>> 0
}

/** A copy of what the user gave: later changes to their array do not reach us. Recognises views of other realms. */
export function copyBytes(value: BytesLike, what: string): Uint8Array {
  if (typeof value === 'string') return Buffer.from(wellFormed(value, what), 'utf8')
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength).slice()
  throw new TypeError(`${what} must be a string or a Uint8Array, not ${describeType(value)}`)
}

/** The internal form of a key the user gave. */
export function keyOf(value: BytesLike, what = 'key'): Key {
  if (typeof value === 'string') {
    return isAscii(value) ? value : Buffer.from(wellFormed(value, what), 'utf8').toString('latin1')
  }
  if (ArrayBuffer.isView(value))
    return asBuffer(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)).toString('latin1')
  throw new TypeError(`${what} must be a string or a Uint8Array, not ${describeType(value)}`)
}

/** The bytes of an internal key. */
export function keyBytes(key: Key): Uint8Array {
  return Buffer.from(key, 'latin1')
}

/** A key as text for people: its UTF-8 reading. */
export function keyText(key: Key): string {
  return isAscii(key) ? key : Buffer.from(key, 'latin1').toString('utf8')
}

/** The first key after all keys that start with `prefix`; {@link FROM_KEY_ON} where there is none (all bytes 0xff). */
export function prefixEnd(prefix: Key): Key {
  for (let last = prefix.length - 1; last >= 0; last--) {
    const code = prefix.charCodeAt(last)
    if (code < 0xff) return prefix.slice(0, last) + String.fromCharCode(code + 1)
  }
  return FROM_KEY_ON
}

function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) > 0x7f) return false
  return true
}

/** UTF-8 has no bytes for half a character: each would be stored as the same replacement, and different keys become one. */
function wellFormed(text: string, what: string): string {
  if (text.isWellFormed()) return text
  throw new TypeError(`${what} must be well-formed text, it holds half of a surrogate pair; give bytes as a Uint8Array`)
}

function describeType(value: unknown): string {
  return value === null ? 'null' : Array.isArray(value) ? 'an array' : typeof value
}
