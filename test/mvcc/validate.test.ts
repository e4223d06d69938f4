import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import type { Compare, Operation } from '../../src/mvcc/types.js'
import { validateOperation } from '../../src/mvcc/validate.js'
import { always, bytes, del, get, put, txn } from './requests.js'

const exists = (key: string): Compare => ({ target: 'version', key, relation: '>', version: 0 })

function refusal(operation: Operation): string | undefined {
  try {
    validateOperation(operation)
    return undefined
  } catch (error) {
    if (isStoreError(error)) return error.code
    return (error as Error).name
  }
}

/** A transaction inside a transaction, `depth` times. */
function nested(depth: number): Operation {
  return depth === 0 ? put('a') : always(nested(depth - 1))
}

function many(count: number): Operation[] {
  return Array.from({ length: count }, (_, at) => put(`key ${at}`))
}

describe('requests that are refused unseen', () => {
  test.each([
    ['a range', get('')],
    ['a put', put('')],
    ['a delete', del('')],
    ['a compare', txn([exists('')], [])],
    ['a put in a branch that may never be taken', txn([], [], [put('')])],
    ['a nested compare', always(txn([exists('')], []))],
  ])('%s without a key', (_name, operation) => {
    expect(refusal(operation)).toBe('EMPTY_KEY')
  })

  test('a negative revision, and one that is no whole number', () => {
    expect(refusal(get('a', undefined, { revision: -1 }))).toBe('INVALID_REVISION')
    expect(refusal(get('a', undefined, { revision: 1.5 }))).toBe('INVALID_REVISION')
    expect(refusal(always(get('a', undefined, { revision: -1 })))).toBe('INVALID_REVISION')
    expect(refusal(get('a', undefined, { revision: 0 }))).toBeUndefined()
    for (const bound of ['minModRevision', 'maxModRevision', 'minCreateRevision', 'maxCreateRevision'] as const) {
      expect(refusal(get('a', undefined, { [bound]: -1 }))).toBe('INVALID_REVISION')
      expect(refusal(get('a', undefined, { [bound]: 0 }))).toBeUndefined()
    }
  })

  test('a limit that is none, and a sort that is none', () => {
    expect(refusal(get('a', undefined, { limit: -1 }))).toBe('RangeError')
    expect(refusal(get('a', undefined, { sort: { target: 'lease' as 'key', order: 'ascending' } }))).toBe('TypeError')
    expect(refusal(get('a', undefined, { sort: { target: 'key', order: 'none' as 'ascending' } }))).toBe('TypeError')
  })

  test('a limit that is none is a misuse', () => {
    expect(refusal(get('a', undefined, { limit: -1 }))).toBe('RangeError')
    expect(refusal(get('a', undefined, { limit: 0.5 }))).toBe('RangeError')
  })

  test('a key or a range end over its limit', () => {
    const long = 'k'.repeat(LIMITS.keyBytesMax + 1)
    expect(refusal(put(long))).toBe('REQUEST_TOO_LARGE')
    expect(refusal(put(long.slice(1)))).toBeUndefined()
    expect(refusal(get('a', long))).toBe('REQUEST_TOO_LARGE')
    expect(refusal(del('a', long))).toBe('REQUEST_TOO_LARGE')
  })

  test('a request whose keys and values are over the limit together', () => {
    const half = 'v'.repeat(LIMITS.requestBytesMax / 2)
    expect(refusal(put('a', half + half))).toBe('REQUEST_TOO_LARGE')
    expect(refusal(always(put('a', half), put('b', half)))).toBe('REQUEST_TOO_LARGE')
    expect(refusal(always(put('a', half), put('b', half.slice(2))))).toBeUndefined()
    const compare: Compare = { target: 'value', key: 'a', relation: '=', value: bytes(half + half) }
    expect(refusal(txn([compare], []))).toBe('REQUEST_TOO_LARGE')
  })

  test('a value beside ignoreValue, a lease beside ignoreLease', () => {
    expect(refusal(put('a', 'v', { ignoreValue: true }))).toBe('VALUE_PROVIDED')
    expect(refusal(put('a', 'v', { ignoreLease: true, lease: 5n }))).toBe('LEASE_PROVIDED')
    expect(refusal(put('a', '', { ignoreValue: true, lease: 5n }))).toBeUndefined()
    expect(refusal(put('a', 'v', { ignoreLease: true }))).toBeUndefined()
  })

  test('more compares, or more operations in either branch, than the limit', () => {
    const max = LIMITS.transactionOperationsMax
    const compares = (count: number) => Array.from({ length: count }, (_, at) => exists(`key ${at}`))
    expect(refusal(txn(compares(max), many(max), many(max)))).toBeUndefined()
    expect(refusal(txn(compares(max + 1), []))).toBe('TOO_MANY_OPERATIONS')
    expect(refusal(txn([], many(max + 1)))).toBe('TOO_MANY_OPERATIONS')
    expect(refusal(txn([], [], many(max + 1)))).toBe('TOO_MANY_OPERATIONS')
  })

  test('a nested transaction has the limit less what stands around it, and siblings do not share', () => {
    const max = LIMITS.transactionOperationsMax
    const inner = (count: number, from = 0) =>
      always(...Array.from({ length: count }, (_, at) => put(`inner ${from + at}`)))
    expect(refusal(always(inner(max - 1)))).toBeUndefined()
    expect(refusal(always(inner(max)))).toBe('TOO_MANY_OPERATIONS')
    expect(refusal(always(inner(max - 2), inner(max - 2, 1000)))).toBeUndefined()
    expect(refusal(always(inner(max - 2), inner(max - 1, 1000)))).toBe('TOO_MANY_OPERATIONS')
  })

  test('a nested transaction that is too large is told the limit and what uses it up', () => {
    const max = LIMITS.transactionOperationsMax
    const inner = Array.from({ length: max }, (_, at) => put(`inner ${at}`))
    expect(() => validateOperation(always(always(...inner)))).toThrow(
      `nested 1 deep has ${max} compares or operations in a branch and those around it have 1; at most ${max}`,
    )
  })

  test('transactions deeper inside each other than the limit', () => {
    expect(refusal(nested(LIMITS.transactionDepthMax + 1))).toBeUndefined()
    expect(refusal(nested(LIMITS.transactionDepthMax + 2))).toBe('TOO_MANY_OPERATIONS')
  })
})

