/** Streams over HTTP: who is given up, when, and what becomes of the other direction. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createNetServer, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { encodeFrame, encodeKeepalive } from '../../src/transport/frame.js'
import { ANSWER_HEADER, answerHeader, LIFE_HEADER } from '../../src/transport/http-handshake.js'
import { httpTransport } from '../../src/transport/http.js'
import { HttpWorld } from './http-world.js'
import { ManualTime } from './manual-time.js'
import { CLUSTER, eventually, MemoryLog, Watched } from './tcp-world.js'

const UNREACHABLE = 'a peer cannot be reached'
const FRAME = encodeFrame({ kind: 1, bytes: Uint8Array.of(1, 2, 3) })
const ACCEPTED = {
  [ANSWER_HEADER]: answerHeader({ type: 'accepted', version: 2, clusterId: CLUSTER, memberId: 2 }),
  [LIFE_HEADER]: '7',
}

let world: HttpWorld
const servers: Server[] = []
beforeEach(() => {
  world = new HttpWorld()
})
afterEach(async () => {
  await world.close()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

describe('options', () => {
  const environment = systemEnvironment()

  test.each(['quorate', '/a//b', '/a b', '/a?b', '/a/../%zz'])('take no path like %j', (path) => {
    expect(() => httpTransport({ listen: '127.0.0.1:0', path, environment })).toThrow(RangeError)
  })

  test.each<[string, object, RegExp]>([
    ['no place', {}, /needs listen.*or address/],
    ['two places', { listen: '127.0.0.1:0', server: createServer() }, /exclude each other/],
    [
      'a server that knows no requests',
      { server: createNetServer(), path: '/a', address: 'http://a:1/a' },
      /node:http/,
    ],
    ['no server', { server: null, path: '/a', address: 'http://a:1/a' }, /node:http or node:https, not null/],
    ['no path', { server: createServer(), path: null, address: 'http://a:1/a' }, /path must be a string, not null/],
  ])('take not %s', (_what, options, message) => {
    expect(() => httpTransport({ environment, ...options } as never)).toThrow(message)
  })

  test('name the path that the address tells', async () => {
    const member = await world.open(1, { path: '/clusters/a/' })
    expect(member.address).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/clusters\/a$/)
  })

  test.each(['0.0.0.0:0', 'example.org:0'])('do not let %s be listened on, which others can reach', async (listen) => {
    await expect(world.open(1, { listen })).rejects.toMatchObject({ code: 'TLS_REQUIRED' })
  })

  test.each([
    '127.0.0.1:7001',
    'tcp://127.0.0.1:1',
    'http://a:1/?b',
    'http://u@a:1/',
    'http://127.0.0.1:0/',
    'http://',
  ])('hold no address like %j', async (address) => {
    const member = await world.open(1)
    await expect(member.transport.ask?.(address, new Uint8Array(1), 1)).rejects.toMatchObject({
      code: 'ADDRESS_INVALID',
    })
  })
})

describe('a peer', () => {
  test('beyond this machine is not called without TLS, unless told that it may be insecure', async () => {
    const a = await world.open(1)
    a.transport.setPeers([{ id: 2, address: 'http://peer.invalid:7001/quorate' }])
    await a.reported('-2')
    const b = await world.open(1, { insecure: true })
    b.transport.setPeers([{ id: 2, address: 'http://peer.invalid:7001/quorate' }])
    await b.reported('-2')
    const reasons = world.log.of(UNREACHABLE).map(({ reason }) => reason)
    expect(reasons.filter((reason) => String(reason).startsWith('TLS_REQUIRED'))).toHaveLength(2)
    expect(reasons.filter((reason) => String(reason).includes('ENOTFOUND')).length).toBeGreaterThan(0)
  })

  test.each([
    ['answers 404', [404, {}], 'HTTP 404 (Not Found)'],
    ['leads elsewhere', [302, { Location: 'http://127.0.0.1:1/' }], 'HTTP 302 (Found)'],
    ['says yes and nothing else', [200, {}], 'HTTP 200 (OK)'],
    ['accepts with another status', [404, ACCEPTED], 'HTTP 404 (Not Found)'],
    ['is packed on the way', [200, { ...ACCEPTED, 'Content-Encoding': 'gzip' }], 'encodes the stream as gzip'],
    ['is another member', [200, { [ANSWER_HEADER]: answerHeader({ ...member2(), memberId: 5 }) }], 'WRONG_MEMBER'],
    ['speaks another version', [200, { [ANSWER_HEADER]: answerHeader({ ...member2(), version: 9 }) }], 'VERSION_'],
    ['answers with nonsense', [200, { [ANSWER_HEADER]: 'x' }], 'MALFORMED'],
  ] as const)('that %s is no member', async (_, [status, headers], reason) => {
    const address = await serving((_, response) => response.writeHead(status, headers).end())
    const member = await world.open(1)
    member.transport.setPeers([{ id: 2, address }])
    await member.reported('-2')
    expect(world.log.of(UNREACHABLE)[0]?.['reason']).toContain(reason)
    expect(member.frames).toEqual([])
  })

  test('that sends what is no frame is dropped, and asked again', async () => {
    let calls = 0
    const address = await serving((_, response) => {
      calls++
      response.writeHead(200, ACCEPTED)
      response.write(Buffer.concat([FRAME, Buffer.from('what is this then')]))
    })
    const member = await world.open(1)
    member.transport.setPeers([{ id: 2, address }])
    await eventually(() => calls > 2)
    expect(member.frames[0]).toMatchObject({ from: 2, frame: { kind: 1 } })
    expect(world.log.of(UNREACHABLE)[0]?.['reason']).toMatch(/FRAME_TOO_LARGE|MALFORMED/)
  })

  test('that can be called and does not call is told of, once', async () => {
    const time = new ManualTime()
    const watched = new Watched()
    let streams = 0
    const address = await serving((_, response) => {
      response.writeHead(200, ACCEPTED).flushHeaders()
      streams++
      watched.happened()
    })
    const log = new MemoryLog()
    const member = await world.open(1, { environment: time.besideSockets(log) })
    member.transport.setPeers([{ id: 2, address }])
    await log.until(() => log.of('receiving from a peer').length === 2)
    expect([streams, member.reports]).toEqual([2, []])
    time.pass(LIMITS.handshakeMsMax)
    expect(member.reports).toEqual(['-2'])
  })

  test('of which another process lives is refused to a second one, and both say so', async () => {
    const [a, b] = await world.pair()
    const log = new MemoryLog()
    const copy = await world.open(2, { environment: systemEnvironment(log) })
    copy.transport.setPeers([a.peer])
    await copy.reported('-1')
    expect(log.of(UNREACHABLE)[0]?.['reason']).toContain('DUPLICATE_MEMBER')
    await world.log.until(() => world.log.of('refused an inbound connection').length > 0)
    expect(world.log.of('refused an inbound connection')).toMatchObject([{ code: 'DUPLICATE_MEMBER', peer: 2 }])
    expect([a.reports, b.reports]).toEqual([['+2'], ['+1']])
  })

  test('that moves is asked at its new address, and what it asked for stays', async () => {
    const [a, b] = await world.pair()
    const address = b.address.replace('127.0.0.1', 'localhost')
    a.transport.setPeers([{ id: 2, address }])
    await world.log.until(() => world.log.of('receiving from a peer').some((fields) => fields['address'] === address))
    expect(a.reports).toEqual(['+2'])
  })
})

describe('time', () => {
  test('a stream without frames stays, as keepalives come', async () => {
    const time = new ManualTime()
    const [a, b] = await world.pair({ environment: time.besideSockets(world.log) })
    for (let nth = 1; nth <= 30; nth++) {
      time.pass(LIMITS.peerKeepaliveMs)
      // A frame behind the keepalives of both: they have arrived.
      a.transport.send(2, { kind: 1, bytes: new Uint8Array(1) })
      b.transport.send(1, { kind: 1, bytes: new Uint8Array(1) })
      await Promise.all([a, b].map((end) => end.until(() => end.frames.length >= nth)))
    }
    expect([a.reports, b.reports]).toEqual([['+2'], ['+1']])
  })

  test('a peer that falls silent is asked again, and what it asked for is dropped', async () => {
    const time = new ManualTime()
    let calls = 0
    const address = await serving((_, response) => {
      calls++
      response.writeHead(200, ACCEPTED)
      response.write(encodeKeepalive())
    })
    const log = new MemoryLog()
    const member = await world.open(1, { environment: time.besideSockets(log) })
    member.transport.setPeers([{ id: 2, address }])
    const caller = await world.callAs(2, member, { life: 7 })
    await log.until(() => log.of('receiving from a peer').length === 2)
    expect(member.reports).toEqual(['+2'])
    time.pass(LIMITS.peerKeepaliveMs * LIMITS.peerKeepalivesUnansweredMax - 1)
    await turns()
    expect(member.reports).toEqual(['+2'])
    time.pass(1)
    await member.reported('-2')
    await caller.ended()
    time.pass(LIMITS.peerReconnectMsMin)
    await eventually(() => calls === 4)
  })

  test('of two processes with one id the one at the address that is known counts, whoever came first', async () => {
    const { address, transport } = await world.open(2)
    await transport.close()
    const a = await world.open(1)
    a.transport.setPeers([{ id: 2, address }])
    const copy = await world.open(2)
    copy.transport.setPeers([a.peer])
    await a.reported('+2')
    const b = await world.open(2, { listen: new URL(address).host })
    b.transport.setPeers([a.peer])
    await world.log.until(() => world.log.of('refused an inbound connection').length > 0)
    expect(world.log.of('refused an inbound connection')).toMatchObject([{ code: 'DUPLICATE_MEMBER', peer: 2 }])
    const before = copy.frames.length
    await eventually(() => {
      a.transport.send(2, { kind: 1, bytes: new Uint8Array(1) })
      b.transport.send(1, { kind: 1, bytes: new Uint8Array(1) })
      return a.frames.length > 0 && b.frames.length > 0
    })
    // Nobody asks the copy for its frames, so it never could say anything.
    expect(copy.transport.send(1, { kind: 1, bytes: new Uint8Array(1) })).toBe(false)
    expect(copy.frames).toHaveLength(before)
  })

  test('a peer that answers nothing is given up', async () => {
    const time = new ManualTime()
    const watched = new Watched()
    let calls = 0
    const address = await serving(() => {
      calls++
      watched.happened()
    })
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    member.transport.setPeers([{ id: 2, address }])
    await watched.until(() => calls === 2)
    time.pass(LIMITS.handshakeMsMax)
    await member.reported('-2')
    expect(world.log.of(UNREACHABLE)[0]?.['reason']).toContain('TIMEOUT')
  })

  test('a peer that takes nothing any more is dropped, and so is what waits for it', async () => {
    const time = new ManualTime()
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    member.transport.setPeers([{ id: 2, address: 'http://127.0.0.1:1/quorate' }])
    const caller = await world.callAs(2, member)
    await member.reported('+2')
    caller.socket.pause()
    const bytes = new Uint8Array(1_000_000)
    let sent = 0
    while (member.transport.send(2, { kind: 1, bytes })) {
      sent++
      await turns()
    }
    // Its frames cannot be had either, which is told before it calls.
    expect(member.reports).toEqual(['-2', '+2'])
    time.pass(LIMITS.peerStallMsMax)
    expect(member.reports).toEqual(['-2', '+2'])
    time.pass(LIMITS.peerKeepaliveMs)
    expect(member.reports).toEqual(['-2', '+2', '-2'])
    const { framesSent, framesDropped } = member.transport.statistics
    expect(framesSent + framesDropped).toBe(sent + 1)
    expect(framesDropped).toBeGreaterThan(10)
  })

  test('no timer is left after the close, whatever was under way', async () => {
    const time = new ManualTime()
    const environment = time.besideSockets(world.log)
    const [a, b] = await world.pair({ environment })
    a.transport.setPeers([b.peer, { id: 3, address: 'http://127.0.0.1:1/quorate' }])
    await a.reported('-3')
    await world.call(a)
    const asked = a.transport.ask?.(await serving(() => undefined), new Uint8Array(1), 1_000)
    a.transport.send(2, { kind: 1, bytes: new Uint8Array(10) })
    await Promise.all([a.transport.close(), b.transport.close()])
    await expect(asked).rejects.toMatchObject({ code: 'CLOSED' })
    expect(time.pending).toBe(0)
  })

  test('a question that nobody answers ends when its time is over', async () => {
    const time = new ManualTime()
    const watched = new Watched()
    let asked = false
    const address = await serving(() => {
      asked = true
      watched.happened()
    })
    const transport = httpTransport({ listen: '127.0.0.1:0', environment: time.besideSockets() })
    const answer = transport.ask?.(address, new Uint8Array(1), 1_000)
    await watched.until(() => asked)
    time.pass(1_000)
    await expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' })
    await transport.close()
    expect(time.pending).toBe(0)
  })
})

test('a frame on main arrives while bulk is full', async () => {
  const [a, b] = await world.pair()
  const bytes = new Uint8Array(1_000_000)
  await eventually(() => a.transport.send(2, { kind: 1, bytes }, 'bulk'))
  while (a.transport.send(2, { kind: 1, bytes }, 'bulk'));
  expect(a.transport.send(2, { kind: 2, bytes: new Uint8Array(1) })).toBe(true)
  await b.until(() => b.frames.some(({ frame }) => frame.kind === 2))
  expect(b.frames.length).toBeLessThan(LIMITS.peerQueueBytesMax / bytes.byteLength)
})

test('what comes before the start is told to come again, and nothing is kept of it', async () => {
  const transport = httpTransport({
    path: '/quorate',
    address: 'http://127.0.0.1:1/quorate',
    environment: systemEnvironment(),
  })
  const address = await serving((request, response) => transport.handler(request, response))
  const a = await world.open(1)
  a.transport.setPeers([{ id: 2, address: `${address}/quorate` }])
  await a.reported('-2')
  expect(world.log.of(UNREACHABLE)[0]?.['reason']).toContain('HTTP 503')
  const b = await world.adopt(2, transport)
  b.transport.setPeers([a.peer])
  await Promise.all([a.reported('+2'), b.reported('+1')])
})

function member2() {
  return { type: 'accepted', version: 2, clusterId: CLUSTER, memberId: 2 } as const
}

async function turns(count = 20): Promise<void> {
  for (let nth = 0; nth < count; nth++) await new Promise((resolve) => setImmediate(resolve))
}

/** A server that answers as it likes. */
async function serving(onRequest: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(onRequest)
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
