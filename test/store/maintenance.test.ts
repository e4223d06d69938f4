/** What keeps a cluster running, as operators use it: the quota, the alarms, the checks of the state, the disk. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { del, put, txn } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import { addDigest, hash64, removeDigest } from '../../src/base/checksum.js'
import { decodeMeta, encodeMeta, META_KEY } from '../../src/machine/state-records.js'
import type { MemberEvent } from '../../src/member/event.js'
import { decodeRecord, encodePut, RECORD_PREFIX } from '../../src/mvcc/record.js'
import { openStorage } from '../../src/storage/storage.js'
import { open } from '../../src/store/open.js'
import type { Place } from '../../src/testing/sim/place.js'
import type { WorldOptions } from '../../src/testing/sim/world.js'
import { codeOfAsync } from '../code-of.js'
import { RunningWorld } from './clusters.js'

let world: RunningWorld | undefined

async function cluster(options: Partial<WorldOptions> = {}): Promise<RunningWorld> {
  world = await RunningWorld.start(options)
  return world
}

afterEach(async () => {
  await world?.halt()
  world = undefined
})

const nothing = (): void => undefined
const QUOTA_BYTES = 20_000
const KILOBYTE = 'x'.repeat(1000)

/** Overwrites one key until that is refused; gives with what. */
async function fill(store: Store): Promise<string | undefined> {
  for (;;) {
    const code = await codeOfAsync(() => store.put('big', KILOBYTE))
    if (code !== undefined) return code
  }
}

describe('the quota', () => {
  test('stops what adds on every member, lets deletes and compaction through, and ends with a disarm and no defragmentation', async () => {
    const running = await cluster({ open: { quotaBytes: QUOTA_BYTES } })
    const [one, other] = running.followers as [Store, Store]
    await one.put('kept', '1')
    expect(await fill(one)).toBe('NO_SPACE')
    const { memberId, sizeInUseBytes, quotaBytes } = one.status()
    expect(quotaBytes).toBe(QUOTA_BYTES)
    expect(sizeInUseBytes).toBeGreaterThan(QUOTA_BYTES - 2_000)
    expect(sizeInUseBytes).toBeLessThan(QUOTA_BYTES)

    await running.until(() => running.statuses().every(({ alarms }) => alarms.length === 1))
    expect(await other.maintenance.alarms()).toEqual([{ alarm: 'no-space', memberId }])
    for (const store of [running.leader, one, other]) {
      expect(await codeOfAsync(() => store.put('kept', ''))).toBe('NO_SPACE')
      expect(await codeOfAsync(() => store.leases.grant({ ttlMs: 5_000 }))).toBe('NO_SPACE')
      const nested = { success: [txn({ success: [put('kept', '')] })] }
      expect(await codeOfAsync(() => store.txn(nested))).toBe('NO_SPACE')
      expect((await store.get('kept'))?.text()).toBe('1')
    }

    await other.txn({ success: [del('big')] })
    await one.compact(one.status().revision)
    await running.until(() => one.status().sizeInUseBytes < QUOTA_BYTES / 2)
    expect(await codeOfAsync(() => one.put('kept', '2'))).toBe('NO_SPACE')
    expect(await other.maintenance.disarm({ alarm: 'no-space' })).toContainEqual({ alarm: 'no-space', memberId })
    for (const store of [running.leader, one, other]) await store.put('kept', '2')
    expect(await one.maintenance.alarms()).toEqual([])
  })

  test('is each member’s own: one that others have filled raises the alarm itself, and again after a disarm that came too early', async () => {
    const running = await cluster({ open: (name) => ({ quotaBytes: name === 'c' ? QUOTA_BYTES : Infinity }) })
    const a = running.store('a')
    const c = { alarm: 'no-space', memberId: running.store('c').status().memberId } as const
    for (let nth = 0; nth < 25; nth++) await codeOfAsync(() => a.put('big', KILOBYTE))
    await running.until(() => a.status().alarms.length > 0)
    expect(await a.maintenance.alarms()).toEqual([c])
    expect(await codeOfAsync(() => a.put('big', ''))).toBe('NO_SPACE')
    await a.maintenance.disarm()
    await running.pass(1_000)
    expect(await a.maintenance.alarms()).toEqual([c])

    await a.compact(a.status().revision)
    await running.until(() => running.store('c').status().sizeInUseBytes < QUOTA_BYTES)
    await a.maintenance.disarm()
    await running.pass(1_000)
    expect(await a.maintenance.alarms()).toEqual([])
    await a.put('big', '')
  })

  test('and the alarm are there again after a restart, and the bytes in use counted anew', async () => {
    const running = await cluster({
      members: ['a'],
      open: { quotaBytes: QUOTA_BYTES, stateBufferBytesMax: 2_000, logRetainBytes: 2_000 },
    })
    expect(await fill(running.store('a'))).toBe('NO_SPACE')
    await running.until(() => running.store('a').status().alarms.length === 1)
    const before = running.store('a').status()
    running.crash(running.place('a'))
    running.start(running.place('a'))
    await running.until(() => running.place('a').store !== undefined)
    const store = running.store('a')
    await store.ready()
    expect([store.status().sizeInUseBytes, store.status().alarms]).toEqual([before.sizeInUseBytes, before.alarms])
    expect(await codeOfAsync(() => store.put('big', ''))).toBe('NO_SPACE')
  })

  test('of 0 is the default of two gibibytes', async () => {
    await using store = await open({ quotaBytes: 0 })
    expect(store.status().quotaBytes).toBe(2 * 1024 ** 3)
  })

  test('of more than eight gibibytes is warned of', async () => {
    const warnings: string[] = []
    const logger = { debug: nothing, info: nothing, warn: (text: string) => void warnings.push(text), error: nothing }
    await (await open({ logger, quotaBytes: 8 * 1024 ** 3 })).close()
    expect(warnings).toEqual([])
    await (await open({ logger, quotaBytes: 8 * 1024 ** 3 + 1 })).close()
    expect(warnings).toEqual(['the quota is larger than advised'])
  })
})

