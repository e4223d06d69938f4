/** Durations as Go writes them: `1h30m`, `1.5s`, `300ms`. Here they are milliseconds, and may have a fraction. */
import { ValueError } from './value-error.js'

const UNITS_MS: Readonly<Record<string, number>> = {
  ...{ ns: 1e-6, us: 1e-3, µs: 1e-3, μs: 1e-3 },
  ...{ ms: 1, s: 1000, m: 60_000, h: 3_600_000 },
}

const PART = /(\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h)/gy

/** What Go can hold: 2^63 nanoseconds, about 292 years. */
const DURATION_MS_MAX = 2 ** 63 / 1e6

/** Throws {@link ValueError}. */
export function durationMsOf(given: string): number {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(given) ?? []
  if (rest === '0') return 0
  const parts = [...rest.matchAll(PART)]
  const covered = parts.reduce((length, [part]) => length + part.length, 0)
  const ms = parts.reduce((sum, [, amount = '', unit = '']) => sum + Number(amount) * (UNITS_MS[unit] ?? NaN), 0)
  if (parts.length === 0 || covered !== rest.length || !(ms <= DURATION_MS_MAX)) {
    throw new ValueError('must be a duration with its units, like 300ms, 5s or 1h30m')
  }
  return sign === '-' ? -ms : ms
}
