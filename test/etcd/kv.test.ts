import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  Compare_CompareResult as Result,
  Compare_CompareTarget as Target,
  KVService,
  LeaseService,
  RangeRequest_SortOrder as Order,
  RangeRequest_SortTarget as By,
  type Compare,
  type RangeRequest,
  type RangeStreamResponse,
  type RequestOp,
  type TxnRequest,
} from '../../src/etcd/generated/rpc.js'
import { call, listen, messageOf, refusalOf, serve, type Served } from './served.js'

let served: Served

beforeAll(async () => {
  served = await serve()
})

afterAll(() => served.close())

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')
const put = (key: string, value: string) => call(served.client, KVService.put, { key: bytes(key), value: bytes(value) })
const range = (request: Partial<RangeRequest>) => call(served.client, KVService.range, request)
const txn = (request: Partial<TxnRequest>) => call(served.client, KVService.txn, request)

async function keys(request: Partial<RangeRequest>): Promise<string> {
  return (await range(request)).kvs.map(({ key }) => key.toString('latin1')).join(' ')
}

async function revision(): Promise<bigint> {
  return (await range({ key: bytes('x') })).header?.revision ?? 0n
}

const ALL = { key: bytes('\0'), range_end: bytes('\0') }

beforeEach(async () => {
  await call(served.client, KVService.deleteRange, ALL)
})

describe('Range', () => {
  beforeEach(async () => {
    for (const [key, value] of ['a3', 'b1', 'c2', 'b1']) await put(key as string, value as string)
  })

  it('selects a key, an interval, what is from a key on, everything, and nothing', async () => {
    expect(await keys({ key: bytes('b') })).toBe('b')
    expect(await keys({ key: bytes('a'), range_end: bytes('c') })).toBe('a b')
    expect(await keys({ key: bytes('b'), range_end: bytes('\0') })).toBe('b c')
    expect(await keys(ALL)).toBe('a b c')
    expect(await keys({ key: bytes('c'), range_end: bytes('a') })).toBe('')
    expect(await keys({ key: bytes('c'), range_end: bytes('c') })).toBe('')
  })

  it('gives all that is known of a version', async () => {
    const { kvs, header } = await range({ key: bytes('b') })
    const [b] = kvs
    const now = header?.revision ?? 0n
    expect(b).toMatchObject({ mod_revision: now, create_revision: now - 2n, version: 2n, lease: 0n })
    expect(b?.value.toString()).toBe('1')
  })

  it('counts all, whatever the limit', async () => {
    const { kvs, count, more } = await range({ ...ALL, limit: 2n })
    expect([kvs.length, count, more]).toEqual([2, 3n, true])
    const only = await range({ ...ALL, count_only: true, limit: 1n })
    expect([only.kvs.length, only.count, only.more]).toEqual([0, 3n, false])
  })

  it('takes limits that nothing exceeds, and less than nothing, for none', async () => {
    for (const limit of [2n ** 62n, -1n, 0n]) expect(await keys({ ...ALL, limit })).toBe('a b c')
  })

  it('sorts by each of its properties', async () => {
    expect(await keys({ ...ALL, sort_order: Order.DESCEND })).toBe('c b a')
    expect(await keys({ ...ALL, sort_target: By.VALUE, sort_order: Order.ASCEND })).toBe('b c a')
    expect(await keys({ ...ALL, sort_target: By.MOD, sort_order: Order.DESCEND })).toBe('b c a')
    expect(await keys({ ...ALL, sort_target: By.CREATE, sort_order: Order.ASCEND })).toBe('a b c')
    expect(await keys({ ...ALL, sort_target: By.VERSION, sort_order: Order.DESCEND, limit: 1n })).toBe('b')
  })

  it('sorts everything before the limit cuts off, also by an order without a direction', async () => {
    expect(await keys({ ...ALL, sort_target: By.VALUE, sort_order: Order.NONE, limit: 1n })).toBe('b')
  })

  it('refuses orders that are none', async () => {
    for (const wrong of [{ sort_order: 7 }, { sort_target: 9 }, { sort_order: -1 }]) {
      expect(await refusalOf(range({ ...ALL, ...wrong }))).toBe('INVALID_ARGUMENT etcdserver: invalid sort option')
    }
  })

  it('leaves out versions by their revisions', async () => {
    const [a] = (await range({ key: bytes('a') })).kvs
    const created = a?.create_revision ?? 0n
    expect(await keys({ ...ALL, max_create_revision: created })).toBe('a')
    expect(await keys({ ...ALL, min_create_revision: created + 1n })).toBe('b c')
    expect(await keys({ ...ALL, min_mod_revision: created + 3n })).toBe('b')
    expect(await keys({ ...ALL, max_mod_revision: -1n })).toBe('')
    expect(await keys({ ...ALL, min_mod_revision: -1n })).toBe('a b c')
    expect(await keys({ ...ALL, min_mod_revision: 2n ** 62n })).toBe('')
  })

  it('reads an older revision, and tells the current one', async () => {
    const now = await revision()
    const { kvs, header } = await range({ key: bytes('b'), revision: now - 1n })
    expect(kvs[0]?.version).toBe(1n)
    expect(header?.revision).toBe(now)
    for (const latest of [0n, -3n]) expect((await range({ key: bytes('b'), revision: latest })).count).toBe(1n)
  })

  it('refuses a revision to come, however far', async () => {
    for (const future of [(await revision()) + 1n, 2n ** 62n]) {
      expect(await refusalOf(range({ ...ALL, revision: future }))).toBe(
        'OUT_OF_RANGE etcdserver: mvcc: required revision is a future revision',
      )
    }
  })

  it('leaves the values out', async () => {
    const { kvs } = await range({ key: bytes('a'), keys_only: true })
    expect(kvs[0]?.value.length).toBe(0)
    expect(kvs[0]?.version).toBe(1n)
  })

  it('answers by what this member has, where that is enough', async () => {
    expect(await keys({ ...ALL, serializable: true })).toBe('a b c')
  })

  it('takes keys and values of any bytes', async () => {
    await put('\xff\xfe\0', '\0\xff')
    const { kvs } = await range({ key: bytes('\xff\xfe\0') })
    expect(kvs[0]?.value).toEqual(bytes('\0\xff'))
  })
})

