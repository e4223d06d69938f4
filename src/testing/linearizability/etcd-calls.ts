/**
 * The calls of a store as data that JSON can hold: what `record()` writes down and the etcd model judges.
 *
 * Keys and values are text with one character per byte (U+0000 to U+00FF), so that nothing is lost and comparing is cheap;
 * lease ids are decimal text.
 */
import { asBuffer, type Key } from '../../base/bytes.js'
import type { Compare, Operation, RangeRequest, RangeSort, Relation } from '../../mvcc/types.js'
import { assertNever } from '../../base/assert.js'
import type { KeyValue } from '../../api/key-value.js'
import type { OperationResult } from '../../api/store.js'

export interface EtcdPut {
  readonly type: 'put'
  readonly key: string
  readonly value: string
  readonly lease?: string
  readonly previous?: true
  readonly ignoreValue?: true
  readonly ignoreLease?: true
}

export interface EtcdRange {
  readonly type: 'range'
  readonly key: string
  /** Undefined: the one key. '\0': every key from `key` on. Else keys from `key` to before it. */
  readonly end?: string
  readonly revision?: number
  readonly limit?: number
  readonly countOnly?: true
  readonly keysOnly?: true
  readonly sort?: EtcdSort
  readonly minMod?: number
  readonly maxMod?: number
  readonly minCreate?: number
  readonly maxCreate?: number
}

/** What is equal in it is in the order of its keys, both ways. */
export interface EtcdSort {
  readonly by: 'key' | 'version' | 'create' | 'mod' | 'value'
  readonly descending?: true
}

export interface EtcdDelete {
  readonly type: 'delete'
  readonly key: string
  readonly end?: string
  readonly previous?: true
}

export type EtcdCompare = {
  readonly key: string
  readonly end?: string
  readonly relation: Relation
} & (
  | { readonly target: 'value' | 'lease'; readonly value: string }
  | { readonly target: 'version' | 'create' | 'mod'; readonly value: number }
)

export interface EtcdTransaction {
  readonly type: 'txn'
  readonly compare: readonly EtcdCompare[]
  readonly success: readonly EtcdOperation[]
  readonly failure: readonly EtcdOperation[]
}

export type EtcdOperation = EtcdPut | EtcdRange | EtcdDelete | EtcdTransaction

export type EtcdInput =
  | EtcdPut
  | (EtcdRange & { readonly local?: true })
  /** A read of one key, whose answer has no revision. */
  | { readonly type: 'get'; readonly key: string; readonly revision?: number; readonly local?: true }
  | EtcdDelete
  | EtcdTransaction
  | { readonly type: 'compact'; readonly revision: number }
  | { readonly type: 'grant'; readonly lease?: string }
  | { readonly type: 'revoke' | 'keep-alive'; readonly lease: string }
  | { readonly type: 'time-to-live'; readonly lease: string; readonly keys?: true }
  | { readonly type: 'leases'; readonly local?: true }
  /** Nobody's call: the lease's time is over. */
  | { readonly type: 'expire'; readonly lease: string }

export interface EtcdKeyValue {
  readonly key: string
  readonly value: string
  readonly create: number
  readonly mod: number
  readonly version: number
  readonly lease?: string
}

export type EtcdResult =
  | { readonly type: 'put'; readonly previous?: EtcdKeyValue }
  | { readonly type: 'range'; readonly items: readonly EtcdKeyValue[]; readonly count: number; readonly more: boolean }
  | { readonly type: 'delete'; readonly deleted: number; readonly previous: readonly EtcdKeyValue[] }
  | { readonly type: 'txn'; readonly succeeded: boolean; readonly results: readonly EtcdResult[] }

export type EtcdOutput =
  /** Of put, range, delete and txn. */
  | (EtcdResult & { readonly revision: number })
  | { readonly type: 'get'; readonly found?: EtcdKeyValue }
  | { readonly type: 'grant'; readonly lease: string }
  /** With the keys that hang on it, in their order, where they were asked for. */
  | { readonly type: 'time-to-live'; readonly exists: boolean; readonly keys?: readonly string[] }
  | { readonly type: 'leases'; readonly leases: readonly string[] }
  | { readonly type: 'done' }

