/**
 * Who belongs to the cluster: R14 one change of the membership at a time, by a leader that has committed an entry of its own
 * term, of quorums that intersect; each member goes by the configuration that its log has, from the moment its entry is
 * appended; ids are not used again, and the book of an entry names those that its configuration does. R15 who knows that it
 * was removed neither votes nor leads.
 *
 * Always: what a member goes by is what it says; what its log has is what the ledger has (log-ledger.ts). They are compared
 * with each write and each state that is installed, so that whoever counts by the one counts by the other.
 */
import { decodeMemberBook } from '../../machine/member-book-codec.js'
import type { MemberAddress } from '../../machine/member-book.js'
import type { MemberEvent } from '../../member/event.js'
import {
  completeConfiguration,
  describeConfiguration,
  membersOf,
  type CompleteConfiguration,
} from '../../raft/configuration.js'
import type { Message } from '../../raft/message.js'
import type { RaftEvent } from '../../raft/trace.js'
import type { Index, NodeId } from '../../raft/types.js'
import { describeLink, type Configured, type Link, type LogLedger } from './log-ledger.js'
import type { Followed, MemberView } from './member-view.js'
import { quorumsIntersect } from './quorum.js'
import { fail } from './violation.js'

type EventOf<Type extends RaftEvent['type']> = Extract<RaftEvent, { type: Type }>

/** By what is committed. */
export interface LatestMembership {
  readonly voters: readonly NodeId[]
  /** Undefined before the first change. */
  readonly book: readonly MemberAddress[] | undefined
}

/** What only a voter may do. */
const ACTS: ReadonlySet<RaftEvent['type']> = new Set([
  'became-pre-candidate',
  'became-candidate',
  'became-leader',
  'vote-granted',
  'pre-vote-granted',
] as const)

export class ConfigurationChecker {
  readonly #ledger: LogLedger
  /** As the cluster began; undefined until somebody said so. */
  #beginning: CompleteConfiguration | undefined
  /** By which committed entry a member was removed. */
  readonly #removedAt = new Map<NodeId, Index>()

  #book: readonly MemberAddress[] | undefined

  constructor(ledger: LogLedger) {
    this.#ledger = ledger
  }

