/**
 * Port of randomness. Production seeds it from the operating system, a simulation from its seed: the same draws follow.
 * Not for secrets.
 */

export interface Random {
  /** A whole number, 0 <= n < 2^32, uniformly. */
  uint32(): number
}

/** A whole number, 0 <= n < limit, uniformly; `limit` at most 2^32. */
export function below(random: Random, limit: number): number {
  return Math.floor((random.uint32() / 0x1_0000_0000) * limit)
}

/** A safe positive integer of 52 random bits, for ids that must not collide. */
export function randomId(random: Random): number {
  return (random.uint32() >>> 12) * 0x1_0000_0000 + random.uint32() + 1
}
