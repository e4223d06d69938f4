/** Two versions of the protocol beside each other over TCP: what the newer brings, and that the older never meets it. */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { encodeFrame, encodeKeepalive } from '../../src/transport/frame.js'
import {
  encodeAnswer,
  encodeHello,
  HandshakeReader,
  helloTo,
  PROTOCOL_VERSIONS,
  questionHello,
  type Hello,
} from '../../src/transport/handshake.js'
import { ManualTime } from './manual-time.js'
import { CLUSTER, eventually, hello, TcpWorld, Watched, type Caller, type Member } from './tcp-world.js'

const OLD = { min: 1, max: 1 }
const FRAME = { kind: 1, bytes: Uint8Array.of(1, 2, 3) }
/** What member 2 of cluster 7 said to member 1, and the answer, before there was a version 2. */
const HELLO_1 = Buffer.from('51525448000100010000000000000007000000000000000200000000000000010000ccf749d8', 'hex')
const ANSWER_1 = Buffer.from('5152544100000100010000000000000007000000000000000100002c5c2b0a', 'hex')
const absent = (id: number) => ({ id, address: '127.0.0.1:1' })

let world: TcpWorld
let servers: RawServer[]
beforeEach(() => {
  world = new TcpWorld()
  servers = []
})
afterEach(async () => {
  await world.close()
  for (const server of servers) server.close()
})

async function connect(a: Member, b: Member): Promise<void> {
  a.transport.setPeers([b.peer])
  b.transport.setPeers([a.peer])
  await Promise.all([a.reported(`+${b.id}`), b.reported(`+${a.id}`)])
}

/** A listener that does as the test likes. */
class RawServer extends Watched {
  readonly address: string
  readonly calls: { readonly socket: Socket; bytes: Buffer }[]
  readonly close: () => void

  private constructor(address: string, calls: RawServer['calls'], close: () => void) {
    super()
    this.address = address
    this.calls = calls
    this.close = close
  }

  static async start(onBytes: (socket: Socket, bytes: Buffer, nth: number) => void): Promise<RawServer> {
    const calls: RawServer['calls'] = []
    const listener = createServer((socket) => {
      const call = { socket, bytes: Buffer.alloc(0) }
      const nth = calls.push(call)
      socket.on('error', () => undefined)
      socket.on('data', (chunk) => {
        call.bytes = Buffer.concat([call.bytes, chunk])
        onBytes(socket, call.bytes, nth)
        server.happened()
      })
      server.happened()
    })
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    const { port } = listener.address() as AddressInfo
    const server = new RawServer(`127.0.0.1:${port}`, calls, () => {
      for (const { socket } of calls) socket.destroy()
      listener.close()
    })
    servers.push(server)
    return server
  }

  hello(nth: number): Hello {
    return HandshakeReader.ofHello().push(this.calls[nth - 1]?.bytes ?? Buffer.alloc(0)) as Hello
  }
}

const accepting = (version: number) => (socket: Socket, bytes: Buffer) => {
  if (bytes.byteLength >= 38 && bytes.subarray(0, 4).toString() === 'QRTH' && socket.bytesWritten === 0) {
    socket.write(encodeAnswer({ type: 'accepted', version, clusterId: CLUSTER, memberId: 2 }))
  }
}

