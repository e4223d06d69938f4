/**
 * One call of one client: what was asked, what was answered, and between which two moments.
 *
 * Moments are numbers given out by one counter, never a clock: clocks of two clients differ, and what comes before what
 * would be guessed. Times are kept for people.
 */

/**
 * How a call ended. `refused`: it has no effect, now or later. `unknown`: it may take effect at any time after it was
 * called, or never. `pending`: nobody was told; for a checker the same as `unknown`.
 */
export type CallEnd = 'ok' | 'refused' | 'unknown' | 'pending'

export interface Call<Input = unknown, Output = unknown> {
  /** Its place in the history, from 0. */
  readonly index: number
  readonly client: string
  readonly input: Input
  readonly outcome: CallEnd
  /** Of an `ok` call only. */
  readonly output: Output | undefined
  /** Why it was refused, or is unknown: for people. */
  readonly reason: string | undefined
  /** When it was called, as a number of the history's counter. */
  readonly invoked: number
  /** When its answer came; Infinity for `pending`. */
  readonly returned: number
  readonly invokedMs: number | undefined
  readonly returnedMs: number | undefined
}

/** How a call ends, as whoever made it tells. */
export type Ending<Output = unknown> =
  | { readonly outcome: 'ok'; readonly output: Output }
  | { readonly outcome: 'refused' | 'unknown'; readonly reason?: string | undefined }

/** Whether its answer says what became of it. */
export function isAnswered(call: Call): boolean {
  return call.outcome === 'ok'
}

/** Whether it may have taken effect though nobody was told. */
export function isUncertain(call: Call): boolean {
  return call.outcome === 'unknown' || call.outcome === 'pending'
}
