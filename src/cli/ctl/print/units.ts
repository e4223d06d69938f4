/** Sizes and durations as Go's programs show them. */

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB', 'EB']

/** By powers of 1000: `20 kB`, `1.5 GB`. */
export function bytesText(bytes: bigint): string {
  const size = Number(bytes)
  if (size < 10) return `${size} B`
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(size) / 3))
  const rounded = Math.floor((size / 1000 ** power) * 10 + 0.5) / 10
  return `${rounded < 10 ? rounded.toFixed(1) : halfToEven(rounded)} ${UNITS[power] ?? ''}`
}

function halfToEven(value: number): number {
  const whole = Math.floor(value)
  if (value - whole !== 0.5) return Math.round(value)
  return whole % 2 === 0 ? whole : whole + 1
}

/** `1.5ms`, `2.25s`. */
export function tookText(ms: number): string {
  const [value, unit] = ms >= 1000 ? [ms / 1000, 's'] : ms >= 1 ? [ms, 'ms'] : [ms * 1000, 'µs']
  return `${Number(value.toFixed(6))}${unit}`
}
