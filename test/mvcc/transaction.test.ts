/** etcd's rules for puts, deletes, ranges and transactions, one sentence each. */
import { describe, expect, test } from 'vitest'
import { isStoreError, type StoreError } from '../../src/base/errors.js'
import { Lessor } from '../../src/lease/lessor.js'
import { LIMITS } from '../../src/base/limits.js'
import { recordKey } from '../../src/mvcc/record.js'
import { MvccStore } from '../../src/mvcc/store.js'
import type {
  Compare,
  CompareTarget,
  Operation,
  OperationResponse,
  RangeRequest,
  Relation,
} from '../../src/mvcc/types.js'
import { MemoryBackend } from './memory-backend.js'
import { always, bytes, del, describeAll, get, prefix, put, text, txn } from './requests.js'

function world() {
  const lessor = new Lessor()
  lessor.grant(7n, 10)
  lessor.grant(8n, 10)
  const backend = new MemoryBackend()
  return { lessor, backend, store: new MvccStore(backend, lessor) }
}

function storeWith(...operations: readonly Operation[]): MvccStore {
  const { store } = world()
  for (const operation of operations) store.write(operation)
  return store
}

function refused(action: () => unknown): StoreError {
  try {
    action()
  } catch (error) {
    if (isStoreError(error)) return error
    throw error
  }
  return expect.unreachable()
}

const all = (store: MvccStore, more = {}) => describeAll(store.range(get('\0', '\0', more)).keyValues)

describe('puts', () => {
  test('an empty store is at revision 1, and its first write makes 2', () => {
    const { store } = world()
    expect(store.revision).toBe(1)
    store.write(put('a', '1'))
    expect(store.revision).toBe(2)
  })

  test('the same value again makes a revision, a version and an event', () => {
    const store = storeWith(put('a', '1'))
    const { events } = store.write(put('a', '1'))
    expect(store.revision).toBe(3)
    expect(events[0]?.keyValue).toMatchObject({ version: 2, createRevision: 2, modRevision: 3 })
    expect(events[0]?.previous).toEqual({ main: 2, sub: 0 })
  })

  test('version and create revision begin again after a delete', () => {
    const store = storeWith(put('a', '1'), put('a', '2'), del('a'), put('a', '3'))
    expect(store.range(get('a')).keyValues[0]).toMatchObject({ version: 1, createRevision: 5, modRevision: 5 })
  })

  test('an empty value is not a missing one', () => {
    expect(storeWith(put('a', '')).range(get('a')).count).toBe(1)
  })

  test('the previous version is given if asked for, and absent for a new key', () => {
    const store = storeWith()
    const first = store.write(put('a', '1', { previousKeyValue: true }))
    expect(first.response.previous).toBeUndefined()
    const second = store.write(put('a', '2', { previousKeyValue: true }))
    expect(text(store.complete(second.response).previous?.value ?? bytes('?'))).toBe('1')
    expect(store.write(put('a', '3')).response.previous).toBeUndefined()
  })

  test('ignoreValue keeps the value, ignoreLease the lease', () => {
    const store = storeWith(put('a', 'kept', { lease: 7n }))
    store.write(put('a', '', { ignoreValue: true, lease: 8n }))
    expect(store.range(get('a')).keyValues[0]).toMatchObject({ lease: 8n })
    expect(all(store)).toBe('a=kept@3')
    store.write(put('a', 'new', { ignoreLease: true }))
    expect(store.range(get('a')).keyValues[0]).toMatchObject({ lease: 8n, version: 3 })
  })

  test('ignoreValue and ignoreLease need a key that exists', () => {
    const store = storeWith(put('gone'), del('gone'))
    expect(refused(() => store.write(put('a', '', { ignoreValue: true }))).code).toBe('KEY_NOT_FOUND')
    expect(refused(() => store.write(put('gone', 'v', { ignoreLease: true }))).code).toBe('KEY_NOT_FOUND')
    expect(store.revision).toBe(3)
  })

  test('an unknown lease is refused, and nothing is written', () => {
    const { store, backend } = world()
    expect(refused(() => store.write(put('a', '1', { lease: 99n }))).code).toBe('LEASE_NOT_FOUND')
    expect([store.revision, store.size, backend.records.size]).toEqual([1, 0, 0])
  })

  test('a put replaces the lease of its key, and without one takes it off', () => {
    const { store, lessor } = world()
    store.write(put('a', '1', { lease: 7n }))
    store.write(put('a', '2', { lease: 8n }))
    expect([lessor.keysOf(7n), lessor.keysOf(8n)]).toEqual([[], ['a']])
    store.write(put('a', '3'))
    expect([lessor.keysOf(7n), lessor.keysOf(8n)]).toEqual([[], []])
  })

  test('an event does not hold on to the bytes it was made from', () => {
    const { store } = world()
    const frame = new Uint8Array(1 << 20)
    const { events } = store.write({ ...put('a'), value: frame.subarray(5, 8) })
    expect(events[0]?.keyValue.value.buffer).not.toBe(frame.buffer)
  })
})

