/** How the suites say what is wrong: they import no test framework, so that they bring their own few words. */
import { isStoreError } from '../../base/errors.js'
import type { ErrorCode, StoreError } from '../../base/errors.js'

export function check(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise)
}

/** Equal as JSON, where a bigint stands for its digits. */
export function equal(found: unknown, expected: unknown, what: string): void {
  const [foundText, expectedText] = [textOf(found), textOf(expected)]
  if (foundText !== expectedText) throw new Error(`${what}: ${foundText} where ${expectedText} is expected`)
}

/** What `action` rejects with, or throws. */
export async function failureOf(action: () => unknown): Promise<unknown> {
  try {
    await action()
    return undefined
  } catch (error) {
    return error
  }
}

export async function rejectsWith(code: ErrorCode, action: () => unknown, what: string): Promise<StoreError> {
  const error = await failureOf(action)
  check(isStoreError(error, code), `${what}: ${code} is expected, not ${String(error)}`)
  return error
}

export async function rejectsAs(
  type: typeof TypeError | typeof RangeError,
  action: () => unknown,
  what: string,
): Promise<void> {
  const error = await failureOf(action)
  check(error instanceof type, `${what}: a ${type.name} is expected, not ${String(error)}`)
}

function textOf(value: unknown): string | undefined {
  return JSON.stringify(value, (_key, part: unknown) => {
    if (typeof part === 'bigint') return `${part}n`
    return part === undefined ? 'undefined' : part
  })
}
