/**
 * One socket, whoever dialled: it ends once, and says why.
 *
 * Always: an 'error' event of the socket becomes the reason of the end, never an uncaught exception, even when it comes
 * after the end. After `close` nothing is reported any more and no timer is left.
 * Not here: what the bytes mean (frame.ts, handshake.ts), and who dials again (tcp-link.ts).
 */
import type { Socket } from 'node:net'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import { remoteOf } from './remote-of.js'
import { SilenceWatch } from './silence-watch.js'

export interface ConnectionOptions {
  readonly clock: Clock
  readonly timers: Timers
  onBytes(chunk: Uint8Array): void
  /** The socket can take more, after `write` returned false. */
  onDrain?(): void
  /** Called once, unless `close` came first. A throw of `onBytes` of ours ends here too. */
  onEnd(reason: Error): void
}

export class TcpConnection {
  readonly #socket: Socket
  readonly #options: ConnectionOptions
  readonly #silence: SilenceWatch
  #deadline: Cancel | undefined
  #takenBytes = 0
  #heard = false
  #ended = false

  constructor(socket: Socket, options: ConnectionOptions) {
    this.#socket = socket
    this.#options = options
    this.#silence = new SilenceWatch(options, (reason) => this.#end(reason))
    socket.on('error', (error) => this.#end(error))
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('drain', () => {
      if (!this.#ended) options.onDrain?.()
    })
    // The other side writes no more: then it does not listen to us either, as we never half-close.
    socket.on('end', () => this.#end(new Error('The other side closed the connection.')))
    socket.on('close', () => this.#end(new Error('The connection was closed.')))
  }

  get ended(): boolean {
    return this.#ended
  }

  /** Where the other side is, for the log. */
  get remote(): string {
    return remoteOf(this.#socket)
  }

  /** Bytes written that the kernel has not taken. */
  get unsentBytes(): number {
    return this.#socket.writableLength
  }

  /** Bytes written that the kernel has taken. */
  get takenBytes(): number {
    return this.#takenBytes
  }

  /** Whether anything came at all. */
  get heard(): boolean {
    return this.#heard
  }

  /** Since the last byte came. */
  get silentMs(): number {
    return this.#silence.silentMs
  }

  /** Whether to wait for `onDrain` before writing more. */
  get full(): boolean {
    return this.#socket.writableNeedDrain
  }

  /** Writes the chunks in one go; `done` is called once when the kernel has taken them, or will not. */
  write(chunks: readonly Uint8Array[], done?: (error: Error | null | undefined) => void): void {
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)
    const taken = (error: Error | null | undefined): void => {
      if (!error) this.#takenBytes += bytes
      done?.(error)
    }
    this.#socket.cork()
    chunks.forEach((chunk, at) => {
      this.#socket.write(chunk, at === chunks.length - 1 ? taken : undefined)
    })
    this.#socket.uncork()
  }

  /** Ends the connection with this reason unless {@link settle} is called in time. */
  deadline(afterMs: number, reason: () => Error): void {
    this.settle()
    this.#deadline = this.#options.timers.after(afterMs, () => this.#end(reason()))
  }

  settle(): void {
    this.#deadline?.()
  }

  /** Ends the connection once no byte has come for `silentMsMax`. */
  watchSilence(silentMsMax: number): void {
    this.#silence.watch(silentMsMax)
  }

  /** A last word, then the end: for a refusal. What the other side still says is ignored. */
  closeAfter(bytes: Uint8Array): void {
    if (this.#ended) return
    this.#ended = true
    this.#stopTimers()
    // A peer that never reads must not keep the socket: what does not fit the kernel's empty buffer at once is given up.
    this.#socket.end(bytes, () => this.#socket.destroy())
    if (this.#socket.writableLength > 0) this.#socket.destroy()
  }

  /** The last words, for whoever reads them before the deadline; then the other side closes. */
  finish(bytes: Uint8Array): void {
    if (!this.#ended) this.#socket.end(bytes)
  }

  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#stopTimers()
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return
    this.#heard = true
    this.#silence.heard()
    this.#options.onBytes(chunk)
  }

  /** For what the bytes turn out to be: ends with a reason that is reported. */
  fail(reason: Error): void {
    this.#end(reason)
  }

  #end(reason: Error): void {
    if (this.#ended) return
    this.close()
    this.#options.onEnd(reason)
  }

  #stopTimers(): void {
    this.#deadline?.()
    this.#silence.stop()
  }
}
