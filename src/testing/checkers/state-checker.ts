/**
 * The replicated state: R5 one entry is applied at one index, R10 and only what is committed and durable in the own log, R11
 * in order, with the state on disk being the state at exactly one index, R13 what comes from another member is the state at
 * what is committed, and not behind what was applied, R18 to one revision and one digest everywhere, R19
 * what is compacted cannot be read anywhere, R22 each proposal takes effect at most once and is answered once.
 */
import { describeDigest, equalDigest, type Digest } from '../../base/checksum.js'
import type { ErrorCode } from '../../base/errors.js'
import type { ProposalId } from '../../machine/command.js'
import type { MemberEvent } from '../../member/event.js'
import type { Index, LogPosition } from '../../raft/types.js'
import { describeLink, fingerprintOf, type LogLedger } from './log-ledger.js'
import type { MemberView } from './member-view.js'
import { passedOver } from './passed-over.js'
import { equalEvents, type AppliedState, type StateLedger } from './state-ledger.js'
import { fail } from './violation.js'

type EventOf<Type extends MemberEvent['type']> = Extract<MemberEvent, { type: Type }>

const DENIED: readonly ErrorCode[] = ['PERMISSION_DENIED', 'AUTH_REVISION_OLD', 'USER_EMPTY']

export class StateChecker {
  readonly #log: LogLedger
  readonly #states: StateLedger
  /** A difference between two states stays, so that it is enough to look at some of them. */
  readonly #digestEvery: number
  /** Proposals that took effect: by member and incarnation. */
  readonly #effective = new Map<string, Set<number>>()
  /** Proposals whose outcome was told in the present life of a member. */
  readonly #answered = new Map<MemberView, Set<number>>()
  readonly #lastApplied = new Map<MemberView, AppliedState>()

  constructor(log: LogLedger, states: StateLedger, digestEvery: number) {
    this.#log = log
    this.#states = states
    this.#digestEvery = digestEvery
  }

  /** Before the view is brought up to date. */
  recovered(view: MemberView, { applied, revision, digest }: EventOf<'recovered'>): void {
    const { name, state, stateWriting, disk, lives } = view
    if (lives > 0 && disk === 'as-written' && applied.index !== state.index && applied.index !== stateWriting?.index) {
      const begun = stateWriting === undefined ? '' : ` or ${stateWriting.index}`
      fail(
        'R11',
        `${name} comes back with the state at ${applied.index}, written was the one at ${state.index}${begun}`,
      )
    }
    this.#answered.set(view, new Set())
    this.#compareDigest(name, applied.index, revision, digest)
  }

  /** A state of another member is in the place of its own. */
  adopted(view: MemberView, { position, revision, compactRevision, digest }: EventOf<'state-adopted'>): void {
    const { name, appliedIndex, installing } = view
    const { index, term } = position
    if (installing?.position.index !== index)
      fail('R13', `${name} adopts the state at ${index}, which it did not install`)
    if (index < appliedIndex) fail('R13', `${name} adopts the state at ${index}, it has applied ${appliedIndex}`)
    if (this.#log.committed(index)?.term !== term) {
      fail('R13', `${name} adopts a state at ${describeLink(position)}, which is not committed`)
    }
    this.#compareDigest(name, index, revision, digest)
    view.state = { ...position, revision, digest }
    view.stateWriting = undefined
    view.awaitsState = false
    view.appliedIndex = index
    view.revision = revision
    view.compactRevision = compactRevision
  }