export function keyValueData(keyValue: KeyValue): EtcdKeyValue {
  const { keyBytes, value, createRevision, modRevision, version, lease } = keyValue
  const data = {
    key: asBuffer(keyBytes).toString('latin1'),
    value: asBuffer(value).toString('latin1'),
    create: createRevision,
    mod: modRevision,
    version,
  }
  return lease === undefined ? data : { ...data, lease: String(lease) }
}

export function resultData(result: OperationResult): EtcdResult {
  switch (result.type) {
    case 'put':
      return { type: 'put', ...previousData(result.previous) }
    case 'range':
      return { type: 'range', items: result.items.map(keyValueData), count: result.count, more: result.more }
    case 'delete':
      return { type: 'delete', deleted: result.deleted, previous: result.previous.map(keyValueData) }
    case 'transaction':
      return { type: 'txn', succeeded: result.succeeded, results: result.results.map(resultData) }
    default:
      return assertNever(result, 'result')
  }
}

export function previousData(previous: KeyValue | undefined): { readonly previous?: EtcdKeyValue } {
  return previous === undefined ? {} : { previous: keyValueData(previous) }
}

export function operationData(operation: Operation): EtcdOperation {
  switch (operation.type) {
    case 'put': {
      const { key, value, lease, previousKeyValue, ignoreValue, ignoreLease } = operation
      return {
        type: 'put',
        key,
        value: asBuffer(value).toString('latin1'),
        ...(lease === 0n ? {} : { lease: String(lease) }),
        ...(previousKeyValue === true ? { previous: true } : {}),
        ...(ignoreValue === true ? { ignoreValue: true } : {}),
        ...(ignoreLease === true ? { ignoreLease: true } : {}),
      }
    }
    case 'range':
      return rangeData(operation)
    case 'delete': {
      const { key, rangeEnd, previousKeyValue } = operation
      return { type: 'delete', key, ...endData(rangeEnd), ...(previousKeyValue === true ? { previous: true } : {}) }
    }
    case 'transaction': {
      const { compare, success, failure } = operation
      return {
        type: 'txn',
        compare: compare.map(compareData),
        success: success.map(operationData),
        failure: failure.map(operationData),
      }
    }
    default:
      return assertNever(operation, 'operation')
  }
}

export function rangeData(request: RangeRequest): EtcdRange {
  const { key, rangeEnd, revision, limit, countOnly, keysOnly, sort } = request
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request
  return {
    type: 'range',
    key,
    ...endData(rangeEnd),
    ...(revision ? { revision } : {}),
    ...(limit ? { limit } : {}),
    ...(countOnly === true ? { countOnly: true } : {}),
    ...(keysOnly === true ? { keysOnly: true } : {}),
    ...(sort === undefined ? {} : { sort: sortData(sort) }),
    ...(minModRevision ? { minMod: minModRevision } : {}),
    ...(maxModRevision ? { maxMod: maxModRevision } : {}),
    ...(minCreateRevision ? { minCreate: minCreateRevision } : {}),
    ...(maxCreateRevision ? { maxCreate: maxCreateRevision } : {}),
  }
}

function sortData({ target, order }: RangeSort): EtcdSort {
  const by = target === 'create-revision' ? 'create' : target === 'mod-revision' ? 'mod' : target
  return order === 'descending' ? { by, descending: true } : { by }
}

function compareData(compare: Compare): EtcdCompare {
  const { key, rangeEnd, relation } = compare
  const common = { key, ...endData(rangeEnd), relation }
  switch (compare.target) {
    case 'value':
      return { ...common, target: 'value', value: asBuffer(compare.value).toString('latin1') }
    case 'lease':
      return { ...common, target: 'lease', value: String(compare.lease) }
    case 'version':
      return { ...common, target: 'version', value: compare.version }
    case 'create-revision':
      return { ...common, target: 'create', value: compare.createRevision }
    case 'mod-revision':
      return { ...common, target: 'mod', value: compare.modRevision }
    default:
      return assertNever(compare, 'compare')
  }
}

function endData(end: Key | undefined): { readonly end?: string } {
  return end === undefined ? {} : { end }
}