  /** Whether this member has applied its own removal. */
  knowsItsRemoval({ id, appliedIndex }: MemberView): boolean {
    return (this.#removedAt.get(id) ?? Infinity) <= appliedIndex
  }

  /** Whether that is committed, at `through` at the latest. */
  wasRemoved(id: NodeId, through = Infinity): boolean {
    const at = this.#removedAt.get(id)
    return at !== undefined && at <= through
  }

  get latest(): LatestMembership {
    return { voters: this.votersAt(this.#ledger.committedIndex), book: this.#book }
  }

  /** By what is committed up to there. */
  votersAt(index: Index): readonly NodeId[] {
    const configured = this.#ledger.committed(index)?.configured
    return (configured && this.#configurationOf(configured))?.voters ?? []
  }

  /** The view is up to date but for what it goes by. */
  recovered(view: MemberView, { configuration, stored, applied }: Extract<MemberEvent, { type: 'recovered' }>): void {
    const told = completeConfiguration(configuration)
    const knows = told.voters.length > 0
    if (knows && applied.index === 0) this.#beginning ??= told
    const inForce = this.#ledger.linkAt(applied).configured
    const expected = inForce && this.#configurationOf(inForce)
    if (knows && expected !== undefined && !isSame(told, expected)) {
      fail(
        'R14',
        `${view.name} comes back with ${describeConfiguration(told)}; at ${describeLink(applied)} it is ` +
          describeConfiguration(expected),
      )
    }
    const from = knows ? (inForce?.index ?? 0) : stored.compacted.index
    view.resetsAt = undefined
    view.configurations = [{ index: from, configuration: told }]
    for (const { index } of stored.entries) {
      const brought = view.log[index]?.configured
      if (index <= from || brought?.index !== index || brought.configuration === undefined) continue
      view.configurations.push({ index, configuration: brought.configuration })
    }
  }

  decided(view: MemberView, event: RaftEvent): void {
    const { type } = event
    if (type === 'configuration-adopted') this.#adopted(view, event)
    else if (type === 'configuration-rolled-back') this.#rolledBack(view, event)
    else if (type === 'snapshot-accepted') view.resetsAt = event.position.index
    else if (type === 'log-truncated') {
      view.configurations = view.configurations.filter(({ index }, at) => at === 0 || index < event.from)
    } else if (ACTS.has(type) && this.knowsItsRemoval(view)) {
      fail('R15', `${view.name} was removed, knows it, and ${describeAct(type)}`)
    }
  }

  /** Also in the name of what was decided before it knew. */
  sent(view: MemberView, { type, term }: Message): void {
    const leads = type === 'append' || type === 'heartbeat' || type === 'vote' || type === 'pre-vote'
    if (leads && this.knowsItsRemoval(view)) {
      fail('R15', `${view.name} was removed, knows it, and sends ${type} of term ${term}`)
    }
  }

  /** Its log goes up to `last`, as far as it is on the disk or on the way there. */
  compare(view: MemberView, last: Link): void {
    const { configured } = last
    const expected = configured && this.#configurationOf(configured)
    if (configured === undefined || expected === undefined) return
    const followed = this.#followedAt(view, last.index)
    // By reference, mostly: this comes with every write.
    if (followed.configuration === expected) return
    // It has to be told what it begins with; what its log brings behind that it goes by.
    if (followed.configuration.voters.length === 0 && configured.index <= followed.index) return
    if (isSame(followed.configuration, expected)) {
      followed.configuration = expected
      return
    }
    fail(
      'R14',
      `${view.name} goes by ${describeConfiguration(followed.configuration)}, by its log up to ${describeLink(last)} it is ` +
        describeConfiguration(expected),
    )
  }

  /** Everything behind `before` up to `link` is committed now. */
  committed(before: Index, link: Link): void {
    const earlier = this.#ledger.committed(before)
    if (earlier?.configured === link.configured) return
    for (let index = before + 1; index <= link.index; index++) {
      const configured = this.#ledger.committed(index)?.configured
      if (configured?.index === index) this.#changed(this.#ledger.committed(index - 1)?.configured, configured)
    }
  }

  #adopted(view: MemberView, { index, configuration }: EventOf<'configuration-adopted'>): void {
    const followed: Followed = { index, configuration: completeConfiguration(configuration) }
    const before = view.followed
    if (view.resetsAt === index) {
      view.resetsAt = undefined
      view.configurations = [followed]
      return
    }
    if (index <= before.index) {
      // A state told it what it began with.
      if (before.configuration.voters.length === 0) view.configurations = [followed]
      return
    }
    if (view.role === 'leader') this.#proposed(view, before, followed)
    view.configurations.push(followed)
  }

  #proposed({ name, commitIndex, ledTerm }: MemberView, before: Followed, { index, configuration }: Followed): void {
    const change = `${describeConfiguration(before.configuration)} to ${describeConfiguration(configuration)}`
    if (this.#ledger.committed(commitIndex)?.term !== ledTerm) {
      fail('R14', `${name} changes ${change} in term ${ledTerm} before it has committed anything in it`)
    }
    if (before.index > commitIndex) {
      fail('R14', `${name} changes ${change} at ${index}, and the change at ${before.index} is not committed`)
    }
    if (!quorumsIntersect(before.configuration, configuration)) {
      fail('R14', `${name} changes ${change}: their quorums may miss each other`)
    }
  }

  #rolledBack(view: MemberView, { index, configuration }: EventOf<'configuration-rolled-back'>): void {
    const { followed } = view
    if (isSame(followed.configuration, completeConfiguration(configuration))) return
    fail(
      'R14',
      `${view.name} drops its log from ${index} on and goes by ${describeConfiguration(configuration)}, before it was ` +
        describeConfiguration(followed.configuration),
    )
  }

  #changed(from: Configured | undefined, to: Configured): void {
    const { index, data } = to
    const ids = membersOf(this.#configurationOf(to) ?? completeConfiguration({ voters: [] }))
    const again = ids.find((id) => this.#removedAt.has(id))
    if (again !== undefined) fail('R14', `entry ${index} makes ${again} a member, who was removed`)
    const before = from && this.#configurationOf(from)
    for (const id of before === undefined ? [] : membersOf(before)) {
      if (!ids.includes(id)) this.#removedAt.set(id, index)
    }
    if (data.byteLength === 0) return
    const { members, removed } = decodeMemberBook(data)
    this.#book = members
    const named = members.map(({ id }) => id).sort((a, b) => a - b)
    if (named.join(' ') !== ids.join(' ')) {
      fail('R14', `the book of entry ${index} names ${named.join(' ')}, its configuration ${ids.join(' ')}`)
    }
    const forgotten = [...this.#removedAt.keys()].find((id) => !removed.includes(id))
    if (forgotten !== undefined) fail('R14', `the book of entry ${index} does not know that ${forgotten} was removed`)
  }

  #followedAt(view: MemberView, lastIndex: Index): Followed {
    return view.configurations.findLast(({ index }) => index <= lastIndex) ?? view.followed
  }

  #configurationOf({ configuration }: Configured): CompleteConfiguration | undefined {
    return configuration ?? this.#beginning
  }
}

function isSame(a: CompleteConfiguration, b: CompleteConfiguration): boolean {
  return a === b || describeConfiguration(a) === describeConfiguration(b)
}

function describeAct(type: string): string {
  return type.endsWith('granted') ? 'votes' : type.replace('became-', 'becomes a ')
}
