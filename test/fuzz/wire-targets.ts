/** What peers send: the frames themselves, and everything that stands in one. */
import fc from 'fast-check'
import { LIMITS } from '../../src/base/limits.js'
import { Writer } from '../../src/base/codec.js'
import { crc32 } from '../../src/base/checksum.js'
import { encodeCommand, openCommand } from '../../src/machine/command-codec.js'
import { MEMBER } from '../../src/machine/identity.js'
import {
  decodeJoinAnswer,
  decodeJoinQuestion,
  encodeJoinAnswer,
  encodeJoinQuestion,
} from '../../src/member/wire/join-codec.js'
import {
  decodeMemberBook,
  decodeMembership,
  encodeMemberBook,
  encodeMembership,
} from '../../src/machine/member-book-codec.js'
import { parseHttpAddress } from '../../src/transport/http-address.js'
import { decodeCalls, decodeReplies, encodeCalls, encodeReplies } from '../../src/member/wire/call-codec.js'
import { decodeProposals, encodeProposals } from '../../src/member/wire/proposal-codec.js'
import { decodeMessage, encodeMessage } from '../../src/member/wire/raft-codec.js'
import { decodeTransfer, encodeTransfer } from '../../src/member/wire/transfer-codec.js'
import { decodeConfiguration, encodeConfiguration } from '../../src/raft/confchange/codec.js'
import { parseAddress } from '../../src/transport/address.js'
import { encodeFrame, encodeKeepalive, FrameParser } from '../../src/transport/frame.js'
import { encodeAnswer, encodeHello, HandshakeReader, type Answer, type Hello } from '../../src/transport/handshake.js'
import { command } from '../machine/arbitraries.js'
import { answers, calls, commands, FROM, message, TO, transfer } from '../member/wire/arbitraries.js'
import type { Corpus } from './corpus.js'
import { handshakeEnd, mendAnswer, mendFrames, mendHandshake } from './mend.js'
import { decoder, type FuzzTarget } from './target.js'

const FRAME_CODES = ['MALFORMED', 'FRAME_TOO_LARGE'] as const
const MALFORMED = ['MALFORMED'] as const

