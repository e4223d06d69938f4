import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RangeResponse, WatchResponse } from '../../../src/etcd/generated/rpc.js'
import { Encoder } from '../../../src/etcd/wire/encoder.js'

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((each) => Buffer.from(each))
const keyValue = fc.record({
  ...{ key: bytes(20), value: bytes(200), lease: int64 },
  ...{ create_revision: int64, mod_revision: int64, version: int64 },
})
const header = fc.record({
  ...{
    cluster_id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
    member_id: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  },
  ...{ revision: int64, raft_term: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }) },
})
const range = fc.record({ header, kvs: fc.array(keyValue), more: fc.boolean(), count: int64 })
const watch = fc
  .record({ header, watch_id: int64, cancel_reason: fc.string(), kv: keyValue, fragment: fc.boolean() })
  .map(({ kv, ...rest }) => WatchResponse.create({ ...rest, events: [{ type: 0, kv, prev_kv: kv }] }))

describe('an encoder', () => {
  it('makes the bytes that the generated code makes, whatever it made before', () => {
    const encoder = new Encoder()
    fc.assert(
      fc.property(range, watch, (one, other) => {
        expect(encoder.encode(RangeResponse, one)).toEqual(Buffer.from(RangeResponse.encode(one).finish()))
        expect(encoder.encode(WatchResponse, other)).toEqual(Buffer.from(WatchResponse.encode(other).finish()))
      }),
    )
  })

  it('gives bytes that stay as they are', () => {
    const encoder = new Encoder()
    const message = RangeResponse.create({ count: 7n })
    const given = encoder.encode(RangeResponse, message)
    const before = Buffer.from(given)
    encoder.encode(RangeResponse, RangeResponse.create({ count: 300n, more: true }))
    expect(given).toEqual(before)
  })

  it('has nothing left of a message that could not be made', () => {
    const encoder = new Encoder()
    const beyond = RangeResponse.create({ more: true, count: 2n ** 70n })
    expect(() => encoder.encode(RangeResponse, beyond)).toThrow()
    const message = RangeResponse.create({ count: 1n })
    expect(encoder.encode(RangeResponse, message)).toEqual(Buffer.from(RangeResponse.encode(message).finish()))
  })
})
