/**
 * Peers that are none: of another cluster, another authority, another time, or somebody who replays what was said before. Each is
 * told why, where it can be told anything; the member notes why and counts it; and two members that belong together go on.
 */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseAddress } from '../../src/transport/address.js'
import type { TlsOptions } from '../../src/transport/tls-options.js'
import { certificateAuthority, type CertificateRequest } from '../certificates.js'
import type { MemoryLog } from './tcp-world.js'
import { hello, TcpWorld, type Member, type MemberOptions } from './tcp-world.js'

const REFUSED = 'refused an inbound connection'
const UNREACHED = 'a peer cannot be reached'
/** Of the third member, that nobody has heard of yet. */
const INTRUDER = 3

const authority = certificateAuthority()
const others = certificateAuthority('another authority')
const trusted = (request: CertificateRequest = {}): TlsOptions => ({ ...authority.issue(request), ca: authority.cert })

let inside: TcpWorld
let outside: TcpWorld
const servers: Server[] = []
beforeEach(() => {
  inside = new TcpWorld()
  outside = new TcpWorld()
})
afterEach(async () => {
  for (const server of servers.splice(0)) server.close()
  await outside.close()
  await inside.close()
})

/** Two members that belong together, of which the first knows the third one, too, and that the ninth was removed. */
async function together(options: MemberOptions = {}): Promise<[Member, Member]> {
  const [member, good] = [await inside.open(1, options), await inside.open(2, options)]
  member.transport.setPeers([good.peer, { id: INTRUDER, address: '127.0.0.1:1' }], [9])
  good.transport.setPeers([member.peer])
  await Promise.all([member.reported('+2'), good.reported('+1')])
  return [member, good]
}

/** Nothing of what happened to the others was felt. */
async function goOn(member: Member, good: Member): Promise<void> {
  expect(good.transport.send(1, { kind: 5, bytes: Buffer.from('still here') })).toBe(true)
  await member.until(() => member.frames.some(({ from, frame }) => from === 2 && frame.kind === 5))
  expect(member.frames.every(({ from }) => from === 2)).toBe(true)
  expect(good.reports).toEqual(['+1'])
}

function until(log: MemoryLog, message: string): Promise<void> {
  return log.until(() => log.of(message).length > 0)
}

/** Everything that is said to `member` on a connection that comes through here, as it was said. */
async function eavesdrop(member: Member): Promise<{ readonly address: string; readonly said: Buffer[] }> {
  const said: Buffer[] = []
  const server = createServer((near) => {
    const far = connect(parseAddress(member.address))
    near.on('data', (chunk: Buffer) => {
      said.push(chunk)
      far.write(chunk)
    })
    far.on('data', (chunk: Buffer) => near.write(chunk))
    for (const socket of [near, far]) socket.on('error', () => undefined)
    near.on('close', () => far.destroy())
    far.on('close', () => near.destroy())
  }).listen(0, '127.0.0.1')
  servers.push(server)
  await once(server, 'listening')
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, said }
}

interface Case {
  readonly what: string
  /** Of the members that belong together. */
  readonly tls?: TlsOptions
  readonly id?: number
  /** Of the intruder. */
  readonly options: MemberOptions
  /** What the member notes. */
  readonly code: string
  readonly noted: RegExp
  /** What the intruder is told, and notes itself. */
  readonly told: RegExp
}

const PLAIN: readonly Case[] = [
  {
    ...{ what: 'of another cluster', options: { cluster: 8 }, code: 'WRONG_CLUSTER' },
    ...{ noted: /member 3 of cluster 8/, told: /another cluster/ },
  },
  {
    ...{ what: 'that is not known', id: 99, options: {}, code: 'UNKNOWN_PEER' },
    ...{ noted: /member 99 of cluster 7/, told: /does not know us/ },
  },
  {
    ...{ what: 'that was removed', id: 9, options: {}, code: 'REMOVED' },
    ...{ noted: /member 9 of cluster 7/, told: /removed/ },
  },
  {
    ...{ what: 'that runs as a member which runs already', id: 2, options: {}, code: 'DUPLICATE_MEMBER' },
    ...{ noted: /another process runs as the same member/, told: /another process/i },
  },
  {
    ...{ what: 'of a later time', options: { versions: { min: 9, max: 9 } }, code: 'VERSION_UNSUPPORTED' },
    ...{ noted: /member 3/, told: /speaks protocol versions 1 to 3, we speak 9 to 9/ },
  },
  {
    ...{ what: 'that speaks TLS where nobody does', options: { tls: trusted() }, code: 'MALFORMED' },
    ...{ noted: /it speaks TLS, and this side was started without `tls`/, told: /without `tls`/ },
  },
]