  /** Whether it was the first to apply this entry. */
  applied(view: MemberView, event: EventOf<'applied'>): boolean {
    const { entry, revision, compactRevision, applied } = event
    this.#checkPosition(view, entry)
    const { index } = entry
    const known = this.#states.at(index)
    const state: AppliedState = known ?? { member: view.name, revision, compactRevision, applied, digest: undefined }
    if (known === undefined) {
      this.#checkStep(view, event)
      this.#states.add(index, state)
    } else {
      this.#compare(view, event, known)
    }
    if (index % this.#digestEvery === 0) this.#compareDigest(view.name, index, revision, event.digest())
    this.#lastApplied.set(view, state)
    view.appliedIndex = index
    view.revision = revision
    view.compactRevision = compactRevision
    return known === undefined
  }

  /** Members look themselves, now and then; what they find was to be found here first. */
  verified({ name }: MemberView, { index, agrees }: EventOf<'verified'>): void {
    if (!agrees) fail('R18', `${name} finds that its state at applied index ${index} is not that of its leader`)
  }

  stateWriteBegun(view: MemberView, { position, revision, digest }: EventOf<'state-write-begun'>): void {
    if (position.index !== view.appliedIndex) {
      fail('R11', `${view.name} writes its state as that of ${position.index}, applied is ${view.appliedIndex}`)
    }
    this.#compareDigest(view.name, position.index, revision, digest)
    view.stateWriting = { ...position, revision, digest }
  }

  stateDurable(view: MemberView, position: LogPosition): void {
    if (view.stateWriting?.index !== position.index) {
      fail('R11', `${view.name} takes its state at ${position.index} for durable, which it does not write`)
    }
    view.state = view.stateWriting
    view.stateWriting = undefined
  }

  trimmed(view: MemberView, { index }: LogPosition): void {
    if (index > view.state.index) {
      fail('R11', `${view.name} trims its log up to ${index}, its state is durable up to ${view.state.index}`)
    }
    view.base = Math.max(view.base, index)
  }

  answered(view: MemberView, { proposal, ok, revision }: EventOf<'answered'>): void {
    const { name } = view
    const what = `proposal ${describeProposal(proposal)}`
    const last = this.#lastApplied.get(view)
    const applied = last?.applied
    if (applied?.outcome === undefined || !isSame(applied.proposal, proposal)) {
      fail('R22', `${name} answers ${what}, which is not what it applied last`)
    }
    if (applied.outcome.ok !== ok || last?.revision !== revision) {
      fail(
        'R22',
        `${name} answers ${what} as ${told(ok)} at ${revision}, it was ${told(applied.outcome.ok)} at ${last?.revision}`,
      )
    }
    const answered = this.#answered.get(view)
    if (answered?.has(proposal.sequence) === true) fail('R22', `${name} answers ${what} twice`)
    answered?.add(proposal.sequence)
  }

  ranged(view: MemberView, { revision, refused }: EventOf<'ranged'>): void {
    const { name, compactRevision, revision: current } = view
    const compacted = revision > 0 && revision < compactRevision
    const readable = revision === 0 || (revision >= compactRevision && revision <= current)
    // Whoever may not read the keys is told that, and nothing of what is kept.
    const denied = refused !== undefined && DENIED.includes(refused)
    if (compacted && refused !== 'COMPACTED' && !denied) {
      fail('R19', `${name} reads at ${revision}, compacted is everything before ${compactRevision}`)
    }
    if (readable && (refused === 'COMPACTED' || refused === 'FUTURE_REVISION')) {
      fail('R19', `${name} refuses a read at ${revision} with ${refused}; it has ${compactRevision} to ${current}`)
    }
  }

  #checkPosition(view: MemberView, entry: EventOf<'applied'>['entry']): void {
    const { name, appliedIndex, commitIndex } = view
    const { index } = entry
    if (index !== appliedIndex + 1) fail('R11', `${name} applies ${index} after ${appliedIndex}`)
    if (index > commitIndex) fail('R11', `${name} applies ${index}, it knows of commits up to ${commitIndex}`)
    const committed = this.#log.committed(index)
    if (committed === undefined) fail('R11', `${name} applies ${describeLink(entry)}, which is not committed`)
    if (committed.term !== entry.term || committed.fingerprint !== fingerprintOf(entry)) {
      const how = committed.term === entry.term ? 'with another content' : `of another term`
      fail('R5', `${name} applies ${describeLink(entry)}, committed is ${describeLink(committed)} ${how}`)
    }
    if (!view.holds(committed)) {
      fail('R10', `${name} applies ${describeLink(entry)}, which is not durable in its own log`)
    }
  }

