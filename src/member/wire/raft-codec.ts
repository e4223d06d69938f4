/**
 * Raft messages as bytes. Sender and receiver are not in them: the transport knows both, and a message that names
 * another sender could otherwise be forged.
 *
 * Always: decoding fails with `MALFORMED` only, and what it returns satisfies the types, so that the core may rely on
 * them: indexes follow each other, terms of entries do not fall and are not above the message's.
 */
import { assertNever } from '../../base/assert.js'
import { Reader, Writer } from '../../base/codec.js'
import { LIMITS } from '../../base/limits.js'
import type { Message, MessageType, Recovering } from '../../raft/message.js'
import type { Entry, EntryKind, NodeId } from '../../raft/types.js'

const MESSAGE_CODES: Record<MessageType, number> = {
  'pre-vote': 1,
  'pre-vote-reply': 2,
  vote: 3,
  'vote-reply': 4,
  append: 5,
  'append-accepted': 6,
  'append-rejected': 7,
  heartbeat: 8,
  'heartbeat-reply': 9,
  'read-index': 10,
  'read-index-reply': 11,
  'timeout-now': 16,
  recovering: 17,
  recovered: 18,
}
const MESSAGE_TYPES = new Map(Object.entries(MESSAGE_CODES).map(([type, code]) => [code, type as MessageType]))

const ENTRY_CODES: Record<EntryKind, number> = { normal: 1, noop: 2, configuration: 3 }
const ENTRY_KINDS = new Map(Object.entries(ENTRY_CODES).map(([kind, code]) => [code, kind as EntryKind]))
/** Term, kind and length of an entry without data. */
const ENTRY_BYTES_MIN = 13

/** Type and term. */
const ENVELOPE_BYTES = 9
/** What follows them, an append's entries aside: exactly, so that nothing is copied or cut to size; a longer one grows. */
const BODY_BYTES: Record<MessageType, number> = {
  'pre-vote': 16,
  'pre-vote-reply': 1,
  vote: 17,
  'vote-reply': 1,
  append: 28,
  'append-accepted': 8,
  'append-rejected': 24,
  heartbeat: 16,
  'heartbeat-reply': 8,
  'read-index': 8,
  'read-index-reply': 16,
  'timeout-now': 0,
  recovering: 17,
  recovered: 16,
}

export function encodeMessage(message: Message): Uint8Array {
  const entryBytes = message.type === 'append' ? appendBytes(message.entries) : 0
  const writer = new Writer(ENVELOPE_BYTES + BODY_BYTES[message.type] + entryBytes)
  writer.uint8(MESSAGE_CODES[message.type]).uint53(message.term)
  switch (message.type) {
    case 'pre-vote':
      writer.uint53(message.lastIndex).uint53(message.lastTerm)
      break
    case 'vote':
      writer
        .uint53(message.lastIndex)
        .uint53(message.lastTerm)
        .boolean(message.forced === true)
      break
    case 'pre-vote-reply':
    case 'vote-reply':
      writer.boolean(message.granted)
      break
    case 'append':
      writer.uint53(message.previousIndex).uint53(message.previousTerm).uint53(message.commit)
      writer.uint32(message.entries.length)
      for (const entry of message.entries) {
        writer.uint53(entry.term).uint8(ENTRY_CODES[entry.kind]).bytes(entry.data)
      }
      break
    case 'append-accepted':
      writer.uint53(message.matchIndex)
      break
    case 'append-rejected':
      writer.uint53(message.previousIndex).uint53(message.hintIndex).uint53(message.hintTerm)
      break
    case 'heartbeat':
      writer.uint53(message.commit).uint53(message.round)
      break
    case 'heartbeat-reply':
      writer.uint53(message.round)
      break
    case 'read-index':
      writer.uint53(message.requestId)
      break
    case 'read-index-reply':
      writer.uint53(message.requestId).uint53(message.index)
      break
    case 'recovering':
      writer.uint53(message.recoveryId)
      encodeAnswer(writer, message.answer)
      break
    case 'recovered':
      writer.uint53(message.recoveryId).uint53(message.index)
      break
    case 'timeout-now':
      break
    default:
      assertNever(message, 'raft message')
  }
  return writer.finish()
}

/**
 * Terms and indexes grow one by one: at a million a second it takes eight years to get here. A member that took over a
 * larger term from a broken peer could never stand for election again, since the next one would be no safe integer.
 */
const POSITION_MAX = 2 ** 48

