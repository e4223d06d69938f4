/** The helpers that users build requests from: pure, so that they are tried without a store. */
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { KeyValue, rangeOf, type Selection } from '../../src/api/key-value.js'
import {
  compare,
  del,
  get,
  put,
  txn,
  type DeleteOptions,
  type PutOptions,
  type ReadOptions,
  type Transaction,
} from '../../src/api/operations.js'
import { FROM_KEY_ON, keyOf } from '../../src/base/bytes.js'

const key = fc
  .uint8Array({ minLength: 1, maxLength: 3 })
  .map((bytes) => Uint8Array.from(bytes, (byte) => [0, 97, 98, 255][byte & 3] ?? 0))
const bound = fc.oneof(key, fc.constant(new Uint8Array(0)))

/** What the words of a selection say, without any range in between. */
function isSelected(selection: Selection, candidate: Uint8Array): boolean {
  const bytes = (value: string | Uint8Array): Buffer => Buffer.from(value as Uint8Array)
  const tested = Buffer.from(candidate)
  if (typeof selection === 'string' || ArrayBuffer.isView(selection)) return tested.equals(bytes(selection))
  if ('prefix' in selection) return tested.subarray(0, selection.prefix.length).equals(bytes(selection.prefix))
  if ('all' in selection) return true
  return (
    Buffer.compare(tested, bytes(selection.from)) >= 0 &&
    (selection.to === undefined || Buffer.compare(tested, bytes(selection.to)) < 0)
  )
}

/** How the key space reads a range (etcd's convention). */
function isInRange({ key: start, rangeEnd }: ReturnType<typeof rangeOf>, candidate: string): boolean {
  if (rangeEnd === undefined) return candidate === start
  return candidate >= start && (rangeEnd === FROM_KEY_ON || candidate < rangeEnd)
}

function thrown(call: () => unknown): Error {
  try {
    call()
  } catch (error) {
    return error as Error
  }
  throw new Error('it was taken')
}

describe('a selection', () => {
  const selection: fc.Arbitrary<Selection> = fc.oneof(
    key,
    bound.map((prefix) => ({ prefix })),
    fc.record({ from: bound, to: bound }),
    bound.map((from) => ({ from })),
    fc.constant({ all: true as const }),
  )

  test('selects the keys that its words say, also at the edges of all keys', () => {
    fc.assert(
      fc.property(selection, key, (selected, candidate) => {
        expect(isInRange(rangeOf(selected), keyOf(candidate))).toBe(isSelected(selected, candidate))
      }),
      { numRuns: 5000 },
    )
  })

  test.each([[undefined], [null], [5], [{}], [[]], [{ all: false }], [{ to: 'b' }]])('cannot be %o', (wrong) => {
    expect(() => rangeOf(wrong as unknown as Selection)).toThrow(TypeError)
  })

  test('says which of its parts is wrong', () => {
    expect(() => rangeOf({ prefix: 5 as unknown as string })).toThrow(
      'prefix must be a string or a Uint8Array, not number',
    )
    expect(() => rangeOf({ from: 'a', to: null as unknown as string })).toThrow(
      'to must be a string or a Uint8Array, not null',
    )
  })
})