export function wireTargets(corpus: Corpus): FuzzTarget[] {
  const { payloads } = corpus
  return [
    decoder({
      ...{ name: 'frames', codes: FRAME_CODES, valid: frames, fixedBytes: PIECES_BYTES },
      mend: (bytes) => mendFrames(bytes),
      captured: corpus.diallers.map((bytes) => bytes.subarray(handshakeEnd(bytes, 'hello'))),
      extremes: [() => large(encodeKeepalive()), () => large(encodeFrame({ kind: 1, bytes: new Uint8Array(0) }))],
      decode: (input) => {
        const parser = new FrameParser(LIMITS.frameBytesMax, NOBODY)
        for (const piece of piecesOf(input)) parser.push(piece)
      },
    }),
    decoder({
      ...{
        name: 'hello',
        codes: MALFORMED,
        valid: hellos,
        fixedBytes: PIECES_BYTES,
        captured: corpus.diallers.map(opening('hello')),
      },
      mend: (bytes) => void mendHandshake(bytes, 'hello'),
      extremes: [() => extended(encodeHello(A_HELLO)).subarray(0, -4)],
      decode: (input) => gather(HandshakeReader.ofHello(), input),
    }),
    decoder({
      ...{
        name: 'answer',
        codes: MALFORMED,
        valid: handshakeAnswers,
        fixedBytes: PIECES_BYTES,
        captured: corpus.listeners.map(opening('answer')),
      },
      mend: mendAnswer,
      decode: (input) => gather(HandshakeReader.ofAnswer(), input),
    }),
    decoder({
      ...{ name: 'address', codes: ['ADDRESS_INVALID'], captured: [] },
      valid: addresses.map((text) => Buffer.from(text, 'latin1')),
      extremes: [() => Buffer.alloc(100_000, '1'), () => Buffer.alloc(100_000, '[:'), () => Buffer.alloc(100_000, ':')],
      decode: (input) => parseAddress(Buffer.from(input).toString('latin1')),
    }),
    decoder({
      ...{ name: 'raft messages', codes: MALFORMED, valid: message.map(encodeMessage), captured: payloads.raft },
      extremes: [manyEntries],
      decode: (input) => encodeMessage(decodeMessage(input, FROM, TO)),
    }),
    decoder({
      ...{ name: 'proposals', codes: MALFORMED, valid: commands.map(encodeProposals), captured: payloads.propose },
      extremes: [() => counted(4, LIMITS.frameBytesMax, (writer) => writer.uint32(0))],
      decode: decodeProposals,
    }),
    decoder({
      ...{ name: 'commands', codes: MALFORMED, valid: command.map(encodeCommand) },
      captured: corpus.entries.filter(({ kind }) => kind === 'normal').map(({ data }) => data),
      extremes: [manyOperations],
      decode: (input) => openCommand(input).body(),
    }),
    decoder({
      ...{ name: 'calls', codes: MALFORMED, valid: calls.map(encodeCalls), captured: payloads.call },
      extremes: [() => behindZero(18, (writer) => writer.uint53(1).uint8(0).uint8(1).int64(5n))],
      decode: (input) => encodeCalls(decodeCalls(input)),
    }),
    decoder({
      ...{ name: 'replies', codes: MALFORMED, valid: answers.map(encodeReplies), captured: payloads.reply },
      extremes: [() => behindZero(9, (writer) => writer.uint53(1).uint8(2))],
      decode: (input) => encodeReplies(decodeReplies(input)),
    }),
    decoder({
      ...{ name: 'transfers', codes: MALFORMED, valid: transfer.map(encodeTransfer), captured: payloads.transfer },
      decode: (input) => encodeTransfer(decodeTransfer(input)),
    }),
    decoder({
      ...{ name: 'configurations', codes: MALFORMED, valid: configurations },
      captured: corpus.entries.filter(({ kind }) => kind === 'configuration').map(({ data }) => data),
      decode: (input) => encodeConfiguration(decodeConfiguration(input)),
    }),
    ...membershipTargets(),
  ]
}

function membershipTargets(): FuzzTarget[] {
  return [
    decoder({
      ...{ name: 'member books', codes: MALFORMED, valid: books.map(encodeMemberBook), captured: [] },
      decode: (input) => encodeMemberBook(decodeMemberBook(input)),
    }),
    decoder({
      ...{ name: 'member records', codes: ['DATA_DAMAGED'], valid: memberships, captured: [] },
      decode: (input) => encodeMembership(decodeMembership(input)),
    }),
    decoder({
      ...{ name: 'join questions', codes: MALFORMED, valid: joinQuestions, captured: [] },
      decode: decodeJoinQuestion,
    }),
    decoder({
      ...{ name: 'join answers', codes: MALFORMED, valid: joinAnswers, captured: [] },
      extremes: [manyRemoved],
      decode: (input) => encodeJoinAnswer(decodeJoinAnswer(input)),
    }),
    decoder({
      ...{ name: 'http addresses', codes: ['ADDRESS_INVALID'], captured: [] },
      valid: fc
        .oneof(
          fc.webUrl(),
          addresses.map((text) => `http://${text}/quorate`),
        )
        .map((text) => Buffer.from(text)),
      extremes: [() => Buffer.from(`http://${'a.'.repeat(50_000)}:1/`), () => Buffer.from('http://'.repeat(15_000))],
      decode: (input) => parseHttpAddress(Buffer.from(input).toString('latin1')),
    }),
  ]
}

/** Without an extension. */
const HELLO_BYTES = 38
const A_HELLO: Hello = { versions: { min: 1, max: 2 }, clusterId: 7, from: 2, to: 1, purpose: 'main', life: 5 }
const NOBODY = { onFrame: () => undefined, onKeepalive: () => undefined }

