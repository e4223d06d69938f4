/** HTTP/2 as no library would speak it: frames by hand, for what a hostile client sends. */
import { connect, type Socket } from 'node:net'

export const FRAME = {
  ...{ data: 0, headers: 1, priority: 2, resetStream: 3, settings: 4, pushPromise: 5 },
  ...{ ping: 6, goAway: 7, windowUpdate: 8, continuation: 9 },
} as const
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 } as const

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = new Uint8Array(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** A block of headers, each by its letters (RFC 7541 6.2.2). */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(
    Object.entries(headers).flatMap(([name, value]) => [
      Buffer.of(0, name.length),
      Buffer.from(name),
      Buffer.of(value.length),
      Buffer.from(value),
    ]),
  )
}

export function callHeaders(path: string): Buffer {
  return headerBlock({
    ...{ ':method': 'POST', ':scheme': 'http', ':path': path, ':authority': 'localhost' },
    ...{ 'content-type': 'application/grpc', te: 'trailers' },
  })
}

/** A message as gRPC frames it. */
export function grpcMessage(bytes: Uint8Array, compressed = false, announcedBytes = bytes.length): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt8(compressed ? 1 : 0)
  head.writeUInt32BE(announcedBytes, 1)
  return Buffer.concat([head, bytes])
}

export class RawHttp2 {
  readonly socket: Socket
  /** Resolves when the connection is no more. */
  readonly closed: Promise<void>

  private constructor(socket: Socket) {
    this.socket = socket
    this.closed = new Promise((resolve) => socket.on('close', () => resolve()))
    socket.on('error', () => undefined)
    socket.resume()
  }

  /** Connected, greeted, and with settings of its own acknowledged by nobody yet. */
  static async connect(target: string): Promise<RawHttp2> {
    const { hostname, port } = new URL(`http://${target}`)
    const socket = connect(Number(port), hostname)
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    const raw = new RawHttp2(socket)
    socket.write(PREFACE)
    socket.write(frame(FRAME.settings, 0, 0))
    return raw
  }

  /** Sends it all, as far as the other side takes it; resolves also when it closes the connection instead. */
  async send(frames: Iterable<Buffer>): Promise<void> {
    for (const each of frames) {
      if (this.socket.destroyed || !this.socket.writable) return
      if (this.socket.write(each)) continue
      await Promise.race([this.closed, new Promise((resolve) => this.socket.once('drain', resolve))])
    }
  }

  destroy(): void {
    this.socket.destroy()
  }
}

/** So many frames at a time, each as `of` makes it by its number, in pieces that are written at once. */
export function* many(count: number, of: (nth: number) => Buffer): Generator<Buffer> {
  const together = 500
  for (let from = 0; from < count; from += together) {
    yield Buffer.concat(Array.from({ length: Math.min(together, count - from) }, (_, at) => of(from + at)))
  }
}
