/**
 * The same code on a member of its own and over the wire: etcd's API is served on a store, and `connect()` is the store behind it.
 * With `endpoints` of a real etcd nothing else changes.
 *
 *     npx tsx examples/11-connect.ts
 */
import { Mutex, open, type Store } from 'quorate'
import { connect, serveEtcd } from 'quorate/etcd'

/** Knows a store, and not where it is. */
async function work(store: Store, who: string): Promise<void> {
  const lock = new Mutex(store, 'jobs/nightly')
  await lock.withLock(async (held) => {
    const { revision } = await store.put('jobs/last', who)
    console.log(`${who} has the lock, token ${held.token}, and wrote at revision ${revision}`)
  })
}

const member = await open()
await member.ready()
await work(member, 'the process itself')

// Every client of etcd reaches it here: etcdctl, libraries in any language, and our own.
const server = await serveEtcd(member, { listenClientUrls: ['http://127.0.0.1:0'] })
const store = await connect({ endpoints: server.clientUrls })
await work(store, 'a client')

// A watch goes on where it was when it has to find another server.
const watch = store.watch({ prefix: 'jobs/' })
await watch.opened()
await member.put('jobs/last', 'somebody else')
for await (const event of watch) {
  console.log(`seen over the wire: ${event.key} = ${event.type === 'put' ? event.keyValue.text() : ''}`)
  break
}

console.log(`asked is member '${store.status().name}', led by '${store.status().leader}'`)
await store.close()
await server.close()
await member.close()
