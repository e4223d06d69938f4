/** What a store says to requests that make no sense, and that they change nothing. */
import type { Selection } from '../../api/key-value.js'
import { compare, del, get, put, txn, type Operation } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { LIMITS } from '../../base/limits.js'
import { check, equal, rejectsAs, rejectsWith } from './check.js'
import type { StoreTests, UnderTest } from './store-tests.js'

const puts = (count: number): Operation[] => Array.from({ length: count }, (_, nth) => put(`k${nth}`, 'x'))

function nested(depth: number): Operation {
  return depth === 0 ? put('deep', 'x') : txn({ success: [nested(depth - 1)] })
}

/** Nothing of what was refused took effect. */
async function untouched(store: Store, { at }: UnderTest): Promise<void> {
  equal((await store.range({ all: true })).count, 0, 'keys after refusals')
  equal(store.status().revision, at(1), 'the revision after refusals')
}

export const refusals: StoreTests = {
  'refuses an empty key everywhere': async (store, under) => {
    await rejectsWith('EMPTY_KEY', () => store.put('', 'x'), 'put')
    await rejectsWith('EMPTY_KEY', () => store.get(''), 'get')
    await rejectsWith('EMPTY_KEY', () => store.delete(new Uint8Array(0)), 'delete')
    await rejectsWith('EMPTY_KEY', () => store.txn({ success: [put('', 'x')] }), 'a put in a transaction')
    await rejectsWith('EMPTY_KEY', () => store.txn({ failure: [del('')] }), 'a branch that is not taken')
    await rejectsWith('EMPTY_KEY', () => store.txn({ compare: [compare('').exists()] }), 'a compare')
    await untouched(store, under)
  },

  'refuses what is over its limit, and says which limit': async (store, under) => {
    const large = new Uint8Array(LIMITS.requestBytesMax)
    const most = LIMITS.keyBytesMax - under.prefixBytes
    const value = await rejectsWith('REQUEST_TOO_LARGE', () => store.put('key', large), 'a value')
    check(value.message.includes(String(LIMITS.requestBytesMax)), `no limit is named: ${value.message}`)
    equal([value.outcome, value.retryable], ['refused', false], 'what became of it')
    const key = 'x'.repeat(most + 1)
    const long = await rejectsWith('REQUEST_TOO_LARGE', () => store.put(key, 'x'), 'a key')
    check(long.message.includes(String(LIMITS.keyBytesMax)), `no limit is named: ${long.message}`)
    await rejectsWith('REQUEST_TOO_LARGE', () => store.get(key), 'a key that is read')
    const half = new Uint8Array(LIMITS.requestBytesMax / 2)
    const both = () => store.txn({ success: [put('a', half), put('b', half)] })
    await rejectsWith('REQUEST_TOO_LARGE', both, 'a transaction of two halves')
    await untouched(store, under)
    await store.put('x'.repeat(most), 'at the limit')
    await store.put('key', large.subarray(1024))
    equal((await store.get('key'))?.value.byteLength, LIMITS.requestBytesMax - 1024, 'a value near the limit')
  },

  'refuses revisions that are none': async (store, under) => {
    for (const revision of [-1, 1.5, NaN, 2 ** 53]) {
      await rejectsWith('INVALID_REVISION', () => store.get('key', { revision }), `get at ${revision}`)
      await rejectsWith('INVALID_REVISION', () => store.compact(revision), `compact ${revision}`)
      const read = () => store.txn({ success: [get('key', { revision })] })
      await rejectsWith('INVALID_REVISION', read, `a read at ${revision} in a transaction`)
    }
    const error = await rejectsWith('FUTURE_REVISION', () => store.get('key', { revision: 99 }), 'the future')
    check(error.message.includes('99') && error.message.includes(String(under.at(1))), `no numbers: ${error.message}`)
    await rejectsWith(
      'FUTURE_REVISION',
      () => store.txn({ success: [get('key', { revision: 99 })] }),
      'in a transaction',
    )
    for (const limit of [-1, 0.5, NaN]) {
      await rejectsAs(RangeError, () => store.range({ all: true }, { limit }), `limit ${limit}`)
    }
    await untouched(store, under)
  },

  'refuses transactions that are too large, too deep, or change a key twice': async (store, under) => {
    const most = LIMITS.transactionOperationsMax
    const many = await rejectsWith('TOO_MANY_OPERATIONS', () => store.txn({ success: puts(most + 1) }), 'operations')
    check(many.message.includes(String(most)), `no limit is named: ${many.message}`)
    await rejectsWith('TOO_MANY_OPERATIONS', () => store.txn({ failure: puts(most + 1) }), 'in the other branch')
    const compares = Array.from({ length: most + 1 }, () => compare('key').exists())
    await rejectsWith('TOO_MANY_OPERATIONS', () => store.txn({ compare: compares }), 'compares')
    const deep = nested(LIMITS.transactionDepthMax + 1)
    await rejectsWith('TOO_MANY_OPERATIONS', () => store.txn({ success: [deep] }), 'depth')
    await rejectsWith('DUPLICATE_KEY', () => store.txn({ success: [put('a', '1'), put('a', '2')] }), 'two puts')
    const overlap = () => store.txn({ success: [put('a/1', '1'), del({ prefix: 'a/' })] })
    await rejectsWith('DUPLICATE_KEY', overlap, 'a put into what is deleted')
    await untouched(store, under)
    await store.txn({ success: puts(most), failure: puts(most) })
    equal((await store.range({ prefix: 'k' })).count, most, 'keys of the largest transaction')
  },

  'throws TypeError for what has the wrong type': async (store, under) => {
    const wrong = (value: unknown): never => value as never
    const cases: Readonly<Record<string, () => unknown>> = {
      'a number for a key': () => store.put(wrong(5), 'x'),
      'nothing for a value': () => store.put('key', wrong(undefined)),
      'an object for a value': () => store.put('key', wrong({})),
      'a range for a single key': () => store.get(wrong({ prefix: 'a' })),
      'null for a selection': () => store.range(wrong(null)),
      'an empty object for a selection': () => store.delete(wrong({})),
      'everything, but not': () => store.delete(wrong({ all: false })),
      'no prefix': () => store.delete(wrong({ prefix: undefined })),
      'no start': () => store.delete(wrong({ from: undefined })),
      'no transaction': () => store.txn(wrong(undefined)),
      'no operation': () => store.txn({ success: [wrong(undefined)] }),
      'an operation of no kind': () => store.txn({ success: [wrong({ type: 'increment' })] }),
      'a builder for a compare': () => store.txn({ compare: [wrong(compare('key'))] }),
      'a relation that is none': () => store.txn({ compare: [compare('key').version(wrong('=='), 1)] }),
      'a text for a version': () => store.txn({ compare: [compare('key').version('=', wrong('1'))] }),
      'a number for the lease of a compare': () => store.txn({ compare: [compare('key').lease('=', wrong(1))] }),
      'a consistency that is none': () => store.get('key', { consistency: wrong('locl') }),
      'a text for a time-out': () => store.get('key', { timeoutMs: wrong('5') }),
      'a controller for a signal': () => store.put('key', 'x', { signal: wrong(new AbortController()) }),
      'an event that there is not': () => store.on('leave' as 'leader', () => undefined),
      'a listener that is none': () => store.on('leader', wrong(undefined)),
    }
    for (const [what, call] of Object.entries(cases)) await rejectsAs(TypeError, call, what)
    for (const timeoutMs of [-1, NaN])
      await rejectsAs(RangeError, () => store.get('key', { timeoutMs }), `${timeoutMs} ms`)
    for (const version of [-1, 0.5, NaN]) {
      await rejectsAs(RangeError, () => compare('key').version('=', version), `version ${version}`)
    }
    await untouched(store, under)
  },

  'takes bytes in every form that is a view': async (store) => {
    const bytes = Uint8Array.of(104, 105)
    const forms: readonly Selection[] = [Buffer.from(bytes), new DataView(bytes.buffer) as unknown as Uint8Array]
    for (const form of forms) {
      await store.put(form as Uint8Array, form as Uint8Array)
      equal((await store.get('hi'))?.text(), 'hi', 'what was put')
      equal((await store.delete(form)).deleted, 1, 'deleted')
    }
  },
}
