/**
 * Leaders, logs and commits (thesis figure 3.2): R1 election safety, R2 log matching, R3 leader append-only, R4 leader
 * completeness, R8 commits never fall, R9 what is committed is durable on a quorum, or was when that acknowledged it, R12
 * nothing committed is truncated, R15 nobody leads without the votes of a quorum. A quorum is one of the configuration that
 * the leader goes by, which its log has (configuration-checker.ts), of a joint one of both sides.
 *
 * Always: costs what changed: a log is compared by its last link.
 */
import type { Write } from '../../raft/ready.js'
import type { RaftEvent } from '../../raft/trace.js'
import type { Index, LogPosition, NodeId, Term } from '../../raft/types.js'
import type { ConfigurationChecker } from './configuration-checker.js'
import { describeLink, type Link, type LogLedger, ROOT } from './log-ledger.js'
import type { MemberView } from './member-view.js'
import type { Votes } from './promise-checker.js'
import { isQuorum } from './quorum.js'
import { fail } from './violation.js'

export class LogChecker {
  readonly #ledger: LogLedger
  readonly #votes: Votes
  readonly #configurations: ConfigurationChecker
  readonly #viewOf: (id: NodeId) => MemberView | undefined
  readonly #leaderOf = new Map<Term, string>()

  constructor(
    ledger: LogLedger,
    votes: Votes,
    configurations: ConfigurationChecker,
    viewOf: (id: NodeId) => MemberView | undefined,
  ) {
    this.#ledger = ledger
    this.#votes = votes
    this.#configurations = configurations
    this.#viewOf = viewOf
  }

  /** Who leads, or led, in `term`. */
  leaderOf(term: Term): string | undefined {
    return this.#leaderOf.get(term)
  }

  decided(view: MemberView, event: RaftEvent): void {
    if (event.type === 'commit-advanced') this.#committed(view, event.index)
    else if (event.type === 'became-leader') this.#becameLeader(view, event.term)
    else if (event.type === 'log-truncated') this.#truncated(view, event.from, event.lastIndex)
    else if (event.type === 'recovery-started') this.#barrier(view, event.follower, event.barrierIndex)
    else if (event.type === 'promises-restored') view.promisesLost = false
    else if (event.type === 'became-follower') view.role = 'follower'
    else if (event.type === 'became-pre-candidate') view.role = 'pre-candidate'
    else if (event.type === 'became-candidate') view.role = 'candidate'
    this.#configurations.decided(view, event)
  }

  writeBegun(view: MemberView, { hardState, entries }: Write): void {
    const first = entries[0]
    if (first === undefined) {
      view.writing = { hardState, links: [], promisesLost: view.promisesLost }
      return
    }
    let previous = view.log[first.index - 1]
    if (previous === undefined || first.index > view.last.index + 1) {
      fail('R2', `${view.name} writes a log with a hole: ${describeLink(first)} behind ${describeLink(view.last)}`)
    }
    const links: Link[] = []
    for (const entry of entries) {
      previous = this.#ledger.linkOf(view.name, entry, previous)
      links.push(previous)
    }
    this.#configurations.compare(view, previous)
    if (first.index <= view.last.index) this.#checkReplaced(view, first.index, links, hardState.term)
    view.truncatedFrom = Infinity
    view.writing = { hardState, links, promisesLost: view.promisesLost }
    if (view.owed !== undefined && view.role === 'leader') this.#checkComplete(view, view.owed, first.index, links)
  }

  writeDurable(view: MemberView): void {
    const { writing } = view
    if (writing === undefined) return
    view.writing = undefined
    view.hardState = writing.hardState
    view.promisesLostOnDisk = writing.promisesLost
    const first = writing.links[0]
    if (first === undefined) return
    view.log.length = first.index
    for (const link of writing.links) view.log.push(link)
  }

  /** The state that was on its way is on disk, and the log begins behind it if it was to. */
  installed(view: MemberView): void {
    const { installing } = view
    view.installing = undefined
    if (installing?.hardState === undefined) return
    const { position, hardState } = installing
    view.hardState = hardState
    view.promisesLostOnDisk = view.promisesLost
    view.base = position.index
    view.log.length = position.index
    view.log.push(this.#ledger.linkAt(position))
    view.truncatedFrom = Infinity
    this.#configurations.compare(view, view.last)
  }

  #becameLeader(view: MemberView, term: Term): void {
    const before = this.#leaderOf.get(term) ?? view.name
    if (before !== view.name) fail('R1', `${before} and ${view.name} both lead in term ${term}`)
    this.#leaderOf.set(term, view.name)
    const { hardState } = view
    const ownVote = hardState.term === term && hardState.vote === view.id
    const voted = (id: NodeId): boolean => (id === view.id ? ownVote : this.#votes.hasVoted(id, term, view.id))
    const { configuration } = view.followed
    if (!isQuorum(configuration, voted)) {
      const { voters, outgoing } = configuration
      const also = outgoing.length === 0 ? '' : ` and ${outgoing.filter(voted).length} of ${outgoing.length}`
      fail(
        'R15',
        `${view.name} leads in term ${term} with ${voters.filter(voted).length} votes of ${voters.length}${also}`,
      )
    }
    view.role = 'leader'
    view.ledTerm = term
    // What was committed in later terms only, it owes to nobody: its votes came late, and it commits nothing.
    let index = this.#ledger.committedIndex
    while (index > 0 && this.#ledger.committedIn(index) >= term) index--
    view.owed = this.#ledger.committed(index)
  }

  /** R4, looked at when the leader writes for the first time: then all that it had in memory only is known too. */
  #checkComplete(view: MemberView, owed: Link, firstIndex: Index, written: readonly Link[]): void {
    view.owed = undefined
    if (owed === ROOT || owed.index < view.base) return
    const found = owed.index < firstIndex ? view.log[owed.index] : written[owed.index - firstIndex]
    if (found === owed) return
    const instead = found === undefined ? 'nothing' : describeLink(found)
    fail('R4', `${view.name} leads in term ${view.ledTerm} and has ${instead} where ${describeLink(owed)} is committed`)
  }

  #truncated(view: MemberView, from: Index, lastIndex: Index): void {
    if (view.role === 'leader') fail('R3', `${view.name} leads and drops its entries ${from} to ${lastIndex}`)
    if (from <= view.commitIndex) {
      fail('R12', `${view.name} drops its entries from ${from} on and knows that ${view.commitIndex} is committed`)
    }
    view.truncatedFrom = Math.min(view.truncatedFrom, from)
  }

