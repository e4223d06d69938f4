/** A directory that was begun to join, and whose member was removed before it was told anything. */
import { afterEach, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import { DiskHealth } from '../../src/storage/disk-health.js'
import { HighWater } from '../../src/storage/high-water.js'
import type { Identity } from '../../src/storage/identity.js'
import { GrowingWorld } from './growing-world.js'

let world: GrowingWorld | undefined

afterEach(async () => {
  await world?.halt()
})

/** c was let in and ended before anything was said to it. */
async function letIn(): Promise<{ running: GrowingWorld; a: Store; before: Identity }> {
  const running = new GrowingWorld(['a', 'b', 'c', 'd'])
  world = running
  const a = await running.grown(['a', 'b', 'd'])
  await a.put('key', 'x')
  const { id } = await a.cluster.add({ name: 'c', address: 'c', role: 'learner' })
  running.network.setFaults({ lossPerMillion: 0, delayMsMin: 50, delayMsHalf: 1 })
  const joined = running.join('c')
  await running.until(() => running.place('c').store !== undefined)
  running.kill('c')
  await joined
  running.network.setFaults({ lossPerMillion: 0, delayMsMin: 0, delayMsHalf: 1 })
  return { running, a, before: { clusterId: Number(a.status().clusterId), memberId: Number(id), name: 'c' } }
}

/** And then it was removed. */
async function abandoned(): ReturnType<typeof letIn> {
  const there = await letIn()
  await there.a.cluster.remove('c')
  return there
}

/** As before the first write of the log. */
async function rewind(running: GrowingWorld, name: string, identity: Identity): Promise<void> {
  const disk = running.place(name).disk.mount()
  await disk.acquire({ create: false })
  const file = await disk.openSlotFile('high-water')
  await HighWater.create(file, new DiskHealth(disk.location), identity)
  await file.close()
  await disk.release()
}

async function comesBack(running: GrowingWorld, a: Store, before: Identity): Promise<void> {
  await a.cluster.add({ name: 'c', address: 'c', role: 'learner' })
  await running.agreed()
  await running.grow(a, 'c')
  const c = running.store('c')
  expect((await c.get('key'))?.text()).toBe('x')
  expect(c.status().memberId).not.toBe(before.memberId)
  expect((await c.cluster.list()).map(({ name, role }) => `${role} ${name}`)).toEqual([
    'voter a',
    'voter b',
    'voter c',
    'voter d',
  ])
}

test('is that of the member that was added under its name since', async () => {
  const { running, a, before } = await abandoned()
  await comesBack(running, a, before)
})

test('is so too where a crash ended the first open, or the handing over, before the first write', async () => {
  const { running, a, before } = await abandoned()
  await rewind(running, 'c', before)
  await comesBack(running, a, before)
})

test('is so too where a member that was behind let it in once more as the one that was removed', async () => {
  const { running, a, before } = await letIn()
  await a.cluster.moveLeader('a')
  running.network.partition([
    ['a', 'd'],
    ['b', 'c'],
  ])
  await a.cluster.remove('c', { timeoutMs: 20_000 })
  const c = await running.join('c', { join: ['b'] })
  expect(c.status().memberId).toBe(before.memberId)
  running.network.healAll()
  await running.until(() => c.status().role === 'removed')
  running.kill('c')
  await comesBack(running, a, before)
})

test('stays that of its member while whoever answers does not know that it was removed', async () => {
  const { running, a, before } = await abandoned()
  const later = { ...before, memberId: before.memberId + 1 }
  await rewind(running, 'c', later)
  await a.cluster.add({ name: 'c', address: 'c', role: 'learner' })
  await expect(running.join('c')).rejects.toMatchObject({ code: 'JOIN_FAILED' })
  expect(await running.place('c').disk.mount().peek('high-water')).toBeDefined()
})

test('goes to nobody once something was told to it', async () => {
  const running = new GrowingWorld(['a', 'b', 'c'])
  world = running
  const a = await running.grown(['a', 'b', 'c'])
  const { memberId } = running.store('c').status()
  running.kill('c')
  await a.cluster.remove('c')
  await a.cluster.add({ name: 'c', address: 'c', role: 'learner' })
  const c = await running.join('c')
  await running.until(() => c.status().role === 'removed')
  expect(c.status().memberId).toBe(memberId)
})
