/** Whole connections over real sockets: what a caller says to a listener, and what a listener says to whoever dialled it. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import fc from 'fast-check'
import { encodeFrame, encodeKeepalive } from '../../src/transport/frame.js'
import { encodeAnswer, encodeHello, PROTOCOL_VERSIONS, questionHello } from '../../src/transport/handshake.js'
import { answerHeader } from '../../src/transport/http-handshake.js'
import { parseAddress } from '../../src/transport/address.js'
import { certificateAuthority } from '../certificates.js'
import { HttpWorld, streamRequest } from '../transport/http-world.js'
import { ManualTime } from '../transport/manual-time.js'
import { hello, TcpWorld, CLUSTER, type Member } from '../transport/tcp-world.js'
import type { Corpus } from './corpus.js'
import { handshakeEnd, mendAnswer, mendDialler } from './mend.js'
import { refused, type FuzzTarget, type Verdict } from './target.js'
import { piecesOf } from './wire-targets.js'

/** Sockets, their handles and buffers, on both sides. */
const CONNECTION_BYTES = 256 * 1024
const CALLER = 2
/** Each takes a thousand times as long as a decoder. */
const CONNECTION_SHARE = 0.03

export function connectionTargets(corpus: Corpus): FuzzTarget[] {
  return [inbound(corpus), dialled(corpus), asked(corpus), secured(corpus), httpInbound(), httpDialled()]
}

const parts = fc.array(
  fc.oneof(
    fc.constant(encodeKeepalive()),
    fc.record({ kind: fc.nat({ max: 255 }), bytes: fc.uint8Array({ maxLength: 200 }) }).map(encodeFrame),
  ),
  { maxLength: 5 },
)

/** A real listener is called anew with each input. */
function inbound(corpus: Corpus): FuzzTarget {
  const world = new TcpWorld()
  let opened: Promise<Member> | undefined
  let calls = 0
  const open = async (): Promise<Member> => {
    const member = await world.open(1)
    member.transport.setPeers([{ id: CALLER, address: '127.0.0.1:1' }])
    return member
  }
  return {
    ...{ name: 'inbound connections', share: CONNECTION_SHARE, captured: corpus.diallers, mend: mendDialler },
    valid: fc.oneof(
      parts.map((drawn) => Buffer.concat([hello({ from: CALLER }), ...drawn])),
      parts.map((drawn) => Buffer.concat([encodeHello(questionHello(PROTOCOL_VERSIONS)), ...drawn])),
    ),
    fixedBytes: CONNECTION_BYTES,
    prepare: (input) => {
      const end = handshakeEnd(input, 'hello')
      const [opening, pieces] = [piecesOf(input.subarray(0, end)), piecesOf(input.subarray(end))]
      return async () => {
        opened ??= open()
        const member = await opened
        const before = member.transport.statistics.connectionsRefused
        const socket = connect({ ...parseAddress(member.address), ...localAddress(calls++) })
        await say(socket, [opening, pieces], once(socket, 'data'))
        member.frames.length = 0
        return member.transport.statistics.connectionsRefused > before ? 'refused' : 'taken'
      }
    },
    close: () => world.close(),
  }
}

/** A listener of ours is dialled by a real transport, again and again, and answers with the input. */
function dialled(corpus: Corpus): FuzzTarget {
  const world = new TcpWorld()
  const time = new ManualTime()
  const calls = new Calls(time)
  let opened: Promise<Member> | undefined
  const open = async (): Promise<Member> => {
    const limits = { peerReconnectMsMin: 1, peerReconnectMsMax: 1, handshakeMsMax: 1_000_000 }
    const member = await world.open(1, { environment: time.besideSockets(), limits })
    member.transport.setPeers([{ id: CALLER, address: `127.0.0.1:${await calls.port()}` }])
    return member
  }
  const accepted = encodeAnswer({ type: 'accepted', version: 1, clusterId: CLUSTER, memberId: CALLER })
  const keepalives = fc.array(fc.constant(encodeKeepalive()), { maxLength: 3 })
  return {
    ...{ name: 'dialled connections', share: CONNECTION_SHARE, captured: corpus.listeners, mend: mendAnswer },
    valid: fc.oneof(keepalives, parts).map((drawn) => Buffer.concat([accepted, ...drawn])),
    fixedBytes: CONNECTION_BYTES,
    prepare: (input) => {
      const end = handshakeEnd(input, 'answer')
      const [opening, pieces] = [piecesOf(input.subarray(0, end)), piecesOf(input.subarray(end))]
      return async (): Promise<Verdict> => {
        opened ??= open()
        const member = await opened
        const socket = await calls.next()
        member.reports.length = 0
        socket.on('error', () => undefined)
        await once(socket, 'data')
        await say(socket, [opening, pieces], member.reported(`+${CALLER}`))
        if (member.frames.length > 0) throw new Error('a frame was delivered that came from a listener')
        return member.reports.includes(`+${CALLER}`) ? 'taken' : 'refused'
      }
    },
    close: async () => {
      await opened
      calls.close()
      await world.close()
    },
  }
}

