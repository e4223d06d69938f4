/**
 * A cluster of three in one process, in memory: for tests of your own, or to look at how it behaves.
 * The leader is closed in the middle; the other two choose another one among them and carry on.
 *
 *     npx tsx examples/02-three-members-one-process.ts
 */
import { MemoryNetwork, open, type Environment, type Store } from 'quorate'

const network = new MemoryNetwork()
const cluster = { a: 'a', b: 'b', c: 'c' }
const stores = new Map<string, Store>()
for (const name of Object.keys(cluster)) {
  const transport = ({ timers }: Environment) => network.transport(name, timers)
  // In memory, a member that was closed has forgotten everything: it must not come back. Hence it must be said.
  stores.set(name, await open({ name, cluster, transport, durability: 'none', electionTimeoutMs: 300 }))
}
await Promise.all([...stores.values()].map((store) => store.ready()))

const { leader = '' } = storeOf('a').status()
console.log(`${leader} leads a, b and c`)

// Every member serves every call.
await storeOf('a').put('greeting', 'hello')
for (const [name, store] of stores) console.log(`${name} reads: ${(await store.get('greeting'))?.text()}`)

console.log(`closing ${leader}`)
await storeOf(leader).close()
stores.delete(leader)

// This write waits until the others have chosen a leader: no need to try again.
const [[writer, store] = ['', storeOf('a')]] = stores
await store.put('greeting', 'hello again')
console.log(`${writer} wrote; ${store.status().leader} leads now`)
for (const [name, each] of stores) console.log(`${name} reads: ${(await each.get('greeting'))?.text()}`)

// Both have the same state, and can tell by 16 characters.
const digests = [...stores.values()].map((each) => each.status().digest)
console.log(`the state of both is ${new Set(digests).size === 1 ? 'the same' : `not the same: ${digests.join(', ')}`}`)
await Promise.all([...stores.values()].map((each) => each.close()))

function storeOf(name: string): Store {
  const found = stores.get(name)
  if (found === undefined) throw new Error(`${name} is closed`)
  return found
}
