/** What `scripts/fuzz-capture.ts` recorded of a real cluster, and what is inside of it. */
import { readdirSync, readFileSync } from 'node:fs'
import { LIMITS } from '../../src/base/limits.js'
import { FRAME_KIND } from '../../src/member/wire/frame-kind.js'
import { decodeMessage } from '../../src/member/wire/raft-codec.js'
import type { Entry } from '../../src/raft/types.js'
import { FrameParser } from '../../src/transport/frame.js'
import type { Frame } from '../../src/transport/transport.js'
import { handshakeEnd } from './mend.js'

export interface Corpus {
  /** What diallers and listeners of TCP said, from their first word on. */
  readonly diallers: readonly Uint8Array[]
  readonly listeners: readonly Uint8Array[]
  /** The frames in it. */
  readonly frames: readonly Frame[]
  /** What stands in frames of each kind. */
  readonly payloads: Readonly<Record<'raft' | 'propose' | 'call' | 'reply' | 'transfer', readonly Uint8Array[]>>
  /** Those of the appends. */
  readonly entries: readonly Entry[]
  /** What who dials with TLS says first. */
  readonly clientHello: Uint8Array
  readonly highWater: Uint8Array
  readonly snapshot: Uint8Array
}

/** `folder`: test/testdata/fuzz. */
export function readCorpus(folder: string): Corpus {
  const files = readdirSync(folder).sort()
  const read = (name: string): Uint8Array => Uint8Array.from(readFileSync(`${folder}/${name}`))
  const all = (prefix: string): Uint8Array[] => files.filter((name) => name.startsWith(prefix)).map(read)
  const diallers = all('tcp-dialler')
  const frames = diallers.flatMap(framesOf)
  const of = (kind: number): Uint8Array[] => distinct(frames.filter((frame) => frame.kind === kind))
  const { raft, propose, call, reply, transfer } = FRAME_KIND
  const payloads = { raft: of(raft), propose: of(propose), call: of(call), reply: of(reply), transfer: of(transfer) }
  const entries = payloads.raft.flatMap((bytes) => {
    const message = decodeMessage(bytes, 1, 2)
    return message.type === 'append' ? message.entries : []
  })
  return {
    diallers,
    listeners: all('tcp-listener'),
    frames,
    payloads,
    entries,
    clientHello: read('tls-client-hello.bin'),
    highWater: read('high-water.bin'),
    snapshot: read('snapshot.bin'),
  }
}

/** Behind the hello; the last one may be cut off. */
function framesOf(stream: Uint8Array): Frame[] {
  const frames: Frame[] = []
  const parser = new FrameParser(LIMITS.frameBytesMax, {
    onFrame: (frame) => frames.push(frame),
    onKeepalive: () => undefined,
  })
  parser.push(stream.subarray(handshakeEnd(stream, 'hello')))
  return frames
}

/** One of each length: heartbeats differ in a number. */
function distinct(frames: readonly Frame[]): Uint8Array[] {
  return [...new Map(frames.map(({ bytes }) => [bytes.byteLength, Uint8Array.from(bytes)])).values()]
}
