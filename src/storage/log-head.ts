/**
 * The log's head: the one record that is written with every batch of the log, in the same atomic write (docs/DATA-FORMAT.md).
 *
 * It holds the hard state (term and vote) and both ends of the log, so that the entry records found on disk can be
 * checked against what there must be. `generation` counts the writes of the log: which of two heads is newer cannot be
 * read off the last index, since the newest write may have been a truncation.
 *
 * What else must change together with the log stands here too, since one write of the head is the one moment at which
 * everything can change: whether the promises are lost, and which of two databases holds the state (state-slots.ts).
 */
import { crc32 } from '../base/checksum.js'
import { Reader, Writer } from '../base/codec.js'
import type { HardState, LogPosition, Promises } from '../raft/types.js'
import type { StateSlot } from './disk.js'

const VERSION = 2
/** In version 1 the flags are missing: promises are kept, and the state is in the first slot. */
const VERSION_WITHOUT_FLAGS = 1

const RECORD_BYTES = 78
const PROMISES_LOST = 1
const SECOND_SLOT = 2
const AWAITS_STATE = 4
const JOINED = 8

export const LOG_HEAD_KEY = 'h'

/** A position with the chain of checksums up to and with the entry there. */
export interface ChainedPosition extends LogPosition {
  readonly chain: number
}

export interface LogHead {
  /** Grows by one with each write of the log; starts at 1. */
  readonly generation: number
  /** Grows by one with each open: no two runs of this member share one (at-most-once origins). */
  readonly incarnation: number
  readonly hardState: HardState
  /** The last entry that was trimmed; the first record starts behind it. */
  readonly base: ChainedPosition
  /** The last entry; equal to `base` in a log without entries. */
  readonly last: ChainedPosition
  readonly promises: Promises
  /** The database that holds the state. */
  readonly slot: StateSlot
  /**
   * It was given up or lost, and this log does not bring it back: until another one is received, or entries of the leader
   * have made up for it.
   */
  readonly awaitsState: boolean
  /** It was made for a member that was added to a cluster: before anything in it says so, nobody votes as far as it knows. */
  readonly joined: boolean
}

export function encodeLogHead(head: LogHead): Uint8Array {
  const writer = new Writer(RECORD_BYTES).uint8(VERSION).uint53(head.generation).uint53(head.incarnation)
  writer.uint53(head.hardState.term).uint53(head.hardState.vote)
  for (const end of [head.base, head.last]) writer.uint53(end.index).uint53(end.term).uint32(end.chain)
  writer.uint8(encodeFlags(head) | (head.awaitsState ? AWAITS_STATE : 0) | (head.joined ? JOINED : 0))
  return writer.uint32(crc32(writer.written())).finish()
}

/** Rejects with `MALFORMED`. */
export function decodeLogHead(bytes: Uint8Array): LogHead {
  const reader = new Reader(bytes, 'the log head')
  const version = reader.uint8()
  const generation = reader.uint53()
  const incarnation = reader.uint53()
  const hardState = { term: reader.uint53(), vote: reader.uint53() }
  const base = { index: reader.uint53(), term: reader.uint53(), chain: reader.uint32() }
  const last = { index: reader.uint53(), term: reader.uint53(), chain: reader.uint32() }
  const flags = version === VERSION_WITHOUT_FLAGS ? 0 : reader.uint8()
  const checked = bytes.byteLength - reader.remaining
  if (reader.uint32() !== crc32(bytes.subarray(0, checked))) throw reader.malformed('its checksum is wrong')
  if (version !== VERSION && version !== VERSION_WITHOUT_FLAGS)
    throw reader.malformed(`record version ${version} is unknown`)
  reader.end()
  const awaitsState = (flags & AWAITS_STATE) !== 0
  const joined = (flags & JOINED) !== 0
  const decoded = decodeFlags(flags & ~(AWAITS_STATE | JOINED))
  if (decoded === undefined) throw reader.malformed(`its flags ${flags} are unknown`)
  return { generation, incarnation, hardState, base, last, ...decoded, awaitsState, joined }
}

export function encodeFlags({ promises, slot }: Pick<LogHead, 'promises' | 'slot'>): number {
  return (promises === 'lost' ? PROMISES_LOST : 0) | (slot === 'state-2' ? SECOND_SLOT : 0)
}

/** Those that the high-water file has too. Undefined for flags that this version does not know. */
export function decodeFlags(flags: number): Pick<LogHead, 'promises' | 'slot'> | undefined {
  if ((flags & ~(PROMISES_LOST | SECOND_SLOT)) !== 0) return undefined
  return {
    promises: (flags & PROMISES_LOST) === 0 ? 'kept' : 'lost',
    slot: (flags & SECOND_SLOT) === 0 ? 'state' : 'state-2',
  }
}
