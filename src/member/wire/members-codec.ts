/**
 * Changes of the membership and its status, as parts of questions and answers (call-codec.ts).
 *
 *     change: kind | id | name, address of a new member, and whether it becomes a voter; address of one that moved; of one
 *             that tells of itself name, address, and client URLs, if any are told
 *     status: leader | last index | count | for each: id, name, address, flags, match index, per cent of a snapshot
 */
import { assertNever } from '../../base/assert.js'
import type { Reader, Writer } from '../../base/codec.js'
import { LIMITS } from '../../base/limits.js'
import { readClientUrls, readMember, writeClientUrls, writeMember } from '../../machine/member-book-codec.js'
import { needsRecords, type MemberProgress, type MembersChange, type MembersStatus } from '../members-change.js'

const ADD_LEARNER = 1
const PROMOTE = 2
const REMOVE = 3
const UPDATE = 4
/** Since version 3, and all that is new in it: one that becomes a voter, or has no name. */
const ADD = 5
const ANNOUNCE = 6

export function writeMembersChange(writer: Writer, change: MembersChange): void {
  switch (change.type) {
    case 'add-learner':
      if (needsRecords(change)) writeMember(writer.uint8(ADD).boolean(change.becomesVoter === true), change)
      else writeMember(writer.uint8(ADD_LEARNER), change)
      return
    case 'promote':
      writer.uint8(PROMOTE).uint53(change.id)
      return
    case 'remove':
      writer.uint8(REMOVE).uint53(change.id)
      return
    case 'update':
      writer.uint8(UPDATE).uint53(change.id).text(change.address)
      return
    case 'announce':
      writeMember(writer.uint8(ANNOUNCE), change)
      writer.boolean(change.clientUrls !== undefined)
      if (change.clientUrls !== undefined) writeClientUrls(writer, change.clientUrls)
      return
    default:
      assertNever(change, 'change of members')
  }
}

/** Throws `MALFORMED`. */
export function readMembersChange(reader: Reader): MembersChange {
  const kind = reader.uint8()
  switch (kind) {
    case ADD_LEARNER:
      return { type: 'add-learner', ...readMember(reader) }
    case ADD: {
      const becomesVoter = reader.boolean()
      return { type: 'add-learner', ...readMember(reader), ...(becomesVoter && { becomesVoter }) }
    }
    case ANNOUNCE: {
      const member = readMember(reader)
      return { type: 'announce', ...member, clientUrls: reader.boolean() ? readClientUrls(reader) : undefined }
    }
    case PROMOTE:
      return { type: 'promote', id: reader.uint53() }
    case REMOVE:
      return { type: 'remove', id: reader.uint53() }
    case UPDATE:
      return { type: 'update', id: reader.uint53(), address: reader.text() }
    default:
      throw reader.malformed(`unknown change of members ${kind}`)
  }
}

const LEARNER = 1
const ACTIVE = 2
const RECOVERING = 4
const ALL_FLAGS = LEARNER | ACTIVE | RECOVERING
/** No snapshot is on its way to it. */
const NO_SNAPSHOT = 255
/** Id, two lengths, flags, match index, per cent. */
const LEAST_PROGRESS_BYTES = 8 + 4 + 4 + 1 + 8 + 1

export function writeMembersStatus(writer: Writer, { leader, lastIndex, members }: MembersStatus): void {
  writer.uint53(leader).uint53(lastIndex).uint32(members.length)
  for (const member of members) {
    const { role, active, recovering, matchIndex, snapshotPercent } = member
    const flags = (role === 'learner' ? LEARNER : 0) | (active ? ACTIVE : 0) | (recovering ? RECOVERING : 0)
    writeMember(writer, member)
    writer
      .uint8(flags)
      .uint53(matchIndex)
      .uint8(snapshotPercent ?? NO_SNAPSHOT)
  }
}

/** Throws `MALFORMED`. */
export function readMembersStatus(reader: Reader): MembersStatus {
  const [leader, lastIndex] = [reader.uint53(), reader.uint53()]
  const count = reader.count(LEAST_PROGRESS_BYTES, LIMITS.membersMax)
  return { leader, lastIndex, members: Array.from({ length: count }, () => readProgress(reader)) }
}

function readProgress(reader: Reader): MemberProgress {
  const member = readMember(reader)
  const flags = reader.uint8()
  const matchIndex = reader.uint53()
  const percent = reader.uint8()
  if ((flags & ~ALL_FLAGS) !== 0) throw reader.malformed(`unknown flags ${flags}`)
  if (percent > 100 && percent !== NO_SNAPSHOT) throw reader.malformed(`${percent} per cent`)
  return {
    ...member,
    role: (flags & LEARNER) === 0 ? 'voter' : 'learner',
    active: (flags & ACTIVE) !== 0,
    recovering: (flags & RECOVERING) !== 0,
    matchIndex,
    snapshotPercent: percent === NO_SNAPSHOT ? undefined : percent,
  }
}
