/** A member that was away while everybody it knew was replaced. */
import { afterEach, expect, test } from 'vitest'
import { GrowingWorld } from './growing-world.js'

let world: GrowingWorld | undefined

afterEach(async () => {
  await world?.halt()
})

/** c is away; the others are d and e now, of whom it never heard. */
async function replaced(): Promise<GrowingWorld> {
  const running = new GrowingWorld(['a', 'b', 'c', 'd', 'e'])
  world = running
  const a = await running.grown(['a', 'b', 'c'])
  await running.agreed()
  running.kill('c')
  await running.grow(a, 'd')
  await running.grow(a, 'e')
  const d = running.store('d')
  await d.cluster.remove('b')
  await d.cluster.remove('a')
  running.kill('a')
  running.kill('b')
  await d.put('since', 'x')
  return running
}

test('finds those who are there now by the addresses of join, and has what it missed', async () => {
  const running = await replaced()
  const c = await running.join('c', { join: ['d', 'e'] })
  await c.ready({ timeoutMs: 60_000 })
  expect((await c.get('since'))?.text()).toBe('x')
  expect((await c.cluster.list()).map(({ name }) => name)).toEqual(['c', 'd', 'e'])
})

test('goes on asking while nobody is there, and stops when it is closed', async () => {
  const running = await replaced()
  running.kill('d')
  running.kill('e')
  const c = await running.join('c', { join: ['d', 'e'] })
  await running.pass(90_000)
  const told = (running.logs.get('c') ?? []).map(({ message }) => message)
  expect(told).toContain('no member is found, neither among those known nor at the addresses it was opened with')
  await running.join('d')
  await running.join('e')
  await c.ready({ timeoutMs: 90_000 })
  running.kill('d')
  running.kill('e')
  await running.pass(5_000)
  await c.close()
})

test('finds those who took the places of the members that it began with, under their addresses', async () => {
  const running = new GrowingWorld(['a', 'b', 'c', 'd'])
  world = running
  const cluster = { a: 'a', b: 'b', c: 'c' }
  await Promise.all(['a', 'b', 'c'].map((name) => running.begin(name, { cluster })))
  await running.store('a').ready()
  running.kill('c')
  await running.grow(running.store('a'), 'd')
  const d = running.store('d')
  for (const name of ['a', 'b']) {
    await d.cluster.remove(name)
    running.empty(name)
    await running.grow(d, name)
  }
  await d.put('since', 'x')
  const c = await running.begin('c', { cluster })
  await c.ready({ timeoutMs: 60_000 })
  expect((await c.get('since'))?.text()).toBe('x')
})