describe('ranges', () => {
  const full = () => storeWith(put('a', '1'), put('b/1', '2'), put('b/2', '3'), put('b0', '4'), put('c\xff', '5'))

  test.each([
    ['a single key', get('b/1'), 'b/1=2@3'],
    ['a key that does not exist', get('nope'), ''],
    ['a prefix', prefix('b/'), 'b/1=2@3 b/2=3@4'],
    ['a prefix that ends in 0xff', prefix('c\xff'), 'c\xff=5@6'],
    ['everything from a key on', get('b/2', '\0'), 'b/2=3@4 b0=4@5 c\xff=5@6'],
    ['everything', get('\0', '\0'), 'a=1@2 b/1=2@3 b/2=3@4 b0=4@5 c\xff=5@6'],
    ['a range without its end', get('a', 'b/2'), 'a=1@2 b/1=2@3'],
    ['a range that ends where it begins', get('b', 'b'), ''],
    ['a range that ends before it begins', get('c', 'a'), ''],
    ['an older revision', get('\0', '\0', { revision: 3 }), 'a=1@2 b/1=2@3'],
  ])('%s', (_name, request, expected) => {
    expect(describeAll(full().range(request).keyValues)).toBe(expected)
  })

  test('the limit cuts off, and the count does not mind', () => {
    const plan = full().planRange(get('\0', '\0', { limit: 2 }))
    expect([plan.records.length, plan.count, plan.more]).toEqual([2, 5, true])
    const exact = full().planRange(get('\0', '\0', { limit: 5 }))
    expect([exact.records.length, exact.count, exact.more]).toEqual([5, 5, false])
  })

  test('countOnly gives the count, no keys, and never more', () => {
    const plan = full().planRange(get('\0', '\0', { countOnly: true, limit: 2 }))
    expect([plan.records.length, plan.count, plan.more]).toEqual([0, 5, false])
  })

  test('keysOnly is answered by the index alone, without value and lease', () => {
    const store = storeWith(put('a', '1', { lease: 7n }), put('a', '2'))
    expect(store.planRange(get('a', undefined, { keysOnly: true })).known).toEqual([
      { key: 'a', value: new Uint8Array(0), createRevision: 2, modRevision: 3, version: 2, lease: 0n },
    ])
    const old = always(get('a', undefined, { keysOnly: true, revision: 2 }))
    expect(first(store.complete(store.write(old).response))).toMatchObject({
      keyValues: [{ modRevision: 2, version: 1, lease: 0n }],
    })
  })

  test.each<[string, Partial<RangeRequest>, string]>([
    [
      'a sort sees everything before the limit',
      { sort: { target: 'value', order: 'descending' }, limit: 2 },
      'c\xff b0',
    ],
    ['a sort by mod revision', { sort: { target: 'mod-revision', order: 'descending' }, limit: 2 }, 'c\xff b0'],
    ['a sort by key, descending', { sort: { target: 'key', order: 'descending' }, limit: 2 }, 'c\xff b0'],
    [
      'equal versions are in key order, ascending',
      { sort: { target: 'version', order: 'ascending' }, limit: 2 },
      'a b/1',
    ],
    [
      'equal versions are in key order, descending',
      { sort: { target: 'version', order: 'descending' }, limit: 2 },
      'a b/1',
    ],
    ['filters come before the limit', { minModRevision: 3, maxCreateRevision: 5, limit: 2 }, 'b/1 b/2'],
  ])('%s, and the count minds neither', (_name, more, expected) => {
    const { keyValues, ...answer } = full().range(get('\0', '\0', more))
    expect(keyValues.map(({ key }) => key).join(' ')).toBe(expected)
    expect(answer).toEqual({ type: 'range', count: 5, more: true })
  })

  test('more is said of what passes the filters only', () => {
    expect(full().range(get('\0', '\0', { minModRevision: 5, limit: 2 }))).toMatchObject({ count: 5, more: false })
    const older = { revision: 5, maxCreateRevision: 3, limit: 2 }
    expect(full().range(get('\0', '\0', older))).toMatchObject({ count: 4, more: false })
    expect(full().range(get('\0', '\0', { ...older, limit: 1 }))).toMatchObject({ count: 4, more: true })
  })

  test('a sort by what the index knows reads what it shows, and no record more', () => {
    const sort = { target: 'version', order: 'descending' } as const
    const plan = full().planRange(get('\0', '\0', { sort, limit: 2 }))
    expect([plan.records.length, plan.more, plan.choice]).toEqual([2, true, undefined])
    const keys = full().planRange(get('\0', '\0', { sort, limit: 2, keysOnly: true }))
    expect(keys.known?.map(({ key }) => key)).toEqual(['a', 'b/1'])
  })

  test('the plan carries the current revision, whatever revision is read', () => {
    expect(full().planRange(get('a', undefined, { revision: 2 })).revision).toBe(6)
  })

  test('a revision that has not happened is refused', () => {
    expect(refused(() => full().planRange(get('a', undefined, { revision: 7 }))).code).toBe('FUTURE_REVISION')
  })

  test('a compacted revision is refused and the oldest readable is named; the compact revision itself can be read', () => {
    const store = full()
    store.compact(4)
    const error = refused(() => store.planRange(get('a', undefined, { revision: 3 })))
    expect([error.code, error.compactRevision]).toEqual(['COMPACTED', 4])
    expect(all(store, { revision: 4 })).toBe('a=1@2 b/1=2@3 b/2=3@4')
  })
})

