/** What is said with true or false: 'no' is neither, and would count as true. */
import { kind } from './check-fields.js'

/** Throws TypeError for what is neither true nor false. Undefined is left to the caller. */
export function checkBoolean(value: boolean | undefined, what: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value
  throw new TypeError(`${what} must be true or false, not ${kind(value)}`)
}