/** Ends a member, changes a value in its state as nothing that it does would, and starts it again. */
async function changeBehindItsBack(running: RunningWorld, place: Place): Promise<void> {
  const { revision } = running.leader.status()
  await running.until(() => running.store(place.name).status().revision === revision)
  const { clusterId, memberId, name } = running.store(place.name).status()
  running.stop(place)
  await running.until(() => place.process === undefined)
  const storage = await openStorage(place.disk.mount(), {
    clusterId: Number(clusterId),
    memberId: Number(memberId),
    name,
  })
  const [[key, record] = ['', new Uint8Array()]] = await storage.state.range(RECORD_PREFIX, undefined, 1)
  const { id, keyValue } = decodeRecord(record)
  const changed = encodePut({ ...keyValue, value: Buffer.from('another') }, id.sub)
  const meta = decodeMeta(storage.state.get(META_KEY) as Uint8Array)
  const digest = addDigest(removeDigest(meta.digest, hash64(record)), hash64(changed))
  storage.state.set(key, changed)
  storage.state.set(META_KEY, encodeMeta({ ...meta, digest, historyDigest: meta.historyDigest ?? digest }))
  await storage.state.commit()
  await storage.close()
  running.start(place)
  await running.until(() => place.store !== undefined)
}

describe('a check of the state', () => {
  test('finds a member whose state was changed behind its back; nothing is changed from then on, and reads still answer', async () => {
    const running = await cluster({ open: { checkIntervalMs: 500 } })
    await running.leader.put('key', 'value')
    const name = (running.followers[0] as Store).status().name
    await changeBehindItsBack(running, running.place(name))
    const { leader } = running
    await running.until(() => leader.status().alarms.length > 0)
    const corrupt = { alarm: 'corrupt', memberId: running.store(name).status().memberId } as const
    expect(await leader.maintenance.alarms()).toEqual([corrupt])
    for (const { store } of running.places) {
      expect(await codeOfAsync(() => store?.put('key', '2'))).toBe('CORRUPT')
      expect(await codeOfAsync(() => store?.delete('key'))).toBe('CORRUPT')
      expect(await store?.get('key')).toBeDefined()
    }
    await leader.maintenance.disarm()
    await leader.put('other', '1')
    await running.until(() => leader.status().alarms.length > 0)
    expect(await leader.maintenance.alarms()).toEqual([corrupt])
  })

  test('by a leader whose own state is wrong makes the others say that states differ', async () => {
    const running = await cluster({ open: { checkIntervalMs: 0 } })
    await running.leader.put('key', 'value')
    const wrong = running.leader.status()
    await changeBehindItsBack(running, running.place(wrong.name))
    // Whoever else leads falls silent, until the wrong one does.
    while (running.store(wrong.name).status().role !== 'leader') {
      const led = running.statuses().find(({ role }) => role === 'leader')?.name
      if (led !== undefined && led !== wrong.name) {
        running.isolate(led)
        await running.until(() => running.statuses().some(({ role, name }) => role === 'leader' && name !== led))
        running.network.healAll()
      }
      await running.pass(10)
    }
    await running.store(wrong.name).ready()
    const { index, digest } = await running.store(wrong.name).maintenance.check()
    expect(index).toBeGreaterThan(0)
    expect(digest).toMatch(/^[0-9a-f]{16}$/)
    await running.until(() => running.statuses().every(({ alarms }) => alarms.length === 2))
    const accused = running.statuses()[0]?.alarms.map(({ memberId }) => memberId)
    expect(accused).not.toContain(wrong.memberId)
  })

  test('raises no false alarm, whatever leaders come and go and however much is applied again', async () => {
    let [verified, differing] = [0, 0]
    const observe = (event: MemberEvent): void => {
      if (event.type !== 'verified') return
      verified++
      if (!event.agrees) differing++
    }
    const running = await cluster({
      open: { checkIntervalMs: 200, stateBufferBytesMax: 3_000, logRetainBytes: 10_000, observe },
    })
    for (let round = 0; round < 5; round++) {
      for (let nth = 0; nth < 10; nth++) {
        await codeOfAsync(() => running.leader.put(`k${nth}`, KILOBYTE.slice(0, 300)))
        if (nth === 5) await codeOfAsync(() => running.leader.compact(running.leader.status().revision))
      }
      const ended = round % 2 === 0 ? running.place(running.leader.status().name) : running.place('b')
      running.crash(ended, round % 3 === 0 ? 'power' : 'process')
      await running.pass(700)
      running.start(ended)
      await running.until(
        () => running.statuses().length === 3 && running.statuses().some(({ role }) => role === 'leader'),
      )
      await running.pass(500)
    }
    expect(differing).toBe(0)
    expect(verified).toBeGreaterThan(10)
    expect(running.statuses().flatMap(({ alarms }) => alarms)).toEqual([])
  })
})

