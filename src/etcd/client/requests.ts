/**
 * Requests of the contract as messages of etcd's API.
 *
 * What etcd takes for something else than is meant is refused here: an empty key, which is every key of a watch, and a revision
 * below 0, which is the latest one. All else the server checks.
 */
import { assertNever } from '../../base/assert.js'
import { asBuffer, keyBytes, type Key } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import type { Compare, DeleteRequest, Operation, PutRequest, RangeRequest } from '../../api/operations.js'
import {
  Compare_CompareResult,
  Compare_CompareTarget,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  type Compare as CompareMessage,
  type DeleteRangeRequest,
  type PutRequest as PutMessage,
  type RangeRequest as RangeMessage,
  type RequestOp,
  type TxnRequest,
} from '../generated/rpc.js'

type TransactionRequest = Extract<Operation, { readonly type: 'transaction' }>
type RangeSort = NonNullable<RangeRequest['sort']>

const NO_BYTES = Buffer.alloc(0)

export function bytesOf(key: Key | undefined): Buffer {
  return key === undefined ? NO_BYTES : asBuffer(keyBytes(key))
}

/** Throws `EMPTY_KEY`. */
export function checkKey(key: Key): void {
  if (key.length === 0) throw new StoreError('EMPTY_KEY', 'The key is empty; a key has at least one byte.')
}

/** Throws `INVALID_REVISION`. */
export function checkRevision(revision: number): void {
  if (Number.isSafeInteger(revision) && revision >= 0) return
  throw new StoreError('INVALID_REVISION', `${revision} is not a revision: they are whole numbers from 1 on.`)
}

const SORT_TARGETS: Readonly<Record<RangeSort['target'], RangeRequest_SortTarget>> = {
  key: RangeRequest_SortTarget.KEY,
  version: RangeRequest_SortTarget.VERSION,
  'create-revision': RangeRequest_SortTarget.CREATE,
  'mod-revision': RangeRequest_SortTarget.MOD,
  value: RangeRequest_SortTarget.VALUE,
}

/** Throws `EMPTY_KEY`, `INVALID_REVISION`, RangeError. */
export function rangeMessage(request: RangeRequest, serializable: boolean): RangeMessage {
  const { key, rangeEnd, revision = 0, limit = 0, countOnly = false, keysOnly = false, sort } = request
  checkKey(key)
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw new RangeError(`limit must be a whole number from 0 on, not ${limit}`)
  return {
    key: bytesOf(key),
    range_end: bytesOf(rangeEnd),
    limit: BigInt(limit),
    revision: revisionMessage(revision),
    sort_order: orderOf(sort),
    sort_target: sort === undefined ? RangeRequest_SortTarget.KEY : SORT_TARGETS[sort.target],
    serializable,
    keys_only: keysOnly,
    count_only: countOnly,
    min_mod_revision: revisionMessage(request.minModRevision),
    max_mod_revision: revisionMessage(request.maxModRevision),
    min_create_revision: revisionMessage(request.minCreateRevision),
    max_create_revision: revisionMessage(request.maxCreateRevision),
  }
}

function orderOf(sort: RangeSort | undefined): RangeRequest_SortOrder {
  if (sort === undefined) return RangeRequest_SortOrder.NONE
  return sort.order === 'ascending' ? RangeRequest_SortOrder.ASCEND : RangeRequest_SortOrder.DESCEND
}

function revisionMessage(revision = 0): bigint {
  checkRevision(revision)
  return BigInt(revision)
}

/** Throws `EMPTY_KEY`. */
export function putMessage(request: PutRequest): PutMessage {
  const { key, value, lease, previousKeyValue = false, ignoreValue = false, ignoreLease = false } = request
  checkKey(key)
  return {
    key: bytesOf(key),
    value: asBuffer(value),
    lease,
    prev_kv: previousKeyValue,
    ignore_value: ignoreValue,
    ignore_lease: ignoreLease,
  }
}

/** Throws `EMPTY_KEY`. */
export function deleteMessage({ key, rangeEnd, previousKeyValue = false }: DeleteRequest): DeleteRangeRequest {
  checkKey(key)
  return { key: bytesOf(key), range_end: bytesOf(rangeEnd), prev_kv: previousKeyValue }
}

/** Throws `EMPTY_KEY`, `INVALID_REVISION`, RangeError. */
export function transactionMessage({ compare, success, failure }: TransactionRequest): TxnRequest {
  return {
    compare: compare.map(compareMessage),
    success: success.map(operationMessage),
    failure: failure.map(operationMessage),
  }
}

/** Whether it may be made twice without harm. */
export function onlyReads({ success, failure }: TransactionRequest): boolean {
  return [...success, ...failure].every((each) => {
    return each.type === 'range' || (each.type === 'transaction' && onlyReads(each))
  })
}

function operationMessage(operation: Operation): RequestOp {
  switch (operation.type) {
    case 'range':
      return { request: { $case: 'request_range', value: rangeMessage(operation, false) } }
    case 'put':
      return { request: { $case: 'request_put', value: putMessage(operation) } }
    case 'delete':
      return { request: { $case: 'request_delete_range', value: deleteMessage(operation) } }
    case 'transaction':
      return { request: { $case: 'request_txn', value: transactionMessage(operation) } }
    default:
      return assertNever(operation, 'operation')
  }
}

const RELATIONS: Readonly<Record<Compare['relation'], Compare_CompareResult>> = {
  '=': Compare_CompareResult.EQUAL,
  '!=': Compare_CompareResult.NOT_EQUAL,
  '<': Compare_CompareResult.LESS,
  '>': Compare_CompareResult.GREATER,
}

function compareMessage(compare: Compare): CompareMessage {
  checkKey(compare.key)
  return {
    key: bytesOf(compare.key),
    range_end: bytesOf(compare.rangeEnd),
    result: RELATIONS[compare.relation],
    ...targetMessage(compare),
  }
}

function targetMessage(compare: Compare): Pick<CompareMessage, 'target' | 'target_union'> {
  switch (compare.target) {
    case 'value':
      return {
        target: Compare_CompareTarget.VALUE,
        target_union: { $case: 'value', value: asBuffer(compare.value) },
      }
    case 'version':
      return {
        target: Compare_CompareTarget.VERSION,
        target_union: { $case: 'version', value: BigInt(compare.version) },
      }
    case 'create-revision':
      return {
        target: Compare_CompareTarget.CREATE,
        target_union: { $case: 'create_revision', value: BigInt(compare.createRevision) },
      }
    case 'mod-revision':
      return {
        target: Compare_CompareTarget.MOD,
        target_union: { $case: 'mod_revision', value: BigInt(compare.modRevision) },
      }
    case 'lease':
      return { target: Compare_CompareTarget.LEASE, target_union: { $case: 'lease', value: compare.lease } }
    default:
      return assertNever(compare, 'compare')
  }
}
