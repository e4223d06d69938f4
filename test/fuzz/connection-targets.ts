/** Whole connections over real sockets: what a caller says to a listener, and what a listener says to whoever dialled it. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { once } from 'node:events'
import fc from 'fast-check'
import { encodeFrame, encodeKeepalive } from '../../src/transport/frame.js'
import { encodeAnswer } from '../../src/transport/handshake.js'
import { parseAddress } from '../../src/transport/address.js'
import { ManualTime } from '../transport/manual-time.js'
import { hello, TcpWorld, CLUSTER, type Member } from '../transport/tcp-world.js'
import type { Corpus } from './corpus.js'
import { handshakeEnd, mendAnswer, mendDialler } from './mend.js'
import type { FuzzTarget, Verdict } from './target.js'
import { piecesOf } from './wire-targets.js'

/** Sockets, their handles and buffers, on both sides. */
const CONNECTION_BYTES = 256 * 1024
const CALLER = 2

export function connectionTargets(corpus: Corpus): FuzzTarget[] {
  return [inbound(corpus), dialled(corpus)]
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
    ...{ name: 'inbound connections', share: 0.03, captured: corpus.diallers, mend: mendDialler },
    valid: parts.map((drawn) => Buffer.concat([hello({ from: CALLER }), ...drawn])),
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
  const calls: Socket[] = []
  let opened: Promise<{ readonly member: Member; readonly server: Server }> | undefined
  const open = async () => {
    const server = createServer((socket) => calls.push(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const limits = { peerReconnectMsMin: 1, peerReconnectMsMax: 1, handshakeMsMax: 1_000_000 }
    const member = await world.open(1, { environment: time.besideSockets(), limits })
    const { port } = server.address() as AddressInfo
    member.transport.setPeers([{ id: CALLER, address: `127.0.0.1:${port}` }])
    return { member, server }
  }
  /** The member dials again when it is told that time has passed, as soon as it has seen the end of the last connection. */
  const called = async (): Promise<Socket> => {
    for (;;) {
      const socket = calls.shift()
      if (socket !== undefined) return socket
      time.pass(2)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const accepted = encodeAnswer({ type: 'accepted', version: 1, clusterId: CLUSTER, memberId: CALLER })
  const keepalives = fc.array(fc.constant(encodeKeepalive()), { maxLength: 3 })
  return {
    ...{ name: 'dialled connections', share: 0.03, captured: corpus.listeners, mend: mendAnswer },
    valid: fc.oneof(keepalives, parts).map((drawn) => Buffer.concat([accepted, ...drawn])),
    fixedBytes: CONNECTION_BYTES,
    prepare: (input) => {
      const end = handshakeEnd(input, 'answer')
      const [opening, pieces] = [piecesOf(input.subarray(0, end)), piecesOf(input.subarray(end))]
      return async (): Promise<Verdict> => {
        opened ??= open()
        const { member } = await opened
        const socket = await called()
        member.reports.length = 0
        socket.on('error', () => undefined)
        await once(socket, 'data')
        await say(socket, [opening, pieces], member.reported(`+${CALLER}`))
        if (member.frames.length > 0) throw new Error('a frame was delivered that came from a listener')
        return member.reports.includes(`+${CALLER}`) ? 'taken' : 'refused'
      }
    },
    close: async () => {
      const { server } = (await opened) ?? {}
      await world.close()
      for (const socket of calls) socket.destroy()
      server?.close()
    },
  }
}

/** Says all, the rest once the opening was `heard`, and ends; resolves once the other side is gone too. */
async function say(
  socket: Socket,
  [opening, rest]: readonly [readonly Uint8Array[], readonly Uint8Array[]],
  heard: Promise<unknown>,
): Promise<void> {
  const closed = new Promise((resolve) => socket.once('close', resolve))
  heard.catch(() => undefined)
  socket.on('error', () => undefined)
  socket.resume()
  for (const piece of opening) socket.write(piece)
  // Nobody may speak on before the answer: what comes earlier would be refused whatever it is.
  if (opening.length > 0) await Promise.race([heard, closed])
  for (const piece of rest) socket.write(piece)
  socket.end()
  await closed
}

/** Linux has all of 127.0.0.0/8: ports that a moment ago were in use need not be waited for. */
function localAddress(nth: number): { readonly localAddress?: string } {
  return process.platform === 'linux' ? { localAddress: `127.0.1.${1 + (nth % 250)}` } : {}
}
