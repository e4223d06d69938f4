/** A store over a folder: what is there after it was opened again, and whose folders it refuses. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freePorts } from '../../demo/processes/free-ports.js'
import { isStoreError, type ErrorCode, type StoreError } from '../../src/base/errors.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import { open } from '../../src/store/open.js'
import type { OpenOptions } from '../../src/store/options.js'
import { FaultyDisk } from './faulty-disk.js'

let root: string
let folders = 0
const folder = (): string => join(root, `data-${++folders}`)

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'quorate-disk-'))
})
afterAll(() => rm(root, { recursive: true, force: true }))

async function refusal(code: ErrorCode, action: () => Promise<unknown>): Promise<StoreError> {
  const error: unknown = await action().then(
    () => 'it was accepted',
    (reason: unknown) => reason,
  )
  if (!isStoreError(error, code)) throw new Error(`${code} is expected, not ${String(error)}`)
  return error
}

describe('a store that is opened again', () => {
  test.each([
    ['from a log that holds everything', {}],
    ['from a state that was written many times', { stateBufferBytesMax: 500, logRetainBytes: 500 }],
  ])('has everything that was acknowledged, %s', async (_how, limits: OpenOptions) => {
    const dataDir = folder()
    const first = await open({ dataDir, ...limits })
    const { id } = await first.leases.grant({ ttlMs: 600_000 })
    for (let nth = 0; nth < 50; nth++) await first.put(`k${nth % 5}`, `v${nth}`)
    await first.put('leased', 'x', { lease: id })
    await first.delete('k4')
    await first.compact(20)
    const before = first.status()
    const items = (await first.range({ all: true })).items.map((each) => [each.key, each.text(), each.modRevision])
    await first.close()

    const second = await open({ dataDir, ...limits })
    await second.ready()
    const after = second.status()
    expect([after.revision, after.compactRevision, after.digest]).toEqual([
      before.revision,
      before.compactRevision,
      before.digest,
    ])
    const found = await second.range({ all: true })
    expect(found.items.map((each) => [each.key, each.text(), each.modRevision])).toEqual(items)
    expect((await second.get('k0', { revision: 30 }))?.text()).toBe('v25')
    await refusal('COMPACTED', () => second.get('k0', { revision: 19 }))
    expect((await second.leases.timeToLive(id))?.ttlMs).toBe(600_000)
    const events: number[] = []
    for await (const { revision } of second.watch({ all: true }, { startRevision: 20 })) {
      events.push(revision)
      if (revision === before.revision) break
    }
    expect(events).toEqual(Array.from({ length: before.revision - 19 }, (_, at) => at + 20))
    expect((await second.put('new', 'x')).revision).toBe(before.revision + 1)
    await second.leases.revoke(id)
    expect(await second.get('leased')).toBeUndefined()
    await second.close()
  })

  test('in memory starts anew each time', async () => {
    const first = await open()
    await first.put('key', 'x')
    await first.close()
    const second = await open()
    expect(await second.get('key')).toBeUndefined()
    await second.close()
  })
})

describe('a folder is refused', () => {
  test('while another store has it open, and free once that is closed', async () => {
    const dataDir = folder()
    const first = await open({ dataDir })
    const error = await refusal('DATA_DIR_IN_USE', () => open({ dataDir }))
    expect(error.message).toContain(dataDir)
    await first.put('key', 'the first one goes on')
    await first.close()
    const second = await open({ dataDir })
    expect((await second.get('key'))?.text()).toBe('the first one goes on')
    await second.close()
  })

  test('by another cluster and by another member, and left as it was', async () => {
    const dataDir = folder()
    const cluster = { a: '127.0.0.1:1', b: '127.0.0.1:2' }
    await (await open({ name: 'a', dataDir })).close()
    const content = async () => {
      const file = (await readdir(dataDir)).find((name) => name.includes('high-water'))
      return readFile(join(dataDir, file ?? ''), 'hex')
    }
    const before = await content()
    const otherCluster = await refusal('WRONG_CLUSTER', () => open({ name: 'a', dataDir, clusterToken: 'other' }))
    expect(otherCluster.message).toContain(dataDir)
    const otherNames = await refusal('WRONG_CLUSTER', () => open({ name: 'a', cluster, dataDir }))
    expect(otherNames.message).toMatch(/cluster/)
    expect(await content()).toBe(before)
    await (await open({ name: 'a', dataDir })).close()
  })

  test('by another member of the same cluster', async () => {
    const dataDir = folder()
    const [a = 0, b = 0] = await freePorts(2)
    const cluster = { a: `127.0.0.1:${a}`, b: `127.0.0.1:${b}` }
    await (await open({ name: 'a', cluster, dataDir })).close()
    const error = await refusal('WRONG_MEMBER', () => open({ name: 'b', cluster, dataDir }))
    expect(error.message).toMatch(/member/)
  })
})

describe('a disk that fails', () => {
  const failing = async (databases?: readonly ('log' | 'state')[]) => {
    const faulty = new FaultyDisk(memoryDisk(), databases)
    const store = await open({ disk: faulty.disk(), stateBufferBytesMax: 1000 })
    await store.put('key', 'before')
    return { faulty, store }
  }

  test.each([['log'], ['state']] as const)('in the %s stops the member, and everybody is told', async (database) => {
    const { faulty, store } = await failing([database])
    const told: Error[] = []
    store.on('failed', (error) => told.push(error))
    const watch = store.watch('never')[Symbol.asyncIterator]().next()
    faulty.failure = new Error('ENOSPC: no space left on device')
    const put = store.put('key', 'x'.repeat(3000))
    const later = store.put('key', 'after')
    const results = await Promise.allSettled([put, later])
    for (const result of results) {
      // Committed writes may be answered before the state that holds them cannot be written.
      if (database === 'log') expect(result.status).toBe('rejected')
      if (result.status === 'fulfilled') continue
      expect(result.reason).toMatchObject({ code: 'MEMBER_FAILED', outcome: 'unknown' })
      expect((result.reason as StoreError).message).toContain('ENOSPC')
    }
    const ended = await refusal('MEMBER_FAILED', () => watch)
    expect(ended.cause).toMatchObject({ code: 'DISK_FAILED' })
    const refused = await refusal('MEMBER_FAILED', () => store.put('key', 'x'))
    expect(refused.outcome).toBe('refused')
    await refusal('MEMBER_FAILED', () => store.get('key'))
    await refusal('MEMBER_FAILED', () => store.get('key', { consistency: 'local' }))
    await refusal('MEMBER_FAILED', () => store.leases.grant({ ttlMs: 5000 }))
    expect(() => store.watch('key')).toThrow('stopped itself')
    expect(told.map((error) => error.message)).toEqual([expect.stringContaining('ENOSPC')])
    expect(store.status()).toMatchObject({ role: 'stopped', leader: undefined })
    await store.close().catch(() => undefined)
  })

  test('while it closes makes the close fail, and nothing hang', async () => {
    const { faulty, store } = await failing()
    faulty.failure = new Error('EIO')
    await refusal('DISK_FAILED', () => store.close())
    await refusal('CLOSED', () => store.get('key'))
  })

  test('to answer ends a read at its deadline, with its signal and with the store', async () => {
    const dataDir = folder()
    const first = await open({ dataDir })
    await first.put('key', 'x')
    await first.close()
    const { levelDisk } = await import('../../src/storage/level-disk.js')
    const faulty = new FaultyDisk(levelDisk(dataDir), ['state'])
    const store = await open({ disk: faulty.disk() })
    await store.ready()
    faulty.readsHang = true
    const timedOut = await refusal('TIMEOUT', () => store.get('key', { consistency: 'local', timeoutMs: 1 }))
    expect(timedOut.message).toContain('disk')
    const controller = new AbortController()
    const reading = store.get('key', { consistency: 'local', signal: controller.signal })
    controller.abort()
    await refusal('ABORTED', () => reading)
    const waiting = store.get('key', { consistency: 'local' })
    const closing = store.close()
    await refusal('CLOSED', () => waiting)
    await closing
  })
})
