/**
 * A stream that a peer asked us for: our frames go to it in the body of a response that has no end.
 *
 * Always: nothing is read from the peer behind its request, so that a peer that is gone shows only by its connection, by
 * bytes that do not leave, or by its own stream to us falling silent (http-peer.ts): then this one is dropped, too.
 */
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Cancel } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { encodeKeepalive } from './frame.js'
import { FrameWriter } from './frame-writer.js'
import type { HttpContext } from './http-options.js'
import { BYTES_HEAD } from './http-response.js'
import { StallWatch } from './stall-watch.js'
import type { Frame } from './transport.js'

const KEEPALIVE = encodeKeepalive()

export interface HttpSenderOptions {
  readonly response: ServerResponse
  /** Of the process that asked for it. */
  readonly life: number | undefined
  /** Of the head, beside what every stream has. */
  readonly headers: Readonly<Record<string, string>>
  /** The stream is gone, for a reason other than `close`. */
  onEnd(reason: Error): void
}

export class HttpSender {
  readonly #context: HttpContext
  readonly #options: HttpSenderOptions
  readonly #socket: Socket
  readonly #writer: FrameWriter
  readonly #stall = new StallWatch()
  #takenBytes = 0
  #keepalive: Cancel | undefined
  #ended = false

  constructor(context: HttpContext, options: HttpSenderOptions) {
    const { response, headers } = options
    this.#context = context
    this.#options = options
    this.#socket = response.req.socket
    this.#writer = new FrameWriter(
      {
        get full() {
          return response.writableNeedDrain
        },
        write: (chunks, done) => this.#write(chunks, done),
      },
      { limits: context.limits, timers: context.environment.timers, counters: context.counters },
    )
    response.on('drain', () => this.#writer.flush())
    response.on('error', (error) => this.#end(error))
    response.on('close', () => this.#end(new Error('The other side closed the stream.')))
    // The server lets a response go on when the caller has ended its side. No caller of ours does that and goes on reading.
    this.#socket.once('end', this.#onHalfClose)
    this.#socket.setNoDelay(true)
    this.#socket.setKeepAlive(true)
    // No proxy on the way may gather the stream before it passes it on, or ask why it takes so long.
    response.writeHead(200, { ...BYTES_HEAD, 'X-Accel-Buffering': 'no', ...headers })
    response.flushHeaders()
    this.#scheduleKeepalive()
  }

  get life(): number | undefined {
    return this.#options.life
  }

  send(frame: Frame): boolean {
    return this.#writer.send(frame)
  }

  /** With a report. */
  fail(reason: Error): void {
    this.#end(reason)
  }

  /** Without a report. */
  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#keepalive?.()
    this.#writer.close()
    this.#socket.removeListener('end', this.#onHalfClose)
    // The connection was for this stream alone; what is still to leave would be stale.
    this.#options.response.destroy()
  }

  readonly #onHalfClose = (): void => {
    this.#end(new Error('The other side closed the connection.'))
  }

  #end(reason: Error): void {
    if (this.#ended) return
    this.close()
    this.#options.onEnd(reason)
  }

  #write(chunks: readonly Uint8Array[], done?: (error?: Error | null) => void): void {
    const { response } = this.#options
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
    const taken = (error?: Error | null): void => {
      if (!error) this.#takenBytes += bytes
      done?.(error)
    }
    chunks.forEach((chunk, at) => {
      response.write(chunk, at === chunks.length - 1 ? taken : undefined)
    })
  }

  #scheduleKeepalive(): void {
    const { environment, limits } = this.#context
    const { peerKeepaliveMs, peerStallMsMax } = limits
    this.#keepalive = environment.timers.after(peerKeepaliveMs, () => {
      const unsentBytes = this.#options.response.writableLength
      const stalledMs = peerKeepaliveMs * this.#stall.look(unsentBytes, this.#takenBytes)
      if (stalledMs >= peerStallMsMax) {
        const reason = `It took none of ${unsentBytes} bytes that wait for it in ${stalledMs} ms.`
        return this.#end(new StoreError('TIMEOUT', reason))
      }
      // Behind bytes that do not leave it would tell nothing new.
      if (unsentBytes === 0) this.#write([KEEPALIVE])
      this.#scheduleKeepalive()
    })
  }
}
