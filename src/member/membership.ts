/**
 * Changes of the membership by the one who leads, one after the other: proposed, and answered once they are applied here.
 *
 * Always: a change is decided when everything before it is applied, and decided again when it is applied itself: then it is
 * done. So two callers who want the same thing both get it, and it does not matter which leader does the last part.
 * Always: whoever waits here leaves with the leadership, or after an election timeout: who asked asks again (calls.ts).
 */
import { assertNever } from '../base/assert.js'
import type { ErrorCode } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { encodeMemberBook } from '../machine/member-book-codec.js'
import type { Machine } from '../machine/machine.js'
import type { ConfigurationRefusal, ProposeConfigurationResult } from '../raft/confchange/change.js'
import { isJoint } from '../raft/configuration.js'
import type { RawNode } from '../raft/raw-node.js'
import type { FollowerStatus } from '../raft/ready.js'
import type { TransferRefusal } from '../raft/transfer-result.js'
import { NOBODY, type NodeId, type Term } from '../raft/types.js'
import type { Clock } from '../base/clock.js'
import type { AddressBook } from './address-book.js'
import type { Conditions } from './conditions.js'
import { decideChange, type Decided } from './decide-change.js'
import type { MemberProgress, MembersChange, MembersStatus } from './members-change.js'
import type { PeerVersions } from './peer-versions.js'
import type { CallResponse } from './wire/call-codec.js'

export interface MembershipParts {
  readonly memberId: NodeId
  readonly raft: RawNode
  readonly machine: Machine
  readonly book: AddressBook
  readonly versions: PeerVersions
  readonly conditions: Conditions
  readonly clock: Clock
  readonly electionTimeoutMs: number
  /** Of a snapshot that a member is being sent: how much it has, in per cent. */
  readonly snapshotPercent: (to: NodeId) => number | undefined
  readonly wake: () => void
}

/** Not an answer: whoever asked asks again, of whoever leads then. */
const ASK_AGAIN: CallResponse = { type: 'refused', code: 'NO_LEADER', message: 'this member does not lead' }

interface Move {
  /** As it was asked for. */
  readonly to: NodeId
  readonly term: Term
  readonly rememberedUntilMs: number
  readonly answer: Promise<CallResponse>
}

export class Membership {
  readonly #parts: MembershipParts
  /** When members were given another address, by this leader; what they say a moment later may yet come from the old one. */
  readonly #movedMs = new Map<NodeId, number>()
  /** The last attempt to hand leadership over. */
  #move: Move | undefined

  constructor(parts: MembershipParts) {
    this.#parts = parts
  }