const SECURE: readonly Case[] = [
  {
    ...{ what: 'with a certificate of another authority', code: 'CERTIFICATE_REFUSED' },
    ...{ options: { tls: { ...others.issue(), ca: authority.cert } }, noted: /not from an authority in our `ca`/ },
    ...{ told: /CERTIFICATE_REFUSED|certificate/ },
  },
  {
    ...{ what: 'whose certificate has expired', options: { tls: trusted({ until: '20210101' }) } },
    ...{ code: 'CERTIFICATE_REFUSED', noted: /has expired/, told: /CERTIFICATE_REFUSED|certificate/ },
  },
  {
    ...{ what: 'with the certificate of a member at another host', code: 'CERTIFICATE_REFUSED' },
    ...{ options: { tls: trusted({ hosts: ['127.0.0.3'] }) }, noted: /127\.0\.0\.1/ },
    ...{ told: /CERTIFICATE_REFUSED|certificate/ },
  },
  {
    ...{ what: 'whose name is not allowed', tls: { ...trusted({ name: 'etcd' }), allowedNames: ['etcd'] } },
    ...{ options: { tls: trusted({ name: 'intruder' }) }, code: 'CERTIFICATE_REFUSED', noted: /allowedNames/ },
    ...{ told: /CERTIFICATE_REFUSED|certificate/ },
  },
  {
    ...{ what: 'that believes another authority only', code: 'MALFORMED', noted: /TLS handshake failed/ },
    ...{ options: { tls: { ...authority.issue(), ca: others.cert } }, told: /not from an authority in our `ca`/ },
  },
  {
    ...{ what: 'that speaks no TLS where everybody does', options: {}, code: 'MALFORMED' },
    ...{ noted: /does not speak TLS/, told: /closed|hung up|ECONNRESET|does not speak|no answer/i },
  },
]

async function intrude({ tls, id = INTRUDER, options, code, noted, told }: Case, secure: boolean): Promise<void> {
  const [member, good] = await together(secure ? { tls: tls ?? trusted() } : {})
  const intruder = await outside.open(id, options)
  intruder.transport.setPeers([member.peer])
  await Promise.all([intruder.reported('-1'), until(inside.log, REFUSED), until(outside.log, UNREACHED)])
  expect(inside.log.of(REFUSED)[0]).toMatchObject({ code, reason: expect.stringMatching(noted) as string })
  expect(String(outside.log.of(UNREACHED)[0]?.['reason'])).toMatch(told)
  expect(member.transport.statistics.connectionsRefused).toBeGreaterThan(0)
  await goOn(member, good)
}

describe('without TLS, a peer is refused', () => {
  test.each(PLAIN)('$what', (each) => intrude(each, false))
})

describe('with TLS, a peer is refused', () => {
  test.each(SECURE)('$what', (each) => intrude(each, true))

  test('that shows no certificate', async () => {
    const [member, good] = await together({ tls: trusted() })
    const socket = connectSecurely({ ...parseAddress(member.address), ca: authority.cert })
    socket.on('error', () => undefined)
    socket.resume()
    const closed = once(socket, 'close')
    await once(socket, 'secureConnect')
    socket.write(hello({ from: INTRUDER }))
    await Promise.all([closed, until(inside.log, REFUSED)])
    const reason = expect.stringMatching(/showed no certificate/) as string
    expect(inside.log.of(REFUSED)[0]).toMatchObject({ code: 'CERTIFICATE_REFUSED', reason })
    await goOn(member, good)
  })
})

describe('whoever replays what a member once said', () => {
  /** The third member calls through somebody who listens, says something, and is gone. */
  async function recorded(member: Member, options: MemberOptions): Promise<Buffer[]> {
    const { address, said } = await eavesdrop(member)
    const third = await outside.open(INTRUDER, options)
    third.transport.setPeers([{ id: 1, address }])
    await third.reported('+1')
    third.transport.send(1, { kind: 77, bytes: Buffer.from('a secret') })
    await member.until(() => member.frames.some(({ frame }) => frame.kind === 77))
    await outside.close()
    member.frames.length = 0
    return said
  }

  test('gets nowhere with TLS: no two connections have the same keys', async () => {
    const [member, good] = await together({ tls: trusted() })
    const said = await recorded(member, { tls: trusted() })
    expect(Buffer.concat(said).includes('a secret')).toBe(false)
    const caller = await outside.call(member)
    const before = member.transport.statistics.connectionsRefused
    for (const chunk of said) {
      if (caller.closed) break
      const heard = caller.bytes.byteLength
      caller.write(chunk)
      // Patiently: what follows is said as it was, behind an answer.
      if (heard === 0) await caller.until(() => caller.bytes.byteLength > 0 || caller.closed)
    }
    await caller.ended()
    await until(inside.log, REFUSED)
    expect(member.transport.statistics.connectionsRefused).toBeGreaterThan(before)
    await goOn(member, good)
  })

  test('is believed without, if it waits for the answer: only TLS tells a member from who has heard one', async () => {
    const [member] = await together()
    const said = Buffer.concat(await recorded(member, {}))
    const opening = hello({ from: INTRUDER, life: 1 }).byteLength
    const impatient = await outside.call(member)
    impatient.write(said)
    await impatient.ended()
    expect(member.frames).toEqual([])
    const patient = await outside.call(member)
    patient.write(said.subarray(0, opening))
    await patient.until(() => patient.bytes.byteLength > 0)
    patient.write(said.subarray(opening))
    await member.until(() => member.frames.length > 0)
    expect(member.frames[0]).toMatchObject({ from: INTRUDER, frame: { kind: 77 } })
  })
})
