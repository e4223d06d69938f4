/**
 * Records of the state, each with a checksum behind it (docs/DATA-FORMAT.md): the only one, so that here alone it is
 * answered for that bytes come back as they were set. What the records hold carries none.
 *
 * LevelDB as classic-level opens it verifies no checksum of its own: one flipped bit returned a silently wrong value in 9
 * to 19 of 20 trials (measured). The checksum covers the key as well, so that a right value under a wrong key is found too. That
 * a record is missing altogether only the state's digest can tell.
 */
import { crc32 } from '../base/checksum.js'
import { StoreError } from '../base/errors.js'

const CHECKSUM_BYTES = 4

/** What goes to disk: the value and its checksum. */
export function sealRecord(key: string, value: Uint8Array): Uint8Array {
  // The key is laid out behind the value for one call of crc32 (two cost twice 200 ns), then the checksum over it.
  const length = value.byteLength
  const bytes = Buffer.allocUnsafe(length + Math.max(key.length, CHECKSUM_BYTES))
  bytes.set(value)
  bytes.write(key, length, 'latin1')
  bytes.writeUInt32BE(crc32(bytes.subarray(0, length + key.length)), length)
  return bytes.subarray(0, length + CHECKSUM_BYTES)
}

/** The value, as a view; throws `MALFORMED`. */
export function unsealRecord(key: string, sealed: Uint8Array): Uint8Array {
  const length = sealed.byteLength - CHECKSUM_BYTES
  if (length < 0) throw malformed(key, `it has ${sealed.byteLength} bytes`)
  const value = sealed.subarray(0, length)
  const recorded = new DataView(sealed.buffer, sealed.byteOffset + length, CHECKSUM_BYTES).getUint32(0)
  const found = crc32(Buffer.from(key, 'latin1'), crc32(value))
  if (found !== recorded)
    throw malformed(key, `it has checksum ${found.toString(16)}, recorded is ${recorded.toString(16)}`)
  return value
}

function malformed(key: string, why: string): StoreError {
  return new StoreError(
    'MALFORMED',
    `the state record ${Buffer.from(key, 'latin1').toString('hex')} is unreadable: ${why}`,
  )
}
