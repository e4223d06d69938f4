/** Callers over HTTP that are no members, or behave like none. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { readAnswer } from '../../src/transport/http-handshake.js'
import { helloHeader } from '../../src/transport/http-handshake.js'
import { fetched, helloOf, HttpWorld, streamRequest } from './http-world.js'
import { ManualTime } from './manual-time.js'
import type { Caller, Member } from './tcp-world.js'

const REFUSED = 'refused an inbound connection'
/** A peer that is known and not there: nothing listens on the port that TCP reserves. */
const absent = (id: number) => ({ id, address: 'http://127.0.0.1:1/quorate' })

let world: HttpWorld
beforeEach(() => {
  world = new HttpWorld()
})
afterEach(() => world.close())

async function opened(options: Parameters<HttpWorld['open']>[1] = {}): Promise<Member> {
  const member = await world.open(1, options)
  member.transport.setPeers([absent(2)], [9])
  return member
}

describe('a request', () => {
  test.each([
    ['GET', '/', 404],
    ['GET', '', 404],
    ['GET', '/quorate', 404],
    ['GET', '/quorate/', 404],
    ['GET', '/quorate/stream/', 404],
    ['GET', '/quoratestream', 404],
    ['POST', '/quorate/stream', 405],
    ['DELETE', '/quorate/stream', 405],
    ['GET', '/quorate/ask', 405],
    ['HEAD', '/quorate/ask', 405],
    ['GET', '/quorate/stream', 400],
    ['GET', '/quorate/stream?from=2&to=1', 400],
  ])('%s %s is answered %i, in words', async (method, path, status) => {
    const member = await opened()
    const said = await fetched(`${new URL(member.address).origin}${path}`, { method })
    expect(said.status).toBe(status)
    expect(said.headers['content-type']).toMatch(/^text\/plain/)
    if (method !== 'HEAD') expect(said.text.length).toBeGreaterThan(20)
  })

  test.each([
    ['WRONG_CLUSTER', { clusterId: 8 }, 409],
    ['WRONG_MEMBER', { to: 5 }, 421],
    ['UNKNOWN_PEER', { from: 3 }, 403],
    ['REMOVED', { from: 9 }, 410],
    ['VERSION_UNSUPPORTED', { versions: { min: 7, max: 9 } }, 400],
    ['VERSION_UNSUPPORTED', { versions: { min: 1, max: 1 } }, 400],
  ] as const)('for a stream is refused with %s, for members and for people', async (code, given, status) => {
    const member = await opened()
    const headers = { 'Quorate-Hello': helloHeader(helloOf(given)) }
    const said = await fetched(`${member.address}/stream`, { headers })
    expect(said.status).toBe(status)
    expect(readAnswer(said.headers)).toMatchObject({ type: 'refused', code })
    expect(said.text).toContain(code)
    expect(world.log.of(REFUSED)).toMatchObject([{ code }])
  })

  test.each([
    ['that is no base64', '!!!'],
    ['of a question', helloHeader(helloOf({ purpose: 'question' }))],
    ['that is cut short', helloHeader(helloOf({})).slice(0, 20)],
    ['that is too long', 'A'.repeat(4000)],
    ['with something behind it', `${helloHeader(helloOf({}))}AAAA`],
  ])('with a hello %s is refused', async (_, text) => {
    const member = await opened()
    const said = await fetched(`${member.address}/stream`, { headers: { 'Quorate-Hello': text } })
    expect([said.status, said.text]).toEqual([400, expect.stringContaining('MALFORMED')])
  })

  test('for a stream with a body is refused', async () => {
    const member = await opened()
    const headers = { 'Quorate-Hello': helloHeader(helloOf({})), 'Content-Length': '1000000000000' }
    const sent = await world.call(member)
    sent.write(Buffer.from(`GET /quorate/stream HTTP/1.1\r\nHost: a\r\n${lines(headers)}\r\n`))
    await sent.ended()
    expect(sent.bytes.toString()).toMatch(/^HTTP\/1.1 400 /)
  })

  test.each([
    ['that is none', 'hello there\r\n\r\n', 400],
    ['whose head is too long', `GET / HTTP/1.1\r\nX: ${'x'.repeat(LIMITS.httpHeaderBytesMax)}\r\n\r\n`, 431],
    ['of TLS', Buffer.from('16030100c2010000be0303', 'hex'), 400],
  ])('%s closes its connection', async (_, bytes, status) => {
    const member = await opened()
    const caller = await world.call(member)
    caller.write(Buffer.from(bytes))
    await caller.ended()
    expect(caller.bytes.toString()).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(world.log.of(REFUSED)).toMatchObject([{ code: 'MALFORMED' }])
  })
})

