/**
 * A service that keeps its settings in a store of its own, and lets everybody look who has a client of etcd: a library (here
 * etcd3), curl, a probe, Prometheus.
 *
 *     npx tsx examples/12-etcd-api.ts [URL to listen on, http://127.0.0.1:0 if left out]
 */
import { Etcd3 } from 'etcd3'
import { open } from 'quorate'
import { serveEtcd } from 'quorate/etcd'

const store = await open()
await store.ready()
const server = await serveEtcd(store, { listenClientUrls: [process.argv[2] ?? 'http://127.0.0.1:0'] })
const [url = ''] = server.clientUrls

// A library, over gRPC. What it writes, this process sees, and the other way round.
const client = new Etcd3({ hosts: url })
const watch = store.watch({ prefix: 'settings/' })
await watch.opened()
await client.put('settings/colour').value('green')
for await (const event of watch) {
  console.log(`the service sees: ${event.key} = ${event.type === 'put' ? event.keyValue.text() : ''}`)
  break
}
await store.put('settings/colour', 'blue')
console.log(`the client reads: ${await client.get('settings/colour').string()}`)
client.close()

// JSON over HTTP, as curl sends it: bytes are base64.
const body = JSON.stringify({ key: Buffer.from('settings/colour').toString('base64') })
const answer = await fetch(`${url}/v3/kv/range`, { method: 'POST', body })
const { kvs } = (await answer.json()) as { kvs: { value: string; version: string }[] }
const [found] = kvs
console.log(`as JSON: ${Buffer.from(found?.value ?? '', 'base64').toString()}, version ${found?.version}`)

// What operators look at, on the same port.
for (const path of ['/health', '/version']) console.log(`${path}: ${await textOf(path)}`)
const metric = (await textOf('/metrics')).split('\n').find((line) => line.startsWith('etcd_server_has_leader'))
console.log(`/metrics: ${metric}`)

await server.close()
await store.close()

async function textOf(path: string): Promise<string> {
  return (await fetch(`${url}${path}`)).text()
}
