/** Reading through everything on disk: what it finds, how fast it goes, and whom it leaves alone. */
import { describe, expect, test } from 'vitest'
import { HistoryDigest } from '../../src/mvcc/history-digest.js'
import { encodeTombstone, recordKey } from '../../src/mvcc/record.js'
import type { MemberEvent } from '../../src/member/event.js'
import { ScrubTally } from '../../src/member/scrub-tally.js'
import type { Store } from '../../src/api/store.js'
import { settingsOf } from '../../src/store/options.js'
import { RunningWorld } from '../store/clusters.js'

const SMALL = { stateBufferBytesMax: 5_000, logRetainBytes: 5_000 }

async function alone(open: object, seed = 1): Promise<{ world: RunningWorld; store: Store; events: MemberEvent[] }> {
  const events: MemberEvent[] = []
  const world = await RunningWorld.start({
    seed,
    members: ['a'],
    open: { ...SMALL, ...open, observe: (event) => events.push(event) },
  })
  return { world, store: world.leader, events }
}

async function fill(store: Store, keys: number, valueBytes = 100): Promise<void> {
  for (let nth = 0; nth < keys; nth++) await store.put(`key ${nth % 50}`, 'x'.repeat(valueBytes))
}

describe('a member', () => {
  test('reads through what is on its disk now and then, while it works, and tells', async () => {
    const { world, store } = await alone({ scrub: { intervalMs: 500, bytesPerSecondMax: 20_000 } })
    await fill(store, 100)
    // Each pass takes a second or two, in which versions come, and go by compaction.
    for (let round = 0; store.status().scrub.passes < 5; round++) {
      const { revision } = await store.put(`key ${round % 50}`, `round ${round}`)
      if (round % 20 === 0) await store.compact(revision - 10)
      if (round % 7 === 0) await store.delete(`key ${round % 50}`)
      expect(store.status().scrub.damage).toBeUndefined()
      await world.pass(20)
    }
    const { last } = store.status().scrub
    expect(last?.records).toBeGreaterThan(20)
    expect(last?.tookMs).toBeGreaterThanOrEqual(((last?.bytes ?? 0) / 20_000) * 1000 - 20)
    await world.halt()
  })

  test('does not, when it was told so', async () => {
    const { world, store } = await alone({ scrub: { intervalMs: 0 } })
    await fill(store, 10)
    await world.pass(30_000)
    expect(store.status().scrub).toEqual({ passes: 0, last: undefined, running: undefined, damage: undefined })
    await world.halt()
  })

  test('does once a day, when it was told nothing', () => {
    expect(settingsOf({}).scrub).toEqual({ intervalMs: 24 * 3_600_000, bytesPerSecondMax: 16 * 1024 * 1024 })
    expect(() => settingsOf({ scrub: { intervalMs: -1 } })).toThrow(RangeError)
    expect(() => settingsOf({ scrub: { bytesPerSecondMax: 0 } })).toThrow(RangeError)
    expect(() => settingsOf({ scrub: { interval: 1 } as object })).toThrow(TypeError)
  })

  test.each([1, 2, 3, 4, 5, 6])('finds a flipped bit that nobody has read, whatever it did: %d', async (seed) => {
    const { world, store, events } = await alone({ scrub: { intervalMs: 1000 } }, seed)
    await fill(store, 60)
    await store.maintenance.defragment()
    const { passes } = store.status().scrub
    expect(world.place('a').disk.rot('bit-flip', 'state')).toBe(true)
    await world.pass(3000)
    const { scrub } = store.status()
    // What a refused open would say is not true of a member that runs.
    expect(scrub.damage).toMatch(/state|log/)
    expect(scrub.damage).not.toMatch(/does not go on/)
    // There is nobody to repair it, and what is written now may be refused with the rest by the next open.
    expect(store.status().alarms).toMatchObject([{ alarm: 'corrupt' }])
    await expect(store.put('key', 'after')).rejects.toMatchObject({ code: 'CORRUPT' })
    expect(scrub.passes - passes).toBeLessThan(2)
    expect(events.some(({ type }) => type === 'damage-found')).toBe(true)
    // It goes on: what is damaged is not everything.
    await store.maintenance.disarm({ alarm: 'corrupt' })
    await store.put('after', 'it')
    expect((await store.get('after'))?.text()).toBe('it')
    await world.halt()
  })

  test('closes in the middle of a pass, at once', async () => {
    const { world, store } = await alone({ scrub: { intervalMs: 1000, bytesPerSecondMax: 100 } })
    await fill(store, 60)
    await world.pass(5000)
    expect(store.status().scrub.running?.records).toBeGreaterThan(0)
    const before = world.scheduler.nowMs
    await store.close()
    expect(world.scheduler.nowMs - before).toBeLessThan(100)
    await world.halt()
  })

  test('tries again later when a read fails, and takes nothing for damage', async () => {
    const { world, store } = await alone({ scrub: { intervalMs: 1000 } })
    await fill(store, 60)
    await world.pass(1500)
    const { passes } = store.status().scrub
    world.place('a').disk.failNext('read')
    await world.pass(5000)
    expect(store.status().scrub.passes).toBeGreaterThan(passes)
    expect(store.status().scrub.damage).toBeUndefined()
    await world.halt()
  })

  test('is not held up by a pass over a disk that does not answer', async () => {
    const { world, store } = await alone({ scrub: { intervalMs: 100 } })
    await fill(store, 60)
    const passes = (): number => store.status().scrub.passes
    await world.pass(500)
    world.place('a').disk.slow(1000)
    await world.pass(1000)
    world.place('a').disk.heal()
    const slow = passes()
    await store.put('key', 'after')
    await world.pass(2000)
    expect(passes()).toBeGreaterThan(slow)
    await world.halt()
  })
})

describe('a pass finds', () => {
  const records = Array.from({ length: 20 }, (_, at) => {
    const id = { main: at + 2, sub: at % 3 }
    return [recordKey(id), encodeTombstone(`key ${at}`, id)] as const
  })
  const sum = (): HistoryDigest => {
    const digest = new HistoryDigest()
    for (let at = 0; at < 20; at++) digest.add(at + 2, at % 3)
    return digest
  }
  const judge = (found: readonly (readonly [string, Uint8Array])[]): string | undefined => {
    const tally = new ScrubTally(sum().digest)
    for (const [key, record] of found) {
      const wrong = tally.add(key, record)
      if (wrong !== undefined) return wrong
    }
    return tally.finish()
  }

  test('nothing where everything is there, with records of other kinds beside it', () => {
    expect(judge([['a', new Uint8Array(3)], ...records, ['u', new Uint8Array(3)]])).toBeUndefined()
  })

  test('any version that is missing, and any that is back', () => {
    for (let at = 0; at < 20; at++) expect(judge(records.toSpliced(at, 1))).toMatch(/missing, or back/)
    const id = { main: 40, sub: 0 }
    expect(judge([...records, [recordKey(id), encodeTombstone('key', id)]])).toMatch(/missing, or back/)
  })

  test('a version under the key of another one, and one that is none', () => {
    const [first, second] = [records[0]?.[0] ?? '', records[1]?.[1] ?? new Uint8Array()]
    expect(judge(records.with(0, [first, second]))).toMatch(/another key/)
    expect(judge(records.with(0, [first, new Uint8Array(2)]))).toBeDefined()
  })
})
