/**
 * How a state gets from one member to another: frames of a transfer, which its receiver pulls piece by piece.
 *
 *     leader                                  member
 *       | <------------------- request -------- |   (only where its own state is damaged)
 *       | -------- offer 17 ------------------> |
 *       | <-------------- pull 17, 0 to 8 ----- |   the snapshot is begun
 *       | -------- piece 17, 0 ... ------------> |
 *       | <-------------- pull 17, 3 to 11 ---- |   all before 3 is here
 *       | -------- piece 17, 40, the last -----> |
 *       | <-------------- done 17 ------------- |   received and verified, or refused
 *
 * Always: each frame but a request names its transfer, so that what comes late, of another one, is nobody's.
 * Always: decoding fails with `MALFORMED` only, and what it returns is within the limits of a piece and of a window.
 */
import { assertNever } from '../../base/assert.js'
import { Reader, Writer } from '../../base/codec.js'
import { LIMITS } from '../../base/limits.js'
import { decodeConfiguration, encodeConfiguration } from '../../raft/confchange/codec.js'
import type { CompleteConfiguration } from '../../raft/configuration.js'
import type { Index, Term } from '../../raft/types.js'

export type TransferFrame =
  /** Member to leader: "I need a state, at least at this index." */
  | { readonly type: 'request'; readonly minimumIndex: Index }
  /** Leader to member: "I have a state for you." */
  | { readonly type: 'offer'; readonly transfer: number; readonly term: Term }
  /** Member to leader: "All pieces before `next` are here; send those before `through`." */
  | { readonly type: 'pull'; readonly transfer: number; readonly next: number; readonly through: number }
  | TransferPiece
  /** Member to leader: how it ended. */
  | { readonly type: 'done'; readonly transfer: number; readonly outcome: TransferOutcome }
  /** Leader to member: nothing more of this transfer comes. */
  | { readonly type: 'failed'; readonly transfer: number }

/** The whole was received and verified; it is not wanted; or all of it came, and is no state of a member. */
export type TransferOutcome = 'received' | 'refused' | 'damaged'

const OUTCOMES: readonly TransferOutcome[] = ['refused', 'received', 'damaged']

export interface TransferPiece {
  readonly type: 'piece'
  readonly transfer: number
  /** The first one has the number 0. */
  readonly number: number
  readonly bytes: Uint8Array
  /** With the last piece: who belonged to the cluster at the position of the snapshot. */
  readonly configuration: CompleteConfiguration | undefined
}

const CODES: Record<TransferFrame['type'], number> = { request: 1, offer: 2, pull: 3, piece: 4, done: 5, failed: 6 }
const TYPES = new Map(Object.entries(CODES).map(([type, code]) => [code, type as TransferFrame['type']]))

const NO_DATA = new Uint8Array(0)
/** As in a Raft message. */
const POSITION_MAX = 2 ** 48

export function encodeTransfer(frame: TransferFrame): Uint8Array {
  const writer = new Writer(frame.type === 'piece' ? 64 + frame.bytes.byteLength : 32).uint8(CODES[frame.type])
  switch (frame.type) {
    case 'request':
      return writer.uint53(frame.minimumIndex).finish()
    case 'offer':
      return writer.uint53(frame.transfer).uint53(frame.term).finish()
    case 'pull':
      return writer.uint53(frame.transfer).uint53(frame.next).uint53(frame.through).finish()
    case 'piece': {
      const { transfer, number, bytes, configuration } = frame
      writer
        .uint53(transfer)
        .uint53(number)
        .boolean(configuration !== undefined)
      if (configuration !== undefined) writer.bytes(encodeConfiguration({ configuration, data: NO_DATA }))
      return writer.bytes(bytes).finish()
    }
    case 'done':
      return writer.uint53(frame.transfer).uint8(OUTCOMES.indexOf(frame.outcome)).finish()
    case 'failed':
      return writer.uint53(frame.transfer).finish()
    default:
      return assertNever(frame, 'frame of a transfer')
  }
}

/** The bytes of a piece are a view into `bytes`. */
export function decodeTransfer(bytes: Uint8Array): TransferFrame {
  const reader = new Reader(bytes, 'a frame of a transfer')
  const code = reader.uint8()
  const type = TYPES.get(code)
  if (type === undefined) throw reader.malformed(`unknown frame ${code} of a transfer`)
  const frame = decodeBody(reader, type)
  reader.end()
  return frame
}

function decodeBody(reader: Reader, type: TransferFrame['type']): TransferFrame {
  switch (type) {
    case 'request':
      return { type, minimumIndex: position(reader) }
    case 'offer':
      return { type, transfer: reader.uint53(), term: position(reader) }
    case 'pull': {
      const pull = { type, transfer: reader.uint53(), next: reader.uint53(), through: reader.uint53() }
      const wanted = pull.through - pull.next
      if (wanted < 0 || wanted > LIMITS.transferWindowPieces)
        throw reader.malformed(`${wanted} pieces are pulled at once`)
      return pull
    }
    case 'piece':
      return decodePiece(reader)
    case 'done':
      return { type, transfer: reader.uint53(), outcome: outcome(reader) }
    case 'failed':
      return { type, transfer: reader.uint53() }
    default:
      return assertNever(type, 'type of a frame')
  }
}

function decodePiece(reader: Reader): TransferPiece {
  const transfer = reader.uint53()
  const number = reader.uint53()
  const configuration = reader.boolean() ? decodeConfiguration(reader.bytes()).configuration : undefined
  const bytes = reader.bytes()
  if (bytes.byteLength > LIMITS.transferPieceBytes) throw reader.malformed(`a piece of ${bytes.byteLength} bytes`)
  return { type: 'piece', transfer, number, bytes, configuration }
}

function outcome(reader: Reader): TransferOutcome {
  const code = reader.uint8()
  const found = OUTCOMES[code]
  if (found === undefined) throw reader.malformed(`unknown outcome ${code}`)
  return found
}

/** A term or an index. */
function position(reader: Reader): number {
  const value = reader.uint53()
  if (value > POSITION_MAX) throw reader.malformed(`${value} for a term or an index`)
  return value
}
