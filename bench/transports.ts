/**
 * What frames cost over each transport, beside bare sockets: `npm run bench -- transports`. What the figures mean:
 * bench/README.md.
 *
 * Both ends are in this process, so that a figure is the work of two. "Bare" is a socket with the same frames put together in
 * the same way and nothing else: no handshake, no keepalives, no peers. All rows take turns, and each figure is a median.
 */
import { connect, createServer, type Socket } from 'node:net'
import type { AddressInfo } from 'node:net'
import { cpus } from 'node:os'
import { MemoryNetwork } from 'quorate'
import { httpTransport, tcpTransport, type Channel, type Frame, type Transport } from 'quorate/transport'
import { LIMITS } from '../src/base/limits.js'
import { systemEnvironment } from '../src/runtime/system.js'
import { FrameParser } from '../src/transport/frame.js'
import { FrameWriter } from '../src/transport/frame-writer.js'
import { certificateAuthority } from '../test/certificates.js'
import { median } from './common.js'

const ROUNDS = 3
const FRAMES = { bytes: 300, count: 50_000 }
const PIECES = { bytes: 64 * 1024, count: 1_000 }
const ROUND_TRIPS = 1_000

const environment = systemEnvironment()

/** Two ends: what one sends, the other one is told of. */
interface Pair {
  send(from: 0 | 1, frame: Frame, channel: Channel): boolean
  onFrame: (at: 0 | 1) => void
  close(): Promise<void>
}

const PAIRS: Readonly<Record<string, () => Promise<Pair>>> = {
  bare: bareSockets,
  memory: () => {
    const network = new MemoryNetwork()
    return joined((at) => network.transport(`place ${at}`, environment.timers))
  },
  tcp: () => joined(() => tcpTransport({ listen: '127.0.0.1:0', environment })),
  tls: () => joined(() => tcpTransport({ listen: '127.0.0.1:0', environment, tls })),
  http: () => joined(() => httpTransport({ listen: '127.0.0.1:0', environment })),
  https: () => joined(() => httpTransport({ listen: '127.0.0.1:0', environment, tls })),
}

const authority = certificateAuthority()
const tls = { ...authority.issue(), ca: authority.cert }

console.log(`Node ${process.version}, ${cpus()[0]?.model ?? 'unknown processor'}; median of ${ROUNDS} rounds\n`)
const figures = new Map(Object.keys(PAIRS).map((name) => [name, [[], [], []] as [number[], number[], number[]]]))
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, make] of Object.entries(PAIRS)) {
    const pair = await make()
    const measured = [
      (1000 * FRAMES.count) / (await burstMs(pair, 'main', FRAMES)),
      (PIECES.count * PIECES.bytes) / 1000 / (await burstMs(pair, 'bulk', PIECES)),
      (1000 * (await pingPongMs(pair))) / ROUND_TRIPS,
    ]
    await pair.close()
    // The first round is for the compiler.
    if (round > 0) measured.forEach((value, at) => figures.get(name)?.[at]?.push(value))
  }
}
const medians = new Map([...figures].map(([name, rows]) => [name, rows.map(median)]))
const [bareFrames = 1, bareBulk = 1, bareTrip = 1] = medians.get('bare') ?? []
const columns = ['frames/s', 'ratio', 'bulk MB/s', 'ratio', 'round trip µs', 'ratio']
console.log(['', ...columns].map((text) => text.padStart(14)).join(''))
for (const [name, [frames = 0, bulk = 0, trip = 0]] of medians) {
  const ratios = [frames / bareFrames, bulk / bareBulk, trip / bareTrip].map((ratio) => ratio.toFixed(2))
  const row = [name, frames.toFixed(0), ratios[0], bulk.toFixed(0), ratios[1], trip.toFixed(0), ratios[2]]
  console.log(row.map((text) => String(text).padStart(14)).join(''))
}

/** From the first frame sent to the last one received; what finds no room is sent again in a later turn. */
function burstMs(pair: Pair, channel: Channel, { bytes, count }: typeof FRAMES): Promise<number> {
  const frame = { kind: 1, bytes: new Uint8Array(bytes) }
  const startMs = performance.now()
  return new Promise((resolve) => {
    let [sent, received] = [0, 0]
    pair.onFrame = () => {
      if (++received === count) resolve(performance.now() - startMs)
    }
    const fill = (): void => {
      while (sent < count && pair.send(0, frame, channel)) sent++
      if (sent < count) setImmediate(fill)
    }
    fill()
  })
}

function pingPongMs(pair: Pair): Promise<number> {
  const frame = { kind: 1, bytes: new Uint8Array(FRAMES.bytes) }
  const startMs = performance.now()
  return new Promise((resolve) => {
    let trips = 0
    pair.onFrame = (at) => {
      if (at === 1) pair.send(1, frame, 'main')
      else if (++trips === ROUND_TRIPS) resolve(performance.now() - startMs)
      else pair.send(0, frame, 'main')
    }
    pair.send(0, frame, 'main')
  })
}

async function joined(make: (at: number) => Transport): Promise<Pair> {
  const ends = [make(0), make(1)] as const
  const pair: Pair = {
    send: (from, frame, channel) => ends[from].send(from === 0 ? 2 : 1, frame, channel),
    onFrame: () => undefined,
    close: async () => {
      await Promise.all(ends.map((end) => end.close()))
    },
  }
  const reachable = ends.map(
    (end, at) =>
      new Promise<void>((resolve) => {
        const handler = {
          onFrame: () => pair.onFrame(at as 0 | 1),
          onReachable: () => resolve(),
          onUnreachable: () => undefined,
        }
        void end.start({ clusterId: 7, memberId: at + 1 }, handler).then(() => {
          if (at === 1) introduce(ends)
        })
      }),
  )
  await Promise.all(reachable)
  return pair
}

function introduce(ends: readonly [Transport, Transport]): void {
  ends.forEach((end, at) => {
    const other = ends[at === 0 ? 1 : 0]
    const meet = (): void => {
      if (other.address === undefined) setImmediate(meet)
      else end.setPeers([{ id: at === 0 ? 2 : 1, address: other.address }])
    }
    meet()
  })
}

async function bareSockets(): Promise<Pair> {
  const server = createServer({ noDelay: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const accepted = new Promise<Socket>((resolve) => server.once('connection', resolve))
  const near = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', noDelay: true })
  const sockets = [near, await accepted] as const
  const counters = { framesSent: 0, framesDropped: 0 }
  const writers = sockets.map((socket) => {
    const outlet = {
      get full() {
        return socket.writableNeedDrain
      },
      write: (chunks: readonly Uint8Array[], done: (error?: Error | null) => void) => {
        socket.cork()
        chunks.forEach((chunk, at) => socket.write(chunk, at === chunks.length - 1 ? done : undefined))
        socket.uncork()
      },
    }
    const writer = new FrameWriter(outlet, { limits: LIMITS, timers: environment.timers, counters })
    socket.on('drain', () => writer.flush())
    return writer
  })
  const pair: Pair = {
    send: (from, frame) => writers[from]?.send(frame) ?? false,
    onFrame: () => undefined,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  sockets.forEach((socket, at) => {
    const sink = { onFrame: () => pair.onFrame(at as 0 | 1), onKeepalive: () => undefined }
    const parser = new FrameParser(LIMITS.frameBytesMax, sink)
    socket.on('data', (chunk: Buffer) => parser.push(chunk))
  })
  return pair
}
