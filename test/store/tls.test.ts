/** Three stores over TCP with mutual TLS, on real sockets. */
import { afterEach, expect, test } from 'vitest'
import { freePorts } from '../../demo/processes/free-ports.js'
import type { Store } from '../../src/api/store.js'
import { open } from '../../src/store/open.js'
import { certificateAuthority } from '../certificates.js'
import { MemoryLog } from '../transport/tcp-world.js'

const NAMES = ['a', 'b', 'c']

const stores: Store[] = []
afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()))
})

test('a cluster with TLS elects and writes on each member, and whoever is of another authority stays outside', async () => {
  const ports = await freePorts(3)
  const cluster = Object.fromEntries(NAMES.map((name, at) => [name, `127.0.0.1:${ports[at]}`]))
  const authority = certificateAuthority()
  const start = async (name: string, by = authority, log = new MemoryLog()): Promise<Store> => {
    const tls = { ...by.issue({ name }), ca: authority.cert, allowedNames: NAMES }
    const store = await open({ name, cluster, durability: 'none', tls, logger: log, electionTimeoutMs: 500 })
    stores.push(store)
    return store
  }
  const [a, b] = [await start('a'), await start('b')]
  await Promise.all([a.ready(), b.ready()])

  const log = new MemoryLog()
  const impostor = await start('c', certificateAuthority(), log)
  const refused = () =>
    log.of('a peer cannot be reached').filter(({ reason }) => String(reason).includes('CERTIFICATE'))
  await log.until(() => refused().length > 0)
  expect(impostor.status().leader).toBeUndefined()
  await impostor.close()

  const c = await start('c')
  await c.ready()
  for (const [at, store] of [a, b, c].entries()) await store.put(`from/${NAMES[at]}`, String(at))
  for (const store of [a, b, c]) expect((await store.range({ prefix: 'from/' })).count).toBe(3)
})
