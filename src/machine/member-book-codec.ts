/**
 * The member book as bytes, as an entry of the log carries it, and the record of the state that holds it.
 *
 *     version | count | id, name, address ... | count | removed id ...             the book
 *     version | index | auto-leave | four lists of ids | the book                  the record
 *
 * Always: decoding a book fails with `MALFORMED` only, and nothing is allocated for what the bytes cannot hold.
 */
import { decodeStored, Reader, Writer } from '../base/codec.js'
import { LIMITS } from '../base/limits.js'
import {
  prunedBook,
  tooLongText,
  type MemberAddress,
  type MemberBook,
  type MemberSets,
  type Membership,
} from './member-book.js'

/** What an entry that changes the membership says (raft/confchange/codec.ts). */
export interface MembersEntry {
  readonly configuration: MemberSets
  /** A member book; empty where a joint configuration is left. */
  readonly data: Uint8Array
}

const VERSION = 1
const ID_BYTES = 8
/** Id, and the lengths of name and address. */
const LEAST_MEMBER_BYTES = ID_BYTES + 4 + 4

export function encodeMemberBook(book: MemberBook): Uint8Array {
  return writeMemberBook(new Writer(256), book).finish()
}

/** Throws `MALFORMED`. */
export function decodeMemberBook(bytes: Uint8Array): MemberBook {
  const reader = new Reader(bytes, 'a member book')
  const book = readMemberBook(reader)
  reader.end()
  return book
}

/** The book from that entry on: its own, or else the one before it, without those who are in it no more. Throws `MALFORMED`. */
export function bookSince({ configuration, data }: MembersEntry, before: MemberBook): MemberBook {
  return prunedBook(data.byteLength === 0 ? before : decodeMemberBook(data), configuration)
}

export function encodeMembership({ index, configuration, book, removed }: Membership): Uint8Array {
  const writer = new Writer(512).uint8(VERSION).uint53(index).boolean(configuration.autoLeave)
  const { voters, outgoing, learners, learnersNext } = configuration
  for (const ids of [voters, outgoing, learners, learnersNext]) writeIds(writer, ids)
  return writeMemberBook(writer, { members: book, removed }).finish()
}

/** Throws `DATA_DAMAGED`. */
export function decodeMembership(record: Uint8Array): Membership {
  return decodeStored(record, 'the record of the members', (reader) => {
    readVersion(reader)
    const index = reader.uint53()
    const autoLeave = reader.boolean()
    const voters = readIds(reader, LIMITS.membersMax)
    const outgoing = readIds(reader, LIMITS.membersMax)
    const learners = readIds(reader, LIMITS.membersMax)
    const learnersNext = readIds(reader, LIMITS.membersMax)
    const configuration: MemberSets = { voters, outgoing, learners, learnersNext, autoLeave }
    const { members: book, removed } = readMemberBook(reader)
    return { index, configuration, book, removed }
  })
}

export function writeMemberBook(writer: Writer, { members, removed }: MemberBook): Writer {
  writer.uint8(VERSION).uint32(members.length)
  for (const member of members) writeMember(writer, member)
  writeIds(writer, removed)
  return writer
}

/** Throws `MALFORMED`. */
export function readMemberBook(reader: Reader): MemberBook {
  readVersion(reader)
  const count = reader.count(LEAST_MEMBER_BYTES, LIMITS.membersMax)
  const members = Array.from({ length: count }, () => readMember(reader))
  const removed = readIds(reader, LIMITS.removedMembersMax)
  const ids = [...members.map(({ id }) => id), ...removed]
  if (new Set(ids).size < ids.length) throw reader.malformed('an id stands there twice')
  return { members, removed }
}

export function writeMember(writer: Writer, { id, name, address }: MemberAddress): void {
  writer.uint53(id).text(name).text(address)
}

/** Throws `MALFORMED`. */
export function readMember(reader: Reader): MemberAddress {
  const member = { id: readId(reader), name: reader.text(), address: reader.text() }
  const wrong = tooLongText('name', member.name) ?? tooLongText('address', member.address)
  if (wrong !== undefined) throw reader.malformed(wrong)
  return member
}

function writeIds(writer: Writer, ids: readonly number[]): void {
  writer.uint32(ids.length)
  for (const id of ids) writer.uint53(id)
}

function readIds(reader: Reader, most: number): number[] {
  const count = reader.count(ID_BYTES, most)
  return Array.from({ length: count }, () => readId(reader))
}

function readId(reader: Reader): number {
  const id = reader.uint53()
  if (id === 0) throw reader.malformed('0 is the id of nobody')
  return id
}

function readVersion(reader: Reader): void {
  const version = reader.uint8()
  if (version !== VERSION) throw reader.malformed(`version ${version} is not known`)
}