describe('a key changed twice in one branch', () => {
  test.each<[string, Operation]>([
    ['two puts', always(put('a'), put('a'))],
    ['two puts in the branch not taken', txn([], [], [put('a'), put('a')])],
    ['a put and a delete of it', always(put('a'), del('a'))],
    ['a delete, then a put of it', always(del('a'), put('a'))],
    ['a put inside a deleted range', always(del('a', 'c'), put('b'))],
    ['a put and one in a nested transaction', always(put('a'), always(put('a')))],
    ['a put and a nested delete', always(put('b'), always(del('a', 'c')))],
    ['a delete and a put two levels down', always(del('a', 'c'), always(txn([], [], [put('b')])))],
    ['puts in two nested transactions', always(always(put('a')), always(put('a')))],
    ['a nested delete, then a nested put', always(always(del('a')), always(put('a')))],
    ['a nested put, then a nested delete (etcd lets it pass)', always(always(put('a')), always(del('a')))],
    ['a put beside a delete of its own sibling branch', always(del('a', 'c'), txn([], [put('bb')], [del('b', 'z')]))],
    ['a put far inside a delete from a key on (etcd lets it pass)', always(del('a', '\0'), put('z'))],
  ])('is refused: %s', (_name, operation) => {
    expect(refusal(operation)).toBe('DUPLICATE_KEY')
  })

  test.each<[string, Operation]>([
    ['the two branches of the transaction', txn([], [put('a')], [put('a'), del('b')])],
    ['the two branches of a nested one', always(txn([], [put('a')], [put('a')]))],
    ['a put and a delete in the two branches of a nested one', always(txn([], [put('a')], [del('a')]))],
    ['two deletes', always(del('a', 'c'), del('b'), always(del('a', '\0')))],
    ['a put at the end of a deleted range', always(del('a', 'c'), put('c'))],
    ['a put before a deleted range', always(del('b', '\0'), put('a'))],
    ['a range over what is put', always(put('a'), get('a', '\0'))],
    ['an empty delete', always(del('c', 'a'), put('b'))],
  ])('is not what this is: %s', (_name, operation) => {
    expect(refusal(operation)).toBeUndefined()
  })

  test('is found in a large request without looking at every pair', () => {
    const branch = (from: number, count: number, make: (key: string) => Operation) =>
      Array.from({ length: count }, (_, at) => make(String(from + at).padStart(6, '0')))
    const wide = branch(0, 30, (key) => always(...branch(Number(key) * 100, 60, (inner) => put(`p${inner}`))))
    const narrow = branch(0, 30, (key) =>
      always(...branch(Number(key) * 100, 60, (inner) => del(`p${inner}x`, `p${inner}y`))),
    )
    expect(refusal(always(...wide, ...narrow))).toBeUndefined()
    expect(refusal(always(...wide, ...narrow, del('p002999')))).toBeUndefined()
    expect(refusal(always(...wide, ...narrow, del('p002931')))).toBe('DUPLICATE_KEY')
  })
})
