import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { encodeFrame, encodeKeepalive } from '../../src/transport/frame.js'
import { encodeAnswer, PROTOCOL_VERSIONS } from '../../src/transport/handshake.js'
import { tcpTransport } from '../../src/transport/tcp.js'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { ManualTime } from './manual-time.js'
import { CLUSTER, eventually, hello, MemoryLog, TcpWorld, type Member } from './tcp-world.js'

const FRAME = encodeFrame({ kind: 1, bytes: Uint8Array.of(1, 2, 3) })
const REFUSED = 'refused an inbound connection'
const UNREACHABLE = 'a peer cannot be reached'
const ACCEPTED = encodeAnswer({ type: 'accepted', version: 1, clusterId: CLUSTER, memberId: 2 })
/** A peer that is known and not there: nothing listens on the port that TCP reserves. */
const absent = (id: number) => ({ id, address: '127.0.0.1:1' })

let world: TcpWorld
beforeEach(() => {
  world = new TcpWorld()
})
afterEach(() => world.close())

async function connected(): Promise<[Member, Member]> {
  const [a, b] = [await world.open(1), await world.open(2)]
  a.transport.setPeers([b.peer])
  b.transport.setPeers([a.peer])
  await Promise.all([a.reported('+2'), b.reported('+1')])
  return [a, b]
}

describe('listening', () => {
  test.each(['', 'localhost', ':7001', '127.0.0.1:', '127.0.0.1:99999', 'a b:1', '::1:7001', '[zz]:1', 'http://a:1'])(
    'refuses the address %j',
    async (listen) => {
      await expect(world.open(1, { listen })).rejects.toMatchObject({ code: 'ADDRESS_INVALID' })
    },
  )

  test.each(['0.0.0.0:0', '[::]:0', '192.0.2.1:0', 'example.org:0'])(
    'refuses %s, which others can reach, unless told that it may be insecure',
    async (listen) => {
      await expect(world.open(1, { listen })).rejects.toMatchObject({ code: 'TLS_REQUIRED' })
    },
  )

  test('takes 0.0.0.0 when told that it may be insecure', async () => {
    const member = await world.open(1, { listen: '0.0.0.0:0', insecure: true })
    expect(member.address).toMatch(/^0\.0\.0\.0:[1-9]\d*$/)
  })

  test('refuses an address that is not of this machine', async () => {
    const opening = world.open(1, { listen: '192.0.2.1:7001', insecure: true })
    await expect(opening).rejects.toThrow(/^Cannot listen on '192\.0\.2\.1:7001'/)
  })

  test('refuses a port in use, naming it', async () => {
    const { address } = await world.open(1)
    const opening = world.open(2, { listen: address })
    await expect(opening).rejects.toThrow(`'${address}' is taken by another process.`)
  })

  test('refuses limits that are none', () => {
    const environment = new ManualTime().environment()
    const options = { listen: '127.0.0.1:0', environment, limits: { frameBytesMax: 0 } }
    expect(() => tcpTransport(options)).toThrow(RangeError)
  })
})

describe('a refused dialler', () => {
  test.each([
    ['WRONG_CLUSTER', { cluster: 8 }, 1],
    ['UNKNOWN_PEER', {}, 1],
    ['WRONG_MEMBER', {}, 5],
  ] as const)('logs %s once, however often it tries', async (code, options, wanted) => {
    const time = new ManualTime()
    const log = new MemoryLog()
    const b = await world.open(1)
    const a = await world.open(2, { ...options, environment: time.besideSockets(log) })
    if (code !== 'UNKNOWN_PEER') b.transport.setPeers([absent(2)])
    a.transport.setPeers([{ id: wanted, address: b.address }])
    await a.reported(`-${wanted}`)
    for (let tries = 2; tries <= 4; tries++) {
      await eventually(() => isResting(time))
      time.pass(LIMITS.peerReconnectMsMax)
      await eventually(() => b.transport.statistics.connectionsRefused >= tries)
    }
    expect(log.of(UNREACHABLE).map(({ reason }) => reason)).toEqual([expect.stringContaining(code)])
    expect(world.log.of(REFUSED)).toHaveLength(1)
    expect(a.reports).toEqual([`-${wanted}`])
    expect(b.frames).toEqual([])
  })
})

/** Whether the only link on this clock waits to dial again: while it dials, a longer timer is set. */
function isResting(time: ManualTime): boolean {
  return (time.nextInMs ?? Infinity) <= LIMITS.peerReconnectMsMax
}

