/**
 * What can be said against a request without looking at the store.
 *
 * It is checked at the edge, where the caller learns of it at once, and again when the command is applied: what another
 * member put into the log is not trusted, and a state machine that crashed on it would crash on every member.
 */
import { assertNever } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import { quoteKey } from '../base/quote.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { NO_LEASE } from '../base/lease-id.js'
import { checkDuplicateKeys } from './duplicate-keys.js'
import { SORT_ORDERS, SORT_TARGETS } from './sort.js'
import type { Compare, Operation, PutRequest, RangeRequest, TransactionRequest } from './types.js'

/**
 * Throws `EMPTY_KEY`, `REQUEST_TOO_LARGE`, `INVALID_REVISION`, `VALUE_PROVIDED`, `LEASE_PROVIDED`, `TOO_MANY_OPERATIONS`,
 * `DUPLICATE_KEY`; and `RangeError` for a limit, `TypeError` for a sort that is none, which no command in the log can hold.
 */
export function validateOperation(request: Operation): void {
  const bytes = validateOne(request, LIMITS.transactionOperationsMax, 0)
  if (bytes > LIMITS.requestBytesMax) {
    throw new StoreError(
      'REQUEST_TOO_LARGE',
      `The request has ${bytes} bytes of keys and values; at most ${LIMITS.requestBytesMax} are allowed.`,
    )
  }
  // Last, since it costs most: what is too large never gets there.
  if (request.type === 'transaction') checkDuplicateKeys(request)
}

/** Throws `INVALID_REVISION` unless it is 0 (for the latest, or for now) or a revision. */
export function validateRevision(revision: number): void {
  if (Number.isSafeInteger(revision) && revision >= 0) return
  throw new StoreError('INVALID_REVISION', `${revision} is not a revision: they are whole numbers from 1 on.`)
}

/** Throws `EMPTY_KEY`, `REQUEST_TOO_LARGE`. Gives the bytes. */
export function validateKeys(key: Key, rangeEnd?: Key): number {
  if (key.length === 0) throw new StoreError('EMPTY_KEY', 'The key is empty; a key has at least one byte.')
  checkKeyLength(key, 'key')
  if (rangeEnd !== undefined) checkKeyLength(rangeEnd, 'range end')
  return key.length + (rangeEnd?.length ?? 0)
}

/** `budget` is how many operations a branch may have at this depth. Gives the bytes of keys and values. */
function validateOne(request: Operation, budget: number, depth: number): number {
  switch (request.type) {
    case 'range':
      return validateRange(request)
    case 'put':
      return validatePut(request)
    case 'delete':
      return validateKeys(request.key, request.rangeEnd)
    case 'transaction':
      return validateTransaction(request, budget, depth)
    default:
      return assertNever(request, 'request')
  }
}

function validateRange(request: RangeRequest): number {
  validateRevision(request.revision ?? 0)
  const limit = request.limit ?? 0
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw new RangeError(`limit must be a whole number from 0 on, not ${limit}`)
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision, sort } = request
  for (const bound of [minModRevision, maxModRevision, minCreateRevision, maxCreateRevision]) {
    if (bound !== undefined) validateRevision(bound)
  }
  if (sort !== undefined && !(SORT_TARGETS.includes(sort.target) && SORT_ORDERS.includes(sort.order))) {
    throw new TypeError(`a range cannot be sorted by ${sort.target}, ${sort.order}`)
  }
  return validateKeys(request.key, request.rangeEnd)
}

function validatePut(request: PutRequest): number {
  const bytes = validateKeys(request.key) + request.value.byteLength
  if (request.ignoreValue && request.value.byteLength > 0) {
    throw new StoreError('VALUE_PROVIDED', `The put of ${quoteKey(request.key)} ignores the value, yet has one.`)
  }
  if (request.ignoreLease && request.lease !== NO_LEASE) {
    throw new StoreError('LEASE_PROVIDED', `The put of ${quoteKey(request.key)} ignores the lease, yet has one.`)
  }
  return bytes
}

/**
 * etcd's budget: a nested transaction may have as many operations as the limit less those of the level above it; siblings
 * do not share. Depth has a limit of its own, which etcd's budget only implies.
 */
function validateTransaction(request: TransactionRequest, budget: number, depth: number): number {
  const operations = Math.max(request.compare.length, request.success.length, request.failure.length)
  if (operations > budget) {
    const limit = LIMITS.transactionOperationsMax
    throw new StoreError(
      'TOO_MANY_OPERATIONS',
      depth === 0
        ? `The transaction has ${operations} compares or operations in a branch; at most ${limit} are allowed.`
        : `The transaction nested ${depth} deep has ${operations} compares or operations in a branch and those around it ` +
            `have ${limit - budget}; at most ${limit} are allowed together.`,
    )
  }
  if (depth > LIMITS.transactionDepthMax) {
    throw new StoreError(
      'TOO_MANY_OPERATIONS',
      `Transactions stand ${depth} deep inside each other; at most ${LIMITS.transactionDepthMax} are allowed.`,
    )
  }
  let bytes = 0
  for (const compare of request.compare) bytes += validateCompare(compare)
  for (const branch of [request.success, request.failure]) {
    for (const operation of branch) bytes += validateOne(operation, budget - operations, depth + 1)
  }
  return bytes
}

function validateCompare(compare: Compare): number {
  const bytes = validateKeys(compare.key, compare.rangeEnd)
  return compare.target === 'value' ? bytes + compare.value.byteLength : bytes
}

function checkKeyLength(key: Key, what: string): void {
  if (key.length <= LIMITS.keyBytesMax) return
  throw new StoreError(
    'REQUEST_TOO_LARGE',
    `The ${what} has ${key.length} bytes; at most ${LIMITS.keyBytesMax} are allowed.`,
  )
}
