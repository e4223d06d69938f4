/** A disk that fills up: writes that add are refused while there is room left for what makes room, and full means stop. */
import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import { isStoreError, type StoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import { open } from '../../src/store/open.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { temporaryFolder } from '../storage/disks.js'
import { RunningWorld } from './clusters.js'
import { GrowingWorld } from './growing-world.js'

const MEBIBYTE = 2 ** 20
/** A look at the disk, and a round through the log. */
const NOTICED_MS = LIMITS.diskSpaceCheckMs + 500

async function refusal(work: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await work.then(
    () => 'it was accepted',
    (reason: unknown) => reason,
  )
  if (!isStoreError(error)) throw new Error(String(error))
  return error
}

async function started() {
  const world = await RunningWorld.start()
  const [short, other] = world.followers as [Store, Store]
  const { name, memberId } = short.status()
  await short.put('key', 'before')
  return { world, short, other, disk: world.place(name).disk, memberId }
}

describe('less is free than the reserve', () => {
  test('on one member: all refuse what adds, and go on with reads, deletes and compaction', async () => {
    const { world, short, other, disk, memberId } = await started()
    disk.leave(60 * MEBIBYTE)
    await world.pass(NOTICED_MS)
    expect(await other.maintenance.alarms()).toEqual([{ alarm: 'no-space', memberId }])
    const here = await refusal(short.put('key', 'x'))
    expect(here.code).toBe('NO_SPACE')
    expect(here.message).toMatch(/62914560 bytes are free on the disk of .*, less than the reserve of 67108864/)
    expect(await refusal(other.put('key', 'x'))).toMatchObject({ code: 'NO_SPACE', outcome: 'refused' })
    expect((await refusal(other.leases.grant({ ttlMs: 5_000 }))).code).toBe('NO_SPACE')

    expect((await short.get('key'))?.text()).toBe('before')
    expect(short.status().disk.freeBytes).toBe(60 * MEBIBYTE)
    await short.delete('key')
    await other.compact(other.status().revision, { physical: true })
    await world.halt()
  })

  test('the alarm comes back when it is disarmed too early, and not when there is room', async () => {
    const { world, other, disk, memberId } = await started()
    disk.leave(MEBIBYTE)
    await world.pass(NOTICED_MS)
    expect(await other.maintenance.disarm()).toHaveLength(1)
    await world.pass(NOTICED_MS)
    expect(await other.maintenance.alarms()).toEqual([{ alarm: 'no-space', memberId }])

    disk.leave(undefined)
    await world.pass(NOTICED_MS)
    await other.maintenance.disarm()
    await world.pass(NOTICED_MS)
    expect(await other.maintenance.alarms()).toEqual([])
    await other.put('key', 'after')
    await world.halt()
  })

  test.each([
    ['as it was chosen', { diskReserveBytes: MEBIBYTE }, 2 * MEBIBYTE],
    ['or none', { diskReserveBytes: 0 }, 0],
  ])('%s', async (_, options, freeBytes) => {
    const world = await RunningWorld.start({ members: ['a'], open: options })
    world.place('a').disk.leave(freeBytes)
    await world.pass(NOTICED_MS)
    await world.store('a').put('key', 'x')
    await world.halt()
  })
})

test('a learner with little space holds up nobody, says so in its log, and raises the alarm once it votes', async () => {
  const world = new GrowingWorld()
  const a = await world.grown(['a', 'b', 'c'])
  world.place('d').disk.leave(MEBIBYTE)
  await Promise.all([world.join('d'), a.cluster.add({ name: 'd', address: 'd', role: 'learner' })])
  const d = world.store('d')
  await d.ready()
  await world.pass(NOTICED_MS)
  await a.put('key', 'x')
  expect(await a.maintenance.alarms()).toEqual([])
  const short = (world.logs.get('d') ?? []).filter(({ message }) => /this learner has too little space/.test(message))
  expect(short).toHaveLength(1)
  expect((await refusal(d.put('key', 'x'))).code).toBe('NO_SPACE')

  await a.cluster.promote('d')
  await world.pass(NOTICED_MS)
  expect(await a.maintenance.alarms()).toEqual([{ alarm: 'no-space', memberId: d.status().memberId }])
  await world.halt()
})

test('a real directory tells what is free, and memory does not', async () => {
  const disk = levelDisk(temporaryFolder())
  await disk.acquire({ create: true })
  const space = await disk.space?.()
  expect(space?.freeBytes).toBeGreaterThan(0)
  expect(space?.totalBytes).toBeGreaterThanOrEqual(space?.freeBytes ?? Infinity)
  await disk.release()
  const store = await open()
  expect(store.status().disk.freeBytes).toBeUndefined()
  await store.close()
})

describe('nothing is free any more', () => {
  test('a member stops at the write that fails, says what to do, and opens with everything when there is room', async () => {
    const world = await RunningWorld.start({ members: ['a'] })
    const place = world.place('a')
    const store = world.store('a')
    await store.put('key', 'before')
    place.disk.fill()
    const stopped = await refusal(store.put('key', 'x'))
    expect(stopped).toMatchObject({ code: 'MEMBER_FAILED', outcome: 'unknown' })
    expect(stopped.message).toMatch(/no space left.*The disk is full: make room/i)

    world.crash(place)
    world.start(place)
    await world.until(() => place.failure !== undefined)
    expect(place.failure).toMatchObject({ code: 'DISK_FAILED' })
    expect((place.failure as Error).message).toMatch(/The disk is full: make room.*start again/)

    world.crash(place)
    place.disk.free()
    world.start(place)
    await world.until(() => place.store !== undefined)
    await place.store?.ready()
    expect(['before', 'x']).toContain((await place.store?.get('key'))?.text())
    await place.store?.put('key', 'after')
    await world.halt()
  })
})
