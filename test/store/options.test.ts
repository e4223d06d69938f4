/** What `open()` says to options that make no sense: which one, and what would be right. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Environment } from '../../src/base/clock.js'
import { isStoreError, type ErrorCode } from '../../src/base/errors.js'
import { SILENT, type Logger } from '../../src/base/logger.js'
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import { open } from '../../src/store/open.js'
import { settingsOf, type OpenOptions } from '../../src/store/options.js'
import { MemoryNetwork } from '../../src/transport/memory.js'
import type { Transport } from '../../src/transport/transport.js'

const THREE = { a: '127.0.0.1:7001', b: '127.0.0.1:7002', c: '127.0.0.1:7003' }
const wrong = (options: unknown): OpenOptions => options as OpenOptions

describe('open() refuses', () => {
  test.each<[string, OpenOptions, typeof TypeError | typeof RangeError, RegExp]>([
    ['a name that is not in the cluster', { name: 'd', cluster: THREE }, TypeError, /'d'.*\(a, b, c\)/],
    ['a cluster without a name', { cluster: THREE }, TypeError, /'default'.*\(a, b, c\)/],
    ['an empty name', { name: '' }, TypeError, /name must not be empty/],
    ['an address that two members share', { name: 'a', cluster: { a: 'h:1', b: 'h:1' } }, TypeError, /address h:1/],
    ['an address that is no text', wrong({ name: 'a', cluster: { a: 'h:1', b: 7002 } }), TypeError, /'b'.*host:port/],
    ['several members in memory', { name: 'a', cluster: THREE }, TypeError, /needs dataDir.*durability: 'none'/],
    [
      'several members on a disk that forgets',
      { name: 'a', cluster: THREE, disk: memoryDisk() },
      TypeError,
      /forgets votes/,
    ],
    ['a folder and a disk', { dataDir: './x', disk: memoryDisk() }, TypeError, /dataDir and disk exclude each other/],
    ['an empty folder', { dataDir: '' }, TypeError, /dataDir must not be empty/],
    ['heartbeats that are too rare', { electionTimeoutMs: 1000, heartbeatIntervalMs: 300 }, RangeError, /300.*1000/],
    ['a time that is none', { electionTimeoutMs: -1 }, RangeError, /electionTimeoutMs must be a positive.*-1/],
    ['a close that waits for ever', { drainMs: Infinity }, RangeError, /drainMs must be a finite.*Infinity/],
    ['a signal that nobody can listen to', { closeOn: ['SIGKILL'] as never }, TypeError, /closeOn.*SIGTERM.*SIGKILL/],
    ['a signal without a list', { closeOn: 'SIGTERM' as never }, TypeError, /closeOn must be an array, not string/],
    [
      'an address to join without a list',
      { join: 'h:1' as never },
      TypeError,
      /join must be an array or function, not/,
    ],
    ['signals that are no list', { closeOn: {} as never }, TypeError, /closeOn must be a list/],
    ['a time that is not a number', { electionTimeoutMs: NaN }, RangeError, /electionTimeoutMs.*NaN/],
    ['a time for ever', { heartbeatIntervalMs: Infinity }, RangeError, /heartbeatIntervalMs.*Infinity/],
    ['no buffer', { stateBufferBytesMax: 0 }, RangeError, /stateBufferBytesMax.*0/],
    ['no history', { autoCompaction: { mode: 'periodic', retentionMs: 10 } }, RangeError, /retentionMs.*1000.*10/],
    ['a part of a revision', { autoCompaction: { mode: 'revision', retention: 1.5 } }, RangeError, /retention.*1.5/],
    [
      'hours of revisions',
      wrong({ autoCompaction: { mode: 'revision', retentionMs: 5 } }),
      TypeError,
      /takes no retentionMs/,
    ],
    [
      'a compaction of no kind',
      wrong({ autoCompaction: { mode: 'daily' } }),
      TypeError,
      /mode must be.*'daily'|not daily/,
    ],
    ['a quota below nothing', { quotaBytes: -1 }, RangeError, /quotaBytes.*-1/],
    ['a check that never was', { checkIntervalMs: NaN }, RangeError, /checkIntervalMs.*NaN/],
    ['a reserve beyond every disk', { diskReserveBytes: 1e308 }, RangeError, /diskReserveBytes.*pebibyte.*1e\+308/],
    ['no log', { logRetainBytes: -5 }, RangeError, /logRetainBytes.*-5/],
    [
      'a text for a number',
      wrong({ electionTimeoutMs: '1000' }),
      TypeError,
      /electionTimeoutMs must be a number, not string/,
    ],
    ['a number for a text', wrong({ dataDir: 5 }), TypeError, /dataDir must be a string, not number/],
    ['null', wrong({ cluster: null }), TypeError, /cluster must be an object or function, not null/],
    ['a durability that is none', wrong({ durability: 'some' }), TypeError, /'none'.*'some'/],
    ['a misspelt option', wrong({ datadir: './x' }), TypeError, /open\(\) takes no datadir \(did you mean dataDir\?\)/],
    ['an option that there is not', wrong({ peers: [] }), TypeError, /takes no peers, only name, dataDir/],
    ['what is no object', wrong('./data'), TypeError, /takes a plain object/],
    [
      'a logger without its methods',
      wrong({ logger: {} }),
      TypeError,
      /logger has no method debug; it needs debug, info/,
    ],
    [
      'a logger without one of its methods',
      wrong({ logger: { ...SILENT, warn: 5 } }),
      TypeError,
      /logger has no method warn/,
    ],
    ['a disk that is none', wrong({ disk: {} }), TypeError, /disk has no method peek; it needs peek, acquire/],
    ['a transport that is none', wrong({ transport: {} }), TypeError, /transport has no method start/],
    [
      'TLS beside a transport, which would go without it',
      wrong({ transport: () => 5, tls: { cert: 'c', key: 'k', ca: 'a' } }),
      TypeError,
      /tls is for TCP: give it to the transport instead/,
    ],
    [
      'a function that makes no transport',
      wrong({ transport: () => 5 }),
      TypeError,
      /`transport` returned must be an object/,
    ],
    ['an observer that is no function', wrong({ observe: {} }), TypeError, /observe must be a function, not object/],
    ['surroundings without a clock', wrong({ environment: {} }), TypeError, /environment\.clock must be an object/],
    [
      'surroundings whose logger is none',
      wrong({ environment: { ...systemEnvironment(), logger: {} } }),
      TypeError,
      /environment\.logger has no method debug/,
    ],
  ])('%s', async (_what, options, type, message) => {
    const error: unknown = await open(options).then(
      (store) => store.close(),
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(type)
    expect((error as Error).message).toMatch(message)
  })

  test.each<[string, OpenOptions, ErrorCode, RegExp]>([
    [
      'an address of others without TLS',
      { cluster: { ...THREE, a: '0.0.0.0:7001' } },
      'TLS_REQUIRED',
      /0\.0\.0\.0.*insecure/,
    ],
    ['an address without a port', { cluster: { ...THREE, a: '127.0.0.1' } }, 'ADDRESS_INVALID', /'127\.0\.0\.1'/],
    ['a peer whose address is none', { cluster: { ...THREE, b: 'nonsense' } }, 'ADDRESS_INVALID', /nonsense/],
    ['an own address that is none', { listen: 'h:1', advertise: 'foo' }, 'ADDRESS_INVALID', /'foo'/],
    ['every interface as its own', { listen: 'h:1', advertise: '0.0.0.0:4' }, 'ADDRESS_INVALID', /0:4' to advertise/],
    ['a peer on any free port', { cluster: { ...THREE, b: '127.0.0.1:0' } }, 'ADDRESS_INVALID', /'b'.*port 0/],
    [
      'an own port that peers could not dial',
      { cluster: { ...THREE, a: '127.0.0.1:0' } },
      'ADDRESS_INVALID',
      /'a'.*port 0/,
    ],
    [
      'to listen among several on any free port',
      { cluster: THREE, listen: '127.0.0.1:0' },
      'ADDRESS_INVALID',
      /listen.*port 0/,
    ],
    ['to listen nowhere among several', { cluster: THREE, listen: '' }, 'ADDRESS_INVALID', /host:port/],
    ['to listen alone on an address that is none', { listen: 'nonsense' }, 'ADDRESS_INVALID', /nonsense/],
  ])('%s, before anything is on disk', async (_what, options, code, message) => {
    const folder = mkdtempSync(join(tmpdir(), 'quorate-options-'))
    try {
      const dataDir = join(folder, 'data')
      const error: unknown = await open({ name: 'a', dataDir, ...options }).catch((reason: unknown) => reason)
      expect(isStoreError(error, code)).toBe(true)
      expect((error as Error).message).toMatch(message)
      expect(existsSync(dataDir)).toBe(false)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })

  test('no address of a transport that is not TCP', async () => {
    const network = new MemoryNetwork()
    const transport = ({ timers }: Environment): Transport => network.transport('in this process', timers)
    const cluster = { a: 'in this process', b: 'elsewhere' }
    await (await open({ name: 'a', cluster, durability: 'none', transport })).close()
  })
})

describe('a logger', () => {
  const lines: string[] = []
  const rude: Logger = {
    debug: () => {
      throw new Error('a logger of bad manners')
    },
    info: () => Promise.reject(new Error('an asynchronous one')) as unknown as undefined,
    warn: (message) => {
      lines.push(message)
      throw new Error('a logger of bad manners')
    },
    error: () => {
      throw new Error('a logger of bad manners')
    },
  }

  test.each<[string, OpenOptions]>([
    ['given as such', { logger: rude }],
    ['given with the surroundings', { environment: { ...systemEnvironment(), logger: rude } }],
    ['given beside the surroundings', { environment: systemEnvironment(), logger: rude }],
  ])('that throws harms nobody, %s', async (_how, options) => {
    const errors: unknown[] = []
    const note = (error: unknown): void => {
      errors.push(error)
    }
    process.on('unhandledRejection', note)
    lines.length = 0
    const store = await open(options)
    const { logger } = store.environment
    for (const level of ['debug', 'info', 'warn', 'error'] as const) logger[level]('told')
    store.on('leader', () => {
      throw new Error('so that the member logs')
    })
    await store.put('k', 'v')
    await drainMicrotasks()
    expect((await store.get('k'))?.text()).toBe('v')
    await store.close()
    process.off('unhandledRejection', note)
    expect(errors).toEqual([])
    expect(lines).toEqual(['told'])
  })
})

describe('settings', () => {
  test('give every member the same ids, whatever its own name and the order of the list', () => {
    const reversed = Object.fromEntries(Object.entries(THREE).reverse())
    const a = settingsOf({ name: 'a', cluster: THREE, durability: 'none' })
    const b = settingsOf({ name: 'b', cluster: reversed, durability: 'none' })
    const byName = ({ members }: typeof a) => new Map(members.map(({ name, id }) => [name, id]))
    expect(b.clusterId).toBe(a.clusterId)
    expect([...byName(b)].sort()).toEqual([...byName(a)].sort())
    expect(b.memberId).toBe(byName(a).get('b'))
  })

  test('tell clusters of other names or another token apart', () => {
    const ids = [
      settingsOf({ name: 'a' }),
      settingsOf({ name: 'b' }),
      settingsOf({ name: 'a', clusterToken: 'other' }),
      settingsOf({ name: 'a', cluster: { a: 'h:1', b: 'h:2' }, durability: 'none' }),
    ].map(({ clusterId }) => clusterId)
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('leave the cluster the same when addresses change', () => {
    const before = settingsOf({ name: 'a', cluster: { a: 'h:1', b: 'h:2' }, durability: 'none' })
    const after = settingsOf({ name: 'a', cluster: { a: 'h:3', b: 'h:4' }, durability: 'none' })
    expect([after.clusterId, after.memberId]).toEqual([before.clusterId, before.memberId])
  })

  test('take what is left out, also as undefined, for the default', () => {
    expect(settingsOf({ name: undefined, electionTimeoutMs: undefined } as unknown as OpenOptions)).toEqual(
      settingsOf({}),
    )
  })
})
