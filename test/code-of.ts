import { isStoreError } from '../src/base/errors.js'

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
