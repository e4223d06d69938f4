/** Quotas of prefixes against a naive twin: a store without quotas that does the write, and is counted before and after. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PrefixLimits, PrefixQuota } from '../../src/mvcc/prefix-quotas.js'
import { MvccStore } from '../../src/mvcc/store.js'
import type { Operation } from '../../src/mvcc/types.js'
import { codeOf } from '../code-of.js'
import { deletion, put, transaction } from './arbitraries.js'
import { MemoryBackend } from './memory-backend.js'
import { always, del, get, put as putOf, txn } from './requests.js'

const PREFIXES = ['', 'a', 'b', 'ab', 'c'] as const
const limit = fc.option(fc.nat(4), { nil: undefined })
const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.oneof(put, put, deletion, transaction).map((operation) => ({ do: 'write' as const, operation })),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('set' as const),
      prefix: fc.constantFrom(...PREFIXES),
      keysMax: limit,
      bytesMax: limit.map((most) => most && most * 3),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), prefix: fc.constantFrom(...PREFIXES) }) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 6 }).map((keys) => ({ do: 'count' as const, keys })) },
  { weight: 1, arbitrary: fc.constant({ do: 'reopen' as const }) },
)

describe('quotas of prefixes', () => {
  test('refuse what would grow beyond them and nothing else, and count what is there', () => {
    let [refused, done] = [0, 0]
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40, size: 'max' }), (steps) => {
        const backend = new MemoryBackend()
        const limits = new Map<string, PrefixLimits>()
        let store = new MvccStore(backend)
        for (const drawn of steps) {
          switch (drawn.do) {
            case 'set':
              limits.set(drawn.prefix, { keysMax: drawn.keysMax, bytesMax: drawn.bytesMax })
              store.setPrefixQuota(drawn.prefix, { keysMax: drawn.keysMax, bytesMax: drawn.bytesMax })
              break
            case 'end':
              limits.delete(drawn.prefix)
              store.setPrefixQuota(drawn.prefix, undefined)
              break
            case 'count':
              store.countPrefixes(drawn.keys)
              break
            case 'reopen':
              store = load(store, backend, store.prefixQuotas)
              break
            case 'write': {
              const expected = naively(store, backend, drawn.operation)
              const { revision, digest } = store
              expect(codeOf(() => store.write(drawn.operation))).toBe(expected)
              if (expected !== undefined) expect([store.revision, store.digest]).toEqual([revision, digest])
              if (expected === 'PREFIX_QUOTA_EXCEEDED') refused++
              else if (expected === undefined) done++
            }
          }
          expect(store.prefixQuotas).toEqual(counted(store, store.prefixQuotas))
          expect(store.prefixQuotas.map(({ prefix, keysMax, bytesMax }) => [prefix, { keysMax, bytesMax }])).toEqual(
            [...limits].sort(([a], [b]) => (a < b ? -1 : 1)),
          )
        }
      }),
      { numRuns: 150 },
    )
    expect(Math.min(refused, done)).toBeGreaterThan(0)
  })

  test('hold once all keys are counted, and count what a transaction deletes towards what it puts, each key once', () => {
    const store = new MvccStore(new MemoryBackend())
    for (const key of ['a1', 'a2', 'a3']) store.write(putOf(key, 'x'))
    store.setPrefixQuota('a', { keysMax: 3, bytesMax: undefined })
    expect(codeOf(() => store.write(putOf('a0', 'x')))).toBeUndefined()
    store.write(del('a0'))
    while (store.countPrefixes(2));
    expect(codeOf(() => store.write(putOf('a4', 'x')))).toBe('PREFIX_QUOTA_EXCEEDED')
    store.write(always(del('a1'), txn([], [putOf('a4', 'x')])))
    const twice = always(del('a2', 'a3'), del('a2'), putOf('a5', 'x'), putOf('a6', 'x'))
    expect(codeOf(() => store.write(twice))).toBe('PREFIX_QUOTA_EXCEEDED')
    store.write(always(get('a1'), del('a2', 'a4'), putOf('a5', 'x'), putOf('a6', 'x')))
    expect(store.prefixQuotas).toEqual([
      { prefix: 'a', keysMax: 3, bytesMax: undefined, keys: 3, bytes: 9, countedTo: undefined },
    ])
  })

  test('look at no branch that is not taken', () => {
    const store = new MvccStore(new MemoryBackend())
    store.setPrefixQuota('', { keysMax: undefined, bytesMax: 4 })
    store.countPrefixes(1)
    expect(codeOf(() => store.write(txn([], [putOf('a', '123')], [putOf('b', '1234567')])))).toBeUndefined()
    expect(codeOf(() => store.write(txn([], [putOf('a', '1234')])))).toBe('PREFIX_QUOTA_EXCEEDED')
    expect(codeOf(() => store.write(putOf('a', '12')))).toBeUndefined()
    expect(codeOf(() => store.write(putOf('a', '', { ignoreValue: true })))).toBeUndefined()
  })
})

/** The code that the write is to be refused with; undefined where it is to be done. */
function naively(
  { revision, compactRevision, prefixQuotas }: MvccStore,
  backend: MemoryBackend,
  operation: Operation,
): string | undefined {
  const trial = load({ revision, compactRevision }, backend.copy(), [])
  const holding = prefixQuotas.filter(({ countedTo }) => countedTo === undefined)
  const before = counted(trial, holding)
  const code = codeOf(() => trial.write(operation))
  if (code !== undefined) return code
  const after = counted(trial, holding)
  const over = after.some((quota, at) => grows(quota, before[at] as PrefixQuota))
  return over ? 'PREFIX_QUOTA_EXCEEDED' : undefined
}

function grows(after: PrefixQuota, before: PrefixQuota): boolean {
  const { keysMax = Infinity, bytesMax = Infinity } = after
  return (after.keys > keysMax && after.keys > before.keys) || (after.bytes > bytesMax && after.bytes > before.bytes)
}

/** The same quotas with what is used of them, as far as they are counted. */
function counted(store: MvccStore, quotas: readonly PrefixQuota[]): readonly PrefixQuota[] {
  const { keyValues } = store.range(get('\0', '\0'))
  return quotas.map((quota) => {
    const { prefix, countedTo } = quota
    const under = keyValues.filter(({ key }) => key.startsWith(prefix) && (countedTo === undefined || key < countedTo))
    const bytes = under.reduce((sum, { key, value }) => sum + key.length + value.byteLength, 0)
    return { ...quota, keys: under.length, bytes }
  })
}

function load(
  { revision, compactRevision }: Pick<MvccStore, 'revision' | 'compactRevision'>,
  backend: MemoryBackend,
  quotas: readonly PrefixQuota[],
): MvccStore {
  const store = new MvccStore(backend)
  store.startLoading(revision, compactRevision)
  for (const { prefix, countedTo, keysMax, bytesMax } of quotas) {
    store.loadPrefixQuota(prefix, { keysMax, bytesMax }, countedTo)
  }
  for (const [stateKey, record] of backend.sorted()) store.load(stateKey, record)
  store.finishLoading()
  return store
}
