/** Members that reach each other only through a proxy, as it is found in front of many an application. */
import { createServer, request, Agent, type RequestListener, type Server } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AddressInfo } from 'node:net'
import { systemEnvironment } from '../../src/runtime/system.js'
import { httpTransport } from '../../src/transport/http.js'
import type { TlsOptions } from '../../src/transport/tls-options.js'
import { certificateAuthority } from '../certificates.js'
import { HttpWorld } from './http-world.js'
import { Nginx, nginxVersion } from './nginx.js'
import { eventually, type Member } from './tcp-world.js'

/** What leads to members by the prefix of a path, and may be stopped. */
interface Proxy {
  readonly address: string
  stop(): Promise<void>
}

type OpenMember = (id: number) => Promise<Member>
type StartProxy = (targets: Readonly<Record<string, string>>) => Promise<Proxy>

let world: HttpWorld
const proxies: Proxy[] = []
const servers: Server[] = []
beforeEach(() => {
  world = new HttpWorld()
})
afterEach(async () => {
  await world.close()
  await Promise.all(proxies.splice(0).map((proxy) => proxy.stop()))
  for (const server of servers.splice(0)) server.close()
})

describe('through a proxy that forwards requests one by one', () => {
  suite(forwarding)
})

describe.skipIf(nginxVersion() === undefined)('through nginx as it comes', () => {
  suite((targets) => Nginx.start(targets))
})

describe('through a proxy that ends TLS, and asks for a certificate', () => {
  const authority = certificateAuthority()
  const tls = { ...authority.issue(), ca: authority.cert }
  suite(
    (targets) => forwarding(targets, tls),
    async (id) => {
      const server = createServer()
      servers.push(server)
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/quorate`
      const environment = systemEnvironment(world.log)
      return world.adopt(id, httpTransport({ server, path: '/quorate', address, tls, environment }))
    },
  )
})

function suite(start: StartProxy, open: OpenMember = (id) => world.open(id)): void {
  async function behind(): Promise<[Member, Member, Proxy]> {
    const [a, b] = [await open(1), await open(2)]
    const proxy = await start({ a: a.address, b: b.address })
    proxies.push(proxy)
    a.transport.setPeers([{ id: 2, address: `${proxy.address}/b` }])
    b.transport.setPeers([{ id: 1, address: `${proxy.address}/a` }])
    await Promise.all([a.reported('+2'), b.reported('+1')])
    return [a, b, proxy]
  }

  test('each frame arrives by itself, without another one behind it', async () => {
    const [a, b] = await behind()
    for (let nth = 1; nth <= 20; nth++) {
      a.transport.send(2, { kind: nth, bytes: Buffer.from('there') })
      await b.until(() => b.frames.length === nth)
      b.transport.send(1, { kind: nth, bytes: Buffer.from('back') })
      await a.until(() => a.frames.length === nth)
    }
    expect(b.frames.map(({ frame }) => frame.kind)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1))
  })

  test('bulk passes beside it', async () => {
    const [a, b] = await behind()
    const bytes = Buffer.alloc(1_000_000, 7)
    await eventually(() => a.transport.send(2, { kind: 1, bytes }, 'bulk'))
    await b.until(() => b.frames.length > 0)
    expect(bytes.equals(b.frames[0]?.frame.bytes ?? new Uint8Array())).toBe(true)
  })

  test('a question passes, and its answer', async () => {
    const [a, b, proxy] = await behind()
    Object.assign(b, { onQuestion: async (question: Uint8Array) => Buffer.concat([question, Buffer.from('!')]) })
    const answer = await a.transport.ask?.(`${proxy.address}/b`, Buffer.from('who are you'), 30_000)
    expect(Buffer.from(answer ?? []).toString()).toBe('who are you!')
  })

  test('that it ends is noticed by both sides', async () => {
    const [a, b, proxy] = await behind()
    await proxy.stop()
    await Promise.all([a.reported('-2'), b.reported('-1')])
  })
}

/** Forwards by the first segment of the path, over connections that it keeps and uses again. */
async function forwarding(targets: Readonly<Record<string, string>>, tls?: TlsOptions): Promise<Proxy> {
  const agent = new Agent({ keepAlive: true })
  const forward: RequestListener = (incoming, response) => {
    const [, name = '', rest = ''] = /^\/(\w+)(.*)$/.exec(incoming.url ?? '') ?? []
    const { method, headers } = incoming
    const outgoing = request(`${targets[name]}${rest}`, {
      agent,
      method,
      headers: { ...headers, connection: 'keep-alive' },
    })
    outgoing.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, { ...answer.headers, connection: 'keep-alive' })
      response.flushHeaders()
      answer.pipe(response)
      answer.on('error', () => response.destroy())
    })
    outgoing.on('error', () => response.destroy())
    response.on('close', () => outgoing.destroy())
    incoming.pipe(outgoing)
  }
  const server =
    tls === undefined
      ? createServer(forward)
      : createSecureServer({ ...tls, requestCert: true, rejectUnauthorized: true }, forward)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    address: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async () => {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
