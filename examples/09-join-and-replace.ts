/**
 * A cluster that grows from one member to three while it is used, loses the machine of one, and gets another in its place.
 *
 *     npx tsx examples/09-join-and-replace.ts
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open, type MemberProgress, type Store } from 'quorate'

const firstPort = Number(process.env['FIRST_PORT'] ?? 7101)
const folder = mkdtempSync(join(tmpdir(), 'quorate-example-'))
const addressOf = (name: string): string => `127.0.0.1:${firstPort + 'abcd'.indexOf(name)}`

// A cluster of one. Others reach it where it listens.
const a = await open({ name: 'a', dataDir: join(folder, 'a'), listen: addressOf('a'), electionTimeoutMs: 300 })
await a.put('greeting', 'hello')

// Each newcomer is added by a call on any member, and its process started with `join`: in whatever order.
const [, b] = await Promise.all([
  a.cluster.add({ name: 'b', address: addressOf('b') }, { onProgress: tell('b') }),
  joining('b', [addressOf('a')]),
])
const [, c] = await Promise.all([
  b.cluster.add({ name: 'c', address: addressOf('c') }, { onProgress: tell('c') }),
  joining('c', [addressOf('a'), addressOf('b')]),
])
await c.ready()
console.log(`members: ${await members(c)}; c reads: ${(await c.get('greeting'))?.text()}`)

// The machine of c is gone with all it had. The others carry on, and d takes its place.
await c.close()
rmSync(join(folder, 'c'), { recursive: true })
console.log('c and its directory are gone')
const [, d] = await Promise.all([
  a.cluster.replace('c', { name: 'd', address: addressOf('d') }, { onProgress: tell('d') }),
  joining('d', [addressOf('a'), addressOf('b')]),
])
await d.ready()
console.log(`members: ${await members(d)}; d reads: ${(await d.get('greeting'))?.text()}`)

// Before the machine of the leader is taken away for good, leadership moves; then it is removed, and tells that it was.
await d.cluster.moveLeader('b')
const removed = new Promise<void>((resolve) => a.on('removed', resolve))
await d.cluster.remove('a')
await removed
console.log(`a is ${a.status().role}; members: ${await members(d)}`)
await d.put('greeting', 'hello again')
console.log(`b reads: ${(await b.get('greeting'))?.text()}`)

await Promise.all([a, b, d].map((store) => store.close()))
rmSync(folder, { recursive: true })

function joining(name: string, addresses: readonly string[]): Promise<Store> {
  const own = { name, dataDir: join(folder, name), listen: addressOf(name) }
  return open({ ...own, join: addresses, electionTimeoutMs: 300 })
}

async function members(store: Store): Promise<string> {
  return (await store.cluster.list()).map(({ name, role }) => `${name} (${role})`).join(', ')
}

function tell(name: string): (progress: MemberProgress) => void {
  return ({ step, percent }) => {
    console.log(`${name}: ${step}, ${percent} %`)
  }
}