/** What comes back to whoever asks a question. */
function asked(corpus: Corpus): FuzzTarget {
  const world = new TcpWorld()
  const calls = new Calls()
  let opened: Promise<Member> | undefined
  const accepted = encodeAnswer({ type: 'accepted', version: 2, clusterId: 0, memberId: 0 })
  return {
    ...{ name: 'answers to questions', share: CONNECTION_SHARE, captured: corpus.listeners, mend: mendAnswer },
    valid: fc
      .record({ kind: fc.constantFrom(0, 0, 0, 1, 2, 3), bytes: fc.uint8Array({ maxLength: 200 }) })
      .map((drawn) => Buffer.concat([accepted, encodeFrame(drawn)])),
    fixedBytes: CONNECTION_BYTES,
    prepare: (input) => {
      const end = handshakeEnd(input, 'answer')
      const [opening, pieces] = [piecesOf(input.subarray(0, end)), piecesOf(input.subarray(end))]
      return async (): Promise<Verdict> => {
        opened ??= world.open(1)
        const { transport } = await opened
        const answer = transport.ask?.(`127.0.0.1:${await calls.port()}`, Buffer.from('who are you?'), 60_000)
        const verdict = answer?.then(
          (): Verdict => 'taken',
          (error: unknown) => refused(['UNREACHABLE'], error),
        )
        const socket = await calls.next()
        socket.on('error', () => undefined)
        await once(socket, 'data')
        // The question comes behind an answer that accepts.
        await say(socket, [opening, pieces], once(socket, 'data'))
        return (await verdict) ?? 'refused'
      }
    },
    close: async () => {
      calls.close()
      await world.close()
    },
  }
}

/** A listener that wants TLS is sent whatever may be a part of it. */
function secured({ clientHello }: Corpus): FuzzTarget {
  const world = new TcpWorld()
  const authority = certificateAuthority()
  let opened: Promise<Member> | undefined
  let callers = 0
  return {
    ...{ name: 'tls handshakes', share: CONNECTION_SHARE, captured: [clientHello] },
    valid: fc.uint8Array({ maxLength: 40 }).map((behind) => Buffer.concat([clientHello, behind])),
    fixedBytes: CONNECTION_BYTES,
    prepare: (input) => {
      const pieces = piecesOf(input)
      return async (): Promise<Verdict> => {
        opened ??= world.open(1, { tls: { ...authority.issue(), ca: authority.cert } })
        const { address } = await opened
        const socket = connect({ ...parseAddress(address), ...localAddress(callers++) })
        let heard = 0
        socket.on('data', ({ byteLength }: Buffer) => (heard += byteLength))
        await say(socket, [[], pieces], Promise.resolve())
        // An alert has seven bytes; what is longer is a hello of its own.
        return heard > 7 ? 'taken' : 'refused'
      }
    },
    close: () => world.close(),
  }
}

/** A real server of the HTTP transport is sent whatever may be a request. */
function httpInbound(): FuzzTarget {
  const world = new HttpWorld()
  let opened: Promise<Member> | undefined
  let callers = 0
  const open = async (): Promise<Member> => {
    const member = await world.open(1)
    member.transport.setPeers([{ id: CALLER, address: 'http://127.0.0.1:1/quorate' }], [9])
    return member
  }
  const stream = fc
    .record({
      from: fc.constantFrom(CALLER, 3, 9),
      to: fc.constantFrom(1, 5),
      clusterId: fc.constantFrom(CLUSTER, 8),
      purpose: fc.constantFrom('main' as const, 'bulk' as const, 'question' as const),
    })
    .map((drawn) => streamRequest(drawn))
  const question = fc
    .uint8Array({ maxLength: 300 })
    .map((body) => `POST /quorate/ask HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${textOf(body)}`)
  const chunked = fc
    .array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 4 })
    .map(
      (all) =>
        `POST /quorate/ask HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${all.map(chunkOf).join('')}0\r\n\r\n`,
    )
  return {
    ...{ name: 'http requests', share: CONNECTION_SHARE, captured: [] },
    valid: fc.oneof(stream, question, chunked).map((text) => Buffer.from(text, 'latin1')),
    fixedBytes: CONNECTION_BYTES,
    prepare: (input) => {
      const pieces = piecesOf(input)
      return async (): Promise<Verdict> => {
        opened ??= open()
        const { address } = await opened
        const { hostname, port } = new URL(address)
        const socket = connect({ host: hostname, port: Number(port), ...localAddress(callers++) })
        const said: Buffer[] = []
        socket.on('data', (chunk: Buffer) => said.push(chunk))
        // A stream is not ended by the server because its caller says no more.
        socket.once('data', () => socket.destroySoon())
        await say(socket, [[], pieces], Promise.resolve())
        return Buffer.concat(said).toString('latin1').startsWith('HTTP/1.1 200') ? 'taken' : 'refused'
      }
    },
    close: () => world.close(),
  }
}

