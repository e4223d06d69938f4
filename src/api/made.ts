/**
 * The mark on what `put()`, `get()`, `del()`, `txn()` and `compare()` make, so that a transaction takes nothing else: what
 * somebody wrote by hand, or copied and changed, was checked by nobody.
 *
 * An own property, since an inherited one is there without anybody having made the object; from the registry of symbols,
 * since two copies of the package may meet in one process; and what has it cannot be changed any more.
 */
import type { Compare, Operation, TransactionRequest } from '../mvcc/types.js'
import { kind } from './check-fields.js'

const MADE = Symbol.for('quorate.made')

export function made<Part extends Compare | Operation>(part: Part): Part {
  Object.defineProperty(part, MADE, { value: true })
  return Object.freeze(part)
}

export function isMadeTransaction(value: unknown): value is TransactionRequest {
  return isMade(value) && 'type' in value && value.type === 'transaction'
}

/** Throws TypeError unless `parts` is an array of what may stand in this list of a transaction. */
export function checkMade(parts: unknown, list: 'compare' | 'success' | 'failure'): void {
  if (!Array.isArray(parts)) {
    throw new TypeError(`${list} of a transaction must be an array, not ${kind(parts)}`)
  }
  // By index: what is missing in an array with holes is looked at, too.
  for (let at = 0; at < parts.length; at++) checkPart(parts[at], list, at)
}

function checkPart(part: unknown, list: 'compare' | 'success' | 'failure', at: number): void {
  if (isMade(part) && isCompare(part) === (list === 'compare')) return
  const makers = list === 'compare' ? "compare(), as compare(key).modRevision('=', 0)" : 'put(), get(), del() or txn()'
  throw new TypeError(`${list}[${at}] of a transaction must be made by ${makers}; it is ${describe(part)}`)
}

function describe(part: unknown): string {
  if (isMade(part)) return isCompare(part) ? 'a compare' : 'an operation'
  return kind(part) === 'an object' ? 'an object made by hand' : kind(part)
}

function isMade(part: unknown): part is Compare | Operation {
  return typeof part === 'object' && part !== null && Object.hasOwn(part, MADE)
}

function isCompare(part: Compare | Operation): boolean {
  return 'target' in part
}