describe('RangeStream', () => {
  async function pieces(request: Partial<RangeRequest>): Promise<RangeStreamResponse[]> {
    const received: RangeStreamResponse[] = []
    for await (const piece of listen(served.client, KVService.rangeStream, request)) {
      received.push(piece as RangeStreamResponse)
    }
    return received
  }

  it('of an old revision is all of that revision', async () => {
    for (let at = 0; at < 30; at++) await put(`old ${String(at).padStart(2, '0')}`, 'old')
    const { revision } = served.store.position()
    await served.store.delete({ prefix: 'old ' })
    const received = await pieces({ key: bytes('old '), range_end: bytes('old!'), revision: BigInt(revision) })
    const kvs = received.flatMap(({ range_response }) => range_response?.kvs ?? [])
    expect(kvs.map(({ value }) => value.toString())).toEqual(Array.from({ length: 30 }, () => 'old'))
    expect(received.at(-1)?.range_response).toMatchObject({ count: 30n, header: { revision: BigInt(revision + 1) } })
  })

  it('is, taken together, what a range answers', async () => {
    for (let at = 0; at < 45; at++) await put(`key ${String(at).padStart(2, '0')}`, 'v')
    for (const request of [
      ALL,
      { ...ALL, limit: 20n },
      { ...ALL, limit: 10n },
      { key: bytes('key 07') },
      { ...ALL, count_only: true },
    ]) {
      const whole = await range(request)
      const parts = (await pieces(request)).map(({ range_response }) => range_response)
      expect(parts.flatMap((part) => part?.kvs)).toEqual(whole.kvs)
      expect(parts.at(-1)).toMatchObject({ count: whole.count, more: whole.more, header: whole.header })
      for (const part of parts.slice(0, -1)) expect(part).toMatchObject({ count: 0n, more: false, header: undefined })
    }
    expect((await pieces(ALL)).length).toBeGreaterThan(1)
  })

  it('refuses orders and bounds', async () => {
    expect(await refusalOf(pieces({ ...ALL, sort_order: Order.DESCEND }))).toBe(
      'UNIMPLEMENTED RangeStream does not support custom sort orders',
    )
    expect(await refusalOf(pieces({ ...ALL, min_mod_revision: 1n }))).toBe(
      'UNIMPLEMENTED RangeStream does not support revision filters',
    )
  })
})

