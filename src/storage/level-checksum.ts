/** The checksum of LevelDB, as it stands in its files. */
import { crc32c } from '../base/crc32c.js'

/** Of `bytes` from `start` to before `end`. Masked, so that a checksum of data that hold checksums is not a weak one. */
export function maskedChecksum(bytes: Uint8Array, start: number, end: number): number {
  const crc = crc32c(bytes, start, end)
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0
}
