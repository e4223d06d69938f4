/** TLS over TCP with certificates made on the spot: who is let in, what whoever is not is told, and new ones while it runs. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { parseAddress } from '../../src/transport/address.js'
import { HandshakeReader } from '../../src/transport/handshake.js'
import type { TlsOptions } from '../../src/transport/tls-options.js'
import { certificateAuthority, type Certificate } from '../certificates.js'
import { ManualTime } from './manual-time.js'
import { Caller, eventually, hello, TcpWorld, type Member } from './tcp-world.js'

const OURS = certificateAuthority('ours')
const THEIRS = certificateAuthority('theirs')
const MEMBER = OURS.issue()
const TLS: TlsOptions = { ...MEMBER, ca: OURS.cert }
const FRAME = { kind: 1, bytes: Uint8Array.of(1, 2, 3) }
const REFUSED = 'refused an inbound connection'
const UNREACHABLE = 'a peer cannot be reached'

let world: TcpWorld
let folder: string
let sockets: TLSSocket[]
beforeEach(async () => {
  world = new TcpWorld()
  sockets = []
  folder = await mkdtemp(join(tmpdir(), 'quorate-tls-'))
})
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  await world.close()
  await rm(folder, { recursive: true })
})

/** Both know each other. */
async function pair(first: TlsOptions | undefined, second: TlsOptions | undefined): Promise<[Member, Member]> {
  const open = (id: number, tls: TlsOptions | undefined) => world.open(id, tls === undefined ? {} : { tls })
  const [a, b] = [await open(1, first), await open(2, second)]
  a.transport.setPeers([b.peer])
  b.transport.setPeers([a.peer])
  return [a, b]
}

async function connected(...tls: Parameters<typeof pair>): Promise<[Member, Member]> {
  const [a, b] = await pair(...tls)
  await Promise.all([a.reported('+2'), b.reported('+1')])
  return [a, b]
}

async function exchange(a: Member, b: Member): Promise<void> {
  const [before, beforeB] = [a.frames.length, b.frames.length]
  expect([a.transport.send(b.id, FRAME), b.transport.send(a.id, FRAME)]).toEqual([true, true])
  await Promise.all([a.until(() => a.frames.length > before), b.until(() => b.frames.length > beforeB)])
}

const reasons = (message: string): string[] => world.log.of(message).map(({ reason }) => String(reason))

/** A caller of the test's own making, once its handshake is done or has failed. */
async function callSecurely(member: Member, options: ConnectionOptions): Promise<{ caller: Caller; failure?: Error }> {
  const { host, port } = parseAddress(member.address)
  const socket = connect({ host, port, servername: '', ca: OURS.cert, ...options })
  sockets.push(socket)
  const caller = new Caller(socket)
  return new Promise((resolve) => {
    socket.once('secureConnect', () => resolve({ caller }))
    socket.once('error', (failure: Error) => resolve({ caller, failure }))
  })
}

describe('members with certificates of one authority', () => {
  test('exchange frames, and a question is answered', async () => {
    const [a, b] = await connected(TLS, {
      ...OURS.issue({ passphrase: 'mellon' }),
      ca: OURS.cert,
      passphrase: 'mellon',
    })
    await exchange(a, b)
    const stranger = world.unstarted(9, { tls: TLS })
    const answer = await stranger.transport.ask?.(a.address, Buffer.from('who?'), 5_000)
    expect(Buffer.from(answer as Uint8Array).toString()).toBe('who?')
  })

  test('may listen beyond this machine', async () => {
    const member = await world.open(1, { listen: '0.0.0.0:0', tls: TLS })
    expect(member.address).toMatch(/^0\.0\.0\.0:[1-9]\d*$/)
  })

  test('may all have the one name that is agreed upon, and are then not told apart by it', async () => {
    const shared = { ...OURS.issue({ hosts: ['cluster.internal'] }), ca: OURS.cert, serverName: 'cluster.internal' }
    const [a, b] = await connected(shared, shared)
    await exchange(a, b)
  })
})

