/** Hundreds of strangers beyond the limit, silent or dribbling: a peer comes through, and what they cost is bounded. The long form is `npm run test:slowloris`. */
import { connect as connectSecurely, type TLSSocket } from 'node:tls'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { parseAddress } from '../../src/transport/address.js'
import { certificateAuthority } from '../certificates.js'
import { eventually, hello, TcpWorld, type Caller, type Member } from './tcp-world.js'

const BEYOND = 300
const CROWD = LIMITS.inboundConnectionsMax + BEYOND
const MEBIBYTE = 1024 * 1024

const authority = certificateAuthority()
const tls = { ...authority.issue(), ca: authority.cert }

let world: TcpWorld
const secured: TLSSocket[] = []
beforeEach(() => {
  world = new TcpWorld()
})
afterEach(async () => {
  for (const socket of secured.splice(0)) socket.destroy()
  await world.close()
})

/** Each third says nothing, a part of what a peer would say, or as much as it may without being one. */
async function gather(member: Member, encrypted: boolean): Promise<Caller[]> {
  const crowd: Caller[] = []
  for (let nth = 0; nth < CROWD; nth++) {
    const caller = await world.call(member)
    crowd.push(caller)
    const beginning = encrypted ? Buffer.from('16030102000100', 'hex') : hello({ from: 2 }).subarray(0, 20)
    if (nth % 3 === 1) caller.write(beginning.subarray(0, 1 + (nth % beginning.byteLength)))
    if (nth % 30 === 2) finish(member, caller, encrypted)
  }
  return crowd
}

function finish(member: Member, caller: Caller, encrypted: boolean): void {
  if (!encrypted) return caller.write(hello({ clusterId: 0, from: 0, to: 0, purpose: 'question' }))
  const socket = connectSecurely({ ...parseAddress(member.address), rejectUnauthorized: false })
  socket.on('error', () => undefined)
  secured.push(socket)
}

describe.each([
  ['in plain text', {}],
  ['encrypted', { tls }],
] as const)('a crowd of strangers, %s,', (_, options) => {
  test('gives way to a peer, and costs a bounded number of connections and bytes', async () => {
    const member = await world.open(1, options)
    member.transport.setPeers([{ id: 2, address: '127.0.0.1:1' }])
    const before = process.memoryUsage().arrayBuffers
    const crowd = await gather(member, 'tls' in options)
    const peer = await world.open(2, options)
    peer.transport.setPeers([member.peer])
    await peer.reported('+1')
    expect(peer.transport.send(1, { kind: 5, bytes: Buffer.from('here') })).toBe(true)
    await member.until(() => member.frames.length > 0)
    await eventually(() => crowd.filter(({ closed }) => !closed).length <= LIMITS.inboundConnectionsMax)
    expect(member.transport.statistics.connectionsRefused).toBeGreaterThanOrEqual(BEYOND)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(64 * MEBIBYTE)
    expect(peer.reports).toEqual(['+1'])
  })
})