describe('a caller', () => {
  test('of a version that is not spoken is told which are', async () => {
    const member = await world.open(1)
    const caller = await world.call(member)
    caller.write(hello({ versions: { min: 7, max: 9 } }))
    await caller.ended()
    expect(caller.bytes).toEqual(
      encodeAnswer({ type: 'refused', code: 'VERSION_UNSUPPORTED', versions: PROTOCOL_VERSIONS }),
    )
  })

  test('that sends frames before its hello is closed, and nothing is delivered', async () => {
    const member = await world.open(1)
    member.transport.setPeers([absent(2)])
    const caller = await world.call(member)
    caller.write(FRAME)
    await caller.ended()
    expect(member.frames).toEqual([])
    expect(member.transport.statistics.connectionsRefused).toBe(1)
  })

  test('that sends frames behind its hello, not waiting for the answer, is closed', async () => {
    const member = await world.open(1)
    member.transport.setPeers([absent(2)])
    const caller = await world.call(member)
    caller.write(hello({}), FRAME)
    await caller.ended()
    expect([member.frames.length, caller.bytes.byteLength]).toEqual([0, 0])
  })

  test('whose hello was accepted is heard', async () => {
    const member = await world.open(1)
    member.transport.setPeers([absent(2)])
    const caller = await world.callAs(2, member)
    caller.write(FRAME)
    await member.until(() => member.frames.length === 1)
    expect(member.frames[0]).toMatchObject({ from: 2, frame: { kind: 1 } })
  })

  test('gets its keepalives back', async () => {
    const member = await world.open(1)
    member.transport.setPeers([absent(2)])
    const caller = await world.callAs(2, member)
    const before = caller.bytes.byteLength
    caller.write(encodeKeepalive())
    await caller.until(() => caller.bytes.byteLength > before)
    expect(caller.bytes.subarray(before)).toEqual(Buffer.from(encodeKeepalive()))
  })

  test('that sends many keepalives does not get as many', async () => {
    const member = await world.open(1)
    member.transport.setPeers([absent(2)])
    const caller = await world.callAs(2, member)
    const before = caller.bytes.byteLength
    caller.write(...Array.from({ length: 10_000 }, encodeKeepalive), FRAME)
    await member.until(() => member.frames.length === 1)
    member.transport.setPeers([])
    await caller.ended()
    const echoed = (caller.bytes.byteLength - before) / encodeKeepalive().byteLength
    expect(echoed).toBeGreaterThan(0)
    expect(echoed).toBeLessThan(100)
  })

  test('that announces a frame over the limit is closed', async () => {
    const member = await world.open(1)
    member.transport.setPeers([absent(2)])
    const caller = await world.callAs(2, member)
    const head = Buffer.alloc(8)
    head.writeUInt32BE(LIMITS.frameBytesMax + 2)
    caller.write(head)
    await caller.ended()
    expect(world.log.of(REFUSED)).toMatchObject([{ code: 'FRAME_TOO_LARGE', peer: 2 }])
  })

  test('replaces its older connection', async () => {
    const member = await world.open(1)
    member.transport.setPeers([absent(2)])
    const older = await world.callAs(2, member)
    const newer = await world.callAs(2, member)
    await older.ended()
    newer.write(FRAME)
    await member.until(() => member.frames.length === 1)
    // Being replaced is nobody's fault.
    expect(member.transport.statistics.connectionsRefused).toBe(0)
  })

  test('that is removed from the peers is closed', async () => {
    const member = await world.open(1)
    member.transport.setPeers([absent(2)])
    const caller = await world.callAs(2, member)
    member.transport.setPeers([])
    await caller.ended()
  })
})

