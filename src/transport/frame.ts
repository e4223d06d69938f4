/**
 * Frames on a byte stream (docs/WIRE-PROTOCOL.md).
 *
 *     | length u32 | checksum u32 | kind u8 | payload … |
 *                                 |<---- length ------->|
 *
 * A length of 0 is a keepalive: no kind, no payload. The checksum is the CRC-32 of kind and payload, started from the
 * inverted length, so that a changed length is found out too, and so that a run of zero bytes is not a keepalive.
 *
 * Always: the length is checked before anything is allocated for it, and memory grows only as bytes arrive: at most
 * twice what the peer has sent of a frame. Whoever announces 4 MiB and sends nothing costs nothing.
 * Always: a frame handed up owns its bytes or most of the memory they lie in. A view into the socket's chunk would let
 * one small frame, kept in the log, pin 64 KiB.
 *
 * After an error the stream cannot be read any further: there is no way to find the next frame.
 */
import { crc32 } from '../base/checksum.js'
import { StoreError } from '../base/errors.js'
import type { Frame } from './transport.js'

/** Length and checksum. */
const PREFIX_BYTES = 8
/** What a frame takes on the wire beyond its payload. */
export const FRAME_OVERHEAD_BYTES = PREFIX_BYTES + 1

/** The least that is set aside for a frame that comes in several chunks. */
const ASSEMBLY_BYTES_MIN = 4096

/** Writes the head of a frame (length, checksum, kind) at `at`; its payload is sent separately, uncopied. */
export function writeFrameHead(target: DataView, at: number, frame: Frame): void {
  const length = 1 + frame.bytes.byteLength
  target.setUint32(at, length)
  target.setUint8(at + PREFIX_BYTES, frame.kind)
  const head = new Uint8Array(target.buffer, target.byteOffset + at + PREFIX_BYTES, 1)
  target.setUint32(at + 4, crc32(frame.bytes, crc32(head, checksumStart(length))))
}

/** Writes a whole frame at `at` of `target`, of which `view` is the view; returns where it ends. */
export function writeFrame(target: Uint8Array, view: DataView, at: number, frame: Frame): number {
  const length = 1 + frame.bytes.byteLength
  const end = at + PREFIX_BYTES + length
  view.setUint32(at, length)
  view.setUint8(at + PREFIX_BYTES, frame.kind)
  target.set(frame.bytes, at + FRAME_OVERHEAD_BYTES)
  view.setUint32(at + 4, crc32(target.subarray(at + PREFIX_BYTES, end), checksumStart(length)))
  return end
}

/** One frame as bytes. */
export function encodeFrame(frame: Frame): Uint8Array {
  const target = new Uint8Array(FRAME_OVERHEAD_BYTES + frame.bytes.byteLength)
  writeFrame(target, new DataView(target.buffer), 0, frame)
  return target
}

/** "I am here": sent by the dialler now and then, and sent back by the other side. */
export function encodeKeepalive(): Uint8Array {
  const target = new Uint8Array(PREFIX_BYTES)
  new DataView(target.buffer).setUint32(4, checksumStart(0))
  return target
}

/** What a parser found. */
export interface FrameSink {
  onFrame(frame: Frame): void
  onKeepalive(): void
}

/** Finds the frames in a stream of bytes that arrives in chunks of any size. */
export class FrameParser {
  readonly #payloadBytesMax: number
  readonly #sink: FrameSink
  /** The part of a prefix that has arrived, when a chunk ended inside it. */
  readonly #prefix = new Uint8Array(PREFIX_BYTES)
  #prefixBytes = 0
  /** The frame under way whose body did not come in one chunk. */
  #assembly: Assembly | undefined
  #stopped = false

  constructor(payloadBytesMax: number, sink: FrameSink) {
    this.#payloadBytesMax = payloadBytesMax
    this.#sink = sink
  }

  /** Bytes set aside for the frame under way. */
  get reservedBytes(): number {
    return this.#assembly?.bytes.byteLength ?? 0
  }

