/** A member as a part of somebody else's HTTP server. */
import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Environment } from '../../src/base/clock.js'
import { LIMITS } from '../../src/base/limits.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { httpTransport } from '../../src/transport/http.js'
import type { HttpTransport } from '../../src/transport/http-options.js'
import { fetched, helloOf, HttpWorld, meet } from './http-world.js'
import { helloHeader } from '../../src/transport/http-handshake.js'
import { ManualTime } from './manual-time.js'
import { eventually, type Member } from './tcp-world.js'

let world: HttpWorld
const servers: Server[] = []
beforeEach(() => {
  world = new HttpWorld()
})
afterEach(async () => {
  await world.close()
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

const hello: RequestListener = (request, response) => {
  response.setHeader('X-Handled-By', request.url ?? '')
  response.end('hello')
}

describe('a server with routes of its own', () => {
  test('answers them as before, and the member under its path, whoever came first', async () => {
    const urls: (string | undefined)[] = []
    const server = await listening((request, response) => {
      urls.push(request.url)
      hello(request, response)
    })
    const member = await attach(server, 1)
    server.on('request', (request) => urls.push(`later: ${request.url}`))
    const origin = new URL(member.address).origin
    const said = [
      await fetched(`${origin}/`),
      await fetched(`${origin}/quorate-not`),
      await fetched(`${origin}/quorate`),
    ]
    expect(said.map(({ status, text }) => [status, text])).toEqual([
      [200, 'hello'],
      [200, 'hello'],
      [404, expect.stringContaining('Members of a Quorate cluster')],
    ])
    expect(urls).toEqual(['/', 'later: /', '/quorate-not', 'later: /quorate-not'])
  })

  test('goes on when the member is closed, and so do its other connections', async () => {
    const server = await listening(hello)
    const member = await attach(server, 1)
    const open = await world.call(member)
    await member.transport.close()
    open.write(Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n'))
    await open.until(() => open.bytes.includes('hello'))
    const said = await fetched(member.address)
    expect([said.status, said.text]).toEqual([200, 'hello'])
  })

  test('takes two members under two paths, and refuses the same path twice', async () => {
    const server = await listening(hello)
    const a = await attach(server, 1, '/a')
    const b = await attach(server, 2, '/b')
    await meet(a, b)
    await expect(attach(server, 3, '/a')).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    await a.transport.close()
    await meet(await attach(server, 1, '/a'), b)
  })

  test.each([
    ['/q', '/q/b'],
    ['/q/b', '/q'],
  ])('takes two members of which one has a path within that of the other: %s, then %s', async (first, second) => {
    const server = await listening(hello)
    await meet(await attach(server, 1, first), await attach(server, 2, second))
  })

  test('that ends by itself does not keep the member from closing', async () => {
    const server = await listening(hello)
    const [a, b] = [await attach(server, 1), await world.open(2)]
    await meet(a, b)
    server.closeAllConnections()
    await a.reported('-2')
    await a.transport.close()
  })
})

describe('a question to a server that would wait for minutes', () => {
  const head = 'POST /quorate/ask HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n'

  test('is given up when its body does not come, or there is no answer, in time', async () => {
    const time = new ManualTime()
    const server = await listening(hello)
    const member = await attach(server, 1, '/quorate', { environment: time.besideSockets(world.log) })
    let asked = 0
    member.answer = () => {
      asked++
      return new Promise(() => undefined)
    }
    const [slow, waiting] = [await world.call(member), await world.call(member)]
    slow.write(Buffer.from(`${head}ab`))
    waiting.write(Buffer.from(`${head}who`))
    await eventually(() => asked === 1 && time.pending === 2)
    time.pass(LIMITS.handshakeMsMax - 1)
    expect([slow.closed, waiting.closed]).toEqual([false, false])
    time.pass(1)
    await Promise.all([slow.ended(), waiting.ended()])
    expect(time.pending).toBe(0)
    expect(member.transport.statistics.connectionsRefused).toBe(2)
    expect(world.log.of('refused an inbound connection')).toMatchObject([{ code: 'TIMEOUT' }])
    expect((await fetched(new URL('/', member.address).href)).text).toBe('hello')
  })

  test('ends with the member, and leaves no timer', async () => {
    const time = new ManualTime()
    const server = await listening(hello)
    const member = await attach(server, 1, '/quorate', { environment: time.besideSockets(world.log) })
    const slow = await world.call(member)
    slow.write(Buffer.from(`${head}ab`))
    await eventually(() => time.pending === 1)
    await member.transport.close()
    await slow.ended()
    expect(time.pending).toBe(0)
  })
})

describe('who can be reached from elsewhere', () => {
  test('needs TLS, or a word that it may be insecure', async () => {
    const server = await listening(hello, '0.0.0.0')
    await expect(attach(server, 1)).rejects.toMatchObject({ code: 'TLS_REQUIRED' })
    const member = await attach(server, 1, '/quorate', { insecure: true })
    const said = await fetched(`${member.address}/stream`, { headers: { 'Quorate-Hello': helloHeader(helloOf({})) } })
    expect(said.status).toBe(403)
  })

  const [elsewhere] = Object.values(networkInterfaces()).flatMap((addresses) =>
    (addresses ?? []).filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address),
  )
  test.skipIf(elsewhere === undefined)('needs it also where the server listens later', async () => {
    const server = createServer(hello)
    servers.push(server)
    const transport = attached(server, '/quorate', 'http://127.0.0.1:1/quorate')
    const member = await world.adopt(1, transport)
    await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
    const { port } = server.address() as AddressInfo
    const from = async (host: string) => fetched(`http://${host}:${port}/quorate/ask`, { method: 'POST' }, 'who')
    const near = await from('127.0.0.1')
    const far = await from(elsewhere as string)
    expect([near.status, far.status]).toEqual([200, 403])
    expect(far.text).toContain('TLS_REQUIRED')
    expect(member.transport.statistics.connectionsRefused).toBe(1)
  })
})

describe('a framework', () => {
  test('that mounts the handler under a path need not know how', async () => {
    const server = await listening()
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/quorate`
    const transport = httpTransport({ path: '/quorate', address, environment: systemEnvironment(world.log) })
    // As Express does it: the path is taken off `url`, and stands in `originalUrl`.
    server.on('request', (request, response) => {
      const whole = request.url ?? ''
      Object.assign(request, { originalUrl: whole, url: whole.replace('/quorate', '') })
      if (!transport.handler(request, response)) hello(request, response)
    })
    const [a, b] = [await world.adopt(1, transport), await world.open(2)]
    await meet(a, b)
    expect((await fetched(new URL('/', address).href)).text).toBe('hello')
  })
})

interface Attaching {
  readonly insecure?: boolean
  readonly environment?: Environment
}

function attached(server: Server, path: string, address: string, options: Attaching = {}): HttpTransport {
  return httpTransport({ server, path, address, environment: systemEnvironment(world.log), ...options })
}

function attach(server: Server, id: number, path = '/quorate', options: Attaching = {}): Promise<Member> {
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  return world.adopt(id, attached(server, path, address, options))
}

async function listening(listener?: RequestListener, host = '127.0.0.1'): Promise<Server> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, host, resolve))
  return server
}