describe('Put', () => {
  it('tells the version before, where that is asked for', async () => {
    await put('a', '1')
    const { prev_kv } = await call(served.client, KVService.put, { key: bytes('a'), value: bytes('2'), prev_kv: true })
    expect(prev_kv?.value.toString()).toBe('1')
    expect((await put('a', '3')).prev_kv).toBeUndefined()
  })

  it('keeps value or lease', async () => {
    const { ID } = await call(served.client, LeaseService.leaseGrant, { TTL: 60n })
    await call(served.client, KVService.put, { key: bytes('a'), value: bytes('1'), lease: ID })
    await call(served.client, KVService.put, { key: bytes('a'), value: bytes('2'), ignore_lease: true })
    expect((await range({ key: bytes('a') })).kvs[0]).toMatchObject({ lease: ID, version: 2n })
    await call(served.client, KVService.put, { key: bytes('a'), ignore_value: true })
    const [a] = (await range({ key: bytes('a') })).kvs
    expect([a?.value.toString(), a?.lease]).toEqual(['2', 0n])
  })

  it('refuses by the texts of etcd', async () => {
    const refused = (request: object) => refusalOf(call(served.client, KVService.put, request))
    const key = bytes('none')
    expect(await refused({ value: bytes('1') })).toBe('INVALID_ARGUMENT etcdserver: key is not provided')
    expect(await refused({ key, ignore_value: true, value: bytes('1') })).toBe(
      'INVALID_ARGUMENT etcdserver: value is provided',
    )
    expect(await refused({ key, ignore_lease: true, lease: 1n })).toBe('INVALID_ARGUMENT etcdserver: lease is provided')
    expect(await refused({ key, ignore_value: true })).toBe('INVALID_ARGUMENT etcdserver: key not found')
    expect(await refused({ key, lease: 4711n })).toBe('NOT_FOUND etcdserver: requested lease not found')
    expect(await refused({ key, value: Buffer.alloc(1.5 * 1024 * 1024) })).toBe(
      'INVALID_ARGUMENT etcdserver: request is too large',
    )
    expect(await refused({ key, value: Buffer.alloc(2.5 * 1024 * 1024) })).toMatch(/^RESOURCE_EXHAUSTED /)
    expect((await range({ key })).count).toBe(0n)
  })
})

describe('DeleteRange', () => {
  it('deletes in one revision, and tells what', async () => {
    for (const key of ['a', 'b', 'c']) await put(key, key)
    const before = await revision()
    const { deleted, prev_kvs, header } = await call(served.client, KVService.deleteRange, {
      ...{ key: bytes('a'), range_end: bytes('c'), prev_kv: true },
    })
    expect([deleted, prev_kvs.map(({ value }) => String(value)), header?.revision]).toEqual([
      2n,
      ['a', 'b'],
      before + 1n,
    ])
    const again = await call(served.client, KVService.deleteRange, { key: bytes('a'), range_end: bytes('c') })
    expect([again.deleted, again.header?.revision]).toEqual([0n, before + 1n])
  })
})