  /** Nothing is handed up any more, not even the rest of the chunk being parsed. */
  stop(): void {
    this.#stopped = true
    this.#assembly = undefined
  }

  /** Takes the next chunk. Throws `MALFORMED` or `FRAME_TOO_LARGE`, after which the parser is stopped. */
  push(chunk: Uint8Array): void {
    const view = new DataView(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    let at = 0
    while (!this.#stopped && at < chunk.byteLength) {
      if (this.#assembly !== undefined) {
        at += this.#assemble(this.#assembly, chunk.subarray(at))
      } else if (this.#prefixBytes === 0 && chunk.byteLength - at >= PREFIX_BYTES) {
        at = this.#parseBody(chunk, at + PREFIX_BYTES, view.getUint32(at), view.getUint32(at + 4))
      } else {
        this.#prefix[this.#prefixBytes++] = chunk[at++] as number
        if (this.#prefixBytes < PREFIX_BYTES) continue
        this.#prefixBytes = 0
        const prefix = new DataView(this.#prefix.buffer)
        at = this.#parseBody(chunk, at, prefix.getUint32(0), prefix.getUint32(4))
      }
    }
  }

  /** The body of a frame starts at `at`; returns the place behind what was used of the chunk. */
  #parseBody(chunk: Uint8Array, at: number, length: number, checksum: number): number {
    if (length > this.#payloadBytesMax + 1) {
      throw this.#failed('FRAME_TOO_LARGE', `a frame of ${length - 1} bytes, ${this.#payloadBytesMax} are allowed`)
    }
    if (length === 0) {
      if (checksum !== checksumStart(0)) throw this.#failed('MALFORMED', 'a keepalive with a wrong checksum')
      this.#sink.onKeepalive()
      return at
    }
    if (length <= chunk.byteLength - at) {
      const end = at + length
      this.#check(chunk.subarray(at, end), checksum)
      const payload = chunk.subarray(at + 1, end)
      // At least half of the memory behind a view is the frame's own; anything smaller is worth its copy.
      const owned = length * 2 >= chunk.buffer.byteLength ? payload : copyOf(payload)
      this.#sink.onFrame({ kind: chunk[at] as number, bytes: owned })
      return end
    }
    this.#assembly = { length, checksum, bytes: new Uint8Array(0), filled: 0 }
    return at
  }

  /** Adds to the frame under way, and hands it up when it is whole. Returns how many bytes it took. */
  #assemble(assembly: Assembly, chunk: Uint8Array): number {
    const taken = Math.min(assembly.length - assembly.filled, chunk.byteLength)
    const needed = assembly.filled + taken
    if (needed > assembly.bytes.byteLength) {
      const grown = Buffer.allocUnsafeSlow(Math.min(assembly.length, Math.max(ASSEMBLY_BYTES_MIN, needed * 2)))
      grown.set(assembly.bytes.subarray(0, assembly.filled))
      assembly.bytes = grown
    }
    assembly.bytes.set(chunk.subarray(0, taken), assembly.filled)
    assembly.filled = needed
    if (needed === assembly.length) {
      this.#assembly = undefined
      this.#check(assembly.bytes, assembly.checksum)
      this.#sink.onFrame({ kind: assembly.bytes[0] as number, bytes: assembly.bytes.subarray(1) })
    }
    return taken
  }

  #check(body: Uint8Array, checksum: number): void {
    if (crc32(body, checksumStart(body.byteLength)) !== checksum) {
      throw this.#failed('MALFORMED', `a frame of ${body.byteLength - 1} bytes with a wrong checksum`)
    }
  }

  #failed(code: 'MALFORMED' | 'FRAME_TOO_LARGE', why: string): StoreError {
    this.stop()
    return new StoreError(code, `The peer sent ${why}.`)
  }
}

interface Assembly {
  /** Of the body: kind and payload. */
  readonly length: number
  readonly checksum: number
  bytes: Uint8Array
  filled: number
}

function checksumStart(length: number): number {
  return ~length >>> 0
}

/** Not `Buffer.from`: its pool would be shared with whatever else lives in the process. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}