describe('operations', () => {
  test('are as the key space takes them', () => {
    expect(put('k', 'v', { lease: 5n, previous: true })).toMatchObject({
      type: 'put',
      key: 'k',
      lease: 5n,
      previousKeyValue: true,
    })
    expect(get({ prefix: 'k' }, { limit: 2, revision: 7 })).toMatchObject({
      type: 'range',
      key: 'k',
      rangeEnd: 'l',
      limit: 2,
      revision: 7,
    })
    expect(del('k')).toMatchObject({ type: 'delete', key: 'k', rangeEnd: undefined })
    expect(txn({})).toEqual({ type: 'transaction', compare: [], success: [], failure: [] })
  })

  test('say how a range is sorted and what it leaves out', () => {
    const options = {
      sort: { by: 'createRevision', order: 'descending' },
      minModRevision: 3,
      maxCreateRevision: 9,
    } as const
    const sorted = { sort: { target: 'create-revision', order: 'descending' }, minModRevision: 3, maxCreateRevision: 9 }
    expect(get({ all: true }, options)).toMatchObject(sorted)
    expect(get('k', { sort: {} }).sort).toEqual({ target: 'key', order: 'ascending' })
    expect(get('k').sort).toBeUndefined()
  })

  test.each<[ReadOptions, typeof TypeError | typeof RangeError, string]>([
    [{ sort: { by: 'lease' as 'key' } }, TypeError, 'by of sort must be one of key, version, createRevision'],
    [{ sort: { order: 'up' as 'ascending' } }, TypeError, "'ascending' or 'descending', not up"],
    [{ sort: { field: 'key' } as object }, TypeError, 'sort takes no field, only by and order'],
    [{ sort: 'key' as unknown as object }, TypeError, 'sort takes a plain object of by and order, not string'],
    [{ minModRevision: -1 }, RangeError, 'minModRevision must be a whole number from 0 on, not -1'],
    [{ maxModRevision: '5' as never }, TypeError, 'maxModRevision must be a number, not string'],
    [{ minCreateRevision: 1.5 }, RangeError, 'minCreateRevision must be a whole number'],
    [{ maxCreateRevision: NaN }, RangeError, 'maxCreateRevision must be a whole number'],
  ])('cannot read with %o', (options, kind, message) => {
    const error = thrown(() => get({ all: true }, options))
    expect(error).toBeInstanceOf(kind)
    expect(error.message).toContain(message)
  })

  test('can be used again and again: they hold copies', () => {
    const value = Buffer.from('before')
    const operation = put('k', value)
    const compared = compare('k').value('=', value)
    value.fill(0)
    expect(Buffer.from(operation.value).toString()).toBe('before')
    expect(compared.target === 'value' && Buffer.from(compared.value).toString()).toBe('before')
  })

  test('say what is wrong with a compare', () => {
    expect(() => compare('k').version('=', NaN)).toThrow('version must be a whole number from 0 on, not NaN')
    expect(() => compare('k').modRevision('=', '5' as unknown as number)).toThrow(
      'modRevision must be a number, not string',
    )
    expect(() => compare('k').version('>=' as '>', 1)).toThrow("the relation must be '=', '!=', '<' or '>', not >=")
    expect(() => compare('k').lease('=', 2n ** 64n)).toThrow('64-bit')
    expect(() => put('k', 'v', { lease: 5 as never })).toThrow(
      'a lease id is a bigint, as leases.grant() returns it, not number',
    )
  })
})

describe('a transaction', () => {
  const handMade = { type: 'put', key: 'k', value: 5, lease: '0' }
  test.each<[string, unknown, string]>([
    [
      'a branch of another name',
      { then: [put('k', 'v')] },
      'a transaction takes no then, only compare, success and failure',
    ],
    ['a misspelt branch', { sucess: [] }, 'takes no sucess (did you mean success?)'],
    ['nothing', undefined, 'a transaction is missing'],
    ['a number', 5, 'a transaction takes a plain object of compare, success and failure, not number'],
    ['a text', 'x', 'not string'],
    ['an array', [put('k', 'v')], 'not an array'],
    [
      'one operation for a list',
      { success: put('k', 'v') },
      'success of a transaction must be an array, not an object',
    ],
    ['null for a list', { failure: null }, 'failure of a transaction must be an array, not null'],
    ['a number for a compare', { compare: [3] }, 'compare[0] of a transaction must be made by compare()'],
    ['an unfinished compare', { compare: [compare('k')] }, 'it is an object of class CompareBuilder'],
    [
      'a compare among operations',
      { success: [compare('k').exists()] },
      'put(), get(), del() or txn(); it is a compare',
    ],
    ['an operation among compares', { compare: [put('k', 'v')] }, 'it is an operation'],
    [
      'an operation made by hand',
      { success: [put('k', 'v'), handMade] },
      'success[1] of a transaction must be made by put()',
    ],
    ['a copy that was changed', { success: [{ ...put('k', 'v'), lease: 5 }] }, 'it is an object made by hand'],
    ['one that inherits from a made one', { success: [Object.create(put('k', 'v'))] }, 'must be made by put()'],
    ['a list with a hole', { success: new Array(1) }, 'success[0] of a transaction must be made by'],
  ])('cannot be made of %s', (_what, wrong, message) => {
    const error = thrown(() => txn(wrong as Transaction))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(message)
  })

  test('holds what it was made of, whatever becomes of the lists it was given', () => {
    const success = [put('k', 'v')]
    const made = txn({ success })
    success.pop()
    expect(made.success).toHaveLength(1)
    expect(() => Object.assign(made.success[0] as object, { key: 'other' })).toThrow(TypeError)
    expect(txn(made)).toEqual(made)
  })
})

