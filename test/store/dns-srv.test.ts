/** Members found by DNS: what the records mean, and what is said where they mean nothing. */
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { dnsSrv, type DnsSrvOptions, type SrvRecord } from '../../src/store/dns-srv.js'

const SERVICE = '_quorate._tcp.example.com'

const finding = (records: readonly SrvRecord[]) => dnsSrv(SERVICE, { resolver: async () => records })

async function failureOf(find: () => Promise<unknown>): Promise<string> {
  const error: unknown = await find().then(
    () => 'nothing failed',
    (reason: unknown) => reason,
  )
  if (!isStoreError(error, 'DISCOVERY_FAILED')) throw new Error(`DISCOVERY_FAILED is expected, not ${String(error)}`)
  return error.message
}

describe('the SRV records of a service', () => {
  test('are a member each: its name the target, its address that with the port', async () => {
    const found = await finding([
      { name: 'a.example.com', port: 7001 },
      { name: 'B.Example.com.', port: 7002 },
    ])()
    expect(found).toEqual({ 'a.example.com': 'a.example.com:7001', 'b.example.com': 'b.example.com:7002' })
  })

  test('are looked up anew at each call, by the resolver that was given', async () => {
    const asked: string[] = []
    const find = dnsSrv(SERVICE, {
      resolver: async (service) => {
        asked.push(service)
        return [{ name: `host-${asked.length}`, port: 1 }]
      },
    })
    expect([await find(), await find()]).toEqual([{ 'host-1': 'host-1:1' }, { 'host-2': 'host-2:1' }])
    expect(asked).toEqual([SERVICE, SERVICE])
  })

  test.each<[string, readonly SrvRecord[], RegExp]>([
    ['none', [], /there is none/],
    ['no target', [{ name: '.', port: 1 }], /not to be there/],
    ['no port', [{ name: 'a', port: 0 }], /port 0/],
    ['one target twice', [1, 2].map((port) => ({ name: 'a', port })), /two of them name 'a'/],
    ['too many', Array.from({ length: 65 }, (_, at) => ({ name: `n${at}`, port: 1 })), /there are 65/],
  ])('that cannot be used (%s) are refused with what to check', async (_, records, why) => {
    const message = await failureOf(finding(records))
    expect(message).toMatch(why)
    expect(message).toContain('dig SRV')
  })

  test('that cannot be had are told with what the resolver said', async () => {
    const find = dnsSrv(SERVICE, { resolver: () => Promise.reject(new Error('querySrv ENOTFOUND')) })
    expect(await failureOf(find)).toContain('querySrv ENOTFOUND')
  })
})

test('what is no service and no resolver is refused at once', () => {
  expect(() => dnsSrv('')).toThrow(TypeError)
  expect(() => dnsSrv(7 as unknown as string)).toThrow(/not number/)
  expect(() => dnsSrv(SERVICE, { resolver: 'dns' } as unknown as DnsSrvOptions)).toThrow(/must be a function/)
  expect(() => dnsSrv(SERVICE, { resolvers: 1 } as unknown as DnsSrvOptions)).toThrow(/did you mean resolver/)
})

test.each([[null], ['x'], [[null]], [[{}]], [[{ name: 'a' }]]])(
  'what a resolver returns that are no records, %j, is told',
  async (given) => {
    const finding = dnsSrv(SERVICE, { resolver: () => Promise.resolve(given) } as unknown as DnsSrvOptions)()
    await expect(finding).rejects.toMatchObject({ code: 'DISCOVERY_FAILED' })
  },
)
