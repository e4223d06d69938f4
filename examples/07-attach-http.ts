/**
 * Members inside HTTP servers that are there for something else: each has routes of its own, and under /quorate the members
 * talk to each other. No port beside the one that the application has anyway.
 *
 *     npx tsx examples/07-attach-http.ts
 */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { open, type Environment, type Store } from 'quorate'
import { httpTransport } from 'quorate/transport'

const path = '/quorate'
const servers = new Map<string, Server>()
const origins: Record<string, string> = {}
for (const name of ['a', 'b', 'c']) {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  servers.set(name, server)
  origins[name] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const cluster = Object.fromEntries(Object.entries(origins).map(([name, origin]) => [name, `${origin}${path}`]))

const stores: Store[] = []
for (const [name, server] of servers) {
  // Requests under the path never reach the listeners below, whichever was there first.
  const transport = (environment: Environment) =>
    httpTransport({ server, path, address: cluster[name] ?? '', environment })
  const store = await open({ name, cluster, transport, durability: 'none', electionTimeoutMs: 300 })
  stores.push(store)
  server.on('request', (request, response) => {
    const done = (text: string): void => void response.end(text)
    const failed = (error: Error): void => void response.writeHead(500).end(error.message)
    if (request.method === 'PUT') void store.put('visits', request.url ?? '').then(() => done('kept'), failed)
    else void store.get('visits').then((visit) => done(`${name}: the last visit was to ${visit?.text()}`), failed)
  })
}
await Promise.all(stores.map((store) => store.ready()))

// With Express: app.use((request, response, next) => transport.handler(request, response) || next())
console.log(await (await fetch(`${origins['a']}/shop`, { method: 'PUT' })).text())
console.log(await (await fetch(`${origins['b']}/`)).text())
console.log(await (await fetch(`${origins['c']}/`)).text())

// The stores first: their streams would keep the servers from ending.
await Promise.all(stores.map((store) => store.close()))
console.log(`${(await fetch(`${cluster['a']}/stream`)).status}: the server of a goes on without its member`)
for (const server of servers.values()) server.close()