describe('defragmenting', () => {
  test('gives the space of what was deleted and compacted back to the disk, and all that is left is there', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'quorate-defragment-'))
    try {
      await using store = await open({ dataDir, stateBufferBytesMax: 200_000, logRetainBytes: 10_000 })
      // What does not repeat, or it would be compressed to nothing.
      for (let nth = 0; nth < 40; nth++) await store.put(`k${nth}`, noise(nth, 50_000))
      await store.delete({ from: 'k1', to: 'k9' })
      await store.compact(store.status().revision)
      const before = await store.maintenance.sizes()
      await store.maintenance.defragment()
      const { diskBytes = Infinity, sizeInUseBytes, quotaBytes } = await store.maintenance.sizes()
      expect([sizeInUseBytes, quotaBytes]).toEqual([store.status().sizeInUseBytes, store.status().quotaBytes])
      expect(sizeInUseBytes).toBeLessThan(200_000)
      expect((before.diskBytes ?? 0) - diskBytes).toBeGreaterThan(1_800_000)
      expect(Buffer.compare((await store.get('k9'))?.value ?? Buffer.alloc(0), noise(9, 50_000))).toBe(0)
    } finally {
      await rm(dataDir, { recursive: true, force: true })
    }
  })

  test('in memory does nothing, and takes no disk', async () => {
    await using store = await open()
    await store.put('key', 'value')
    await store.maintenance.defragment()
    expect((await store.maintenance.sizes()).diskBytes).toBe(0)
  })

  test('goes on beside writes, and is one for all who ask meanwhile', async () => {
    const running = await cluster({ members: ['a'], open: { stateBufferBytesMax: 2_000 } })
    const store = running.store('a')
    for (let nth = 0; nth < 20; nth++) await store.put('key', KILOBYTE)
    const before = await store.maintenance.sizes()
    const writes = Array.from({ length: 20 }, (_, nth) => store.put('key', `${nth}`))
    await Promise.all([store.maintenance.defragment(), store.maintenance.defragment(), ...writes])
    await store.compact(store.status().revision)
    await store.maintenance.defragment()
    const after = await store.maintenance.sizes()
    expect(after.diskBytes).toBeLessThan(before.diskBytes ?? 0)
    expect((await store.get('key'))?.text()).toBe('19')
  })

  test('and losing power in the middle of it leaves all that was acknowledged', async () => {
    const running = await cluster({ members: ['a'], open: { stateBufferBytesMax: 2_000 } })
    const place = running.place('a')
    for (const afterMs of [0, 0.5, 1, 2]) {
      const store = running.store('a')
      await store.ready()
      const { revision } = await store.put('key', `${afterMs} ${KILOBYTE}`)
      store.maintenance.defragment().catch(() => undefined)
      if (afterMs > 0) await running.pass(afterMs)
      running.crash(place, 'power')
      running.start(place)
      await running.until(() => place.store !== undefined)
      await running.store('a').ready()
      expect(await running.store('a').get('key')).toMatchObject({ modRevision: revision })
      expect((await running.store('a').maintenance.statistics({ all: true })).keys).toBe(1)
    }
  })

  test('on a disk that fails ends the member', async () => {
    const running = await cluster({ members: ['a'] })
    const store = running.store('a')
    await store.put('key', 'value')
    await store.maintenance.defragment()
    running.place('a').disk.failNext('write')
    expect(await codeOfAsync(() => store.maintenance.defragment())).toBe('MEMBER_FAILED')
    expect(await codeOfAsync(() => store.put('key', 'value'))).toBe('MEMBER_FAILED')
  })
})

