/** What a leader remembers for leader leases; lease-read.ts says what it makes of it. */
/** Rounds whose times are remembered; older ones are from far more than a lease ago, or reads start hundreds a second. */
export const ROUNDS_REMEMBERED = 1024

export interface Lease {
  /** When the round was sent, at its number modulo the length. */
  readonly sentMs: Float64Array
  /** Only rounds after this one count. */
  voidThroughRound: number
}

export function newLease(): Lease {
  return { sentMs: new Float64Array(ROUNDS_REMEMBERED), voidThroughRound: 0 }
}