export function decodeMessage(bytes: Uint8Array, from: NodeId, to: NodeId): Message {
  const reader = new Reader(bytes, 'a raft message')
  const code = reader.uint8()
  const type = MESSAGE_TYPES.get(code)
  if (type === undefined) throw reader.malformed(`unknown message type ${code}`)
  const message = decodeBody(reader, type, { from, to, term: bounded(reader) })
  reader.end()
  return message
}

function decodeBody(reader: Reader, type: MessageType, envelope: { from: NodeId; to: NodeId; term: number }): Message {
  switch (type) {
    case 'pre-vote':
      return { type, ...envelope, lastIndex: bounded(reader), lastTerm: bounded(reader) }
    case 'vote': {
      const vote = { type, ...envelope, lastIndex: bounded(reader), lastTerm: bounded(reader) }
      return reader.boolean() ? { ...vote, forced: true } : vote
    }
    case 'pre-vote-reply':
    case 'vote-reply':
      return { type, ...envelope, granted: reader.boolean() }
    case 'append': {
      const previousIndex = bounded(reader)
      const previousTerm = bounded(reader)
      const commit = bounded(reader)
      const entries = decodeEntries(reader, previousIndex, previousTerm, envelope.term)
      return { type, ...envelope, previousIndex, previousTerm, commit, entries }
    }
    case 'append-accepted':
      return { type, ...envelope, matchIndex: bounded(reader) }
    case 'append-rejected':
      return {
        type,
        ...envelope,
        previousIndex: bounded(reader),
        hintIndex: bounded(reader),
        hintTerm: bounded(reader),
      }
    case 'heartbeat':
      return { type, ...envelope, commit: bounded(reader), round: reader.uint53() }
    case 'heartbeat-reply':
      return { type, ...envelope, round: reader.uint53() }
    case 'read-index':
      return { type, ...envelope, requestId: reader.uint53() }
    case 'read-index-reply':
      return { type, ...envelope, requestId: reader.uint53(), index: bounded(reader) }
    case 'timeout-now':
      return { type, ...envelope }
    case 'recovering':
      return { type, ...envelope, recoveryId: reader.uint53(), answer: decodeAnswer(reader, envelope) }
    case 'recovered':
      return { type, ...envelope, recoveryId: reader.uint53(), index: bounded(reader) }
    default:
      return assertNever(type, 'raft message type')
  }
}

/** An answer inside a `recovering`, whose envelope is its own. */
function encodeAnswer(writer: Writer, answer: Recovering['answer']): void {
  writer.uint8(MESSAGE_CODES[answer.type])
  switch (answer.type) {
    case 'append-accepted':
      writer.uint53(answer.matchIndex)
      break
    case 'append-rejected':
      writer.uint53(answer.previousIndex).uint53(answer.hintIndex).uint53(answer.hintTerm)
      break
    case 'heartbeat-reply':
      writer.uint53(answer.round)
      break
  }
}

function decodeAnswer(reader: Reader, envelope: { from: NodeId; to: NodeId; term: number }): Recovering['answer'] {
  const code = reader.uint8()
  const type = MESSAGE_TYPES.get(code)
  if (type !== 'append-accepted' && type !== 'append-rejected' && type !== 'heartbeat-reply') {
    throw reader.malformed(`message type ${code} is no answer of a member that recovers`)
  }
  return decodeBody(reader, type, envelope) as Recovering['answer']
}

function decodeEntries(reader: Reader, previousIndex: number, previousTerm: number, termMax: number): Entry[] {
  const count = reader.count(ENTRY_BYTES_MIN, LIMITS.appendEntriesMax)
  const entries: Entry[] = []
  let termMin = previousTerm
  for (let at = 1; at <= count; at++) {
    const term = bounded(reader)
    if (term < termMin || term > termMax) {
      throw reader.malformed(`entry ${previousIndex + at} of term ${term} between terms ${termMin} and ${termMax}`)
    }
    termMin = term
    const code = reader.uint8()
    const kind = ENTRY_KINDS.get(code)
    if (kind === undefined) throw reader.malformed(`unknown entry kind ${code}`)
    entries.push({ index: previousIndex + at, term, kind, data: reader.bytes() })
  }
  return entries
}

function appendBytes(entries: readonly Entry[]): number {
  let bytes = 0
  for (const entry of entries) bytes += ENTRY_BYTES_MIN + entry.data.byteLength
  return bytes
}

/** A term or an index. */
function bounded(reader: Reader): number {
  const value = reader.uint53()
  if (value > POSITION_MAX)
    throw reader.malformed(`${value} for a term or an index; at most ${POSITION_MAX} is possible`)
  return value
}
