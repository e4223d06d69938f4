/**
 * Assertions: they stay on in production, and a failed one stops the member.
 *
 * An `AssertionError` always means a bug of ours (or memory that went bad), never bad input or a failed operation:
 * those are `StoreError`, `TypeError` and `RangeError`.
 */

/** A broken invariant: a bug in Quorate. The member that meets one stops. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError'
  readonly code = 'ASSERTION'
}

/**
 * Throws {@link AssertionError} unless `condition` holds.
 * The message is a function where building it costs something, so that a passing assertion costs one comparison.
 */
export function assert(condition: boolean, message: string | (() => string)): asserts condition {
  if (!condition) throw new AssertionError(typeof message === 'string' ? message : message())
}

/** Ends an exhaustive `switch`: the compiler refuses it while a case is missing, and at run time it throws. */
export function assertNever(value: never, what: string): never {
  throw new AssertionError(`${what}: unexpected ${describe(value)}`)
}

/** The value, which must be there: for look-ups that cannot miss. */
export function present<T>(value: T | undefined, what: string): T {
  assert(value !== undefined, () => `${what} is missing`)
  return value
}

/** Whatever it is, describing it must not fail: JSON has no bigint, and throws for a ring. */
function describe(value: unknown): string {
  try {
    return (
      JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? String(value)
    )
  } catch {
    return Object.prototype.toString.call(value)
  }
}
