/** Who may call over HTTPS, and whom a member calls: the rules are those of TCP, told in HTTP's words. */
import { createServer, type Server } from 'node:https'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { helloHeader, readAnswer } from '../../src/transport/http-handshake.js'
import { httpTransport } from '../../src/transport/http.js'
import type { TlsOptions } from '../../src/transport/tls-options.js'
import { certificateAuthority, type Authority, type CertificateRequest } from '../certificates.js'
import { fetchedSecurely, helloOf, HttpWorld, meet } from './http-world.js'
import { ManualTime } from './manual-time.js'
import { MemoryLog, type Member } from './tcp-world.js'

const UNREACHABLE = 'a peer cannot be reached'
const REFUSED = 'refused an inbound connection'

let world: HttpWorld
let authority: Authority
const servers: Server[] = []
beforeEach(() => {
  world = new HttpWorld()
  authority = certificateAuthority()
})
afterEach(async () => {
  await world.close()
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

function tlsOf(request: CertificateRequest = {}, options: TlsOptions = {}, by = authority): TlsOptions {
  return { ...by.issue(request), ca: authority.cert, ...options }
}

describe('two members', () => {
  test('of one authority talk, and say so in their addresses', async () => {
    const [a, b] = await world.pair({ tls: tlsOf() })
    expect([a.address, b.address]).toEqual([expect.stringMatching(/^https:/), expect.stringMatching(/^https:/)])
    a.transport.send(2, { kind: 3, bytes: Buffer.from('secret') })
    await b.until(() => b.frames.length === 1)
    const answer = await b.transport.ask?.(a.address, Buffer.from('who'), 60_000).catch((error: Error) => error.message)
    expect(answer).not.toContain('certificate')
  })

  test('may listen beyond this machine', async () => {
    const member = await world.open(1, { listen: '0.0.0.0:0', tls: tlsOf() })
    expect(member.address).toMatch(/^https:\/\/0\.0\.0\.0:\d+\/quorate$/)
  })

  const others: readonly (readonly [string, () => TlsOptions | undefined, string])[] = [
    ['another authority', () => tlsOf({}, {}, certificateAuthority()), 'CERTIFICATE_REFUSED'],
    ['no certificate', () => undefined, 'authority'],
    ['another host in it', () => tlsOf({ hosts: ['elsewhere.example'] }), 'CERTIFICATE_REFUSED'],
  ]
  test.each(others)('do not talk where one shows a certificate with %s', async (_, tls, reason) => {
    const a = await world.open(1, { tls: tlsOf() })
    const log = new MemoryLog()
    const given = tls()
    const b = await world.open(2, {
      environment: systemEnvironment(log),
      ...(given === undefined ? {} : { tls: given }),
    })
    a.transport.setPeers([b.peer])
    b.transport.setPeers([a.peer])
    await Promise.all([a.reported('-2'), b.reported('-1')])
    expect(log.of(UNREACHABLE)[0]?.['reason']).toContain(reason)
    expect([...a.reports, ...b.reports]).toEqual(['-2', '-1'])
  })

  test('tell who asks a question and is not believed that it is its certificate', async () => {
    const a = await world.open(1, { tls: tlsOf() })
    const stranger = await world.open(2, { tls: { ...tlsOf({}, {}, certificateAuthority()), ca: authority.cert } })
    await expect(stranger.transport.ask?.(a.address, Buffer.from('who'), 60_000)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringMatching(
        /CERTIFICATE_REFUSED: It does not take our certificate: its log says why\.$/,
      ) as string,
    })
  })

  test('of which only one has TLS are told so, and not of certificates that nobody showed', async () => {
    const [secure, plain] = [await world.open(1, { tls: tlsOf() }), await world.open(2)]
    const asked = async (address: string): Promise<string> => {
      const answer = await secure.transport
        .ask?.(address, Buffer.from('who'), 60_000)
        .catch((error: Error) => error.message)
      return String(answer)
    }
    expect(await asked(plain.address.replace('http:', 'https:'))).toMatch(/: it does not speak TLS: /)
    const silent = createTcpServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const { port } = silent.address() as AddressInfo
    const unproven = await plain.transport
      .ask?.(`http://127.0.0.1:${port}/quorate`, Buffer.from('who'), 60_000)
      .catch((error: Error) => error.message)
    expect(unproven).toMatch(/hung up without an answer|ECONNRESET/)
    expect(unproven).not.toMatch(/certificate/)
    silent.close()
  })

  test('do not talk where the name of one is not allowed', async () => {
    const allowed = { allowedNames: ['member-1', 'member-2'] }
    const a = await world.open(1, { tls: tlsOf({ name: 'member-1' }, allowed) })
    const b = await world.open(2, { tls: tlsOf({ name: 'member-2' }, allowed) })
    await meet(a, b)
    const log = new MemoryLog()
    const c = await world.open(3, { tls: tlsOf({ name: 'guest' }, allowed), environment: systemEnvironment(log) })
    a.transport.setPeers([b.peer, c.peer])
    c.transport.setPeers([a.peer])
    await log.until(() => log.of(UNREACHABLE).length > 0)
    expect(log.of(UNREACHABLE)[0]?.['reason']).toContain('CERTIFICATE_REFUSED')
    await world.log.until(() => world.log.of(REFUSED).length > 0)
    expect(world.log.of(REFUSED)[0]?.['reason']).toContain("'guest'")
    // Nor is anything taken from it where it is called.
    await world.log.until(() => world.log.of(UNREACHABLE).length > 0)
    expect(world.log.of(UNREACHABLE)[0]?.['reason']).toContain('CERTIFICATE_REFUSED')
    c.transport.send(1, { kind: 1, bytes: new Uint8Array(1) })
    await meet(a, b)
    expect(a.frames).toEqual([])
  })
})

describe('a caller', () => {
  test.each([
    ['stream', 403],
    ['ask', 403],
    ['', 403],
  ])('without a certificate gets nothing under %j, and is told why', async (route, status) => {
    const member = await world.open(1, { tls: tlsOf() })
    member.transport.setPeers([{ id: 2, address: 'https://127.0.0.1:1/quorate' }])
    const headers = { 'Quorate-Hello': helloHeader(helloOf({})) }
    const method = route === 'ask' ? 'POST' : 'GET'
    const said = await fetchedSecurely(`${member.address}/${route}`, { method, headers, ca: authority.cert })
    expect(said.status).toBe(status)
    expect(readAnswer(said.headers)).toMatchObject({ type: 'refused', code: 'CERTIFICATE_REFUSED' })
    expect(said.text).toContain('it showed no certificate')
  })

  test('with the certificate of another member is not the one that it says it is', async () => {
    const member = await world.open(1, { tls: tlsOf() })
    member.transport.setPeers([{ id: 2, address: 'https://two.example:1/quorate' }])
    const headers = { 'Quorate-Hello': helloHeader(helloOf({ from: 2 })) }
    const said = await fetchedSecurely(`${member.address}/stream`, {
      headers,
      ...authority.issue(),
      ca: authority.cert,
    })
    expect(readAnswer(said.headers)).toMatchObject({ type: 'refused', code: 'CERTIFICATE_REFUSED' })
    expect(world.log.of(REFUSED)).toMatchObject([{ code: 'CERTIFICATE_REFUSED', peer: 2 }])
  })

  test('in its handshake has as long as any other, and gives way like any other', async () => {
    const time = new ManualTime()
    const options = { tls: tlsOf(), limits: { inboundConnectionsMax: 2 } }
    const member = await world.open(1, { ...options, environment: time.besideSockets(world.log) })
    const [first, second] = [await world.call(member), await world.call(member)]
    const third = await world.call(member)
    await first.ended()
    time.pass(LIMITS.handshakeMsMax)
    await Promise.all([second.ended(), third.ended()])
    expect(time.pending).toBe(0)
  })
})

describe('new certificates in files', () => {
  test('are shown to new callers, by a server and by who calls, and streams that stand stay', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'quorate-https-'))
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    const write = async (name: string) => {
      const { cert, key } = authority.issue({ name })
      await Promise.all([writeFile(certFile, cert), writeFile(keyFile, key)])
    }
    await write('old')
    const time = new ManualTime()
    const tls = { certFile, keyFile, ca: authority.cert, reloadIntervalMs: 100 }
    const renewed = await world.open(1, { tls, environment: time.besideSockets(world.log) })
    const other = await world.open(2, { tls: tlsOf({ name: 'other' }, { allowedNames: ['old', 'new'] }) })
    await meet(renewed, other)
    await write('new')
    // So little that no keepalive is due, which time that is passed by hand would not let be answered.
    time.pass(100)
    await world.log.until(() => world.log.of('new certificates count for new connections').length > 0)
    other.transport.send(1, { kind: 1, bytes: new Uint8Array(1) })
    renewed.transport.send(2, { kind: 1, bytes: new Uint8Array(1) })
    await Promise.all([renewed, other].map((end) => end.until(() => end.frames.length > 0)))
    expect([renewed.reports, other.reports]).toEqual([['+2'], ['+1']])
    // Whom only the new name opens the door to is let in, and lets in.
    const picky = await world.open(3, { tls: tlsOf({ name: 'picky' }, { allowedNames: ['new'] }) })
    renewed.transport.setPeers([other.peer, picky.peer])
    picky.transport.setPeers([renewed.peer])
    await Promise.all([renewed.reported('+3'), picky.reported('+1')])
    await rm(folder, { recursive: true })
  })
})

