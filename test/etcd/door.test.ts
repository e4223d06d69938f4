import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KVService } from '../../src/etcd/generated/rpc.js'
import { call, refusalOf, serve, type Served } from './served.js'

let served: Served

beforeAll(async () => {
  served = await serve()
})

afterAll(() => served.close())

describe('The door of gRPC', () => {
  it('carries a put and a range', async () => {
    const { client } = served
    const { header } = await call(client, KVService.put, { key: Buffer.from('a'), value: Buffer.from('1') })
    expect(header?.revision).toBe(2n)
    const { kvs, count } = await call(client, KVService.range, { key: Buffer.from('a') })
    expect(count).toBe(1n)
    expect(kvs.map(({ value }) => value.toString())).toEqual(['1'])
  })

  it('refuses by the status and text of etcd', async () => {
    expect(await refusalOf(call(served.client, KVService.range))).toBe(
      'INVALID_ARGUMENT etcdserver: key is not provided',
    )
  })
})