  /** Leadership was confirmed since it was asked for, and whoever asked may. */
  async change(change: MembersChange): Promise<CallResponse> {
    const { raft, machine, clock, electionTimeoutMs, wake } = this.#parts
    const { term } = raft
    const deadlineMs = clock.monotonicMs() + electionTimeoutMs
    for (;;) {
      if (!(await this.#until(() => this.#settled || !this.#leads(term), deadlineMs))) return ASK_AGAIN
      if (!this.#leads(term)) return ASK_AGAIN
      const decided = this.#decide(change)
      switch (decided.type) {
        case 'done':
          return { type: 'members-changed', index: machine.appliedIndex }
        case 'refused':
          if (!this.#isPremature(decided.code)) return decided
          await this.#until(() => !this.#isPremature(decided.code) || !this.#leads(term), deadlineMs)
          if (clock.monotonicMs() >= deadlineMs) return ASK_AGAIN
          break
        case 'hand-over':
          raft.transferLeadership('best', clock.monotonicMs())
          wake()
          return ASK_AGAIN
        case 'propose': {
          const proposed = this.#propose(decided)
          if (!proposed.accepted) return refusalOf(proposed.reason)
          if (change.type === 'update') this.#moving(change.id, clock.monotonicMs())
        }
      }
    }
  }

  /** Makes a learner a voter that is to be one, where now is the time. Nobody waits for it: whoever leads looks again. */
  promoteCaughtUp(id: NodeId): void {
    if (!this.#settled) return
    const decided = this.#decide({ type: 'promote', id })
    if (decided.type === 'propose') this.#propose(decided)
  }

  #propose({ change, book }: Extract<Decided, { readonly type: 'propose' }>): ProposeConfigurationResult {
    const { raft, clock, wake } = this.#parts
    const proposal = { type: 'change', members: [change], data: encodeMemberBook(book) } as const
    const proposed = raft.proposeConfiguration(proposal, clock.monotonicMs())
    wake()
    return proposed
  }

  /**
   * Hands leadership of this member to `to`, or to whoever is best; answers once another one leads, or an election timeout
   * later. Who asks asks several times meanwhile, and maybe once more when it is over: all are about the same attempt, since
   * each holds up every write.
   */
  async moveLeader(to: NodeId): Promise<CallResponse> {
    const { raft, memberId, clock, electionTimeoutMs, wake } = this.#parts
    if (to === memberId) return { type: 'leader-moved', leader: memberId }
    const nowMs = clock.monotonicMs()
    const { term } = raft
    const last = this.#move
    if (last?.to === to && last.term === term && nowMs < last.rememberedUntilMs) return last.answer
    const moved = raft.transferLeadership(to === NOBODY ? 'best' : to, nowMs)
    wake()
    if (!moved.accepted) return this.#whyNotMoved(moved.reason, to)
    const answer = this.#moved(moved.to, term, nowMs + electionTimeoutMs)
    this.#move = { to, term, rememberedUntilMs: nowMs + 2 * electionTimeoutMs, answer }
    return answer
  }

  status(): CallResponse {
    const { raft, book, memberId } = this.#parts
    const { followers, learners, lastIndex, leader } = raft.status()
    const members = book.members.map((member): MemberProgress => {
      const follower = followers.find(({ id }) => id === member.id)
      return {
        ...member,
        role: learners.includes(member.id) ? 'learner' : 'voter',
        active: member.id === memberId || this.#isHeard(follower),
        recovering: follower?.recovering ?? false,
        matchIndex: member.id === memberId ? lastIndex : (follower?.matchIndex ?? 0),
        snapshotPercent: this.#parts.snapshotPercent(member.id),
      }
    })
    const status: MembersStatus = { leader, lastIndex, members }
    return { type: 'members-status', status }
  }

  async #moved(target: NodeId, term: Term, deadlineMs: number): Promise<CallResponse> {
    const { raft, memberId, electionTimeoutMs } = this.#parts
    const seen = await this.#until(() => raft.leader !== NOBODY && raft.leader !== memberId, deadlineMs)
    if (seen) return { type: 'leader-moved', leader: raft.leader }
    if (!this.#leads(term)) return ASK_AGAIN
    const message =
      `Leadership stays where it is: ${this.#nameOf(target)} did not take it over within ${electionTimeoutMs} ms. It may have ` +
      'stopped, or lag behind by too much; see that it answers, or name another member.'
    return { type: 'refused', code: 'TIMEOUT', message }
  }

  #whyNotMoved(reason: TransferRefusal, to: NodeId): CallResponse {
    const invalid = (message: string): CallResponse => ({ type: 'refused', code: 'TRANSFEREE_INVALID', message })
    const { electionTimeoutMs } = this.#parts
    switch (reason) {
      case 'silent':
        return invalid(
          `${this.#nameOf(to)} was not heard from for ${electionTimeoutMs} ms, an election timeout: it would not lead.`,
        )
      case 'no-candidate':
        if (to === NOBODY) return invalid('There is no other voter that answers and keeps its promises.')
        return invalid(`${this.#nameOf(to)} is no voter that keeps its promises.`)
      case 'not-leader':
      case 'already-leader':
      case 'transferring':
        return ASK_AGAIN
      default:
        return assertNever(reason, 'refusal')
    }
  }

  #nameOf(id: NodeId): string {
    const name = this.#parts.book.nameOf(id)
    return name === undefined ? `Member ${id}` : quote(name)
  }

  /** False at `deadlineMs`, and when the member ends. */
  async #until(holds: () => boolean, deadlineMs: number): Promise<boolean> {
    try {
      await this.#parts.conditions.until(holds, { deadlineMs }, 'the members were changed')
      return true
    } catch {
      return false
    }
  }

  #leads(term: Term): boolean {
    const { raft } = this.#parts
    return raft.role === 'leader' && raft.term === term
  }