/** A server of ours is asked for streams by a real HTTP transport, and answers with the input. */
function httpDialled(): FuzzTarget {
  const world = new HttpWorld()
  const time = new ManualTime()
  const calls = new Calls(time)
  let opened: Promise<Member> | undefined
  const open = async (): Promise<Member> => {
    const limits = { peerReconnectMsMin: 1, peerReconnectMsMax: 1, handshakeMsMax: 1_000_000 }
    const member = await world.open(1, { environment: time.besideSockets(), limits })
    member.transport.setPeers([{ id: CALLER, address: `http://127.0.0.1:${await calls.port()}/quorate` }])
    return member
  }
  const header = answerHeader({ type: 'accepted', version: 2, clusterId: CLUSTER, memberId: CALLER })
  const head = `HTTP/1.1 200 OK\r\nQuorate-Answer: ${header}\r\nQuorate-Life: 5\r\nTransfer-Encoding: chunked\r\n\r\n`
  return {
    ...{ name: 'http responses', share: CONNECTION_SHARE, captured: [] },
    valid: parts.map((drawn) => Buffer.from(`${head}${drawn.map(chunkOf).join('')}`, 'latin1')),
    fixedBytes: CONNECTION_BYTES,
    prepare: (input) => {
      const pieces = piecesOf(input)
      return async (): Promise<Verdict> => {
        opened ??= open()
        const member = await opened
        const socket = await calls.next()
        member.frames.length = 0
        socket.on('error', () => undefined)
        await once(socket, 'data')
        await say(socket, [[], pieces], Promise.resolve())
        return member.frames.length > 0 ? 'taken' : 'refused'
      }
    },
    close: async () => {
      await opened
      calls.close()
      await world.close()
    },
  }
}

/** The far end of whoever dials: a listener that speaks as it is told. */
class Calls {
  readonly #time: ManualTime | undefined
  readonly #sockets: Socket[] = []
  readonly #server = createServer((socket) => {
    socket.on('error', () => undefined)
    this.#sockets.push(socket)
  })
  #listening: Promise<unknown> | undefined

  /** `time` passes while the next call is waited for: whoever dials again does so after a while. */
  constructor(time?: ManualTime) {
    this.#time = time
  }

  async port(): Promise<number> {
    this.#listening ??= once(this.#server.listen(0, '127.0.0.1'), 'listening')
    await this.#listening
    return (this.#server.address() as AddressInfo).port
  }

  async next(): Promise<Socket> {
    for (;;) {
      const socket = this.#sockets.shift()
      if (socket !== undefined) return socket
      this.#time?.pass(2)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

function chunkOf(bytes: Uint8Array): string {
  return `${bytes.byteLength.toString(16)}\r\n${textOf(bytes)}\r\n`
}

/** Says all, the rest once the opening was `heard`, and ends; resolves once the other side is gone too. */
async function say(
  socket: Socket,
  [opening, rest]: readonly [readonly Uint8Array[], readonly Uint8Array[]],
  heard: Promise<unknown>,
): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve))
  const answered = heard.catch(() => undefined)
  socket.on('error', () => undefined)
  socket.resume()
  for (const piece of opening) socket.write(piece)
  // Nobody may speak on before the answer: what comes earlier would be refused whatever it is.
  if (opening.length > 0) await Promise.race([answered, closed])
  for (const piece of rest) socket.write(piece)
  socket.end()
  await closed
}

/** Linux has all of 127.0.0.0/8: ports that a moment ago were in use need not be waited for. */
function localAddress(nth: number): { readonly localAddress?: string } {
  return process.platform === 'linux' ? { localAddress: `127.0.1.${1 + (nth % 250)}` } : {}
}
