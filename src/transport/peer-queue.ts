/**
 * The frames that wait for one peer, and how they are put together for the socket.
 *
 * Always: frames and bytes are bounded, and what the socket has not yet given to the kernel counts. A frame that finds
 * no room is dropped: the protocol above expects a network to lose frames and sends again what still matters, whereas a
 * queue that grows delivers late what nobody needs any more, and ends in a process without memory.
 * Always: a frame that was offered is reported exactly once, as sent or as dropped (see `done` and `clear`).
 *
 * Small frames of one turn are copied into one block and leave in one write: measured, that is ten times the throughput
 * of a write for each. Large ones are not copied.
 */
import { assert } from '../base/assert.js'
import { FRAME_OVERHEAD_BYTES, writeFrame, writeFrameHead } from './frame.js'
import type { Frame } from './transport.js'

/** A batch is closed once it is this long; at least one frame is in it. */
const BATCH_BYTES = 64 * 1024
/** A longer payload is written from where it lies. */
const COPIED_BYTES_MAX = 16 * 1024

export interface PeerQueueLimits {
  readonly peerQueueBytesMax: number
  readonly peerQueueFramesMax: number
}

/** Consecutive frames, ready to be written. */
export interface Batch {
  readonly chunks: readonly Uint8Array[]
  readonly frames: number
  readonly bytes: number
}

export class PeerQueue {
  readonly #limits: PeerQueueLimits
  #waiting: Frame[] = []
  /** Frames before this place were taken: an array is shifted only now and then. */
  #head = 0
  /** Waiting, or written and not yet accepted by the kernel. */
  #frames = 0
  #bytes = 0
  #waitingBytes = 0

  constructor(limits: PeerQueueLimits) {
    this.#limits = limits
  }

  /** Waiting, or written and not yet accepted by the kernel. */
  get frames(): number {
    return this.#frames
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Whether enough waits for a write of its own, before the turn is over. */
  get hasBatch(): boolean {
    return this.#waitingBytes >= BATCH_BYTES
  }

  /** False when there is no room: the frame is not queued. */
  offer(frame: Frame): boolean {
    const bytes = FRAME_OVERHEAD_BYTES + frame.bytes.byteLength
    if (this.#frames + 1 > this.#limits.peerQueueFramesMax) return false
    // One frame always fits, or a queue smaller than a frame would never let it pass.
    if (this.#frames > 0 && this.#bytes + bytes > this.#limits.peerQueueBytesMax) return false
    this.#waiting.push(frame)
    this.#frames++
    this.#bytes += bytes
    this.#waitingBytes += bytes
    return true
  }

  /** The next frames to write, undefined when none wait. Each batch is given back through {@link done}. */
  take(): Batch | undefined {
    const start = this.#head
    let end = start
    let bytes = 0
    let copiedBytes = 0
    while (end < this.#waiting.length && bytes < BATCH_BYTES) {
      const payloadBytes = (this.#waiting[end++] as Frame).bytes.byteLength
      bytes += FRAME_OVERHEAD_BYTES + payloadBytes
      copiedBytes += FRAME_OVERHEAD_BYTES + (payloadBytes > COPIED_BYTES_MAX ? 0 : payloadBytes)
    }
    if (end === start) return undefined
    const chunks = this.#assemble(start, end, copiedBytes)
    this.#forget(end)
    this.#waitingBytes -= bytes
    return { chunks, frames: end - start, bytes }
  }

  /** The kernel took the batch, or the connection it was written to is gone: its room is free. */
  done(batch: Batch): void {
    this.#frames -= batch.frames
    this.#bytes -= batch.bytes
    assert(this.#frames >= 0 && this.#bytes >= 0, 'a batch was given back twice')
  }

  /** Drops the frames that wait; returns how many. Batches already taken are still given back through {@link done}. */
  clear(): number {
    const dropped = this.#waiting.length - this.#head
    this.#frames -= dropped
    this.#bytes -= this.#waitingBytes
    this.#waitingBytes = 0
    this.#waiting = []
    this.#head = 0
    return dropped
  }

  #assemble(start: number, end: number, copiedBytes: number): Uint8Array[] {
    const block = Buffer.allocUnsafe(copiedBytes)
    const view = new DataView(block.buffer, block.byteOffset, block.byteLength)
    const chunks: Uint8Array[] = []
    let chunkStart = 0
    let at = 0
    for (let index = start; index < end; index++) {
      const frame = this.#waiting[index] as Frame
      if (frame.bytes.byteLength <= COPIED_BYTES_MAX) {
        at = writeFrame(block, view, at, frame)
        continue
      }
      writeFrameHead(view, at, frame)
      at += FRAME_OVERHEAD_BYTES
      chunks.push(block.subarray(chunkStart, at), frame.bytes)
      chunkStart = at
    }
    assert(at === copiedBytes, () => `a block of ${copiedBytes} bytes was filled with ${at}`)
    if (chunkStart < at) chunks.push(block.subarray(chunkStart, at))
    return chunks
  }

  #forget(end: number): void {
    if (end === this.#waiting.length) {
      this.#waiting = []
      this.#head = 0
    } else if (end > 1024) {
      this.#waiting = this.#waiting.slice(end)
      this.#head = 0
    } else {
      this.#head = end
    }
  }
}
