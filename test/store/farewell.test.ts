/** A leader that stops, on purpose or with a failed disk, leaves a leader behind. */
import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import { isStoreError, type StoreError } from '../../src/base/errors.js'
import { SILENT } from '../../src/base/logger.js'
import { SimWorld, type WorldOptions } from '../../src/testing/sim/world.js'
import { RunningWorld } from './clusters.js'

const HEARTBEAT_MS = 100
const ELECTION_TIMEOUT_MS = 1_000

/** A world, the leader's name in it, and when another member leads. */
async function started(options: Partial<WorldOptions> = {}) {
  const world = await RunningWorld.start(options)
  const { leader } = world
  const { name } = leader.status()
  const anotherLeads = async (): Promise<number> => {
    const beganMs = world.nowMs
    await world.until(() => world.places.some(({ store }) => store !== leader && leads(store)))
    return world.nowMs - beganMs
  }
  return { world, leader, place: world.place(name), anotherLeads }
}

function leads(store: Store | undefined): boolean {
  return store?.status().role === 'leader'
}

async function rejection(work: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await work.then(
    () => 'it succeeded',
    (reason: unknown) => reason,
  )
  if (!isStoreError(error)) throw new Error(String(error))
  return error
}

describe('a leader that is closed', () => {
  test('hands over: another one leads within a heartbeat, and when the close resolves', async () => {
    const { world, leader, anotherLeads } = await started()
    await leader.put('key', 'before')
    const closing = leader.close()
    expect(await anotherLeads()).toBeLessThan(HEARTBEAT_MS)
    const beganMs = world.nowMs
    await closing
    expect(world.nowMs - beganMs).toBeLessThan(HEARTBEAT_MS)
    expect((await world.leader.get('key'))?.text()).toBe('before')
    await world.halt()
  })

  test('leaves nobody waiting: writes of other members are done by the next leader', async () => {
    const { world, leader } = await started()
    const [follower] = world.followers
    const writes = Array.from({ length: 20 }, async (_, nth) => follower?.put(`key ${nth}`, 'x'))
    const closing = leader.close()
    expect((await rejection(leader.put('key', 'x'))).code).toBe('CLOSED')
    await closing
    const beganMs = world.nowMs
    await Promise.all(writes)
    expect(world.nowMs - beganMs).toBeLessThan(ELECTION_TIMEOUT_MS)
    await world.halt()
  })

  test('goes after an election timeout where nobody takes over', async () => {
    const { world, leader } = await started()
    world.isolate(leader.status().name)
    const beganMs = world.nowMs
    await leader.close()
    expect(world.nowMs - beganMs).toBeLessThan(ELECTION_TIMEOUT_MS + HEARTBEAT_MS)
    await world.halt()
  })

  test('of two members is the last one with a majority, and does not wait for long', async () => {
    const { world, leader } = await started({ members: ['a', 'b'] })
    const beganMs = world.nowMs
    await leader.close()
    expect(world.nowMs - beganMs).toBeLessThan(HEARTBEAT_MS)
    await world.halt()
  })

  test('of a cluster of one goes at once', async () => {
    const { world, leader } = await started({ members: ['a'] })
    const beganMs = world.nowMs
    await leader.close()
    expect(world.nowMs - beganMs).toBeLessThan(HEARTBEAT_MS / 10)
    await world.halt()
  })
})

describe('a leader whose disk fails', () => {
  test.each([
    ['a sync of it', (world: RunningWorld, name: string) => world.place(name).disk.failNextSync()],
    ['a write to it', (world: RunningWorld, name: string) => world.place(name).disk.fill()],
  ])('in %s hands over before it stops, and acknowledges nothing more', async (_, fail) => {
    const { world, leader, anotherLeads } = await started()
    const failures: Error[] = []
    leader.on('failed', (error) => failures.push(error))
    fail(world, leader.status().name)
    const put = rejection(leader.put('key', 'x'))
    const reading = rejection(leader.get('other'))
    expect(await anotherLeads()).toBeLessThan(HEARTBEAT_MS)
    expect(await put).toMatchObject({ code: 'MEMBER_FAILED', outcome: 'unknown' })
    await world.until(() => failures.length > 0)
    expect(failures).toMatchObject([{ code: 'DISK_FAILED' }])
    await reading.catch(() => undefined)
    expect((await rejection(leader.get('key'))).code).toBe('MEMBER_FAILED')
    // What the others committed by themselves is there, and it does not matter that the leader never wrote it.
    expect((await world.leader.get('key'))?.text()).toBe('x')
    await world.halt()
  })

  test('hangs: it stops after diskTimeoutMs, says so, and another one leads at once', async () => {
    const diskTimeoutMs = 3_000
    const { world, leader, place, anotherLeads } = await started({ open: { diskTimeoutMs } })
    const failures: Error[] = []
    leader.on('failed', (error) => failures.push(error))
    place.disk.hang()
    const beganMs = world.nowMs
    const error = await rejection(leader.put('key', 'x', { timeoutMs: 60_000 }))
    const afterMs = world.nowMs - beganMs
    expect(error).toMatchObject({ code: 'MEMBER_FAILED', outcome: 'unknown' })
    expect(error.message).toContain('writing the log in the disk of')
    expect(error.message).toContain('did not end within 3 s')
    expect(afterMs).toBeLessThan(1.25 * diskTimeoutMs)
    expect(await anotherLeads()).toBeLessThan(HEARTBEAT_MS)
    await world.until(() => failures.length > 0)
    expect(leader.status()).toMatchObject({ role: 'stopped' })

    const closedMs = world.nowMs
    expect((await rejection(leader.close())).message).toContain('stays locked until this process ends')
    expect(world.nowMs - closedMs).toBeLessThan(diskTimeoutMs)
    await world.halt()
  })

  test('and who cannot reach anybody is gone after an election timeout', async () => {
    const { world, leader, place } = await started()
    let failed = false
    leader.on('failed', () => (failed = true))
    world.isolate(place.name)
    place.disk.failNextSync()
    const put = rejection(leader.put('key', 'x'))
    const beganMs = world.nowMs
    await world.until(() => failed)
    expect(world.nowMs - beganMs).toBeLessThan(ELECTION_TIMEOUT_MS + HEARTBEAT_MS)
    expect((await put).code).toBe('MEMBER_FAILED')
    await world.halt()
  })
})

test('an open on a disk that hangs is waited for, and says so', async () => {
  const warnings: string[] = []
  const warn = (message: string): void => void warnings.push(message)
  const world = new SimWorld({ seed: 1, members: ['a'], logger: () => ({ ...SILENT, warn }) })
  const place = world.place('a')
  place.disk.hang()
  world.start(place)
  await world.run(() => false, 25_000)
  expect(warnings).toEqual(Array(2).fill('opening the data takes long: the disk may not answer'))
  place.disk.goOn()
  expect(await world.run(() => place.store !== undefined, 1_000)).toBe(true)
})

test('a follower whose disk hangs stops, and the others go on as before', async () => {
  const world = await RunningWorld.start({ open: { diskTimeoutMs: 3_000 } })
  const [follower] = world.followers
  if (follower === undefined) throw new Error('nobody follows')
  const { leader } = world
  const { term } = leader.status()
  let failure: Error | undefined
  follower.on('failed', (error) => (failure = error))
  world.place(follower.status().name).disk.hang()
  await leader.put('key', 'x')
  await world.until(() => failure !== undefined)
  expect(failure).toMatchObject({ code: 'DISK_FAILED' })
  await leader.put('key', 'y')
  expect(leader.status()).toMatchObject({ role: 'leader', term })
  await world.halt()
})
