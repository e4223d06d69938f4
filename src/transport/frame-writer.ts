/**
 * Frames on their way out of one connection that stands: those of one turn of the event loop leave together, and no more is
 * written than the outlet takes.
 *
 * Always: each frame is counted once, as sent when the kernel has it, otherwise as dropped.
 */
import type { Cancel, Timers } from '../base/clock.js'
import { PeerQueue } from './peer-queue.js'
import type { PeerQueueLimits } from './peer-queue.js'
import type { Frame } from './transport.js'

/** What frames are written to. */
export interface FrameOutlet {
  /** Whether to wait for {@link FrameWriter.flush} before writing more. */
  readonly full: boolean
  /** Writes the chunks in one go; `done` is called once when the kernel has taken them, or will not. */
  write(chunks: readonly Uint8Array[], done: (error?: Error | null) => void): void
}

export interface FrameWriterOptions {
  readonly limits: PeerQueueLimits
  readonly timers: Timers
  readonly counters: { framesSent: number; framesDropped: number }
}

export class FrameWriter {
  readonly #outlet: FrameOutlet
  readonly #options: FrameWriterOptions
  readonly #queue: PeerQueue
  #flush: Cancel | undefined
  #closed = false

  constructor(outlet: FrameOutlet, options: FrameWriterOptions) {
    this.#outlet = outlet
    this.#options = options
    this.#queue = new PeerQueue(options.limits)
  }

  /** False when there is no room: the frame is dropped, and counted. */
  send(frame: Frame): boolean {
    if (this.#closed || !this.#queue.offer(frame)) {
      this.#options.counters.framesDropped++
      return false
    }
    if (this.#queue.hasBatch) this.flush()
    this.#flush ??= this.#options.timers.soon(() => {
      this.#flush = undefined
      this.flush()
    })
    return true
  }

  /** Writes what waits, until the outlet has enough. To be called when it has drained. */
  flush(): void {
    while (!this.#closed && !this.#outlet.full) {
      const batch = this.#queue.take()
      if (batch === undefined) return
      this.#outlet.write(batch.chunks, (error) => {
        // What was being written when the writer was closed has been counted.
        if (this.#closed) return
        this.#queue.done(batch)
        if (error) this.#options.counters.framesDropped += batch.frames
        else this.#options.counters.framesSent += batch.frames
      })
    }
  }

  /** What waits or was not taken by the kernel is dropped: later it would be stale. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#flush?.()
    this.#options.counters.framesDropped += this.#queue.frames
  }
}