const frames = fc
  .array(
    fc.oneof(
      { weight: 1, arbitrary: fc.constant(encodeKeepalive()) },
      {
        weight: 4,
        arbitrary: fc
          .record({ kind: fc.nat({ max: 255 }), bytes: fc.uint8Array({ maxLength: 300, size: 'max' }) })
          .map(encodeFrame),
      },
    ),
    { maxLength: 8 },
  )
  .map((all) => Buffer.concat(all))

const version = fc.oneof(fc.nat({ max: 4 }), fc.nat({ max: 65_535 }))
const versions = fc.tuple(version, version).map(([a, b]) => ({ min: Math.min(a, b), max: Math.max(a, b) }))
const hellos = fc
  .record({
    versions,
    clusterId: fc.maxSafeNat(),
    from: fc.maxSafeNat(),
    to: fc.maxSafeNat(),
    purpose: fc.constantFrom('main' as const, 'bulk' as const, 'question' as const, 'unknown' as const),
    life: fc.option(fc.maxSafeNat(), { nil: undefined }),
  })
  .map(encodeHello)
const handshakeAnswers = fc
  .oneof(
    fc.record({
      type: fc.constant('accepted' as const),
      version,
      clusterId: fc.maxSafeNat(),
      memberId: fc.maxSafeNat(),
    }),
    fc.record({
      type: fc.constant('refused' as const),
      code: fc.constantFrom('WRONG_CLUSTER' as const, 'VERSION_UNSUPPORTED' as const, 'REMOVED' as const),
      versions,
    }),
  )
  .map((drawn: Answer) => encodeAnswer(drawn))

const addresses = fc.oneof(
  fc.tuple(fc.ipV4(), fc.nat({ max: 70_000 })).map(([host, port]) => `${host}:${port}`),
  fc.tuple(fc.ipV6(), fc.nat({ max: 70_000 })).map(([host, port]) => `[${host}]:${port}`),
  fc.tuple(fc.domain(), fc.nat({ max: 70_000 })).map(([host, port]) => `${host}:${port}`),
  fc.string(),
)

const ids = fc.uniqueArray(fc.integer({ min: 1, max: 20 }), { maxLength: 5 }).map((all) => all.sort((a, b) => a - b))
const configurations = fc
  .record({
    voters: ids,
    outgoing: ids,
    learners: ids,
    autoLeave: fc.boolean(),
    data: fc.uint8Array({ maxLength: 60 }),
  })
  .map(({ data, ...drawn }) => encodeConfiguration({ configuration: { ...drawn, learnersNext: [] }, data }))

/** At most: what a piece costs besides its bytes is not the input's doing, but that of whoever cut it. */
const PIECES_MAX = 200
/** What as many may cost. */
export const PIECES_BYTES = PIECES_MAX * 1024

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const name = fc.string({ unit: 'grapheme', maxLength: 12 })
const members = fc.uniqueArray(fc.record({ id, name, address: name }), {
  ...{ minLength: 1, maxLength: 5, selector: (member: { readonly id: number }) => member.id },
})
const books = fc
  .record({ members, removed: fc.uniqueArray(id, { maxLength: 5 }) })
  .filter((book) => !book.members.some((member) => book.removed.includes(member.id)))
const memberships = fc
  .record({
    index: fc.maxSafeNat(),
    book: books,
    voters: fc.uniqueArray(id, { maxLength: 4 }),
    autoLeave: fc.boolean(),
  })
  .map(({ index, book, voters, autoLeave }) => {
    const configuration = { voters, outgoing: [], learners: [], learnersNext: [], autoLeave }
    return encodeMembership({ index, configuration, book: book.members, removed: book.removed })
  })
const joinQuestions = fc
  .record({ name, address: name, identity: fc.option(fc.record({ clusterId: id, memberId: id }), { nil: undefined }) })
  .map(encodeJoinQuestion)
