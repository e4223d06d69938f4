/** Which member, and which cluster. */

/**
 * The id of a member, or of a cluster. A number where it is exact as one, as all of ours are; else a bigint, since those of
 * etcd have 64 bits. One id is never both, so that `===` tells whether two are the same.
 */
export type MemberId = number | bigint

const EXACT_MAX = BigInt(Number.MAX_SAFE_INTEGER)
const ID_MAX = 2n ** 64n - 1n

/** @internal */
export function memberIdOf(id: bigint): MemberId {
  return id <= EXACT_MAX ? Number(id) : id
}

/** @internal Throws TypeError or RangeError for what is no id of a member. */
export function checkMemberId(id: unknown, what: string): asserts id is MemberId {
  if (typeof id !== 'number' && typeof id !== 'bigint')
    throw new TypeError(`${what} must be a number, not ${typeof id}`)
  const isId = typeof id === 'number' ? Number.isSafeInteger(id) && id > 0 : id > EXACT_MAX && id <= ID_MAX
  if (isId) return
  throw new RangeError(`${what} is a positive whole number, or from 2^53 to 2^64 - 1 a bigint, not ${id}`)
}
