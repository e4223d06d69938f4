import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { KVService, LeaseService, type LeaseKeepAliveResponse } from '../../src/etcd/generated/rpc.js'
import { call, duplex, messageOf, refusalOf, serve, type Served } from './served.js'

let served: Served

beforeAll(async () => {
  served = await serve()
})

afterAll(() => served.close())

/** What a stream of keep-alives answers to each of these ids. */
async function keepAlive(...ids: bigint[]): Promise<LeaseKeepAliveResponse[]> {
  const stream = duplex(served.client, LeaseService.leaseKeepAlive)
  for (const ID of ids) stream.write(messageOf(LeaseService.leaseKeepAlive, { ID }))
  stream.end()
  const responses: LeaseKeepAliveResponse[] = []
  for await (const response of stream) responses.push(response as LeaseKeepAliveResponse)
  return responses
}

const grant = (request: { TTL?: bigint; ID?: bigint }) => call(served.client, LeaseService.leaseGrant, request)

describe('Lease', () => {
  it('grants a lease for as long as is asked, by an id of its own', async () => {
    const { ID, TTL, header } = await grant({ TTL: 60n })
    expect(ID).toBeGreaterThan(0n)
    expect(TTL).toBe(60n)
    expect(header?.revision).toBe(1n)
  })

  it('raises what is too short, nothing and less included, to the shortest there is', async () => {
    for (const asked of [1n, 0n, -5n]) expect((await grant({ TTL: asked })).TTL).toBe(2n)
  })

  it('takes ids that are given, negative ones too, once', async () => {
    expect((await grant({ TTL: 60n, ID: -7n })).ID).toBe(-7n)
    expect(await refusalOf(grant({ TTL: 60n, ID: -7n }))).toBe('FAILED_PRECONDITION etcdserver: lease already exists')
  })

  it('refuses what is too long', async () => {
    for (const TTL of [9_000_000_001n, 2n ** 62n]) {
      expect(await refusalOf(grant({ TTL }))).toBe('OUT_OF_RANGE etcdserver: too large lease TTL')
    }
  })

  it('answers each keep-alive in turn, and those of leases that are gone with no time, without ending the stream', async () => {
    const { ID } = await grant({ TTL: 60n })
    const responses = await keepAlive(ID, 12345n, 0n, ID)
    expect(responses.map((response) => [response.ID, response.TTL])).toEqual([
      [ID, 60n],
      [12345n, 0n],
      [0n, 0n],
      [ID, 60n],
    ])
  })

  it('tells the time that is left, the time that was granted, and the keys', async () => {
    const { ID } = await grant({ TTL: 60n })
    for (const key of ['b', 'a']) {
      await call(served.client, KVService.put, { key: Buffer.from(key), value: Buffer.from('1'), lease: ID })
    }
    const response = await call(served.client, LeaseService.leaseTimeToLive, { ID, keys: true })
    expect(response.grantedTTL).toBe(60n)
    expect([59n, 60n]).toContain(response.TTL)
    expect(response.keys.map(String)).toEqual(['a', 'b'])
    expect((await call(served.client, LeaseService.leaseTimeToLive, { ID })).keys).toEqual([])
  })

  it('says -1 of a lease that does not exist', async () => {
    for (const ID of [4711n, 0n]) {
      const response = await call(served.client, LeaseService.leaseTimeToLive, { ID })
      expect([response.ID, response.TTL, response.grantedTTL]).toEqual([ID, -1n, 0n])
    }
  })

  it('revokes a lease with its keys, once', async () => {
    const { ID } = await grant({ TTL: 60n })
    await call(served.client, KVService.put, { key: Buffer.from('leased'), value: Buffer.from('1'), lease: ID })
    await call(served.client, LeaseService.leaseRevoke, { ID })
    expect((await call(served.client, KVService.range, { key: Buffer.from('leased') })).count).toBe(0n)
    const again = call(served.client, LeaseService.leaseRevoke, { ID })
    expect(await refusalOf(again)).toBe('NOT_FOUND etcdserver: requested lease not found')
    const none = call(served.client, LeaseService.leaseRevoke, { ID: 0n })
    expect(await refusalOf(none)).toBe('NOT_FOUND etcdserver: requested lease not found')
  })

  it('lists leases', async () => {
    const { ID } = await grant({ TTL: 60n })
    const { leases } = await call(served.client, LeaseService.leaseLeases)
    expect(leases.map((lease) => lease.ID)).toContain(ID)
  })
})
