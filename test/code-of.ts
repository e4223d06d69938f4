import { isStoreError, type ErrorCode, type StoreError } from '../src/base/errors.js'

/** The code with which `action` refuses; undefined when it does not. Any other failure goes on. */
export function codeOf(action: () => unknown): string | undefined {
  try {
    action()
  } catch (error) {
    if (isStoreError(error)) return error.code
    throw error
  }
  return undefined
}

/** The same of what rejects. */
export async function codeOfAsync(action: () => Promise<unknown> | undefined): Promise<string | undefined> {
  try {
    await action()
  } catch (error) {
    if (isStoreError(error)) return error.code
    throw error
  }
  return undefined
}

/** The error that `call` rejects with, which must have this code. */
export async function refusal(code: ErrorCode, call: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await call.then(
    () => 'it was done',
    (reason: unknown) => reason,
  )
  if (!isStoreError(error, code)) throw new Error(`${code} is expected, not ${String(error)}`)
  return error
}
