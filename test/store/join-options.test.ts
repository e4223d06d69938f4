/** What `open()` says of options that contradict themselves, where they are about which cluster a member is of. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import { dnsSrv } from '../../src/store/dns-srv.js'
import { open } from '../../src/store/open.js'
import type { OpenOptions } from '../../src/store/options.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { SILENT } from '../../src/base/logger.js'

const LISTEN = '127.0.0.1:7001'
const OTHER = '127.0.0.1:7002'
const JOIN: OpenOptions = { name: 'b', listen: LISTEN, join: [OTHER] }

const wrong = (options: object): OpenOptions => options

/** `dataDir` is there already in each. */
async function failureOf(options: OpenOptions): Promise<{ readonly error: unknown; readonly made: boolean }> {
  const folder = mkdtempSync(join(tmpdir(), 'quorate-join-options-'))
  const dataDir = join(folder, 'data')
  try {
    const given = 'durability' in options || 'disk' in options ? options : { dataDir, ...options }
    const error: unknown = await open(given).then(
      (store) => store.close(),
      (reason: unknown) => reason,
    )
    return { error, made: existsSync(dataDir) }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

describe('open() refuses', () => {
  test.each<[string, OpenOptions, RegExp]>([
    ['join beside cluster', { ...JOIN, cluster: { b: LISTEN } }, /join and cluster exclude each other/],
    ['join beside clusterToken', { ...JOIN, clusterToken: 'x' }, /join and clusterToken exclude each other/],
    ['join beside forceNewCluster', { ...JOIN, forceNewCluster: true }, /join and forceNewCluster exclude/],
    ['join beside rejoin', { ...JOIN, rejoin: true }, /join and rejoin exclude each other/],
    ['join without an address', { name: 'b', join: [OTHER] }, /join needs listen, or advertise/],
    ['join by nobody but itself', { ...JOIN, join: [LISTEN] }, /no member but this one/],
    ['join by nobody', { ...JOIN, join: [] }, /no member but this one/],
    ['join by an empty address', { ...JOIN, join: ['', OTHER] }, /address 1 of join is empty/],
    ['join by numbers', wrong({ ...JOIN, join: [7001] }), /address 1 of join is number/],
    ['join by a record', wrong({ ...JOIN, join: { a: OTHER } }), /join must be addresses of members, not an object/],
    ['join in memory', { ...JOIN, disk: memoryDisk() }, /needs dataDir/],
    ['an address that cluster says otherwise', { cluster: { b: OTHER }, name: 'b', advertise: LISTEN }, /advertise is/],
    ['an empty address', { advertise: '' }, /advertise must not be empty/],
    ['a signal that is none', wrong({ ...JOIN, signal: {} }), /AbortSignal/],
    ['rejoin of the only one', { name: 'b', listen: LISTEN, rejoin: true }, /give join in the place of both/],
  ])('%s', async (_what, options, message) => {
    const { error, made } = await failureOf(options)
    expect(error).toBeInstanceOf(TypeError)
    expect((error as Error).message).toMatch(message)
    expect(made).toBe(false)
  })

  test.each<[string, OpenOptions, RegExp]>([
    [
      'every interface for an address to be dialled',
      { ...JOIN, listen: '0.0.0.0:7001', insecure: true },
      /`advertise`/,
    ],
    ['the same in IPv6', { ...JOIN, advertise: '[::]:7001', insecure: true }, /stands for every interface/],
    ['any free port', { ...JOIN, listen: '127.0.0.1:0' }, /to listen on has port 0/],
    ['what is no address', { ...JOIN, advertise: 'b' }, /host:port/],
  ])('%s, with ADDRESS_INVALID', async (_what, options, message) => {
    const { error, made } = await failureOf(options)
    expect(isStoreError(error, 'ADDRESS_INVALID')).toBe(true)
    expect((error as Error).message).toMatch(message)
    expect(made).toBe(false)
  })

  test('more addresses than are asked', async () => {
    const addresses = Array.from({ length: LIMITS.joinAddressesMax + 1 }, (_, at) => `host-${at}:1`)
    expect((await failureOf({ ...JOIN, join: addresses })).error).toBeInstanceOf(RangeError)
  })
})

describe('a function that finds the members', () => {
  test('gives those that the cluster begins with', async () => {
    const cluster = dnsSrv('_quorate._tcp.local', { resolver: async () => [{ name: 'localhost.', port: 7001 }] })
    const store = await open({ name: 'localhost', listen: '127.0.0.1:0', cluster })
    expect(store.status().members).toMatchObject([{ name: 'localhost', address: 'localhost:7001', role: 'voter' }])
    await store.close()
  })

  test.each<[string, unknown, RegExp]>([
    ['throws', () => Promise.reject(new Error('no network')), /cluster did not find the members: no network/],
    ['returns a list', async () => [OTHER], /it returned an array/],
    ['returns nothing', async () => undefined, /it returned undefined/],
  ])('that %s ends the open with DISCOVERY_FAILED', async (_what, cluster, message) => {
    const { error, made } = await failureOf(wrong({ name: 'b', cluster }))
    expect(isStoreError(error, 'DISCOVERY_FAILED')).toBe(true)
    expect((error as Error).message).toMatch(message)
    expect(made).toBe(false)
  })

  test('that never ends is waited for no longer than a join, and for join called again each time', async () => {
    const scheduler = new SimScheduler()
    const timers = scheduler.timersOf()
    const environment = { clock: scheduler.clock, timers, random: seededRandom(1), logger: SILENT }
    let calls = 0
    const transport = {
      start() {},
      setPeers() {},
      send() {},
      close: async () => undefined,
      ask: () => Promise.reject(new Error('nobody')),
    }
    const opened = [
      open({ name: 'b', cluster: () => new Promise(() => undefined), environment, durability: 'none' }),
      open(
        wrong({
          ...{ name: 'b', advertise: 'b', environment, transport, durability: 'none' },
          join: async () => {
            calls++
            return calls % 2 === 0 ? { a: 'a', b: 'b' } : Promise.reject(new Error('DNS is away'))
          },
        }),
      ),
    ].map((opening) => opening.catch((error: unknown) => error))
    await drainMicrotasks()
    while (scheduler.nowMs <= LIMITS.joinMsMax && (await scheduler.step()));
    const [found, joined] = await Promise.all(opened)
    expect(isStoreError(found, 'DISCOVERY_FAILED')).toBe(true)
    expect(isStoreError(joined, 'JOIN_FAILED')).toBe(true)
    expect((joined as Error).message).toMatch(/a: nobody|DNS is away/)
    expect(calls).toBeGreaterThan(LIMITS.joinMsMax / LIMITS.joinRetryMs / 2)
  })
})
