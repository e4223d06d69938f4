/** Three stores over HTTP, on real sockets: they elect, write, and send a snapshot on a channel of its own. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { freePorts } from '../../demo/processes/free-ports.js'
import { quickFolder } from '../../scripts/quick-folder.js'
import type { Store } from '../../src/api/store.js'
import type { Environment } from '../../src/base/clock.js'
import { open } from '../../src/store/open.js'
import { httpTransport } from '../../src/transport/http.js'
import type { Channel, Transport } from '../../src/transport/transport.js'

const NAMES = ['a', 'b', 'c']
/** More than the log keeps: who was away meanwhile needs the whole state. */
const KEYS = 40
const VALUE = new Uint8Array(100_000)

let folder: string
const stores = new Map<string, Store>()
beforeEach(() => {
  folder = mkdtempSync(join(quickFolder(), 'quorate-http-'))
})
afterEach(async () => {
  await Promise.all([...stores.values()].map((store) => store.close()))
  stores.clear()
  rmSync(folder, { recursive: true, force: true })
})

test('a cluster over HTTP elects, writes, and brings a member up to date by a snapshot', async () => {
  const ports = await freePorts(3)
  const cluster = Object.fromEntries(NAMES.map((name, at) => [name, `http://127.0.0.1:${ports[at]}/quorate`]))
  const sent = new Set<Channel>()
  const start = async (name: string): Promise<Store> => {
    const listen = `127.0.0.1:${ports[NAMES.indexOf(name)]}`
    const transport = (environment: Environment) => noting(sent, httpTransport({ listen, environment }))
    const limits = { stateBufferBytesMax: 200_000, logRetainBytes: 400_000 }
    const store = await open({ name, cluster, dataDir: join(folder, name), transport, ...limits })
    stores.set(name, store)
    return store
  }
  for (const name of NAMES) await start(name)
  await Promise.all([...stores.values()].map((store) => store.ready()))
  const { leader = '' } = (stores.get('a') as Store).status()
  const away = NAMES.find((name) => name !== leader) as string
  await stores.get(away)?.close()
  for (let key = 0; key < KEYS; key++) await stores.get(leader)?.put(`key/${key}`, VALUE)

  const back = await start(away)
  await back.ready()
  expect((await back.range({ prefix: 'key/' }, { consistency: 'local', countOnly: true })).count).toBe(KEYS)
  expect(sent).toEqual(new Set(['main', 'bulk']))
})

/** The same transport, and by which channels it was given something. */
function noting(sent: Set<Channel>, transport: Transport): Transport {
  const send = transport.send.bind(transport)
  transport.send = (to, frame, channel) => {
    sent.add(channel ?? 'main')
    return send(to, frame, channel)
  }
  return transport
}
