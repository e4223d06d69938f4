/**
 * What a process that wants to join a cluster asks of its members, and what they answer (member/joins.ts, member/joining.ts).
 *
 *     question: version | type | name | address | identity, where it has one
 *     answer:   version | welcome: cluster id, member id, members, removed
 *                       | refused: why, and what the one who asks may need to know
 *
 * It crosses the transport beside the frames, from somebody who is no member. So it is bounded by what is read of it, and
 * decoding fails with `MALFORMED` only. A later version is answered in the version of this one, which names it: who asks
 * can tell the two apart, and ask again as an older one.
 */
import { Reader, Writer } from '../../base/codec.js'
import { LIMITS } from '../../base/limits.js'
import { NOBODY, type NodeId } from '../../raft/types.js'
import type { MemberAddress } from '../../machine/member-book.js'

const VERSION = 1
/** Of questions: the only one there is. */
const JOIN = 1

const WELCOME = 1
const REFUSED = 2

/** Who joins, as it says itself. */
export interface JoinQuestion {
  readonly name: string
  /** Where the members will reach it. */
  readonly address: string
  /** What its directory says, where it has joined before and not been given an entry yet. */
  readonly identity: { readonly clusterId: number; readonly memberId: NodeId } | undefined
}

/**
 * Why somebody is not let in. `unknown`: no member has this name (yet). `removed`: the member that it was is none any more.
 * `other-address`: the member of this name is to be reached elsewhere. `other-cluster`: its directory is of another one.
 * `first-members`: the members are still those of the first start, who do not join. `busy`: too many ask. `version`: the
 * question is of a version that is not understood.
 */
export type JoinRefusal =
  'unknown' | 'removed' | 'other-address' | 'other-cluster' | 'first-members' | 'busy' | 'version'

export type JoinAnswer =
  | {
      readonly type: 'welcome'
      readonly clusterId: number
      readonly memberId: NodeId
      /** All members, the one that joins among them. */
      readonly members: readonly MemberAddress[]
      /** Ids of members that are none any more: nobody is to listen to them. */
      readonly removed: readonly NodeId[]
    }
  /** `detail`: of `other-address` the one that is recorded; else empty. */
  | { readonly type: 'refused'; readonly reason: JoinRefusal; readonly detail: string }

/** The number of each on the wire. */
const REASONS: Readonly<Record<JoinRefusal, number>> = {
  ...{ unknown: 1, removed: 2, 'other-address': 3, 'other-cluster': 4, 'first-members': 5, busy: 6, version: 7 },
}

/** Id, and two texts. */
const MEMBER_BYTES_MIN = 8 + 4 + 4

export function encodeJoinQuestion({ name, address, identity }: JoinQuestion): Uint8Array {
  const writer = new Writer()
    .uint8(VERSION)
    .uint8(JOIN)
    .text(name)
    .text(address)
    .boolean(identity !== undefined)
  if (identity !== undefined) writer.uint53(identity.clusterId).uint53(identity.memberId)
  return writer.finish()
}

/** 'version': it is of a later one. Throws `MALFORMED`. */
export function decodeJoinQuestion(bytes: Uint8Array): JoinQuestion | 'version' {
  const reader = new Reader(bytes, 'a question to join')
  if (bytes.byteLength > LIMITS.questionBytesMax) throw reader.malformed(`it has ${bytes.byteLength} bytes`)
  const version = reader.uint8()
  if (version > VERSION) return 'version'
  if (version === 0) throw reader.malformed('version 0')
  const type = reader.uint8()
  if (type !== JOIN) throw reader.malformed(`question ${type} is unknown`)
  const name = reader.text()
  const address = reader.text()
  const identity = reader.boolean() ? { clusterId: readId(reader), memberId: readId(reader) } : undefined
  reader.end()
  return { name, address, identity }
}

export function encodeJoinAnswer(answer: JoinAnswer): Uint8Array {
  const writer = new Writer().uint8(VERSION)
  if (answer.type === 'refused') {
    return writer.uint8(REFUSED).uint8(REASONS[answer.reason]).text(answer.detail).finish()
  }
  const { clusterId, memberId, members, removed } = answer
  writer.uint8(WELCOME).uint53(clusterId).uint53(memberId)
  writer.uint32(members.length)
  for (const { id, name, address } of members) writer.uint53(id).text(name).text(address)
  writer.uint32(removed.length)
  for (const id of removed) writer.uint53(id)
  return writer.finish()
}

/** Throws `MALFORMED`, also for a welcome that does not fit the one who is let in. */
export function decodeJoinAnswer(bytes: Uint8Array): JoinAnswer {
  const reader = new Reader(bytes, 'the answer to a question to join')
  const version = reader.uint8()
  if (version !== VERSION) throw reader.malformed(`version ${version} is unknown`)
  const type = reader.uint8()
  if (type !== WELCOME && type !== REFUSED) throw reader.malformed(`answer ${type} is unknown`)
  const answer = type === REFUSED ? readRefusal(reader) : readWelcome(reader)
  reader.end()
  return answer
}

function readRefusal(reader: Reader): JoinAnswer {
  const number = reader.uint8()
  const reason = (Object.keys(REASONS) as JoinRefusal[]).find((each) => REASONS[each] === number)
  if (reason === undefined) throw reader.malformed(`refusal ${number} is unknown`)
  return { type: 'refused', reason, detail: reader.text() }
}

function readWelcome(reader: Reader): JoinAnswer {
  const clusterId = readId(reader)
  const memberId = readId(reader)
  const count = reader.count(MEMBER_BYTES_MIN, LIMITS.membersMax)
  const members = Array.from({ length: count }, (): MemberAddress => {
    return { id: readId(reader), name: reader.text(), address: reader.text() }
  })
  const removed = Array.from({ length: reader.count(8, LIMITS.removedMembersMax) }, () => readId(reader))
  if (!members.some(({ id }) => id === memberId)) throw reader.malformed('it lets in somebody who is no member')
  if (removed.includes(memberId)) throw reader.malformed('it lets in somebody who was removed')
  return { type: 'welcome', clusterId, memberId, members, removed }
}

function readId(reader: Reader): number {
  const id = reader.uint53()
  if (id === NOBODY) throw reader.malformed('0 is no id')
  return id
}