  #checkReplaced(view: MemberView, firstIndex: Index, links: readonly Link[], term: Term): void {
    // What was dropped before it was elected may reach the disk afterwards.
    if (view.role === 'leader' && firstIndex < view.truncatedFrom) {
      fail('R3', `${view.name} leads and replaces its entries from ${firstIndex} on, of ${view.last.index}`)
    }
    for (let index = firstIndex; index <= view.last.index; index++) {
      const replaced = view.log[index]
      // What was committed in a later term only, without this member, an old leader may still replace here.
      if (replaced !== this.#ledger.committed(index) || this.#ledger.committedIn(index) > term) return
      if (links[index - firstIndex] !== replaced) {
        fail('R12', `${view.name} replaces the committed entry ${describeLink(replaced as Link)} in term ${term}`)
      }
    }
  }

  #committed(view: MemberView, index: Index): void {
    const before = view.commitIndex
    if (index <= before) fail('R8', `the commit of ${view.name} falls from ${before} to ${index}`)
    view.commitIndex = index
    // Whoever commits what nobody has yet committed does it by counting, in its own term.
    if (index > this.#ledger.committedIndex) this.#firstCommitted(view, index)
  }

  /** A leader appends an entry for a member that lost its promises: it is the last one that the leader has now. */
  #barrier(view: MemberView, follower: NodeId, index: Index): void {
    this.#viewOf(follower)?.barriers.push({ index, term: view.ledTerm })
  }

  /** A member that lost its promises counts once it holds what a leader appended for it, and others have committed that. */
  #counts(voter: MemberView): boolean {
    if (!voter.promisesLost) return true
    return voter.barriers.some(({ index, term }) => {
      const barrier = this.#ledger.find(index, term)
      return barrier !== undefined && voter.holds(barrier) && this.#ledger.committed(index) === barrier
    })
  }

  /**
   * Whether the leader of `term` may count `voter` for `link`. That is durable there; or it was, when it was acknowledged, and
   * what was acknowledged is on its way to the leader still, or was counted while others were waited for. Since then the
   * voter has lost its promises: until it counts again it elects nobody, and it counts again only with an entry that its
   * leader appends behind this one (raft/promises.ts). Once it counts again, nothing but what it holds does.
   */
  #mayCount(voter: MemberView, link: Link, term: Term): boolean {
    if (this.#counts(voter)) return voter.holds(link)
    return voter.forgotten.some(({ kept, recovering, barriers }) => {
      if (this.#ledger.contains(kept.get(term), link)) return true
      const held = recovering.get(term)
      return this.#ledger.contains(held, link) && barriers.some((barrier) => this.#restores(barrier, term, held))
    })
  }

  #restores({ index, term }: LogPosition, ledTerm: Term, held: Link | undefined): boolean {
    const barrier = this.#ledger.find(index, term)
    if (barrier === undefined || term !== ledTerm || this.#ledger.committed(index) !== barrier) return false
    return this.#ledger.contains(held, barrier)
  }

  #firstCommitted(view: MemberView, index: Index): void {
    const { ledTerm, name, role } = view
    if (role !== 'leader') fail('R8', `${name} follows and commits ${index}, which no leader has committed`)
    const link = this.#ledger.find(index, ledTerm)
    if (link === undefined) {
      fail('R9', `${name} commits ${index} in term ${ledTerm}, nobody has an entry of that term there`)
    }
    const holds = (id: NodeId): boolean => {
      const voter = this.#viewOf(id)
      return voter !== undefined && this.#mayCount(voter, link, ledTerm)
    }
    const { configuration } = view.followed
    if (!isQuorum(configuration, holds)) {
      const on = [configuration.voters, configuration.outgoing].flatMap((side) => {
        const holders = side.filter(holds)
        const names = holders.map((id) => this.#viewOf(id)?.name).join(' ')
        return side.length === 0 ? [] : [`${holders.length} of ${side.length} voters (${names})`]
      })
      fail('R9', `${name} commits ${describeLink(link)}, which is durable on ${on.join(' and on ')}`)
    }
    const before = this.#ledger.committedIndex
    this.#ledger.commit(link, ledTerm, name)
    this.#configurations.committed(before, link)
  }
}