const joinAnswers = fc.oneof(
  books.map(({ members: all, removed }) =>
    encodeJoinAnswer({ type: 'welcome', clusterId: 7, memberId: all[0]?.id ?? 1, members: all, removed }),
  ),
  name.map((detail) => encodeJoinAnswer({ type: 'refused', reason: 'other-address', detail })),
)

/** Cut as the bytes themselves say, so that an input that is fed again is cut the same. */
export function piecesOf(input: Uint8Array): Uint8Array[] {
  let drawn = crc32(input)
  if (input.byteLength === 0) return []
  if (drawn % 4 === 0) return [input]
  const pieces: Uint8Array[] = []
  const least = Math.ceil(input.byteLength / PIECES_MAX)
  const most = 1 << (drawn % 13)
  for (let at = 0; at < input.byteLength;) {
    drawn = (Math.imul(drawn, 1_664_525) + 1_013_904_223) >>> 0
    const end = at + least + ((drawn >>> 8) % most)
    pieces.push(Uint8Array.from(input.subarray(at, end)))
    at = end
  }
  return pieces
}

function gather(reader: HandshakeReader<Hello | Answer>, input: Uint8Array): void {
  for (const piece of piecesOf(input)) if (reader.push(piece) !== undefined) return
}

function opening(type: 'hello' | 'answer') {
  return (stream: Uint8Array): Uint8Array => stream.subarray(0, handshakeEnd(stream, type))
}

/** With the longest extension there may be. */
function extended(message: Uint8Array): Uint8Array {
  const bytes = Buffer.concat([message.subarray(0, HELLO_BYTES - 4), new Uint8Array(1024), new Uint8Array(4)])
  bytes.writeUInt16BE(1024, HELLO_BYTES - 6)
  bytes.writeUInt32BE(crc32(bytes.subarray(0, -4)), bytes.byteLength - 4)
  return bytes
}

function large(part: Uint8Array): Uint8Array {
  return Buffer.concat(Array<Uint8Array>(Math.floor((64 * 1024) / part.byteLength)).fill(part))
}

/** A frame full of the smallest things that it may hold, behind their number. */
function counted(itemBytes: number, bytes: number, write: (writer: Writer) => unknown): Uint8Array {
  const count = Math.floor((bytes - 16) / itemBytes)
  const writer = new Writer(bytes).uint32(count)
  for (let at = 0; at < count; at++) write(writer)
  return writer.finish()
}

function behindZero(itemBytes: number, write: (writer: Writer) => unknown): Uint8Array {
  return Buffer.concat([Buffer.alloc(8), counted(itemBytes, LIMITS.frameBytesMax - 8, write)])
}

function manyEntries(): Uint8Array {
  const header = new Writer().uint8(5).uint53(3).uint53(9).uint53(1).uint53(0).finish()
  const entries = counted(13, LIMITS.frameBytesMax - header.byteLength, (writer) => writer.uint53(2).uint8(2).uint32(0))
  return Buffer.concat([header, entries])
}

/** A welcome with as many removed members as an answer has room for. */
function manyRemoved(): Uint8Array {
  const member = { id: 1, name: 'a', address: 'a:1' }
  const welcome = { type: 'welcome', clusterId: 7, memberId: 1, members: [member], removed: [] } as const
  const removed = counted(8, LIMITS.answerBytesMax - 100, (writer) => writer.uint53(5))
  return Buffer.concat([encodeJoinAnswer(welcome).subarray(0, -4), removed])
}

/** A transaction of the smallest operations that a request has room for. */
function manyOperations(): Uint8Array {
  const request = { type: 'transaction', compare: [], success: [], failure: [] } as const
  const empty = encodeCommand({ proposal: { member: 1, incarnation: 1, sequence: 1 }, identity: MEMBER, request })
  const deletes = counted(6, LIMITS.requestBytesMax, (writer) => writer.uint8(3).uint8(0).uint32(0))
  return Buffer.concat([empty.subarray(0, -8), deletes, Buffer.alloc(4)])
}