describe('a peer of version 1', () => {
  test('calls with the bytes of then, and is answered with those of then', async () => {
    const member = await world.open(1)
    member.transport.setPeers([absent(2)])
    const caller = await world.call(member)
    caller.write(HELLO_1)
    await caller.until(() => caller.bytes.byteLength >= ANSWER_1.byteLength)
    expect(caller.bytes).toEqual(ANSWER_1)
    caller.write(encodeFrame(FRAME))
    await member.until(() => member.frames.length === 1)
  })

  test('is called once, and what would be bulk goes over main', async () => {
    const server = await RawServer.start(accepting(1))
    const member = await world.open(1)
    member.transport.setPeers([{ id: 2, address: server.address }])
    await member.reported('+2')
    expect(member.versions.get(2)).toBe(1)
    const before = server.calls[0]?.bytes.byteLength as number
    expect(member.transport.send(2, FRAME, 'bulk')).toBe(true)
    await server.until(() => (server.calls[0]?.bytes.byteLength ?? 0) > before)
    expect(server.calls[0]?.bytes.subarray(before)).toEqual(Buffer.from(encodeFrame(FRAME)))
    expect(server.calls).toHaveLength(1)
  })

  test('and one of version 2 exchange frames of both channels', async () => {
    const [older, newer] = [await world.open(1, { versions: OLD }), await world.open(2)]
    await connect(older, newer)
    expect([older.versions.get(2), newer.versions.get(1)]).toEqual([1, 1])
    for (const [from, to] of [
      [older, newer],
      [newer, older],
    ] as const) {
      // prettier-ignore
      expect(from.transport.send(to.id, FRAME)).toBe(true)
      expect(from.transport.send(to.id, FRAME, 'bulk')).toBe(true)
      await to.until(() => to.frames.length === 2)
    }
  })

  test('that was removed, or is a copy, is told the one word it knows', async () => {
    const member = await world.open(1)
    member.transport.setPeers([], [2])
    const caller = await world.call(member)
    caller.write(HELLO_1)
    await caller.ended()
    expect(caller.bytes).toEqual(encodeAnswer({ type: 'refused', code: 'UNKNOWN_PEER', versions: PROTOCOL_VERSIONS }))
  })

  test('takes neither bulk nor a question for the call of a member', async () => {
    const older = await world.open(1, { versions: OLD })
    older.transport.setPeers([absent(2)])
    const self = { clusterId: CLUSTER, memberId: 2, versions: PROTOCOL_VERSIONS, life: 9 }
    for (const said of [helloTo(1, 'bulk', self), questionHello(PROTOCOL_VERSIONS)]) {
      const caller = await world.call(older)
      caller.write(encodeHello(said))
      await caller.ended()
      expect(caller.bytes).toEqual(encodeAnswer({ type: 'refused', code: 'VERSION_UNSUPPORTED', versions: OLD }))
    }
  })
})

