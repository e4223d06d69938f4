/**
 * Dates of given times: what the library that computes times of patterns takes, and how times are written for people.
 *
 * Always: a `Date` is made of a time that somebody else gave. What time it is comes through the clock port; this is the
 * one file besides the real clock that may name `Date`, and lint refuses it to ask (eslint.config.js).
 */

export function dateOf(ms: number): Date {
  return new Date(ms)
}

/** ISO 8601, in UTC: `2026-11-30T03:00:00.000Z`. */
export function textOf(ms: number): string {
  return new Date(ms).toISOString()
}

/** Throws RangeError for what {@link textOf} never gives. */
export function timeOf(text: string): number {
  const ms = Date.parse(text)
  if (Number.isNaN(ms) || textOf(ms) !== text) throw new RangeError(`${String(text)} is no time`)
  return ms
}