describe('deletes', () => {
  test('nothing deleted: no revision, no event', () => {
    const store = storeWith(put('a'))
    expect(store.write(del('b'))).toEqual({ response: { type: 'delete', deleted: 0, previous: [] }, events: [] })
    expect(store.revision).toBe(2)
  })

  test('several deletions share one revision and are counted within it', () => {
    const { store, backend } = world()
    for (const name of ['c', 'a', 'b', 'd']) store.write(put(name, name))
    const { response, events } = store.write(del('a', 'd', { previousKeyValue: true }))
    const { previous } = store.complete(response)
    expect([response.deleted, describeAll(previous), store.revision]).toEqual([3, 'a=a@3 b=b@4 c=c@2', 6])
    expect(
      events.map(({ type, keyValue, previous }) => [type, keyValue.key, keyValue.modRevision, previous?.main]),
    ).toEqual([
      ['delete', 'a', 6, 3],
      ['delete', 'b', 6, 4],
      ['delete', 'c', 6, 2],
    ])
    expect(backend.records.size).toBe(7)
  })

  test('a delete takes its key off the lease', () => {
    const { store, lessor } = world()
    store.write(put('a', '1', { lease: 7n }))
    store.write(del('a'))
    expect(lessor.keysOf(7n)).toEqual([])
  })
})

const versions = { target: 'version', relation: '>', version: 0 } as const
const older = { ...versions, relation: '<' } as const

type Target = CompareTarget & { readonly relation: Relation }

