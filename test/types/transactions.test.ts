import { expectTypeOf } from 'vitest'
import {
  compare,
  del,
  get,
  put,
  txn,
  type Compare,
  type KeyValue,
  type Operation,
  type OperationResult,
  type Transaction,
  type TransactionOperation,
  type TransactionResult,
} from 'quorate'
import type {
  DeleteOperationResult,
  PutOperationResult,
  RangeOperationResult,
  DeleteRequest,
  PutRequest,
  RangeRequest,
} from 'quorate'
import { typesOf } from './store-types.js'

typesOf('a transaction gives what its operations give, by branch', async (store) => {
  const { revision, succeeded, results } = await store.txn({
    compare: [compare('a').exists()],
    success: [put('a', '1', { previous: true }), get('b'), del('c')],
    failure: [get('a')],
  })
  expectTypeOf(revision).toEqualTypeOf<number>()
  expectTypeOf(succeeded).toEqualTypeOf<boolean>()
  if (succeeded) {
    expectTypeOf(results).toEqualTypeOf<readonly [PutOperationResult, RangeOperationResult, DeleteOperationResult]>()
    expectTypeOf(results[0].previous).toEqualTypeOf<KeyValue | undefined>()
    expectTypeOf(results[1].items[0]?.text()).toEqualTypeOf<string | undefined>()
    expectTypeOf(results[2].deleted).toEqualTypeOf<number>()
    // @ts-expect-error there are three
    void results[3]
    // @ts-expect-error a put has no items
    void results[0].items
  } else {
    expectTypeOf(results).toEqualTypeOf<readonly [RangeOperationResult]>()
    // @ts-expect-error there is one
    void results[1]
  }
})

typesOf('before it is known which branch was done, either may have been', async (store) => {
  const { results } = await store.txn({ success: [put('a', '1')], failure: [get('a')] })
  expectTypeOf(results[0]).toEqualTypeOf<PutOperationResult | RangeOperationResult>()
  // The way that was needed when the types said less.
  const found = results[0]?.type === 'range' ? results[0].items[0] : undefined
  expectTypeOf(found).toEqualTypeOf<KeyValue | undefined>()
  const [first] = results
  if (first.type === 'put') expectTypeOf(first.previous).toEqualTypeOf<KeyValue | undefined>()
})

typesOf('a branch that is left out gives nothing', async (store) => {
  const { succeeded, results } = await store.txn({ success: [put('a', '1')] })
  if (succeeded) expectTypeOf(results).toEqualTypeOf<readonly [PutOperationResult]>()
  else expectTypeOf(results).toEqualTypeOf<readonly []>()
  expectTypeOf((await store.txn({})).results).toEqualTypeOf<readonly []>()
})

typesOf('transactions inside transactions are as exact', async (store) => {
  const inner = txn({ compare: [compare('b').missing()], success: [put('b', '1'), del('c')], failure: [get('b')] })
  expectTypeOf(inner).toEqualTypeOf<
    TransactionOperation<readonly [PutRequest, DeleteRequest], readonly [RangeRequest]>
  >()
  const { succeeded, results } = await store.txn({ success: [get('a'), inner] })
  if (!succeeded) return
  const [read, nested] = results
  expectTypeOf(read).toEqualTypeOf<RangeOperationResult>()
  expectTypeOf(nested.type).toEqualTypeOf<'transaction'>()
  if (nested.succeeded) expectTypeOf(nested.results[1].deleted).toEqualTypeOf<number>()
  else expectTypeOf(nested.results[0].items).toEqualTypeOf<readonly KeyValue[]>()
  // @ts-expect-error which branch it was is not known here
  void nested.results[0].items
})

typesOf('a list of which no more is known gives a list of which no more is known', async (store) => {
  const operations: Operation[] = []
  const { succeeded, results } = await store.txn({ success: operations })
  if (succeeded) expectTypeOf(results).toEqualTypeOf<readonly OperationResult[]>()
  const puts = [1, 2].map((nth) => put(`k${nth}`, 'x'))
  const many = await store.txn({ success: puts })
  if (many.succeeded) expectTypeOf(many.results).toEqualTypeOf<readonly PutOperationResult[]>()
  const mixed = await store.txn({ success: [get('a'), ...operations] })
  if (mixed.succeeded) {
    expectTypeOf(mixed.results).toEqualTypeOf<readonly [RangeOperationResult, ...OperationResult[]]>()
  }
})

typesOf('a transaction that is kept loosely gives loose results', async (store) => {
  const kept: Transaction = { success: [put('a', '1')], failure: [get('a')] }
  const done = await store.txn(kept)
  expectTypeOf(done).toEqualTypeOf<TransactionResult>()
  expectTypeOf(done.results).toEqualTypeOf<readonly OperationResult[]>()
  const unannotated = { success: [put('a', '1')], failure: [get('a')] }
  const { succeeded, results } = await store.txn(unannotated)
  if (!succeeded) expectTypeOf(results).toEqualTypeOf<readonly RangeOperationResult[]>()
})

typesOf('exact results may be used where loose ones are expected', async (store) => {
  const exact = await store.txn({ success: [put('a', '1'), txn({ failure: [get('b')] })] })
  expectTypeOf(exact).toExtend<TransactionResult>()
  expectTypeOf(exact.results).toExtend<readonly OperationResult[]>()
  expectTypeOf(put('a', '1')).toExtend<Operation>()
  expectTypeOf(txn({ success: [put('a', '1')] })).toExtend<Operation>()
})

typesOf('what is no part of a transaction is refused where it stands', (store) => {
  // @ts-expect-error a field that there is not
  void store.txn({ sucess: [put('a', '1')] })
  // @ts-expect-error a compare among the operations
  void store.txn({ success: [compare('a').exists()] })
  // @ts-expect-error an operation among the compares
  void store.txn({ compare: [put('a', '1')] })
  // @ts-expect-error a compare that is not finished
  void store.txn({ compare: [compare('a')] })
  // @ts-expect-error a key in place of an operation
  void txn({ success: ['a'] })
  // @ts-expect-error an option that there is not
  void put('a', '1', { prev: true })
})

typesOf('operations and compares have the type of what they are', () => {
  expectTypeOf(put('a', '1')).toEqualTypeOf<PutRequest>()
  expectTypeOf(get({ prefix: 'a' })).toEqualTypeOf<RangeRequest>()
  expectTypeOf(del('a')).toEqualTypeOf<DeleteRequest>()
  const value = compare('a').value('=', 'x')
  expectTypeOf(value.target).toEqualTypeOf<'value'>()
  expectTypeOf(value.value).toEqualTypeOf<Uint8Array>()
  expectTypeOf(compare('a').version('>', 1).version).toEqualTypeOf<number>()
  expectTypeOf(compare('a').modRevision('=', 1).target).toEqualTypeOf<'mod-revision'>()
  expectTypeOf(compare('a').createRevision('=', 1).createRevision).toEqualTypeOf<number>()
  expectTypeOf(compare('a').exists().target).toEqualTypeOf<'create-revision'>()
  expectTypeOf(compare('a').lease('=', 1n).lease).toEqualTypeOf<bigint>()
  expectTypeOf(value).toExtend<Compare>()
  // @ts-expect-error a number for a value
  compare('a').value('=', 1)
  // @ts-expect-error a number for a lease
  compare('a').lease('=', 1)
  // @ts-expect-error a relation that there is not
  compare('a').version('>=', 1)
})