describe('bulk', () => {
  test('is a call of its own, dialled when main stands and given up with it', async () => {
    const server = await RawServer.start(accepting(2))
    const member = await world.open(1)
    member.transport.setPeers([{ id: 2, address: server.address }])
    await server.until(() => server.calls.length === 2 && (server.calls[1]?.bytes.byteLength ?? 0) >= 38)
    const [main, bulk] = [server.hello(1), server.hello(2)]
    expect([main.purpose, bulk.purpose]).toEqual(['main', 'bulk'])
    expect(main.life).toBe(bulk.life)
    expect(bulk.versions).toEqual({ min: 2, max: PROTOCOL_VERSIONS.max })
    server.calls[0]?.socket.destroy()
    await eventually(() => server.calls[1]?.socket.destroyed === true)
  })

  test('that nobody reads delays nothing on main', async () => {
    const server = await RawServer.start((socket, bytes, nth) => {
      accepting(2)(socket, bytes)
      if (nth === 2) socket.pause()
    })
    const member = await world.open(1)
    member.transport.setPeers([{ id: 2, address: server.address }])
    await server.until(() => server.calls.length === 2 && (server.calls[1]?.bytes.byteLength ?? 0) >= 38)
    const piece = { kind: 5, bytes: new Uint8Array(1_000_000) }
    await eventually(() => member.transport.send(2, piece, 'bulk'))
    // More than the kernel takes: the queue is full, and stays so.
    let refused = 0
    for (let nth = 0; refused < 3; nth++) {
      if (!member.transport.send(2, piece, 'bulk')) refused++
      if (nth % 10 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    const before = server.calls[0]?.bytes.byteLength as number
    expect(member.transport.send(2, FRAME)).toBe(true)
    await server.until(() => (server.calls[0]?.bytes.byteLength ?? 0) > before)
    expect(server.calls[0]?.bytes.subarray(before)).toEqual(Buffer.from(encodeFrame(FRAME)))
    expect(member.transport.send(2, piece, 'bulk')).toBe(false)
    expect(member.reports).toEqual(['+2'])
  })

  test('from the same process stands beside main, and from another one replaces it', async () => {
    const time = new ManualTime()
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    member.transport.setPeers([absent(2)])
    const calling = async (purpose: 'main' | 'bulk', life: number): Promise<Caller> => {
      const caller = await world.call(member)
      caller.write(hello({ purpose, life }))
      await caller.until(() => caller.bytes.byteLength > 0)
      return caller
    }
    const [main, bulk] = [await calling('main', 5), await calling('bulk', 5)]
    main.write(encodeFrame(FRAME))
    bulk.write(encodeFrame(FRAME))
    await member.until(() => member.frames.length === 2)
    // Both fell silent: what comes now is the member started again.
    time.pass(2 * LIMITS.peerKeepaliveMs + 1)
    await calling('main', 6)
    await Promise.all([main.ended(), bulk.ended()])
  })
})

describe('two processes of one member', () => {
  test('the second is refused while the first lives, and both ends say so', async () => {
    const member = await world.open(1)
    const [first, second] = [await world.open(2), await world.open(2)]
    await connect(member, first)
    second.transport.setPeers([member.peer])
    await second.reported('-1')
    const reasons = world.log.of('a peer cannot be reached').map(({ reason }) => String(reason))
    expect(reasons).toContainEqual(expect.stringMatching(/DUPLICATE_MEMBER: Another process runs as member 2/))
    expect(world.log.of('refused an inbound connection')).toMatchObject([
      {
        code: 'DUPLICATE_MEMBER',
        reason: expect.stringContaining('another process runs as the same member') as string,
      },
    ])
    first.transport.send(1, FRAME)
    await member.until(() => member.frames.length === 1)
    expect(first.reports).toEqual(['+1'])
  })

  test('the second is let in when the first has ended', async () => {
    const member = await world.open(1)
    const first = await world.open(2)
    await connect(member, first)
    await first.transport.close()
    const second = await world.open(2)
    member.transport.setPeers([second.peer])
    second.transport.setPeers([member.peer])
    await second.reported('+1')
  })

  test('the second is let in when the first has said nothing for two keepalives', async () => {
    const time = new ManualTime()
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    member.transport.setPeers([absent(2)])
    const call = async (life: number): Promise<Caller> => {
      const caller = await world.call(member)
      caller.write(hello({ life }))
      await caller.until(() => caller.bytes.byteLength > 0)
      return caller
    }
    const first = await call(5)
    time.pass(2 * LIMITS.peerKeepaliveMs)
    await (await call(6)).ended()
    expect(first.closed).toBe(false)
    time.pass(1)
    const third = await call(6)
    await first.ended()
    third.write(encodeFrame(FRAME))
    await member.until(() => member.frames.length === 1)
  })
})

describe('a member that was removed', () => {
  test('is told so once, until it is let in again', async () => {
    const [a, b] = [await world.open(1), await world.open(2)]
    await connect(a, b)
    a.transport.setPeers([], [2])
    await b.reported('removed by 1')
    await eventually(() => a.transport.statistics.connectionsRefused >= 3)
    expect(b.reports).toEqual(['+1', '-1', 'removed by 1'])
    a.transport.setPeers([b.peer])
    await b.reported('+1', 2)
  })
})

describe('a question', () => {
  const ask = (member: Member, address: string, question = 'who?') =>
    member.transport.ask?.(address, Buffer.from(question), 5_000) as Promise<Uint8Array>

  test('is answered to whoever is no member, also before it has started', async () => {
    const member = await world.open(1)
    member.answer = (question) => Promise.resolve(Buffer.concat([question, Buffer.from(' I am')]))
    const stranger = world.unstarted(9)
    expect(Buffer.from(await ask(stranger, member.address)).toString()).toBe('who? I am')
    expect(member.transport.statistics.connectionsRefused).toBe(0)
  })

  test('may be as long as the limit, and its answer too', async () => {
    const member = await world.open(1)
    member.answer = (question) => Promise.resolve(new Uint8Array(LIMITS.answerBytesMax).fill(question.byteLength % 256))
    const stranger = world.unstarted(9)
    const longest = 'q'.repeat(LIMITS.questionBytesMax)
    expect((await ask(stranger, member.address, longest)).byteLength).toBe(LIMITS.answerBytesMax)
    await expect(ask(stranger, member.address, `${longest}q`)).rejects.toThrow(RangeError)
  })

  test.each([
    ['that fails', () => Promise.reject(new Error('broken')), 'it has no answer to give'],
    ['that is too long', () => Promise.resolve(new Uint8Array(LIMITS.answerBytesMax + 1)), 'it has no answer to give'],
  ])('with an answer %s is not answered, and the log says why', async (_title, answer, told) => {
    const member = await world.open(1)
    member.answer = answer
    await expect(ask(world.unstarted(9), member.address)).rejects.toMatchObject({
      code: 'UNREACHABLE',
      message: expect.stringContaining(told) as string,
    })
    expect(world.log.of('a question was not answered')).toHaveLength(1)
  })

  test('beside too many others is refused, and they are answered', async () => {
    const member = await world.open(1)
    let answerAll = (): void => undefined
    const held = new Promise<void>((resolve) => (answerAll = resolve))
    let asked = 0
    member.answer = async (question) => {
      asked++
      await held
      return question
    }
    const stranger = world.unstarted(9)
    const answers = Array.from({ length: LIMITS.questionsMax }, () => ask(stranger, member.address))
    await eventually(() => asked === LIMITS.questionsMax)
    await expect(ask(stranger, member.address)).rejects.toThrow('it answers too many questions just now')
    answerAll()
    expect(await Promise.all(answers)).toHaveLength(LIMITS.questionsMax)
  })

  test('that has no answer in time is given up at both ends', async () => {
    const time = new ManualTime()
    const member = await world.open(1, { environment: time.besideSockets(world.log) })
    let asked = false
    member.answer = () => {
      asked = true
      return new Promise(() => undefined)
    }
    const stranger = world.unstarted(9, { environment: time.besideSockets(world.log) })
    const answer = stranger.transport.ask?.(member.address, Buffer.from('who?'), 1_000)
    const refused = expect(answer).rejects.toMatchObject({ code: 'TIMEOUT' })
    await eventually(() => asked)
    time.pass(1_000)
    await refused
    const caller = await world.call(member)
    caller.write(encodeHello(questionHello(PROTOCOL_VERSIONS)))
    await caller.until(() => caller.bytes.byteLength > 0)
    time.pass(LIMITS.handshakeMsMax)
    await caller.ended()
    expect(time.pending).toBe(0)
  })

  test('is not answered by nobody, by an older program, nor by what is no member', async () => {
    const stranger = world.unstarted(9)
    await expect(ask(stranger, '127.0.0.1:1')).rejects.toMatchObject({ code: 'UNREACHABLE' })
    const older = await world.open(1, { versions: OLD })
    await expect(ask(stranger, older.address)).rejects.toThrow(/speaks protocol versions 1 to 1/)
    const other = await RawServer.start((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'))
    await expect(ask(stranger, other.address)).rejects.toThrow('does not speak Quorate')
    await expect(ask(stranger, 'no address')).rejects.toMatchObject({ code: 'ADDRESS_INVALID' })
  })

  test('under way ends with the transport', async () => {
    const silent = await RawServer.start(() => undefined)
    const stranger = world.unstarted(9)
    const answer = ask(stranger, silent.address)
    const refused = expect(answer).rejects.toMatchObject({ code: 'CLOSED' })
    await silent.until(() => silent.calls.length === 1)
    await stranger.transport.close()
    await refused
    await expect(ask(stranger, silent.address)).rejects.toMatchObject({ code: 'CLOSED' })
  })

  test.each([
    ['a second question', [encodeFrame(FRAME), encodeFrame(FRAME)]],
    ['a keepalive', [encodeKeepalive()]],
    ['one that is too long', [encodeFrame({ kind: 0, bytes: new Uint8Array(LIMITS.questionBytesMax + 1) })]],
  ])('%s delivers nothing as a frame', async (_title, frames) => {
    const member = await world.open(1)
    const caller = await world.call(member)
    caller.write(encodeHello(questionHello(PROTOCOL_VERSIONS)))
    await caller.until(() => caller.bytes.byteLength > 0)
    caller.write(...frames)
    await caller.ended()
    expect(member.frames).toEqual([])
  })
})

describe('a peer that takes nothing', () => {
  test('is given up, though it speaks', async () => {
    const time = new ManualTime()
    const server = await RawServer.start((socket, bytes) => {
      accepting(1)(socket, bytes)
      socket.pause()
    })
    const limits = { peerKeepalivesUnansweredMax: 1_000 }
    const member = await world.open(1, { environment: time.besideSockets(world.log), limits })
    member.transport.setPeers([{ id: 2, address: server.address }])
    await member.reported('+2')
    const frame = { kind: 1, bytes: new Uint8Array(1_000_000) }
    for (let refused = 0; refused < 3;) {
      if (!member.transport.send(2, frame)) refused++
      await new Promise((resolve) => setImmediate(resolve))
    }
    time.pass(LIMITS.peerStallMsMax)
    expect(member.reports).toEqual(['+2'])
    time.pass(LIMITS.peerKeepaliveMs)
    expect(member.reports).toEqual(['+2', '-2'])
    expect(world.log.of('a peer cannot be reached')).toMatchObject([
      { reason: expect.stringMatching(/^TIMEOUT: It took none of \d+ bytes that wait for it in 10000 ms/) as string },
    ])
  })
})