describe('who is not let in', () => {
  test('a caller of another authority is told so, and the log of the other end says why', async () => {
    // It believes ours, but is of theirs.
    const [a, b] = await pair(TLS, { ...THEIRS.issue(), ca: OURS.cert })
    await Promise.all([a.reported('-2'), b.reported('-1')])
    await eventually(() => reasons(UNREACHABLE).length >= 2)
    expect(reasons(UNREACHABLE)).toContainEqual(expect.stringMatching(/^CERTIFICATE_REFUSED: .*member 2/))
    expect(reasons(UNREACHABLE)).toContainEqual(expect.stringContaining('is not from an authority in our `ca`'))
    expect(reasons(REFUSED)).toContainEqual(expect.stringContaining('is not from an authority in our `ca`'))
    expect([a.frames, b.frames]).toEqual([[], []])
  })

  test.each([
    ['has expired', OURS.issue({ until: '20210101' }), /expired/],
    ['is not valid yet', OURS.issue({ from: '20490101' }), /not valid yet/],
  ])('a certificate that %s counts at neither end', async (_title, wrong, why) => {
    const [a, b] = await pair(TLS, { ...wrong, ca: OURS.cert })
    await Promise.all([a.reported('-2'), b.reported('-1')])
    await eventually(() => reasons(UNREACHABLE).length >= 2 && reasons(REFUSED).length > 0)
    expect(reasons(UNREACHABLE)).toContainEqual(expect.stringMatching(why))
    expect(reasons(REFUSED)).toContainEqual(expect.stringMatching(why))
  })

  test('a caller without a certificate, whatever it says', async () => {
    const member = await world.open(1, { tls: TLS })
    member.transport.setPeers([{ id: 2, address: '127.0.0.1:1' }])
    const { caller } = await callSecurely(member, {})
    caller.write(hello({}))
    await caller.ended()
    expect(HandshakeReader.ofAnswer().push(caller.bytes)).toMatchObject({ code: 'CERTIFICATE_REFUSED' })
    expect(reasons(REFUSED)).toEqual([expect.stringContaining('it showed no certificate')])
  })

  test('a caller without a certificate who takes up the session of an earlier call', async () => {
    const member = await world.open(1, { tls: TLS })
    for (const maxVersion of ['TLSv1.3', 'TLSv1.2'] as const) {
      const first = await callSecurely(member, { maxVersion })
      let session: Buffer | undefined = (first.caller.socket as TLSSocket).getSession()
      first.caller.socket.on('session', (given: Buffer) => (session = given))
      await first.caller.ended()
      const second = await callSecurely(member, { maxVersion, ...(session === undefined ? {} : { session }) })
      expect((second.caller.socket as TLSSocket).isSessionReused()).toBe(false)
      await second.caller.ended()
      expect(HandshakeReader.ofAnswer().push(second.caller.bytes)).toMatchObject({ code: 'CERTIFICATE_REFUSED' })
    }
  })

  test("a member with another's certificate", async () => {
    const [ofA, ofB] = [
      OURS.issue({ name: 'a', hosts: ['localhost'] }),
      OURS.issue({ name: 'b', hosts: ['127.0.0.1'] }),
    ]
    const a = await world.open(1, { tls: { ...ofA, ca: OURS.cert } })
    const at = (member: Member, host: string) => ({
      id: member.id,
      address: member.address.replace(/^.*:/, `${host}:`),
    })
    // Where a is listening, under the name that is its.
    const peerA = at(a, 'localhost')
    const thief = await world.open(2, { tls: { ...ofA, ca: OURS.cert } })
    a.transport.setPeers([at(thief, '127.0.0.1')])
    thief.transport.setPeers([peerA])
    await Promise.all([a.reported('-2'), thief.reported('-1')])
    await eventually(() => reasons(UNREACHABLE).length >= 2)
    expect(reasons(UNREACHABLE)).toContainEqual(expect.stringMatching(/^CERTIFICATE_REFUSED: /))
    expect(reasons(UNREACHABLE)).toContainEqual(expect.stringContaining('is that of another host'))
    expect(reasons(REFUSED)).toContainEqual(expect.stringMatching(/127\.0\.0\.1 is not in the cert's list/))
    const true2 = await world.open(2, { tls: { ...ofB, ca: OURS.cert } })
    a.transport.setPeers([at(true2, '127.0.0.1')])
    true2.transport.setPeers([peerA])
    await Promise.all([a.reported('+2'), true2.reported('+1')])
  })

  test('whose name is not among those that are allowed', async () => {
    const named = (name: string, allowedNames?: string[]): TlsOptions => ({
      ...OURS.issue({ name }),
      ca: OURS.cert,
      ...(allowedNames === undefined ? {} : { allowedNames }),
    })
    const [a, b] = await pair(named('member-1', ['member-2', 'member-3']), named('web-server'))
    await Promise.all([a.reported('+2'), b.reported('-1')])
    expect(reasons(REFUSED)).toEqual([expect.stringMatching(/'web-server'.*none of these is among allowedNames/)])
    const c = await world.open(3, { tls: named('member-3') })
    a.transport.setPeers([b.peer, c.peer])
    c.transport.setPeers([a.peer])
    await c.reported('+1')
  })

  test('whoever speaks no TLS later than 1.1', async () => {
    const member = await world.open(1, { tls: TLS })
    const older: ConnectionOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
    const { failure } = await callSecurely(member, { ...MEMBER, ...older })
    expect(failure).toMatchObject({ code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION' })
    await world.log.until(() => reasons(REFUSED).length > 0)
    expect(reasons(REFUSED)).toEqual([expect.stringContaining('it speaks no TLS 1.2 or later')])
  })

  test('a member without TLS by one with it, and the other way round: all four logs say the likely cause', async () => {
    const [withTls, without] = await pair(TLS, undefined)
    await Promise.all([withTls.reported('-2'), without.reported('-1')])
    await eventually(() => reasons(UNREACHABLE).length >= 2 && reasons(REFUSED).length >= 1)
    const dialled = reasons(UNREACHABLE)
    expect(dialled).toContainEqual(expect.stringContaining('may have been started without `tls`'))
    expect(dialled).toContainEqual(expect.stringContaining('it may expect TLS'))
    await eventually(() => new Set(world.log.of(REFUSED).map(({ reason }) => reason)).size >= 1)
    expect(reasons(REFUSED).join()).toMatch(/it does not speak TLS|it speaks TLS, and this side was started without/)
  })

  test('whoever says nothing: it counts as a stranger, and has no longer than any other', async () => {
    const time = new ManualTime()
    const limits = { inboundConnectionsMax: 2 }
    const member = await world.open(1, { tls: TLS, limits, environment: time.besideSockets(world.log) })
    const first = await world.call(member)
    const [second, third] = [await world.call(member), await world.call(member)]
    await first.ended()
    time.pass(LIMITS.handshakeMsMax - 1)
    expect([second.closed, third.closed]).toEqual([false, false])
    time.pass(1)
    await Promise.all([second.ended(), third.ended()])
    expect(world.log.of(REFUSED).map(({ code }) => code)).toEqual(['TOO_MANY', 'TIMEOUT'])
    await member.transport.close()
    expect(time.pending).toBe(0)
  })
})

describe('new certificates in files', () => {
  const files = () => ({
    certFile: join(folder, 'cert.pem'),
    keyFile: join(folder, 'key.pem'),
    caFile: join(folder, 'ca.pem'),
  })

  async function write({ cert, key }: Certificate, ...authorities: { readonly cert: string }[]): Promise<void> {
    const { certFile, keyFile, caFile } = files()
    await writeFile(certFile, cert)
    await writeFile(keyFile, key)
    await writeFile(caFile, authorities.map((authority) => authority.cert).join(''))
  }

  /** A member whose files are read anew when the test says so. */
  async function openWithFiles(id: number) {
    const time = new ManualTime()
    const member = await world.open(id, {
      tls: { ...files(), reloadIntervalMs: 100 },
      environment: time.besideSockets(world.log),
    })
    const reload = async (message: string, times = 1) => {
      // So little that no keepalive is due, which time that is passed by hand would not let be answered.
      time.pass(100)
      await world.log.until(() => world.log.of(message).length >= times)
    }
    return { member, time, reload }
  }

  const USED = 'new certificates count for new connections'
  const KEPT = 'new certificates are not used, those before still count'

  /** Whose certificate the member shows to a new caller. */
  async function shownBy(member: Member, ca: string): Promise<string | string[] | undefined> {
    const { caller, failure } = await callSecurely(member, { ...MEMBER, ca })
    if (failure !== undefined) return (failure as NodeJS.ErrnoException).code
    return (caller.socket as TLSSocket).getPeerCertificate().subject.CN
  }

  test('count for new connections, and those that stand stay', async () => {
    await write(OURS.issue({ name: 'first' }), OURS)
    const { member, reload } = await openWithFiles(1)
    const b = await world.open(2, { tls: TLS })
    member.transport.setPeers([b.peer])
    b.transport.setPeers([member.peer])
    await Promise.all([member.reported('+2'), b.reported('+1')])
    expect(await shownBy(member, OURS.cert)).toBe('first')
    await write(OURS.issue({ name: 'second' }), OURS)
    await reload(USED)
    expect(await shownBy(member, OURS.cert)).toBe('second')
    await exchange(member, b)
    expect([member.reports, b.reports]).toEqual([['+2'], ['+1']])
  })

  test('of another authority are taken over in three steps, and nobody loses anybody', async () => {
    await write(OURS.issue({ name: 'old' }), OURS)
    const { member, reload } = await openWithFiles(1)
    const b = await world.open(2, { tls: { ...MEMBER, ca: OURS.cert + THEIRS.cert } })
    member.transport.setPeers([b.peer])
    b.transport.setPeers([member.peer])
    await Promise.all([member.reported('+2'), b.reported('+1')])
    await write(OURS.issue({ name: 'overlap' }), OURS, THEIRS)
    await reload(USED)
    await write(THEIRS.issue({ name: 'new' }), OURS, THEIRS)
    await reload(USED, 2)
    expect(await shownBy(member, THEIRS.cert)).toBe('new')
    expect(await shownBy(member, OURS.cert)).toBe('SELF_SIGNED_CERT_IN_CHAIN')
    await write(THEIRS.issue({ name: 'alone' }), THEIRS)
    await reload(USED, 3)
    const { caller } = await callSecurely(member, { ...MEMBER, ca: THEIRS.cert })
    await caller.ended()
    expect(HandshakeReader.ofAnswer().push(caller.bytes)).toMatchObject({ code: 'CERTIFICATE_REFUSED' })
    await exchange(member, b)
    expect([member.reports, b.reports]).toEqual([['+2'], ['+1']])
  })

  test('that are broken are logged once, and those before still count until there are better ones', async () => {
    await write(OURS.issue({ name: 'good' }), OURS)
    const { member, time, reload } = await openWithFiles(1)
    await writeFile(files().keyFile, OURS.issue().key)
    await reload(KEPT)
    expect(reasons(KEPT)[0]).toContain('it is another one than that of the certificate')
    expect(await shownBy(member, OURS.cert)).toBe('good')
    await rm(files().caFile)
    await reload(KEPT, 2)
    expect(reasons(KEPT)[1]).toContain('ENOENT')
    await writeFile(files().caFile, 'no certificate')
    await reload(KEPT, 3)
    await write(OURS.issue({ name: 'better' }), OURS)
    await reload(USED)
    expect(await shownBy(member, OURS.cert)).toBe('better')
    await member.transport.close()
    expect(time.pending).toBe(0)
    expect(JSON.stringify(world.log.lines)).not.toContain('PRIVATE KEY')
  })
})

describe('what TLS is started with', () => {
  test.each([
    [
      'none of the files there',
      { certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem', caFile: '/nowhere/ca.pem' },
      /'\/nowhere\/c\w+\.pem', cannot be read \(ENOENT/,
    ],
    ["another one's key", { ...TLS, key: OURS.issue().key }, /it is another one than that of the certificate/],
    [
      'a wrong passphrase',
      { ...OURS.issue({ passphrase: 'mellon' }), ca: OURS.cert, passphrase: 'swordfish' },
      /its passphrase is wrong/,
    ],
    ['no certificate', { ...TLS, cert: 'nonsense' }, /the certificate is none in PEM/],
    ['no authority', { ...TLS, ca: 'nonsense' }, /no list of certificates in PEM/],
  ] as [string, TlsOptions, RegExp][])('%s is refused, without a secret in the error', async (_title, tls, why) => {
    // prettier-ignore
    const failure = (await world.open(1, { tls }).catch((error: unknown) => error)) as Error
    expect(failure).toMatchObject({ code: 'TLS_INVALID', message: expect.stringMatching(why) as string })
    expect(`${failure.message} ${failure.stack} ${String(failure.cause)}`).not.toMatch(/PRIVATE KEY|swordfish/)
  })

  test.each([
    [{ ...TLS, caFile: 'x' }, 'tls needs one of ca and caFile, not both'],
    [{ ...MEMBER }, 'tls needs one of ca and caFile, and has none'],
    [{ ...TLS, keys: 1 }, 'tls knows no option keys'],
    [{ ...TLS, passphrase: 7 }, 'tls.passphrase must be a string'],
    [{ ...TLS, allowedNames: [] }, 'tls.allowedNames must be a list'],
    [{ ...TLS, reloadIntervalMs: 1 }, 'tls.reloadIntervalMs must be 100 or more'],
  ] as [TlsOptions, string][])('options that make no sense are refused: %#', (tls, why) => {
    expect(() => world.unstarted(1, { tls })).toThrow(why)
  })

  test('a failed start may be repeated once the files are there', async () => {
    const at = { certFile: join(folder, 'c'), keyFile: join(folder, 'k'), caFile: join(folder, 'a') }
    const member = world.unstarted(1, { tls: at })
    const start = () => member.transport.start({ clusterId: 7, memberId: 1 }, member)
    await expect(start()).rejects.toMatchObject({ code: 'TLS_INVALID' })
    await Promise.all([writeFile(at.certFile, MEMBER.cert), writeFile(at.keyFile, MEMBER.key), writeFile(at.caFile, OURS.cert)]) // prettier-ignore
    await start()
  })
})
