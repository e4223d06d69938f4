/**
 * The member book as bytes, as an entry of the log carries it, and the record of the state that holds it.
 *
 *     version | count | member ... | count | removed id ...                        the book
 *     id, name, address | since version 2: flags | count | client URL ...          a member
 *     version | index | auto-leave | four lists of ids | the book                  the record
 *
 * Always: a book that says no more than one of version 1 can is written as one: members that know no later one read it.
 * Always: decoding a book fails with `MALFORMED` only, and nothing is allocated for what the bytes cannot hold.
 */
import { decodeStored, Reader, Writer } from '../base/codec.js'
import { LIMITS } from '../base/limits.js'
import {
  hasRecords,
  prunedBook,
  tooLongText,
  type MemberAddress,
  type MemberBook,
  type MemberRecord,
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
/** The first that has more of a member than its name and address. */
const VERSION_WITH_RECORDS = 2
const ID_BYTES = 8
/** Id, and the lengths of name and address. */
const LEAST_MEMBER_BYTES = ID_BYTES + 4 + 4
/** The same, flags, and how many URLs follow. */
const LEAST_RECORD_BYTES = LEAST_MEMBER_BYTES + 1 + 4
const BECOMES_VOTER = 1

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
    const version = reader.uint8()
    if (version !== VERSION) throw unknownVersion(reader, version)
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
  const version = hasRecords(members) ? VERSION_WITH_RECORDS : VERSION
  writer.uint8(version).uint32(members.length)
  for (const member of members) {
    writeMember(writer, member)
    if (version === VERSION_WITH_RECORDS) writeRest(writer, member)
  }
  writeIds(writer, removed)
  return writer
}

/** Throws `MALFORMED`. */
export function readMemberBook(reader: Reader): MemberBook {
  const version = reader.uint8()
  if (version !== VERSION && version !== VERSION_WITH_RECORDS) throw unknownVersion(reader, version)
  const withRecords = version === VERSION_WITH_RECORDS
  const count = reader.count(withRecords ? LEAST_RECORD_BYTES : LEAST_MEMBER_BYTES, LIMITS.membersMax)
  const members = Array.from({ length: count }, () => (withRecords ? readRecord(reader) : readMember(reader)))
  if (withRecords !== hasRecords(members)) throw reader.malformed('it is of a later version than it needs')
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

function writeRest(writer: Writer, { clientUrls = [], becomesVoter }: MemberRecord): void {
  writer.uint8(becomesVoter === true ? BECOMES_VOTER : 0)
  writeClientUrls(writer, clientUrls)
}

function readRecord(reader: Reader): MemberRecord {
  const member = readMember(reader)
  const flags = reader.uint8()
  if (flags > BECOMES_VOTER) throw reader.malformed(`unknown flags ${flags}`)
  const clientUrls = readClientUrls(reader)
  return {
    ...member,
    ...(clientUrls.length > 0 && { clientUrls }),
    ...(flags === BECOMES_VOTER && { becomesVoter: true as const }),
  }
}

export function writeClientUrls(writer: Writer, clientUrls: readonly string[]): void {
  writer.uint32(clientUrls.length)
  for (const url of clientUrls) writer.text(url)
}

/** Throws `MALFORMED`. */
export function readClientUrls(reader: Reader): readonly string[] {
  const count = reader.count(4, LIMITS.clientUrlsMax)
  return Array.from({ length: count }, () => {
    const url = reader.text()
    const wrong = tooLongText('client URL', url)
    if (wrong !== undefined) throw reader.malformed(wrong)
    return url
  })
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

function unknownVersion(reader: Reader, version: number): Error {
  return reader.malformed(`version ${version} is not known`)
}
