/** Whatever comes to the port: the process stays up, its memory bounded, nothing false is delivered, and a peer is served. */
import fc from 'fast-check'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { below, type Random } from '../../src/base/random.js'
import { encodeFrame } from '../../src/transport/frame.js'
import { eventually, hello, TcpWorld, type Caller, type Member } from './tcp-world.js'

const CALLS = 10_000
const AT_ONCE = 50
const FIRST_CALLER = 100
/** What the callers below send when they are in their right mind: the one thing that may be delivered. */
const TRUE_FRAME = { kind: 77, bytes: new Uint8Array(64).fill(77) }
const MEBIBYTE = 1024 * 1024

let world: TcpWorld
beforeEach(() => {
  world = new TcpWorld()
})
afterEach(() => world.close())

/** A member that knows a good peer, already connected, and the callers. */
async function besieged(): Promise<[Member, Member]> {
  const [member, good] = [await world.open(1), await world.open(2)]
  const callers = Array.from({ length: 250 }, (_, nth) => ({ id: FIRST_CALLER + nth, address: '127.0.0.1:1' }))
  member.transport.setPeers([good.peer, ...callers])
  good.transport.setPeers([member.peer])
  await Promise.all([member.reported('+2'), good.reported('+1')])
  return [member, good]
}

async function exchange(member: Member, good: Member): Promise<void> {
  const before = member.frames.filter(({ from }) => from === 2).length
  expect(good.transport.send(1, { kind: 5, bytes: Buffer.from('still here') })).toBe(true)
  await member.until(() => member.frames.filter(({ from }) => from === 2).length > before)
}

test(`${CALLS.toLocaleString('en')} malformed calls`, { timeout: 240_000 }, async () => {
  const random = seededRandom(fc.readConfigureGlobal()?.seed ?? 1)
  const [member, good] = await besieged()
  const before = process.memoryUsage()
  let refusals = 0
  for (let nth = 0; nth < CALLS; nth += AT_ONCE) {
    const wave = Array.from({ length: AT_ONCE }, async (_, place) => {
      const call = CALLS_OF_MALICE[(nth + place) % CALLS_OF_MALICE.length] as Malice
      if (await call(member, FIRST_CALLER + place, random)) refusals++
    })
    await Promise.all([...wave, exchange(member, good)])
  }
  await eventually(() => member.transport.statistics.connectionsRefused >= refusals)
  expect(refusals).toBeGreaterThan(CALLS / 2)
  for (const { from, frame } of member.frames) {
    if (from !== 2) expect({ kind: frame.kind, bytes: new Uint8Array(frame.bytes) }).toEqual(TRUE_FRAME)
  }
  const after = process.memoryUsage()
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(64 * MEBIBYTE)
  expect(after.rss - before.rss).toBeLessThan(256 * MEBIBYTE)
  // Ten thousand refusals do not fill the log either.
  expect(world.log.of('refused an inbound connection').length).toBeLessThan(100)
  expect(good.reports).toEqual(['+1'])
})

test('a frame that is announced and does not come costs nothing', async () => {
  const [member, good] = await besieged()
  const before = process.memoryUsage().arrayBuffers
  const callers: Caller[] = []
  for (let nth = 0; nth < 240; nth++) {
    const caller = await world.callAs(FIRST_CALLER + nth, member)
    const head = Buffer.alloc(18)
    head.writeUInt32BE(LIMITS.frameBytesMax)
    caller.write(head)
    callers.push(caller)
  }
  await exchange(member, good)
  // Each would have taken 4 MiB.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * MEBIBYTE)
  expect(callers.filter(({ closed }) => closed)).toEqual([])
})

/** Calls, sends something wrong, and goes. Whether the member must have counted it as refused. */
type Malice = (member: Member, id: number, random: Random) => Promise<boolean>

const CALLS_OF_MALICE: readonly Malice[] = [
  async function garbage(member, _id, random) {
    const caller = await world.call(member)
    const bytes = randomBytes(random, 1 + below(random, 300))
    // Not the first letter of a hello, or it would have to wait for more.
    bytes[0] = (bytes[0] as number) | 0x80
    caller.write(bytes)
    await caller.ended()
    return true
  },
  async function anotherProtocol(member) {
    const caller = await world.call(member)
    caller.write(Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'))
    await caller.ended()
    return true
  },
  async function damagedHello(member, id, random) {
    const caller = await world.call(member)
    const bytes = hello({ from: id })
    flip(bytes, random)
    caller.write(bytes)
    // A damaged length of the extension would have it wait.
    caller.socket.end()
    await caller.ended()
    return false
  },
  async function wrongIdentity(member, id, random) {
    const caller = await world.call(member)
    const wrong = [{ clusterId: 8 }, { to: 9 }, { from: 99_999 }, { versions: { min: 9, max: 9 } }]
    caller.write(hello({ from: id, ...wrong[below(random, wrong.length)] }))
    await caller.ended()
    expect(caller.bytes.byteLength).toBeGreaterThan(0)
    return true
  },
  async function impatience(member, id) {
    const caller = await world.call(member)
    caller.write(hello({ from: id }), encodeFrame(TRUE_FRAME))
    await caller.ended()
    return true
  },
  async function halfHello(member, id, random) {
    const caller = await world.call(member)
    caller.write(hello({ from: id }).subarray(0, below(random, 30)))
    caller.socket.resetAndDestroy()
    await caller.ended()
    return false
  },
  async function tooLongFrame(member, id, random) {
    const caller = await world.callAs(id, member)
    const head = randomBytes(random, 8)
    new DataView(head.buffer).setUint32(0, LIMITS.frameBytesMax + 2 + below(random, 2 ** 31))
    caller.write(encodeFrame(TRUE_FRAME), head)
    await caller.ended()
    return true
  },
  async function damagedFrame(member, id, random) {
    const caller = await world.callAs(id, member)
    const bytes = encodeFrame(TRUE_FRAME)
    flip(bytes.subarray(4), random)
    caller.write(encodeFrame(TRUE_FRAME), bytes, encodeFrame(TRUE_FRAME))
    await caller.ended()
    return true
  },
  async function damagedStream(member, id, random) {
    const caller = await world.callAs(id, member)
    const bytes = Buffer.concat(Array.from({ length: 5 }, () => encodeFrame(TRUE_FRAME)))
    for (let flips = 1 + below(random, 3); flips > 0; flips--) flip(bytes, random)
    caller.write(bytes)
    caller.socket.end()
    await caller.ended()
    return false
  },
  async function garbageForFrames(member, id, random) {
    const caller = await world.callAs(id, member)
    caller.write(randomBytes(random, 20 + below(random, 1000)))
    caller.socket.end()
    await caller.ended()
    return false
  },
]

function flip(bytes: Uint8Array, random: Random): void {
  const at = below(random, bytes.byteLength)
  bytes[at] = (bytes[at] as number) ^ (1 << below(random, 8))
}

function randomBytes(random: Random, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => below(random, 256))
}