describe('Txn', () => {
  const compare = (given: Partial<Compare>): Compare => ({
    ...{ result: Result.EQUAL, target: Target.VERSION, key: bytes('a'), range_end: bytes(''), target_union: undefined },
    ...given,
  })
  const doPut = (key: string, value: string): RequestOp => ({
    request: { $case: 'request_put', value: messageOf(KVService.put, { key: bytes(key), value: bytes(value) }) },
  })
  const doRange = (request: Partial<RangeRequest>): RequestOp => ({
    request: { $case: 'request_range', value: messageOf(KVService.range, request) },
  })
  const doDelete = (key: string): RequestOp => ({
    request: { $case: 'request_delete_range', value: messageOf(KVService.deleteRange, { key: bytes(key) }) },
  })
  const doTxn = (request: Partial<TxnRequest>): RequestOp => ({
    request: { $case: 'request_txn', value: messageOf(KVService.txn, request) },
  })
  const holds = async (given: Partial<Compare>) => (await txn({ compare: [compare(given)] })).succeeded

  it('does one branch or the other', async () => {
    const request = { compare: [compare({})], success: [doPut('a', '1')], failure: [doDelete('a')] }
    expect((await txn(request)).succeeded).toBe(true)
    expect((await range({ key: bytes('a') })).count).toBe(1n)
    expect((await txn(request)).succeeded).toBe(false)
    expect((await range({ key: bytes('a') })).count).toBe(0n)
  })

  it('tells with each answer how far the store had come', async () => {
    await put('a', '1')
    const begun = await revision()
    const { header, responses } = await txn({
      success: [doRange(ALL), doPut('b', '2'), doRange(ALL), doTxn({ success: [doDelete('b')] })],
    }).catch(() => txn({ success: [doRange(ALL), doPut('b', '2'), doRange(ALL), doTxn({ success: [doDelete('a')] })] }))
    expect(header?.revision).toBe(begun + 1n)
    expect(responses.map(({ response }) => [response?.$case, response?.value.header?.revision])).toEqual([
      ['response_range', begun],
      ['response_put', begun + 1n],
      ['response_range', begun + 1n],
      ['response_txn', 0n],
    ])
    const [first, , third] = responses.map(({ response }) =>
      response?.$case === 'response_range' ? response.value.count : 0n,
    )
    expect([first, third]).toEqual([1n, 2n])
  })

  it('keeps its revision where it changed nothing', async () => {
    const begun = await revision()
    const { header, responses } = await txn({ success: [doDelete('none'), doRange(ALL)] })
    expect(header?.revision).toBe(begun)
    expect(responses[1]?.response?.value.header?.revision).toBe(begun)
  })

  it('compares every property, those of missing keys with nothing', async () => {
    expect(await holds({ target: Target.VERSION })).toBe(true)
    expect(await holds({ target: Target.CREATE, target_union: { $case: 'create_revision', value: 0n } })).toBe(true)
    expect(
      await holds({
        target: Target.VALUE,
        result: Result.NOT_EQUAL,
        target_union: { $case: 'value', value: bytes('1') },
      }),
    ).toBe(false)
    await put('a', '1')
    expect(await holds({ target: Target.VALUE, target_union: { $case: 'value', value: bytes('1') } })).toBe(true)
    expect(
      await holds({
        target: Target.VALUE,
        result: Result.GREATER,
        target_union: { $case: 'value', value: bytes('0') },
      }),
    ).toBe(true)
    expect(await holds({ target: Target.VERSION, target_union: { $case: 'version', value: 1n } })).toBe(true)
    expect(
      await holds({
        target: Target.MOD,
        result: Result.LESS,
        target_union: { $case: 'mod_revision', value: 2n ** 62n },
      }),
    ).toBe(true)
    expect(await holds({ target: Target.LEASE, target_union: { $case: 'lease', value: 0n } })).toBe(true)
  })

  it('takes a value for another target, and none, for nothing', async () => {
    await put('a', '1')
    expect(await holds({ target: Target.VERSION, target_union: { $case: 'mod_revision', value: 1n } })).toBe(false)
    expect(await holds({ target: Target.VALUE })).toBe(false)
    expect(await holds({ target: Target.VERSION, result: Result.GREATER })).toBe(true)
  })

  it('compares with numbers below all there are', async () => {
    await put('a', '1')
    const below = { target: Target.VERSION, target_union: { $case: 'version', value: -1n } } as const
    const results = [Result.EQUAL, Result.LESS, Result.GREATER, Result.NOT_EQUAL]
    for (const key of [bytes('a'), bytes('none')]) {
      expect(await Promise.all(results.map((result) => holds({ ...below, key, result })))).toEqual([
        false,
        false,
        true,
        true,
      ])
    }
  })

  it('compares every key of a range', async () => {
    for (const key of ['a', 'b']) await put(key, '1')
    const both = {
      range_end: bytes('c'),
      target: Target.VERSION,
      target_union: { $case: 'version', value: 1n },
    } as const
    expect(await holds(both)).toBe(true)
    await put('b', '1')
    expect(await holds(both)).toBe(false)
  })

  it('refuses what it does not know', async () => {
    expect(await refusalOf(txn({ success: [{ request: undefined }] }))).toBe(
      'INVALID_ARGUMENT etcdserver: key not found',
    )
    expect(await refusalOf(txn({ compare: [compare({ key: bytes('') })] }))).toBe(
      'INVALID_ARGUMENT etcdserver: key is not provided',
    )
    expect(await refusalOf(txn({ compare: [compare({ result: 9 as Result })] }))).toMatch(
      /^INVALID_ARGUMENT compare result 9/,
    )
    expect(await refusalOf(txn({ compare: [compare({ target: 9 as Target })] }))).toMatch(
      /^INVALID_ARGUMENT compare target 9/,
    )
  })

  it('refuses more than it may hold, and a key that is changed twice', async () => {
    const many = Array.from({ length: 129 }, (_, at) => doPut(`k${at}`, '1'))
    expect(await refusalOf(txn({ success: many }))).toBe(
      'INVALID_ARGUMENT etcdserver: too many operations in txn request',
    )
    const nested = doTxn({ success: many.slice(0, 100) })
    expect(await refusalOf(txn({ success: [...many.slice(101), nested] }))).toBe(
      'INVALID_ARGUMENT etcdserver: too many operations in txn request',
    )
    expect(await refusalOf(txn({ success: [doPut('a', '1'), doPut('a', '2')] }))).toBe(
      'INVALID_ARGUMENT etcdserver: duplicate key given in txn request',
    )
    expect((await range(ALL)).count).toBe(0n)
  })

  it('takes a negative revision of a range for one that is gone', async () => {
    expect(await refusalOf(txn({ success: [doRange({ ...ALL, revision: -1n })] }))).toBe(
      'OUT_OF_RANGE etcdserver: mvcc: required revision has been compacted',
    )
  })
})

describe('Compact', () => {
  it('forgets what was before, once', async () => {
    await put('a', '1')
    const old = await revision()
    await put('a', '2')
    const now = await revision()
    await call(served.client, KVService.compact, { revision: now, physical: true })
    const gone = 'OUT_OF_RANGE etcdserver: mvcc: required revision has been compacted'
    expect(await refusalOf(range({ ...ALL, revision: old }))).toBe(gone)
    expect(await refusalOf(range({ ...ALL, revision: now }))).toBe('OK')
    for (const revision of [now, old, -1n]) {
      expect(await refusalOf(call(served.client, KVService.compact, { revision }))).toBe(gone)
    }
    expect(await refusalOf(call(served.client, KVService.compact, { revision: now + 100n }))).toBe(
      'OUT_OF_RANGE etcdserver: mvcc: required revision is a future revision',
    )
  })
})