describe('transactions', () => {
  const compare = (key: string, target: Target): Compare => ({ key, ...target })

  test('without a compare, success is done', () => {
    expect(storeWith().write(txn([], [put('a')], [put('b')])).response.succeeded).toBe(true)
  })

  test('all compares must hold', () => {
    const store = storeWith(put('a', '1'))
    const yes = compare('a', { target: 'version', relation: '=', version: 1 })
    const no = compare('a', { target: 'version', relation: '>', version: 1 })
    expect(store.write(txn([yes, yes], [])).response.succeeded).toBe(true)
    expect(store.write(txn([yes, no], [])).response.succeeded).toBe(false)
  })

  test.each<[string, Target, boolean]>([
    ['create revision = 0', { target: 'create-revision', relation: '=', createRevision: 0 }, true],
    ['mod revision = 0', { target: 'mod-revision', relation: '=', modRevision: 0 }, true],
    ['mod revision < 1', { target: 'mod-revision', relation: '<', modRevision: 1 }, true],
    ['version = 0', { target: 'version', relation: '=', version: 0 }, true],
    ['version > -1', { target: 'version', relation: '>', version: -1 }, true],
    ['version > 0', { target: 'version', relation: '>', version: 0 }, false],
    ['lease = 0', { target: 'lease', relation: '=', lease: 0n }, true],
    ['lease != 0', { target: 'lease', relation: '!=', lease: 0n }, false],
    ['value = ""', { target: 'value', relation: '=', value: bytes('') }, false],
    ['value != "x"', { target: 'value', relation: '!=', value: bytes('x') }, false],
    ['value < "x"', { target: 'value', relation: '<', value: bytes('x') }, false],
  ])('of a key that does not exist, "%s" is %s', (_name, target, expected) => {
    const store = storeWith(put('gone'), del('gone'))
    for (const key of ['never', 'gone']) {
      expect(store.write(txn([compare(key, target)], [])).response.succeeded).toBe(expected)
      // An empty range is like a key that does not exist.
      expect(store.write(txn([{ ...compare(key, target), rangeEnd: key + 'z' }], [])).response.succeeded).toBe(expected)
    }
  })

  test('a compare of a range must hold for every key in it', () => {
    const store = storeWith(put('a', 'x'), put('b', 'x'), put('c', 'y'))
    const value: Compare = { target: 'value', key: 'a', rangeEnd: 'c', relation: '=', value: bytes('x') }
    expect(store.write(txn([value], [])).response.succeeded).toBe(true)
    expect(store.write(txn([{ ...value, rangeEnd: '\0' }], [])).response.succeeded).toBe(false)
  })

  test('values are compared as bytes', () => {
    const store = storeWith(put('a', '\x7f'), put('b', '\x80'))
    const less = (key: string): Compare => ({ target: 'value', key, relation: '<', value: bytes('\x80') })
    expect(store.write(txn([less('a')], [])).response.succeeded).toBe(true)
    expect(store.write(txn([less('b')], [])).response.succeeded).toBe(false)
  })

  test('every compare, nested ones too, sees the state before the transaction', () => {
    const store = storeWith()
    const absent = compare('a', { target: 'version', relation: '=', version: 0 })
    const { response } = store.write(always(put('a', '1'), txn([absent], [put('b')], [put('c')])))
    expect(response.responses[1]).toMatchObject({ type: 'transaction', succeeded: true })
    expect(all(store)).toBe('a=1@2 b=@2')
  })

  test('a range sees what the transaction wrote before it', () => {
    const store = storeWith(put('a', 'old'), put('b', 'old'))
    const { response } = store.write(
      always(get('\0', '\0'), put('a', 'new'), del('b'), put('c', 'new'), get('\0', '\0')),
    )
    const { responses } = store.complete(response)
    const seen = responses.map((answer) => (answer.type === 'range' ? describeAll(answer.keyValues) : ''))
    expect(seen).toEqual(['a=old@2 b=old@3', '', '', '', 'a=new@4 c=new@4'])
  })

  test('a range at a named revision does not see them', () => {
    const store = storeWith(put('a', 'old'))
    const { response } = store.write(always(put('a', 'new'), get('a', undefined, { revision: 2 })))
    expect(store.complete(response).responses[1]).toMatchObject({ keyValues: [{ modRevision: 2 }] })
  })

  test('a transaction that changes something raises the revision by exactly one', () => {
    const store = storeWith(put('x'), put('y'))
    const { events } = store.write(always(put('a'), del('x', 'z'), always(put('b'))))
    expect(store.revision).toBe(4)
    expect(events.map(({ type, keyValue }) => `${type} ${keyValue.key}@${keyValue.modRevision}`)).toEqual([
      'put a@4',
      'delete x@4',
      'delete y@4',
      'put b@4',
    ])
  })

  test('a transaction that changes nothing does not raise it', () => {
    const store = storeWith(put('x'))
    expect(store.write(always(get('x'), del('nope'))).events).toEqual([])
    expect(store.revision).toBe(2)
  })

  test.each<[string, Operation, string]>([
    ['a lease that does not exist', put('b', '', { lease: 99n }), 'LEASE_NOT_FOUND'],
    ['a value to keep that does not exist', put('b', '', { ignoreValue: true }), 'KEY_NOT_FOUND'],
    ['a lease to keep of a key that does not exist', put('b', '', { ignoreLease: true }), 'KEY_NOT_FOUND'],
    ['a range in the future', get('a', undefined, { revision: 9 }), 'FUTURE_REVISION'],
    ['a range at its own, unfinished revision', get('a', undefined, { revision: 4 }), 'FUTURE_REVISION'],
    ['a range before the compaction', get('a', undefined, { revision: 2 }), 'COMPACTED'],
    ['a nested failure', always(always(get('a', undefined, { revision: 9 }))), 'FUTURE_REVISION'],
  ])('%s fails the whole of it, and nothing is written', (_name, failing, code) => {
    const { store, backend, lessor } = world()
    store.write(put('a', '1'))
    store.write(put('a', '2', { lease: 7n }))
    store.compact(3)
    const before = [...backend.records.keys()]
    const { digest } = store
    expect(refused(() => store.write(always(put('c', 'x', { lease: 8n }), del('a'), failing))).code).toBe(code)
    expect([...backend.records.keys()]).toEqual(before)
    expect([store.revision, store.size, store.digest]).toEqual([3, 1, digest])
    expect([lessor.keysOf(7n), lessor.keysOf(8n)]).toEqual([['a'], []])
  })

  test('what could fail in a branch that is not taken does no harm', () => {
    const store = storeWith()
    const never = put('b', '', { lease: 99n })
    expect(store.write(txn([], [put('a')], [never])).response.succeeded).toBe(true)
    expect(store.write(always(txn([], [], [always(never)]))).response.responses).toHaveLength(1)
  })

  test('a lease can be compared', () => {
    const store = storeWith(put('a', '', { lease: 7n }))
    const held = compare('a', { target: 'lease', relation: '=', lease: 7n })
    expect(store.write(txn([held], [])).response.succeeded).toBe(true)
  })

  test('no value is read for an answer, only for what is compared and what is kept', () => {
    const { store, backend } = world()
    for (const key of ['a', 'b', 'c']) store.write(put(key, 'value'))
    const previous = { previousKeyValue: true }
    backend.reads = []
    store.write(put('a', '2', previous))
    store.write(always(prefix('a'), get('\0', '\0', { revision: 3 }), put('a', '3', previous), del('b', 'c', previous)))
    expect(backend.reads).toEqual([])
    const value: CompareTarget = { target: 'value', value: bytes('value') }
    store.write(txn([compare('c', { ...value, relation: '=' })], [put('c', '', { ignoreValue: true })]))
    // To compare it, to see how large it is, and to write it again.
    expect(backend.reads).toEqual(Array.from({ length: 3 }, () => recordKey({ main: 4, sub: 0 })))
  })

  describe('that touch many keys', () => {
    const max = LIMITS.transactionKeysMax
    const everything = (more: Partial<RangeRequest> = {}): Operation => get('\0', '\0', more)
    const full = new MvccStore(new MemoryBackend())
    for (let at = 0; at < max - 1; at++) full.write(put(`k${String(at).padStart(5, '0')}`))
    const half = get('k', 'k05000')

    test.each<[string, Operation, boolean]>([
      ['one range at the limit', always(everything(), get('k00000')), true],
      ['one key more', always(everything(), get('k00000'), get('k00001')), false],
      ['two halves', always(half, half), true],
      ['a limit, which does not keep a range from counting', always(everything({ limit: 1 }), half), false],
      ['a count', always(everything({ countOnly: true }), half), false],
      ['keys without values', always(everything({ keysOnly: true }), half), false],
      ['an older revision, with fewer keys', always(everything(), everything({ revision: 2 })), true],
      ['an older revision, with as many', always(everything(), everything({ revision: max })), false],
      ['a delete of everything twice', always(del('\0', '\0'), del('\0', '\0')), false],
      ['a nested one', always(everything(), always(always(half))), false],
      ['a branch that is not taken', txn([], [everything()], [everything(), everything()]), true],
      ['keys that it writes itself', always(everything(), put('x'), everything({ revision: 1 })), true],
      ['compares', txn([{ key: 'k', rangeEnd: '\0', ...versions }], [half]), false],
      ['a compare that fails at the first key', txn([{ key: 'k', rangeEnd: '\0', ...older }], [], [half]), true],
    ])('%s', (_name, operation, allowed) => {
      const { revision, digest } = full
      if (allowed) {
        const copy = new MvccStore(new MemoryBackend())
        for (let at = 0; at < max - 1; at++) copy.write(put(`k${String(at).padStart(5, '0')}`))
        expect(() => copy.write(operation)).not.toThrow()
        return
      }
      const error = refused(() => full.write(operation))
      expect([error.code, error.message]).toEqual([
        'TOO_MANY_OPERATIONS',
        expect.stringMatching(new RegExp(`touches \\d{5} keys or more; at most ${max} are allowed`)),
      ])
      expect([full.revision, full.digest]).toEqual([revision, digest])
    })

    test('keys that only history holds do not count: one member has swept them and another has not', () => {
      const store = new MvccStore(new MemoryBackend())
      for (let at = 0; at < 2 * max; at++) store.write(put(`k${at}`))
      store.write(del('\0', '\0'))
      expect(store.write(always(everything())).response.succeeded).toBe(true)
    })

    test('a delete that is no transaction may touch any number', () => {
      const store = new MvccStore(new MemoryBackend())
      for (let at = 0; at < max + 1; at++) store.write(put(`k${at}`))
      expect(store.write(del('\0', '\0')).response.deleted).toBe(max + 1)
    })
  })

  test('compares look at values up to a limit of bytes, however small they are themselves', () => {
    const { store, backend } = world()
    const mebibyte = new Uint8Array(1 << 20)
    for (let at = 0; at < 9; at++) store.write({ ...put(`k${at}`), value: mebibyte })
    const differs: Compare = { key: 'k', rangeEnd: 'l', target: 'value', relation: '!=', value: bytes('x') }
    expect(store.write(txn([differs], [])).response.succeeded).toBe(true)
    backend.reads = []
    const many = Array.from({ length: 100 }, () => differs)
    const error = refused(() => store.write(txn(many, [put('k0')])))
    expect([error.code, error.message]).toEqual(['TOO_MANY_OPERATIONS', expect.stringContaining('at most 16777216')])
    expect(backend.reads).toHaveLength(17)
    expect(store.revision).toBe(10)
  })

  test('puts keep values up to a limit of bytes: a small transaction must not write much', () => {
    const { store, backend } = world()
    const mebibyte = new Uint8Array(1 << 20)
    for (let at = 0; at < 17; at++) store.write({ ...put(`k${at}`), value: mebibyte })
    const keep = (count: number) =>
      always(...Array.from({ length: count }, (_, at) => put(`k${at}`, '', { ignoreValue: true })))
    expect(store.write(keep(16)).events).toHaveLength(16)
    const { size } = backend.records
    const error = refused(() => store.write(always(put('x'), keep(17))))
    expect([error.code, error.message]).toEqual(['TOO_MANY_OPERATIONS', expect.stringContaining('at most 16777216')])
    expect([store.revision, backend.records.size]).toEqual([19, size])
  })

  test('invalid requests are refused here as well, not only at the edge', () => {
    expect(refused(() => storeWith().write(put(''))).code).toBe('EMPTY_KEY')
    expect(refused(() => storeWith().write(always(put('a'), put('a')))).code).toBe('DUPLICATE_KEY')
  })
})

function first(response: OperationResponse): OperationResponse | undefined {
  return response.type === 'transaction' ? response.responses[0] : undefined
}