describe('time', () => {
  test('a hello that does not come, or comes drop by drop, is waited for only so long', async () => {
    const time = new ManualTime()
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    member.transport.setPeers([])
    const silent = await world.call(member)
    const slow = await world.call(member)
    for (const byte of hello({}).subarray(0, 20)) slow.write(Uint8Array.of(byte))
    // Both are accepted once a third caller, who came later, was answered.
    await (await world.callAs(9, member)).ended()
    time.pass(LIMITS.handshakeMsMax - 1)
    expect([silent.closed, slow.closed]).toEqual([false, false])
    time.pass(1)
    await Promise.all([silent.ended(), slow.ended()])
    expect(member.transport.statistics.connectionsRefused).toBe(3)
    expect(time.pending).toBe(0)
  })

  test('a caller that falls silent is given up', async () => {
    const time = new ManualTime()
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    member.transport.setPeers([absent(2)])
    const caller = await world.callAs(2, member)
    time.pass(LIMITS.peerIdleMsMax - 1)
    caller.write(FRAME)
    await member.until(() => member.frames.length === 1)
    time.pass(LIMITS.peerIdleMsMax - 1)
    expect(caller.closed).toBe(false)
    time.pass(1)
    await caller.ended()
  })

  test('a peer that accepts the connection and says nothing is given up', async () => {
    const time = new ManualTime()
    const mute = await listening(() => undefined)
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    member.transport.setPeers([{ id: 2, address: mute.address }])
    await mute.called(1)
    time.pass(LIMITS.handshakeMsMax)
    await member.reported('-2')
    mute.close()
  })

  test('a peer that no longer sends keepalives back is given up and dialled again', async () => {
    const time = new ManualTime()
    const halfDead = await listening((socket) => socket.write(ACCEPTED))
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    member.transport.setPeers([{ id: 2, address: halfDead.address }])
    await member.reported('+2')
    for (let unanswered = 0; unanswered < LIMITS.peerKeepalivesUnansweredMax; unanswered++) {
      time.pass(LIMITS.peerKeepaliveMs)
      expect(member.reports).toEqual(['+2'])
    }
    time.pass(LIMITS.peerKeepaliveMs)
    expect(member.reports).toEqual(['+2', '-2'])
    time.pass(LIMITS.peerReconnectMsMin)
    await member.reported('+2', 2)
    halfDead.close()
  })

  test('a peer that reads slowly and steadily keeps its connection, although no keepalive reaches it', async () => {
    const time = new ManualTime()
    let reader: Socket | undefined
    const slow = await listening((socket) => {
      reader = socket.pause()
      socket.write(ACCEPTED)
    })
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    const { transport } = member
    transport.setPeers([{ id: 2, address: slow.address }])
    await member.reported('+2')
    const bytes = new Uint8Array(1_000_000)
    const waitMs = LIMITS.peerKeepalivesUnansweredMax * LIMITS.peerKeepaliveMs + LIMITS.peerStallMsMax
    for (let passedMs = 0; passedMs <= waitMs; passedMs += LIMITS.peerKeepaliveMs) {
      const { framesSent } = transport.statistics
      reader?.resume()
      await eventually(() => {
        // As much waits as there is room for, now and always.
        while (transport.send(2, { kind: 1, bytes }));
        return transport.statistics.framesSent > framesSent || member.reports.length > 1
      })
      reader?.pause()
      time.pass(LIMITS.peerKeepaliveMs)
      expect(member.reports, `after ${passedMs} ms`).toEqual(['+2'])
    }
    slow.close()
  })

  test('a connection without traffic stays, as keepalives are answered', async () => {
    const time = new ManualTime()
    const environment = time.besideSockets(world.log)
    const [a, b] = [await world.open(1, { environment }), await world.open(2, { environment })]
    a.transport.setPeers([b.peer])
    b.transport.setPeers([a.peer])
    await Promise.all([a.reported('+2'), b.reported('+1')])
    for (let nth = 0; nth < 50; nth++) {
      time.pass(LIMITS.peerKeepaliveMs)
      // A frame there and one back: what was sent before them has arrived.
      a.transport.send(2, { kind: 1, bytes: new Uint8Array(1) })
      b.transport.send(1, { kind: 1, bytes: new Uint8Array(1) })
      await Promise.all([a, b].map((end) => end.until(() => end.frames.length > nth)))
    }
    expect([a.reports, b.reports]).toEqual([['+2'], ['+1']])
  })

  test('a peer that is not there is dialled at once, then less and less often', async () => {
    const time = new ManualTime()
    const refusing = await listening((socket) => socket.destroy())
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    member.transport.setPeers([{ id: 2, address: refusing.address }])
    const waitsMs: number[] = []
    for (let tries = 1; tries <= 9; tries++) {
      await refusing.called(tries)
      await eventually(() => isResting(time))
      const waitMs = time.nextInMs as number
      waitsMs.push(waitMs)
      time.pass(waitMs)
    }
    for (const [at, waitMs] of waitsMs.entries()) {
      const fullMs = Math.min(LIMITS.peerReconnectMsMin * 2 ** at, LIMITS.peerReconnectMsMax)
      expect(waitMs).toBeGreaterThanOrEqual(fullMs / 2)
      expect(waitMs).toBeLessThanOrEqual(fullMs)
    }
    refusing.close()
  })

  test('a peer that calls is called back at once', async () => {
    const time = new ManualTime()
    const a = await world.open(1, { environment: time.besideSockets(world.log) })
    const { address, transport } = await world.open(2)
    await transport.close()
    a.transport.setPeers([{ id: 2, address }])
    await a.reported('-2')
    const b = await world.open(2, { listen: address })
    b.transport.setPeers([a.peer])
    // No time passes for a: left to itself it would not dial again.
    await Promise.all([a.reported('+2'), b.reported('+1')])
  })

  test('no timer is left after the close, whatever was under way', async () => {
    const time = new ManualTime()
    const environment = time.besideSockets(world.log)
    const [a, b] = [await world.open(1, { environment }), await world.open(2, { environment })]
    a.transport.setPeers([b.peer, absent(3)])
    b.transport.setPeers([a.peer])
    await Promise.all([a.reported('+2'), a.reported('-3'), b.reported('+1')])
    await world.call(a)
    a.transport.send(2, { kind: 1, bytes: new Uint8Array(10) })
    await Promise.all([a.transport.close(), b.transport.close()])
    expect(time.pending).toBe(0)
  })
})

