/** What `open()` says to options that make no sense: which one, and what would be right. */
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import { open } from '../../src/store/open.js'
import { settingsOf, type OpenOptions } from '../../src/store/options.js'

const THREE = { a: '127.0.0.1:7001', b: '127.0.0.1:7002', c: '127.0.0.1:7003' }
const wrong = (options: unknown): OpenOptions => options as OpenOptions

describe('open() refuses', () => {
  test.each<[string, OpenOptions, typeof TypeError | typeof RangeError, RegExp]>([
    ['a name that is not in the cluster', { name: 'd', cluster: THREE }, TypeError, /"d".*\(a, b, c\)/],
    ['a cluster without a name', { cluster: THREE }, TypeError, /"default".*\(a, b, c\)/],
    ['an empty name', { name: '' }, TypeError, /name must not be empty/],
    ['an address that two members share', { name: 'a', cluster: { a: 'h:1', b: 'h:1' } }, TypeError, /address h:1/],
    ['an address that is no text', wrong({ name: 'a', cluster: { a: 'h:1', b: 7002 } }), TypeError, /"b".*host:port/],
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
    ['a time that is not a number', { electionTimeoutMs: NaN }, RangeError, /electionTimeoutMs.*NaN/],
    ['a time for ever', { heartbeatIntervalMs: Infinity }, RangeError, /heartbeatIntervalMs.*Infinity/],
    ['no buffer', { stateBufferBytesMax: 0 }, RangeError, /stateBufferBytesMax.*0/],
    ['no log', { logRetainBytes: -5 }, RangeError, /logRetainBytes.*-5/],
    [
      'a text for a number',
      wrong({ electionTimeoutMs: '1000' }),
      TypeError,
      /electionTimeoutMs must be a number, not string/,
    ],
    ['a number for a text', wrong({ dataDir: 5 }), TypeError, /dataDir must be a string, not number/],
    ['null', wrong({ cluster: null }), TypeError, /cluster must be an object, not null/],
    ['a durability that is none', wrong({ durability: 'some' }), TypeError, /'none'.*'some'/],
    ['a misspelt option', wrong({ datadir: './x' }), TypeError, /no option datadir: did you mean dataDir\?/],
    ['an option that there is not', wrong({ peers: [] }), TypeError, /no option peers; there are name, dataDir/],
    ['what is no object', wrong('./data'), TypeError, /takes an object/],
  ])('%s', async (_what, options, type, message) => {
    const error: unknown = await open(options).then(
      (store) => store.close(),
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(type)
    expect((error as Error).message).toMatch(message)
  })

  test('an address of others without TLS, and says how to mean it', async () => {
    const cluster = { a: '0.0.0.0:0', b: '10.0.0.2:7001' }
    const error: unknown = await open({ name: 'a', cluster, durability: 'none' }).catch((reason: unknown) => reason)
    expect(isStoreError(error, 'TLS_REQUIRED')).toBe(true)
    expect((error as Error).message).toMatch(/0\.0\.0\.0/)
    expect((error as Error).message).toMatch(/insecure/)
  })

  test('an address that is none', async () => {
    const cluster = { a: 'nowhere', b: '127.0.0.1:7002' }
    const error: unknown = await open({ name: 'a', cluster, durability: 'none' }).catch((reason: unknown) => reason)
    expect(isStoreError(error, 'ADDRESS_INVALID')).toBe(true)
    expect((error as Error).message).toMatch(/nowhere/)
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
