/** Two processes with copies of one directory, at the same time and under one name, over TCP. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePorts } from '../../demo/processes/free-ports.js'
import { quickFolder } from '../../scripts/quick-folder.js'
import type { Store } from '../../src/api/store.js'
import { open } from '../../src/store/open.js'
import type { OpenOptions } from '../../src/store/options.js'
import { MemoryLog } from '../transport/tcp-world.js'

const NAMES = ['a', 'b', 'c']

let folder: string
const stores: Store[] = []
beforeEach(() => {
  folder = mkdtempSync(join(quickFolder(), 'quorate-two-of-one-'))
})
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()))
  rmSync(folder, { recursive: true, force: true })
})

test('the newer process is refused by all others, acknowledges nothing, and takes nothing from the older one', async () => {
  const ports = await freePorts(4)
  const cluster = Object.fromEntries(NAMES.map((name, at) => [name, `127.0.0.1:${ports[at]}`]))
  const start = async (name: string, options: OpenOptions = {}): Promise<Store> => {
    const store = await open({ name, cluster, dataDir: join(folder, name), electionTimeoutMs: 500, ...options })
    stores.push(store)
    return store
  }
  const [a, b, before] = [await start('a'), await start('b'), await start('c')]
  await Promise.all([a.ready(), b.ready(), before.ready()])
  await before.put('before', 'x')
  await before.close()
  cpSync(join(folder, 'c'), join(folder, 'copy'), { recursive: true })
  const c = await start('c')
  await c.ready()

  const log = new MemoryLog()
  const elsewhere = { dataDir: join(folder, 'copy'), listen: `127.0.0.1:${ports[3]}`, logger: log, drainMs: 0 }
  const copy = await start('c', elsewhere)
  const refusals = () =>
    log.of('a peer cannot be reached').filter(({ reason }) => String(reason).includes('DUPLICATE_MEMBER'))
  await log.until(() => refusals().length === 2)
  expect(new Set(refusals().map(({ peer }) => peer)).size).toBe(2)

  const written = expect(copy.put('by the copy', 'x')).rejects.toMatchObject({ code: 'CLOSED' })
  for (const store of [a, b, c]) await store.put(`by ${store.status().name}`, 'x')
  expect(copy.status()).toMatchObject({ leader: undefined, role: expect.not.stringMatching('leader') as string })
  await copy.close()
  await written

  for (const store of [a, b, c]) {
    const { items } = await store.range({ all: true })
    expect(items.map(({ key }) => key)).toEqual(['before', 'by a', 'by b', 'by c'])
  }
  expect(c.status().promises).toBe('kept')
})