  /** Every change in the log is applied, and no joint configuration is to be left. */
  get #settled(): boolean {
    const { raft, machine } = this.#parts
    return raft.configurationIndex <= machine.appliedIndex && !isJoint(raft.configuration)
  }

  #decide(change: MembersChange): Decided {
    const { raft, book, memberId, versions } = this.#parts
    book.follow(this.#parts)
    const { followers } = raft.status()
    return decideChange(change, {
      leader: memberId,
      book: book.last,
      configuration: raft.configuration,
      counts: (id) => {
        const follower = followers.find((each) => each.id === id)
        if (id === memberId) return true
        return this.#isHeard(follower) && follower?.recovering === false && this.#isFound(follower)
      },
      tooOld: book.members.filter(({ id }) => versions.isTooOld(id)),
      withoutRecords: book.members.filter(({ id }) => versions.lacksRecords(id)),
      unseen: book.members.filter(
        ({ id }) => id !== memberId && !versions.hasRecords(id) && !versions.lacksRecords(id),
      ),
    })
  }

  #isHeard(follower: FollowerStatus | undefined): boolean {
    return follower !== undefined && hasAnswered(follower) && this.#isRecent(follower)
  }

  #isRecent({ lastContactMs }: FollowerStatus): boolean {
    const { clock, electionTimeoutMs } = this.#parts
    return clock.monotonicMs() - lastContactMs < electionTimeoutMs
  }

  /** Not only by what was under way when its address changed: an election timeout is longer than anything is. */
  #isFound({ id, lastContactMs }: FollowerStatus): boolean {
    const movedMs = this.#movedMs.get(id)
    return movedMs === undefined || lastContactMs - movedMs >= this.#parts.electionTimeoutMs
  }

  #moving(id: NodeId, nowMs: number): void {
    for (const [moved, movedMs] of this.#movedMs) if (!this.#isMoving(movedMs, nowMs)) this.#movedMs.delete(moved)
    this.#movedMs.set(id, nowMs)
  }

  /** Whoever is heard later than that is found. */
  #isMoving(movedMs: number, nowMs: number): boolean {
    return nowMs - movedMs < 2 * this.#parts.electionTimeoutMs
  }

  /** Who answers is not known yet: this member leads, follows them, or reaches them elsewhere, since a moment only. */
  #isPremature(code: ErrorCode): boolean {
    if (code !== 'QUORUM_AT_RISK' && code !== 'LEARNER_NOT_READY') return false
    const nowMs = this.#parts.clock.monotonicMs()
    const { followers } = this.#parts.raft.status()
    return followers.some((follower) => {
      if (!this.#isRecent(follower)) return false
      const movedMs = this.#movedMs.get(follower.id)
      const isMoving = movedMs !== undefined && this.#isMoving(movedMs, nowMs) && !this.#isFound(follower)
      return isMoving || !hasAnswered(follower)
    })
  }
}

/** Of a follower that is new to its leader the core takes the beginning for a contact. */
function hasAnswered({ matchIndex, recovering, state }: FollowerStatus): boolean {
  return matchIndex > 0 || recovering || state !== 'probe'
}

function refusalOf(reason: ConfigurationRefusal): CallResponse {
  const [code, message] = REFUSALS[reason] ?? []
  return code === undefined || message === undefined ? ASK_AGAIN : { type: 'refused', code, message }
}

/** What the core refuses for a reason that does not pass within a moment. */
const REFUSALS: { readonly [Reason in ConfigurationRefusal]?: readonly [ErrorCode, string] } = {
  'learner-not-caught-up': [
    'LEARNER_NOT_READY',
    'The learner does not answer, has not caught up with the leader, or lost promises and is not counted yet.',
  ],
  'promises-lost': [
    'QUORUM_AT_RISK',
    'Too few of the voters after the change keep their promises; wait until those that lost theirs have caught up.',
  ],
  'no-voters-left': ['QUORUM_AT_RISK', 'It is the only voter: without it nobody could decide anything.'],
  'too-many-members': ['TOO_MANY_MEMBERS', 'The cluster has as many members as it may have.'],
}
