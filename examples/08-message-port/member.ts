/** One member, in a thread of its own. Started by start.ts, which it tells what it sees. */
import { parentPort, workerData, type MessagePort } from 'node:worker_threads'
import { open, type Environment } from 'quorate'
import { threadNetwork } from './message-port-transport.js'

const { name, to } = workerData as { readonly name: string; readonly to: ReadonlyMap<string, MessagePort> }
const transport = ({ timers }: Environment) => threadNetwork(name, to, timers)()
const cluster = { a: 'a', b: 'b', c: 'c' }
const store = await open({ name, cluster, transport, durability: 'none', electionTimeoutMs: 300 })
await store.ready()

await store.put(`threads/${name}`, 'is here')
for await (const { type, key, keyValue } of store.watch({ prefix: 'threads/' }, { startRevision: 1 })) {
  if (type === 'put') parentPort?.postMessage(`${name} sees that ${key} ${keyValue.text()}`)
}