describe('a name that is misspelt', () => {
  test.each<[string, () => unknown, string]>([
    [
      'put',
      () => put('k', 'v', { leaseId: 5n } as PutOptions),
      'put() takes no leaseId (did you mean lease?), only lease,',
    ],
    ['get', () => get('k', { keyOnly: true } as ReadOptions), 'get() takes no keyOnly (did you mean keysOnly?)'],
    ['del', () => del('k', { prevKv: true } as DeleteOptions), 'del() takes no prevKv, only previous'],
    [
      'a prefix',
      () => get({ prefx: 'a' } as unknown as Selection),
      'a selection takes no prefx (did you mean prefix?)',
    ],
    [
      'a selection with a limit',
      () => get({ prefix: '', limit: 1 } as Selection),
      'a selection takes no limit, only prefix',
    ],
    ['a selection of two kinds', () => del({ prefix: 'a', from: 'b' }), 'takes no from, only prefix'],
    ['a compare', () => compare({ prefix: 'a', revision: 5 } as Selection), 'a selection takes no revision'],
  ])('is not ignored in %s', (_what, call, message) => {
    const error = thrown(call)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(message)
  })

  test('cannot hide: options are plain objects, in which nothing is inherited', () => {
    const hidden = [
      Object.create({ lease: 5n }),
      { ['__proto__']: { lease: 5n } },
      JSON.parse('{"__proto__": {"previous": true}}'),
      Object.create(Object.assign(Object.create(null) as object, { lease: 5n })),
      new AbortController().signal,
      [],
      null,
      5n,
    ] as PutOptions[]
    for (const options of hidden) expect(() => put('k', 'v', options)).toThrow(TypeError)
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      expect(() => put('k', 'v', { [name]: true })).toThrow(`put() takes no ${name}`)
    }
  })

  test('is told from options without a prototype, and of another realm', () => {
    const bare = Object.assign(Object.create(null) as PutOptions, { previous: true })
    expect(put('k', 'v', bare).previousKeyValue).toBe(true)
    const foreign = runInNewContext('({ previous: true })') as PutOptions
    expect(put('k', 'v', foreign).previousKeyValue).toBe(true)
  })
})

describe('a key-value', () => {
  const record = {
    key: keyOf('naïve'),
    value: Buffer.from('{"port":7001}'),
    createRevision: 2,
    modRevision: 5,
    version: 3,
    lease: 0n,
  }

  test('reads as text, bytes and JSON', () => {
    const found = new KeyValue(record)
    expect([found.key, found.text(), found.json<{ port: number }>().port]).toEqual(['naïve', '{"port":7001}', 7001])
    expect(Buffer.from(found.keyBytes).toString()).toBe('naïve')
    expect([found.createRevision, found.modRevision, found.version, found.lease]).toEqual([2, 5, 3, undefined])
    expect(new KeyValue({ ...record, lease: -3n }).lease).toBe(-3n)
  })

  test('that is no JSON says so', () => {
    expect(() => new KeyValue({ ...record, value: Buffer.from('{') }).json()).toThrow(SyntaxError)
  })
})