  /** What one entry may do to the revisions. */
  #checkStep(view: MemberView, { entry, applied, revision, compactRevision }: EventOf<'applied'>): void {
    const { name, revision: before, compactRevision: compactedBefore } = view
    const changed = applied !== undefined && applied.events.length > 0
    if (revision !== before + (changed ? 1 : 0)) {
      const what = changed ? `${applied.events.length} changes` : 'no change'
      fail('R18', `${name} goes from revision ${before} to ${revision} with ${what} at entry ${entry.index}`)
    }
    if (compactRevision < compactedBefore || compactRevision > revision) {
      fail('R19', `the compact revision of ${name} goes from ${compactedBefore} to ${compactRevision} of ${revision}`)
    }
    if (applied === undefined) return
    const strange = applied.events.find(({ keyValue }) => keyValue.modRevision !== revision)
    if (strange !== undefined) {
      fail('R18', `a change of revision ${revision} says it is of ${strange.keyValue.modRevision} (${name})`)
    }
    const { outcome, proposal } = applied
    if (outcome === undefined || proposal.member === 0) return
    if (passedOver(outcome)) return
    const origin = `${proposal.member} ${proposal.incarnation}`
    let sequences = this.#effective.get(origin)
    if (sequences === undefined) this.#effective.set(origin, (sequences = new Set()))
    if (sequences.has(proposal.sequence)) {
      fail('R22', `proposal ${describeProposal(proposal)} takes effect a second time at entry ${entry.index} (${name})`)
    }
    sequences.add(proposal.sequence)
  }

  #compare(
    view: MemberView,
    { entry, applied, revision, compactRevision }: EventOf<'applied'>,
    known: AppliedState,
  ): void {
    const where = `at entry ${entry.index}`
    if (revision !== known.revision || compactRevision !== known.compactRevision) {
      fail(
        'R18',
        `${where} ${view.name} comes to revision ${revision} and compact revision ${compactRevision}, ` +
          `${known.member} came to ${known.revision} and ${known.compactRevision}`,
      )
    }
    const ours = outcomeOf(applied)
    const theirs = outcomeOf(known.applied)
    if (ours !== theirs)
      fail('R18', `${where} the outcome is '${ours}' for ${view.name}, '${theirs}' for ${known.member}`)
    const events = applied?.events ?? []
    const expected = known.applied?.events ?? []
    if (events.length !== expected.length || !events.every((event, at) => isEqual(event, expected[at]))) {
      fail('R18', `${where} the changes that ${view.name} makes are not those that ${known.member} made`)
    }
  }

  #compareDigest(member: string, index: Index, revision: number, digest: Digest): void {
    const known = this.#states.at(index)
    if (known === undefined) return
    known.digest ??= digest
    if (known.revision === revision && equalDigest(known.digest, digest)) return
    fail(
      'R18',
      `states differ at applied index ${index}: ${known.member} has revision ${known.revision} and digest ` +
        `${describeDigest(known.digest)}, ${member} has ${revision} and ${describeDigest(digest)}`,
    )
  }
}

function isEqual(
  event: Parameters<typeof equalEvents>[0],
  other: Parameters<typeof equalEvents>[0] | undefined,
): boolean {
  return other !== undefined && equalEvents(event, other)
}

function outcomeOf(applied: AppliedState['applied']): string {
  if (applied?.outcome === undefined) return 'nothing'
  return applied.outcome.ok ? applied.outcome.response.type : applied.outcome.code
}

function told(ok: boolean): string {
  return ok ? 'done' : 'refused'
}

function isSame(a: ProposalId, b: ProposalId): boolean {
  return a.sequence === b.sequence && a.member === b.member && a.incarnation === b.incarnation
}

function describeProposal({ member, incarnation, sequence }: ProposalId): string {
  return `${sequence} of life ${incarnation} of member ${member}`
}
