/** What requests are drawn from: few keys and leases, so that they meet often. */
import fc from 'fast-check'
import { FROM_KEY_ON, type Key } from '../../src/base/bytes.js'
import type {
  Compare,
  DeleteRequest,
  Operation,
  PutRequest,
  RangeRequest,
  RangeSort,
  TransactionRequest,
} from '../../src/mvcc/types.js'

export const LEASES = [1n, -2n]

export const key: fc.Arbitrary<Key> = fc.constantFrom('a', 'aa', 'ab', 'b', 'b\0', 'c', '\xff', '\xff\xff')
export const rangeEnd: fc.Arbitrary<Key | undefined> = fc.option(
  fc.constantFrom(FROM_KEY_ON, 'a', 'ab', 'b', 'c', 'd', '\xff'),
  { nil: undefined },
)
export const value: fc.Arbitrary<Uint8Array> = fc.uint8Array({ maxLength: 3 })
export const lease: fc.Arbitrary<bigint> = fc.constantFrom(0n, 0n, 0n, ...LEASES, 99n)
/** As the draws of one run go; reads also name revisions that were compacted or have not happened. */
export const revision: fc.Arbitrary<number> = fc.oneof(fc.constant(0), fc.nat(40))

export const sort: fc.Arbitrary<RangeSort> = fc.record({
  target: fc.constantFrom('key', 'version', 'create-revision', 'mod-revision', 'value'),
  order: fc.constantFrom('ascending', 'descending'),
})
/** Of create and mod revisions; 0 is no bound. */
const bound = fc.option(fc.nat(30), { nil: undefined, freq: 2 })
const bounds = fc.record({
  minModRevision: bound,
  maxModRevision: bound,
  minCreateRevision: bound,
  maxCreateRevision: bound,
})

const all = { key: 'a', rangeEnd: FROM_KEY_ON }

/** Half of the ranges are plain, and half of them are over everything. */
export const range: fc.Arbitrary<RangeRequest> = fc
  .record({
    what: fc.record({
      type: fc.constant('range' as const),
      revision,
      limit: fc.nat(3),
      countOnly: rarely(),
      keysOnly: rarely(),
    }),
    keys: fc.oneof(fc.constant(all), fc.record({ key, rangeEnd })),
    sort: fc.option(sort, { nil: undefined, freq: 2 }),
    bounds: fc.option(bounds, { nil: {}, freq: 2 }),
  })
  .map(({ what, keys, sort, bounds }) => ({ ...what, ...keys, sort, ...bounds }))

/** The same with revisions of which there are versions: what else could be read is mostly refused, or nothing. */
export function fitted(request: RangeRequest, current: number): RangeRequest {
  const fit = (drawn: number | undefined): number => (drawn ? 1 + (drawn % current) : 0)
  const { revision, minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request
  return {
    ...request,
    revision: fit(revision),
    minModRevision: fit(minModRevision),
    maxModRevision: fit(maxModRevision),
    minCreateRevision: fit(minCreateRevision),
    maxCreateRevision: fit(maxCreateRevision),
  }
}

export const put: fc.Arbitrary<PutRequest> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ type: fc.constant('put' as const), key, value, lease, previousKeyValue: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({ key, value, lease, ignoreValue: fc.boolean(), ignoreLease: fc.boolean() })
      .map(({ ignoreValue, ignoreLease, ...rest }) => ({
        ...rest,
        type: 'put' as const,
        value: ignoreValue ? new Uint8Array(0) : rest.value,
        lease: ignoreLease ? 0n : rest.lease,
        ignoreValue,
        ignoreLease,
      })),
  },
)

export const deletion: fc.Arbitrary<DeleteRequest> = fc.record({
  type: fc.constant('delete' as const),
  key,
  rangeEnd,
  previousKeyValue: fc.boolean(),
})

const relation = fc.constantFrom('=' as const, '!=' as const, '<' as const, '>' as const)
const small = fc.integer({ min: -1, max: 20 })
export const compare: fc.Arbitrary<Compare> = fc.oneof(
  fc.record({ target: fc.constant('value' as const), key, rangeEnd, relation, value }),
  fc.record({ target: fc.constant('version' as const), key, rangeEnd, relation, version: small }),
  fc.record({ target: fc.constant('create-revision' as const), key, rangeEnd, relation, createRevision: small }),
  fc.record({ target: fc.constant('mod-revision' as const), key, rangeEnd, relation, modRevision: small }),
  fc.record({ target: fc.constant('lease' as const), key, rangeEnd, relation, lease }),
)

export const { transaction, operation } = fc.letrec<{ transaction: TransactionRequest; operation: Operation }>(
  (tie) => ({
    transaction: fc.record({
      type: fc.constant('transaction' as const),
      compare: fc.array(compare, { maxLength: 2 }),
      success: fc.array(tie('operation'), { maxLength: 4, depthIdentifier: 'nesting' }),
      failure: fc.array(tie('operation'), { maxLength: 3, depthIdentifier: 'nesting' }),
    }),
    operation: fc.oneof(
      { maxDepth: 3, depthIdentifier: 'nesting' },
      { weight: 4, arbitrary: put },
      { weight: 2, arbitrary: deletion },
      { weight: 2, arbitrary: range },
      { weight: 2, arbitrary: tie('transaction') },
    ),
  }),
)

function rarely(): fc.Arbitrary<boolean> {
  return fc.nat(4).map((drawn) => drawn === 0)
}
