/**
 * All that one member's core knows: plain data, changed by the functions of the other files.
 *
 * Always: `role`, `term` and `leader` are written by transitions.ts only, `vote` there and where a vote is granted
 * (election.ts), `commitIndex` by commit.ts only.
 * Always: durable <= what is handed to the disk <= what is here; a promise leaves only once it is durable (outbox.ts).
 */
import { randomId } from '../base/random.js'
import type { CompleteConfiguration } from './configuration.js'
import { Configurations } from './configurations.js'
import { newLease, type Lease } from './lease.js'
import { Log } from './log.js'
import type { Message } from './message.js'
import type { Progress } from './progress.js'
import type { ReadState } from './ready.js'
import type { Settings } from './settings.js'
import {
  NOBODY,
  type HardState,
  type Index,
  type LogPosition,
  type NodeId,
  type Promises,
  type Role,
  type StoredState,
  type Term,
} from './types.js'

/** A request for a read index: of our own caller (`from` is this member) or of a follower. */
export interface ReadRequest {
  readonly from: NodeId
  readonly requestId: number
}

/** Requests that one round of heartbeats answers, at the commit index of its beginning. */
export interface ReadRound {
  readonly round: number
  readonly index: Index
  readonly requests: readonly ReadRequest[]
}

/** A request sent to the leader, by the id it has on the wire. */
export interface AskedRead {
  readonly requestId: number
  readonly askedMs: number
}

export interface Reads {
  /** On a leader: not in a round yet. */
  waiting: ReadRequest[]
  /** On a leader: begun and not confirmed, oldest first. */
  readonly rounds: ReadRound[]
  /** On a follower: what the leader was asked, in order of time. */
  readonly asked: Map<number, AskedRead>
  nextWireId: number
}

export interface Transfer {
  readonly to: NodeId
  /** Given up then. */
  readonly deadlineMs: number
  /** The round of heartbeats in which the target was last told to campaign. */
  toldInRound: number | undefined
}

/** The write that was handed out and not reported back. */
export interface WriteUnderWay {
  readonly id: number
  readonly hardState: HardState
  readonly promises: Promises
}

/** A snapshot that was accepted and is not durable yet. */
export interface PendingRestore {
  readonly position: LogPosition
  readonly configuration: CompleteConfiguration
  /** The write it was handed out as; undefined while it waits for the one under way. */
  writeId: number | undefined
}

export interface RaftState {
  readonly settings: Settings
  readonly id: NodeId
  /** In force: the last one in the log. Written by membership.ts only. */
  configuration: CompleteConfiguration
  readonly configurations: Configurations
  readonly log: Log

  /** The latest time we were told; never falls. */
  nowMs: number

  role: Role
  /** Never falls. */
  term: Term
  /** For whom we voted in `term`; once given it stays until the term is over. */
  vote: NodeId
  /** The leader of `term` as far as we know; ourselves when we lead. */
  leader: NodeId
  /** The term and vote that are on the disk. */
  durable: HardState
  /** Whether we may vote and be counted; see promises.ts. And what of it is on the disk. */
  promises: Promises
  durablePromises: Promises
  /** Names this life to the leader that restores them. */
  readonly recoveryId: number

  /** What is known to be committed; never falls. On a follower it may be ahead of its own durable log. */
  commitIndex: Index
  /** Entries up to here were handed out to be applied: at most min(commitIndex, durableIndex). */
  deliveredIndex: Index

  /** The election timer: runs out `electionTimeoutDrawnMs` after it was started. */
  electionTimerStartMs: number
  electionTimeoutDrawnMs: number
  /** When the leader last gave a sign of life. */
  leaderHeardMs: number
  /** A restarted member gives no vote before: it may have told a leader of its support just before it fell. */
  grantsVotesFromMs: number
  /** Answers to our campaign, as pre-candidate or candidate. */
  readonly votes: Map<NodeId, boolean>

  /** On a follower: our log is the leader's of this term up to here; what of it is durable may be acknowledged. */
  establishedIndex: Index
  acceptanceDue: boolean

  /** On a leader: every other member. Elsewhere empty. */
  readonly followers: Map<NodeId, Progress>
  heartbeatDeadlineMs: number
  /** Before this time a quorum has certainly been heard within an election timeout; then it is looked at anew. */
  quorumDeadlineMs: number
  /** The newest round of heartbeats; never falls, so that an answer names exactly one broadcast. */
  round: number
  /** The first entry of our own term: nothing is answered and nothing counted before it is committed. */
  termStartIndex: Index

  readonly reads: Reads
  readonly lease: Lease

  /** On a leader that hands over: to whom. See transfer.ts. */
  transfer: Transfer | undefined
  /** The last term in which we told somebody to campaign at once: it has no lease any more. */
  toldToCampaignInTerm: Term
  /** This member is about to stop: it neither campaigns nor stays leader. */
  resigned: boolean

  /** Replaced in memory already, not on the disk: nothing is acknowledged meanwhile. See snapshot-restore.ts. */
  restore: PendingRestore | undefined
  write: WriteUnderWay | undefined
  lastWriteId: number
  /** To send now. */
  messages: Message[]
  /** To send when the write under way is durable; when the one after it is. */
  heldForWrite: Message[]
  heldForNextWrite: Message[]
  /** For the caller. */
  answeredReads: ReadState[]
  droppedReads: number[]
  refusedSnapshots: LogPosition[]
}

/** A follower without a leader, as the disk left it. What was committed beyond `applied` will be learned again. */
export function initialState(settings: Settings, stored: StoredState, firstWireId: number, nowMs: number): RaftState {
  const promises: Promises = stored.promisesLost === true ? 'lost' : 'kept'
  const restarted = stored.hardState.term > 0 || promises === 'lost'
  const { configuration, configurationIndex = stored.compacted.index } = settings
  const configurations = new Configurations({ index: configurationIndex, configuration }, stored.entries)
  return {
    settings,
    id: settings.id,
    configuration: configurations.current.configuration,
    configurations,
    log: new Log(stored.compacted, stored.entries),
    nowMs,
    role: 'follower',
    term: stored.hardState.term,
    vote: stored.hardState.vote,
    leader: NOBODY,
    durable: { term: stored.hardState.term, vote: stored.hardState.vote },
    promises,
    durablePromises: promises,
    recoveryId: promises === 'lost' ? randomId(settings.random) : 0,
    commitIndex: stored.applied,
    deliveredIndex: stored.applied,
    electionTimerStartMs: nowMs,
    electionTimeoutDrawnMs: 0,
    leaderHeardMs: -Infinity,
    grantsVotesFromMs: restarted ? nowMs + settings.electionTimeoutMs : -Infinity,
    votes: new Map(),
    establishedIndex: 0,
    acceptanceDue: false,
    followers: new Map(),
    heartbeatDeadlineMs: Infinity,
    quorumDeadlineMs: Infinity,
    round: 0,
    termStartIndex: 0,
    reads: { waiting: [], rounds: [], asked: new Map(), nextWireId: firstWireId },
    transfer: undefined,
    toldToCampaignInTerm: 0,
    resigned: false,
    lease: newLease(),
    restore: undefined,
    write: undefined,
    lastWriteId: 0,
    messages: [],
    heldForWrite: [],
    heldForNextWrite: [],
    answeredReads: [],
    droppedReads: [],
    refusedSnapshots: [],
  }
}
