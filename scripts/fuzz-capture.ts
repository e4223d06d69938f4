/**
 * `npx tsx scripts/fuzz-capture.ts`: records what the members of a real cluster say to each other, and what one keeps on its
 * disk, into test/testdata/fuzz. What is fed to the targets of `npm run fuzz` is made of it.
 *
 * Each member dials the others through a proxy that notes both directions of each connection.
 */
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, connect, type AddressInfo, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectSecurely } from 'node:tls'
import { freePorts } from '../demo/processes/free-ports.js'
import { compare, get, open, put, saveSnapshot, type Store } from '../src/index.js'
import { pathOf } from '../test/mutants/mutant.js'

const FOLDER = pathOf('test/testdata/fuzz')
const NAMES = ['a', 'b', 'c']
/** Of one direction of one connection: the beginning tells most. */
const CAPTURE_BYTES_MAX = 16 * 1024
const KEPT = 4

const folder = mkdtempSync(join(tmpdir(), 'quorate-capture-'))
mkdirSync(FOLDER, { recursive: true })
const ports = await freePorts(2 * NAMES.length)
const real = Object.fromEntries(NAMES.map((name, at) => [name, `127.0.0.1:${ports[at]}`]))
const proxied = Object.fromEntries(NAMES.map((name, at) => [name, `127.0.0.1:${ports[NAMES.length + at]}`]))
const captures = new Map<string, Buffer[]>()
const proxies = await Promise.all(NAMES.map((name, at) => proxy(name, at)))

const stores = await Promise.all(
  NAMES.map((name) =>
    open({
      name,
      listen: real[name] as string,
      cluster: proxied,
      dataDir: join(folder, name),
      electionTimeoutMs: 300,
      logRetainBytes: 2048,
      stateBufferBytesMax: 1024,
    }),
  ),
)
await Promise.all(stores.map((store) => store.ready()))
for (const store of stores) await work(store)
// One that was away while the others forgot what it lacks is sent a state.
const late = stores.find((store) => store.status().role !== 'leader') as Store
const { name: lateName } = late.status()
await late.close()
const there = stores.filter((store) => store !== late)
for (let nth = 0; nth < 40; nth++) await there[nth % 2]?.put(`filler/${nth}`, 'x'.repeat(100))
await saveSnapshot(there[0] as Store, join(FOLDER, 'snapshot.bin'), { overwrite: true })
const back = await open({
  name: lateName,
  listen: real[lateName] as string,
  cluster: proxied,
  dataDir: join(folder, lateName),
  electionTimeoutMs: 300,
})
await back.ready()
await Promise.all([...there, back].map((store) => store.close()))
writeFileSync(join(FOLDER, 'high-water.bin'), readFileSync(join(folder, 'a', 'high-water')))
writeFileSync(join(FOLDER, 'tls-client-hello.bin'), await clientHello())
keepLargest('dialler')
keepLargest('listener')
for (const server of proxies) server.close()
chmodSync(join(FOLDER, 'snapshot.bin'), 0o644)
rmSync(folder, { recursive: true, force: true })
console.log(`recorded into ${FOLDER}`)
process.exit()

/** What a member with TLS says first. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined)
      socket.once('data', (chunk) => {
        resolve(chunk)
        socket.destroy()
        server.close()
      })
    }).listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      connectSecurely({ host: '127.0.0.1', port, minVersion: 'TLSv1.2' }).on('error', () => undefined)
    })
  })
}

/** Those that say most, and one that was cut off early. */
function keepLargest(direction: string): void {
  const all = [...captures].filter(([name]) => name.startsWith(direction)).map(([, pieces]) => Buffer.concat(pieces))
  const bySize = all.sort((a, b) => b.byteLength - a.byteLength)
  const chosen = [...bySize.slice(0, KEPT), ...bySize.slice(-1)]
  const kept = chosen.filter((bytes, at) => at === 0 || !bytes.equals(chosen[at - 1] as Buffer))
  kept.forEach((bytes, at) => {
    writeFileSync(join(FOLDER, `tcp-${direction}-${at + 1}.bin`), bytes.subarray(0, CAPTURE_BYTES_MAX))
  })
}

/** Everything that crosses between members at least once. */
async function work(store: Store): Promise<void> {
  await store.put('config/db', 'postgres://db1')
  await store.txn({
    compare: [compare('config/db').modRevision('>', 0)],
    success: [put('config/other', Buffer.alloc(300, 7)), get('config/db')],
    failure: [get('config/db')],
  })
  await store.get('config/db')
  const lease = await store.leases.grant({ ttlMs: 60_000 })
  await store.put('session', 'here', { lease: lease.id })
  await store.leases.keepAlive(lease.id)
  await store.leases.timeToLive(lease.id)
  await store.leases.revoke(lease.id)
  await store.delete('config/other')
  const { revision } = store.status()
  await store.compact(revision - 1)
  await store.auth.roles.add('reader')
  await store.auth.roles.delete('reader')
}

function proxy(name: string, at: number): Promise<Server> {
  let connections = 0
  const server = createServer((near) => {
    const nth = connections++
    const far = connect({ host: '127.0.0.1', port: ports[at] as number })
    const note = (direction: string) => (chunk: Buffer) => {
      const key = `${direction} ${name} ${nth}`
      captures.set(key, [...(captures.get(key) ?? []), chunk])
    }
    near.on('data', note('dialler'))
    far.on('data', note('listener'))
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      one.on('data', (chunk: Buffer) => other.write(chunk))
      one.on('close', () => other.destroy())
      one.on('error', () => other.destroy())
    }
  })
  return new Promise((resolve) => {
    server.listen(ports[NAMES.length + at], '127.0.0.1', () => resolve(server))
  })
}
