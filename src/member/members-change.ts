/** What can be asked of the membership, and what is told of it. */
import type { MemberAddress } from '../machine/member-book.js'
import type { Index, NodeId } from '../raft/types.js'

/** One step; each may be asked for again without harm. */
export type MembersChange =
  /**
   * A new member under a fresh id: it gets the log and is not counted. `becomesVoter`: until whoever leads finds that it has caught up.
   */
  | ({ readonly type: 'add-learner'; readonly becomesVoter?: true } & MemberAddress)
  /** A learner that has caught up votes from now on. */
  | { readonly type: 'promote'; readonly id: NodeId }
  | { readonly type: 'remove'; readonly id: NodeId }
  | { readonly type: 'update'; readonly id: NodeId; readonly address: string }
  /** A member tells of itself: name and address where the book has none, and how clients reach it; undefined: that stays. */
  | ({ readonly type: 'announce'; readonly clientUrls: readonly string[] | undefined } & MemberAddress)

/** Whether members of a version without records would not understand it. */
export function needsRecords(change: MembersChange): boolean {
  if (change.type === 'add-learner') return change.becomesVoter === true || change.name === ''
  return change.type === 'announce'
}

/** `voter`: it counts. `learner`: it gets the log, and does not. */
export type MemberRole = 'voter' | 'learner'

/** What the leader knows of one member. */
export interface MemberProgress extends MemberAddress {
  readonly role: MemberRole
  /** It was heard from within an election timeout. */
  readonly active: boolean
  /** It lost its promises, or joined just now, and is not counted before it has caught up. */
  readonly recovering: boolean
  /** Up to here its log is known to be that of the leader. */
  readonly matchIndex: Index
  /** Of a snapshot that it is being sent: how much of it, in per cent. */
  readonly snapshotPercent: number | undefined
}

export interface MembersStatus {
  readonly leader: NodeId
  /** The last entry of the leader's log: what a member lacks nothing of when it has it. */
  readonly lastIndex: Index
  readonly members: readonly MemberProgress[]
}

/**
 * How far a member has caught up, in per cent, towards the leader's last entry of when the wait began: what is written
 * meanwhile must not make it wait for ever. A snapshot comes first and is nearly all of it.
 */
export function caughtUpPercent({ matchIndex, snapshotPercent, recovering }: MemberProgress, target: Index): number {
  if (matchIndex >= target && !recovering) return 100
  const share = snapshotPercent ?? (target === 0 ? 0 : Math.floor((100 * matchIndex) / target))
  return Math.min(99, share)
}