/** Bytes without a pattern. */
function noise(seed: number, bytes: number): Uint8Array {
  let state = seed + 1
  return Uint8Array.from({ length: bytes }, () => (state = (state * 48271) % 2147483647) & 0xff)
}

describe('statistics', () => {
  test('of many keys are of one revision, while all of them are deleted and compacted away', async () => {
    const running = await cluster({ members: ['a'] })
    const store = running.store('a')
    for (let nth = 0; nth < 5_000; nth += 100) {
      await store.txn({ success: Array.from({ length: 100 }, (_, at) => put(`k${nth + at}`, 'x')) })
    }
    const { revision } = store.status()
    const counted = store.maintenance.statistics({ all: true })
    const refused = codeOfAsync(() => store.maintenance.statistics({ all: true }, { timeoutMs: 0 }))
    await store.delete({ prefix: 'k' })
    await store.compact(store.status().revision)
    expect(await counted).toMatchObject({ keys: 5_000, revision })
    expect(await store.maintenance.statistics({ all: true })).toMatchObject({ keys: 0, bytes: 0 })
    expect(await refused).toBe('TIMEOUT')
  })
})

describe('the quota of a prefix', () => {
  test('holds on every member, and is there again with what is used of it after a restart', async () => {
    const running = await cluster({ open: { stateBufferBytesMax: 2_000, logRetainBytes: 2_000 } })
    const [one, other] = running.followers as [Store, Store]
    await one.maintenance.setPrefixQuota('jobs/', { keysMax: 20 })
    for (let nth = 0; nth < 20; nth++) await (nth % 2 ? one : other).put(`jobs/${nth}`, 'x'.repeat(200))
    for (const store of [running.leader, one, other]) {
      expect(await codeOfAsync(() => store.put('jobs/20', ''))).toBe('PREFIX_QUOTA_EXCEEDED')
    }
    const { name } = one.status()
    running.crash(running.place(name))
    running.start(running.place(name))
    await running.until(() => running.place(name).store !== undefined)
    const again = running.store(name)
    expect(await again.maintenance.prefixQuotas()).toMatchObject([{ keysMax: 20, keys: 20 }])
    expect(await codeOfAsync(() => again.put('jobs/20', ''))).toBe('PREFIX_QUOTA_EXCEEDED')
    await again.delete('jobs/0')
    await again.put('jobs/20', '')
  })
})
