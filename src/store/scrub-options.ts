/** How often, and how fast, a member reads through what is on its disk. */
import { checkFields, type Fields } from '../api/check-fields.js'
import { LIMITS } from '../base/limits.js'
import type { ScrubSettings } from '../member/scrubber.js'

export interface ScrubOptions {
  /** Milliseconds between two passes. Default LIMITS.scrubIntervalMs, a day; 0 or Infinity: never. */
  readonly intervalMs?: number
  /** Bytes of records that a pass reads in a second. Default LIMITS.scrubBytesPerSecondMax, 16 MiB; Infinity: as fast as it goes. */
  readonly bytesPerSecondMax?: number
}

const FIELDS: Fields<ScrubOptions> = { intervalMs: true, bytesPerSecondMax: true }

/** Throws TypeError, RangeError. */
export function scrubSettingsOf(given: ScrubOptions = {}): ScrubSettings {
  checkFields(given, FIELDS, 'scrub')
  const { intervalMs = LIMITS.scrubIntervalMs, bytesPerSecondMax = LIMITS.scrubBytesPerSecondMax } = given
  if (!(intervalMs >= 0)) throw new RangeError(`scrub.intervalMs must be 0 or more, not ${intervalMs}`)
  if (!(bytesPerSecondMax > 0))
    throw new RangeError(`scrub.bytesPerSecondMax must be above 0, not ${bytesPerSecondMax}`)
  return { intervalMs: intervalMs || Infinity, bytesPerSecondMax }
}