describe('through what only passes bytes', () => {
  test('two members talk, and prove themselves to each other', async () => {
    const [a, b] = [await world.open(1, { tls: tlsOf() }), await world.open(2, { tls: tlsOf() })]
    const [toA, toB] = [await passing(a), await passing(b)]
    a.transport.setPeers([{ id: 2, address: toB.address }])
    b.transport.setPeers([{ id: 1, address: toA.address }])
    await Promise.all([a.reported('+2'), b.reported('+1')])
    a.transport.send(2, { kind: 3, bytes: Buffer.from('secret') })
    await b.until(() => b.frames.length === 1)
    expect(Buffer.concat([...toA.passed, ...toB.passed]).includes('secret')).toBe(false)
    toA.stop()
    toB.stop()
    await Promise.all([a.reported('-2'), b.reported('-1')])
  })

  async function passing(member: Member) {
    const { hostname, port } = new URL(member.address)
    const passed: Buffer[] = []
    const sockets: Socket[] = []
    const server = createTcpServer((near) => {
      const far = connect(Number(port), hostname)
      for (const [from, to] of [[near, far] as const, [far, near] as const]) {
        sockets.push(from)
        from.on('error', () => to.destroy())
        from.on('close', () => to.destroy())
        from.on('data', (chunk: Buffer) => passed.push(chunk))
        from.pipe(to)
      }
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const stop = (): void => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
    return { address: `https://127.0.0.1:${(server.address() as AddressInfo).port}/quorate`, passed, stop }
  }
})

describe('an attached server with TLS', () => {
  test('takes members by their certificates, and everybody else for itself', async () => {
    const tls = tlsOf()
    const [a, b] = [await attach(1, tls), await world.open(2, { tls })]
    await meet(a, b)
    const headers = { 'Quorate-Hello': helloHeader(helloOf({ from: 2 })) }
    const said = await fetchedSecurely(`${a.address}/stream`, { headers, ca: authority.cert })
    expect(readAnswer(said.headers)).toMatchObject({ type: 'refused', code: 'CERTIFICATE_REFUSED' })
    const origin = new URL(a.address).origin
    expect((await fetchedSecurely(`${origin}/`, { ca: authority.cert })).text).toBe('hello')
    expect(a.reports).toEqual(['+2'])
  })

  async function attach(id: number, tls: TlsOptions): Promise<Member> {
    const { cert = '', key = '', ca = '' } = tls
    const server = createServer({ cert, key, ca, requestCert: true, rejectUnauthorized: false }, (_, response) => {
      response.end('hello')
    })
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = `https://127.0.0.1:${(server.address() as AddressInfo).port}/quorate`
    const environment = systemEnvironment(world.log)
    return world.adopt(id, httpTransport({ server, path: '/quorate', address, tls, environment }))
  }
})