describe('a question', () => {
  const asking = (member: Member, body: Uint8Array | string, headers = {}) =>
    fetched(`${member.address}/ask`, { method: 'POST', headers }, body)

  test('that announces too much is refused before it comes', async () => {
    const member = await opened()
    const caller = await world.call(member)
    const length = LIMITS.questionBytesMax + 1
    caller.write(Buffer.from(`POST /quorate/ask HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`))
    await caller.ended()
    expect(caller.bytes.toString()).toMatch(/^HTTP\/1.1 413 /)
  })

  test('that announces nothing and is too much is refused as it comes', async () => {
    const member = await opened()
    const body = Buffer.alloc(LIMITS.questionBytesMax + 1)
    const said = await asking(member, body, { 'Transfer-Encoding': 'chunked' })
    expect([said.status, said.text]).toEqual([413, expect.stringContaining('FRAME_TOO_LARGE')])
  })

  test.each([
    ['nobody takes', { onQuestion: undefined }, 404, 'it takes no questions'],
    ['nobody has an answer to', { onQuestion: () => Promise.reject(new Error('secret')) }, 500, 'it has no answer'],
  ])('that %s is told so', async (_, handler, status, reason) => {
    const member = await opened()
    Object.assign(member, handler)
    const said = await asking(member, 'who')
    expect([said.status, said.text]).toEqual([status, expect.stringContaining(reason)])
    expect(said.text).not.toContain('secret')
    const asked = member.transport.ask?.(member.address, Buffer.from('who'), 60_000)
    await expect(asked).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining(reason) as string,
    })
  })
})

describe('a connection', () => {
  test('without a whole request, or with one that comes drop by drop, is kept only so long', async () => {
    const time = new ManualTime()
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    const [silent, slowHead, slowBody] = [await world.call(member), await world.call(member), await world.call(member)]
    slowHead.write(Buffer.from('GET /quorate/stream HTTP/1.1\r\nHost:'))
    slowBody.write(Buffer.from('POST /quorate/ask HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc'))
    // They are served before a caller who came later.
    await fetched(member.address)
    time.pass(LIMITS.handshakeMsMax - 1)
    expect([silent.closed, slowHead.closed, slowBody.closed]).toEqual([false, false, false])
    time.pass(1)
    await Promise.all([silent.ended(), slowHead.ended(), slowBody.ended()])
    expect(time.pending).toBe(0)
  })

  test('of a stranger gives way to a newer one, so that peers come through', async () => {
    const member = await opened({ limits: { inboundConnectionsMax: 4 } })
    const strangers: Caller[] = []
    for (let nth = 0; nth < 4; nth++) strangers.push(await world.call(member))
    const peer = await world.callAs(2, member)
    expect(peer.bytes.toString()).toMatch(/^HTTP\/1.1 200 /)
    await strangers[0]?.ended()
    expect(peer.closed).toBe(false)
  })

  test('is refused when all are streams of peers', async () => {
    const member = await world.open(1, { limits: { inboundConnectionsMax: 2 } })
    member.transport.setPeers([absent(2), absent(3)])
    const streams = [await world.callAs(2, member), await world.callAs(3, member)]
    await (await world.call(member)).ended()
    expect(streams.map(({ closed }) => closed)).toEqual([false, false])
  })

  test('that is a stream takes no second request', async () => {
    const member = await opened()
    const caller = await world.callAs(2, member)
    caller.write(Buffer.from(streamRequest({})))
    await caller.ended()
    await member.reported('-2')
  })

  test('that is a stream and then speaks no HTTP is closed, and nothing is said into the stream', async () => {
    const member = await opened()
    const caller = await world.callAs(2, member)
    const before = caller.bytes.byteLength
    caller.write(Buffer.from('\0\0\0\0 garbage \r\n\r\n'))
    await caller.ended()
    expect(caller.bytes.byteLength).toBe(before)
  })

  test('whose other side ends it is a stream no longer', async () => {
    const member = await opened()
    const caller = await world.callAs(2, member)
    await member.reported('+2')
    caller.socket.end()
    await member.reported('-2')
  })
})

function lines(headers: Readonly<Record<string, string>>): string {
  return Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
}