describe('crowds', () => {
  test('strangers without a hello give way to newer callers, so that peers come through', async () => {
    const member = await world.open(1, { limits: { inboundConnectionsMax: 4 } })
    member.transport.setPeers([absent(2)])
    const strangers = []
    for (let nth = 0; nth < 4; nth++) strangers.push(await world.call(member))
    const peer = await world.callAs(2, member)
    expect(peer.closed).toBe(false)
    await strangers[0]?.ended()
    expect(member.transport.statistics.connectionsRefused).toBe(1)
    peer.write(FRAME)
    await member.until(() => member.frames.length === 1)
  })

  test('when all places are taken by peers, a further caller is closed', async () => {
    const member = await world.open(1, { limits: { inboundConnectionsMax: 2 } })
    member.transport.setPeers([absent(2), absent(3), absent(4)])
    const [second, third] = [await world.callAs(2, member), await world.callAs(3, member)]
    const fourth = await world.call(member)
    await fourth.ended()
    expect([second.closed, third.closed]).toEqual([false, false])
  })
})

describe('sending', () => {
  test('a peer that does not read fills its queue, not the memory', async () => {
    const deaf = await listening((socket) => {
      socket.write(ACCEPTED)
      socket.pause()
    })
    const member = await world.open(1)
    member.transport.setPeers([{ id: 2, address: deaf.address }])
    await member.reported('+2')
    // One and the same payload: what grows is what the transport sets aside.
    const bytes = new Uint8Array(10_000)
    const count = 20_000
    const before = process.memoryUsage().arrayBuffers
    let accepted = 0
    for (let nth = 0; nth < count; nth++) {
      if (member.transport.send(2, { kind: 1, bytes })) accepted++
      if (nth % 1000 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    // What the kernel takes for the socket comes on top of the queue.
    expect(accepted * bytes.byteLength).toBeLessThan(LIMITS.peerQueueBytesMax + 30e6)
    // Frames that wait are not copied before the socket can take them.
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(LIMITS.peerQueueBytesMax / 2)
    expect(member.transport.statistics.framesDropped).toBe(count - accepted)
    deaf.close()
    await member.reported('-2')
    // Every frame was either sent or dropped.
    await eventually(() => {
      const { framesSent, framesDropped } = member.transport.statistics
      return framesSent + framesDropped === count
    })
  })

  test('two connected members exchange frames over the loopback', async () => {
    const [a, b] = await connected()
    expect(a.transport.send(2, { kind: 9, bytes: Buffer.from('hello') })).toBe(true)
    await b.until(() => b.frames.length === 1)
    expect(b.frames).toMatchObject([{ from: 1, frame: { kind: 9 } }])
  })
})

/** A server that accepts and does as it likes. */
async function listening(onCall: (socket: Socket) => void) {
  const sockets: Socket[] = []
  const watched = new MemoryLog()
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    socket.resume()
    onCall(socket)
    watched.happened()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `127.0.0.1:${port}`,
    called: (times: number) => watched.until(() => sockets.length >= times),
    close: () => {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}
