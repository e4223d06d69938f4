/**
 * What leaves a member must rest on what its disk holds: R6 term, vote and entries are durable before a message says so, and
 * still there after a restart; R7 one vote in a term, for ever.
 */
import type { StoredState } from '../../raft/types.js'
import type { AppendAccepted, Message } from '../../raft/message.js'
import type { NodeId, Term } from '../../raft/types.js'
import { describeLink, type Link, type LogLedger } from './log-ledger.js'
import type { MemberView } from './member-view.js'
import { fail } from './violation.js'

interface Vote {
  readonly candidate: NodeId
  /** How often whoever gave it had lost its promises. */
  readonly losses: number
}

/** Every vote that was ever told: also one that whoever gave it has forgotten may still be on its way. */
export class Votes {
  readonly #votes = new Map<Term, Map<NodeId, Vote[]>>()

  hasVoted(voter: NodeId, term: Term, candidate: NodeId): boolean {
    const votes = this.#votes.get(term)?.get(voter) ?? []
    return votes.some((vote) => vote.candidate === candidate)
  }

  /** The vote of `voter` in `term`, as told first since it lost its promises for the last time, which is `losses`. */
  note(voter: NodeId, term: Term, candidate: NodeId, losses: number): NodeId {
    let ofTerm = this.#votes.get(term)
    if (ofTerm === undefined) this.#votes.set(term, (ofTerm = new Map<NodeId, Vote[]>()))
    let votes = ofTerm.get(voter)
    if (votes === undefined) ofTerm.set(voter, (votes = []))
    const before = votes.find((vote) => vote.losses === losses)
    if (before === undefined) votes.push({ candidate, losses })
    return before?.candidate ?? candidate
  }
}

export class PromiseChecker {
  readonly #ledger: LogLedger
  readonly #votes: Votes
  readonly #unsynced: ((member: string) => number) | undefined

  constructor(ledger: LogLedger, votes: Votes, unsynced: ((member: string) => number) | undefined) {
    this.#ledger = ledger
    this.#votes = votes
    this.#unsynced = unsynced
  }

  sent(view: MemberView, message: Message): void {
    const { type, term, to } = message
    if (type === 'pre-vote' || (type === 'pre-vote-reply' && message.granted)) return
    const { hardState, name } = view
    if (hardState.term < term) {
      fail('R6', `${name} sends ${type} of term ${term}, durable is term ${hardState.term}`)
    }
    if (type === 'vote') this.#voted(view, term, view.id)
    else if (type === 'vote-reply' && message.granted) this.#voted(view, term, to)
    else if (type === 'append-accepted') this.#acknowledged(view, message, view.acknowledged.kept)
    else if (type === 'recovering' && message.answer.type === 'append-accepted') {
      this.#acknowledged(view, message.answer, view.acknowledged.recovering)
    }
  }

  /** The member takes a write for durable: then the disk may not think otherwise. */
  writeDurable(view: MemberView): void {
    if (this.#unsynced === undefined || view.disk !== 'as-written') return
    const operations = this.#unsynced(view.name)
    if (operations > 0)
      fail('R6', `${view.name} takes a write for durable, ${operations} writes of its log are not synced`)
  }

  /** It begins a new life with what is on its disk: all that was durable, and perhaps the write that was under way. */
  recovered(view: MemberView, stored: StoredState): void {
    const links = this.#linksOf(view, stored)
    const last = links.at(-1) ?? this.#ledger.linkAt(stored.compacted)
    const lost = stored.promisesLost === true
    const forgets = view.disk === 'forgetful' || (lost && view.disk === 'damaged')
    if (view.lives > 0 && !forgets) this.#checkKept(view, stored, last)
    if (lost && view.disk !== 'as-written') {
      view.losses++
      view.forgotten.push({ ...view.acknowledged, barriers: view.barriers })
      view.acknowledged = { kept: new Map(), recovering: new Map() }
      view.barriers = []
    }
    view.promisesLost = lost
    view.promisesLostOnDisk = lost
    view.disk = 'as-written'
    view.hardState = stored.hardState
    view.writing = undefined
    view.base = stored.compacted.index
    view.log.length = view.base
    view.log.push(this.#ledger.linkAt(stored.compacted), ...links)
  }

  #linksOf(view: MemberView, { compacted, entries }: StoredState): Link[] {
    let previous = this.#ledger.linkAt(compacted)
    return entries.map((entry) => (previous = this.#ledger.linkOf(view.name, entry, previous)))
  }

  #checkKept(view: MemberView, { hardState, compacted, promisesLost }: StoredState, last: Link): void {
    const { name, hardState: before, writing } = view
    if (promisesLost === true && !view.promisesLostOnDisk) {
      fail('R6', `${name} takes its promises for lost, and all of them are on its disk`)
    }
    if (hardState.term < before.term) {
      fail('R6', `${name} comes back in term ${hardState.term}, durable was ${before.term}`)
    }
    if (hardState.term === before.term && before.vote !== 0 && hardState.vote !== before.vote) {
      fail(
        'R7',
        `${name} comes back with a vote for ${hardState.vote} in term ${before.term}, durable was ${before.vote}`,
      )
    }
    if (last !== view.last && last !== writing?.links.at(-1)) {
      fail('R6', `the log of ${name} comes back up to ${describeLink(last)}, durable was ${describeLink(view.last)}`)
    }
    if (!view.awaitsState && compacted.index > view.state.index && compacted.index > (view.stateWriting?.index ?? 0)) {
      fail('R11', `the log of ${name} begins behind ${compacted.index}, its state goes up to ${view.state.index}`)
    }
  }

  #acknowledged({ name, last, log }: MemberView, { term, matchIndex }: AppendAccepted, before: Map<Term, Link>): void {
    if (matchIndex > last.index) fail('R6', `${name} acknowledges ${matchIndex}, durable are ${last.index} entries`)
    const link = log[matchIndex]
    if (link !== undefined && link.index > (before.get(term)?.index ?? 0)) before.set(term, link)
  }

  #voted(view: MemberView, term: Term, candidate: NodeId): void {
    const { name, id, hardState } = view
    if (hardState.term === term && hardState.vote !== candidate) {
      fail('R6', `${name} votes for ${candidate} in term ${term}, durable is a vote for ${hardState.vote}`)
    }
    const before = this.#votes.note(id, term, candidate, view.losses)
    if (before !== candidate) fail('R7', `${name} votes for ${before} and for ${candidate} in term ${term}`)
  }
}
