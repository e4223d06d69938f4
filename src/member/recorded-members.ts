/**
 * Who is in the cluster, by what can still be read in a directory that is damaged: the state's record of the members, and
 * the entries of the log behind it. Nothing is changed.
 */
import { isStoreError } from '../base/errors.js'
import { bookSince } from '../machine/member-book-codec.js'
import type { MemberBook, Membership, MemberSets } from '../machine/member-book.js'
import { Members } from '../machine/members.js'
import { recordKindOf } from '../machine/state-records.js'
import { decodeConfiguration } from '../raft/confchange/codec.js'
import type { Entry, Index, NodeId } from '../raft/types.js'
import { readDirectory, readState } from '../storage/directory-reader.js'
import type { Disk, StateSlot } from '../storage/disk.js'

export interface RecordedMembers {
  /** Of the last change that can be read. */
  readonly index: Index
  readonly book: MemberBook
  /** Whether anybody but this member votes since then. */
  readonly othersVote: boolean
}

/** Undefined where nothing can be read of any change, which is also so where there never was one. */
export async function readRecordedMembers(disk: Disk, memberId: NodeId): Promise<RecordedMembers | undefined> {
  try {
    await disk.acquire({ create: false })
    try {
      return await recordedOn(disk, memberId)
    } finally {
      await disk.release()
    }
  } catch (error) {
    // Whatever keeps it from being read keeps it from being opened, and is told there.
    if (isStoreError(error)) return undefined
    throw error
  }
}

async function recordedOn(disk: Disk, memberId: NodeId): Promise<RecordedMembers | undefined> {
  const { highWater, log, slot } = await readDirectory(disk)
  // Of a cluster that was left (store/force-new-cluster.ts) nothing counts. Without that file it is not known whether one was.
  if (highWater === undefined) return undefined
  const formerIndex = highWater.former.at(-1)?.lastIndex ?? 0
  const applied = slot && (await membershipIn(disk, slot))
  return lastChange(applied, log.entries, formerIndex, memberId)
}

function lastChange(
  applied: Membership | undefined,
  entries: readonly Entry[],
  formerIndex: Index,
  memberId: NodeId,
): RecordedMembers | undefined {
  let index = formerIndex
  let book: MemberBook | undefined
  let sets: MemberSets | undefined
  if (applied !== undefined && applied.index > formerIndex) {
    index = applied.index
    book = { members: applied.book, removed: applied.removed }
    sets = applied.configuration
  }
  for (const entry of entries) {
    if (entry.kind !== 'configuration' || entry.index <= index) continue
    const { configuration, data } = decodeConfiguration(entry.data)
    // Of one that only leaves a joint configuration nothing is known without the book before it.
    if (book === undefined && data.byteLength === 0) continue
    index = entry.index
    book = bookSince({ configuration, data }, book ?? NOBODY)
    sets = configuration
  }
  if (book === undefined || sets === undefined) return undefined
  const othersVote = [...sets.voters, ...sets.outgoing].some((id) => id !== memberId)
  return { index, book, othersVote }
}

const NOBODY: MemberBook = { members: [], removed: [] }

async function membershipIn(disk: Disk, slot: StateSlot): Promise<Membership | undefined> {
  const members = new Members()
  await readState(disk, slot, ([key, record]) => {
    if (recordKindOf(key) === 'members') members.load(record)
  })
  return members.membership
}
