/**
 * What must hold in a cluster as a whole, looked at from above with every event of every member. The numbers are those of
 * docs/TESTING.md.
 *
 *     const checkers = new Checkers()
 *     const world = new SimWorld({ seed, open: (name) => ({ observe: checkers.observer(name) }) })
 *     await world.run(until, limitMs, () => checkers.check())
 *
 * Always: costs what changed, and asks no member for its state. Always: the first violation stays; it is thrown by
 * `check()` and not into the member, which would only end it.
 *
 * To come with what they speak of: R17 reads by a lease.
 */
import { assertNever } from '../../base/assert.js'
import { LIMITS } from '../../base/limits.js'
import { openCommand, type CommandBody } from '../../machine/command-codec.js'
import type { MemberEvent } from '../../member/event.js'
import type { Index, NodeId } from '../../raft/types.js'
import { AlarmChecker } from './alarm-checker.js'
import { AuthChecker } from './auth-checker.js'
import { BoundsChecker, type Bounds } from './bounds-checker.js'
import { ConfigurationChecker, type LatestMembership } from './configuration-checker.js'
import { ContactChecker } from './contact-checker.js'
import { LeaseChecker } from './lease-checker.js'
import { LogChecker } from './log-checker.js'
import { LogLedger } from './log-ledger.js'
import { MemberView, type DiskSince } from './member-view.js'
import { PrefixQuotaChecker } from './prefix-quota-checker.js'
import { PromiseChecker, Votes } from './promise-checker.js'
import { ReadChecker } from './read-checker.js'
import { StateChecker } from './state-checker.js'
import { StateLedger } from './state-ledger.js'
import { WatchChecker } from './watch-checker.js'

export interface CheckersOptions {
  /** Writes of the log that the disk of this member has acknowledged and would lose with the power. Default: not asked. */
  readonly unsynced?: (member: string) => number
  /** The digest of the state is compared at every so many entries; it costs some microseconds. Default 32. */
  readonly digestEvery?: number
  /**
   * By how much a change of leader may lengthen a lease, besides an election timeout. Default: not asked: a log that takes
   * long to be committed, or a leader that is paused, lengthens it further.
   */
  readonly leaseLengthenedMsMax?: number
  /** Of the members, for R28. Default: not asked. */
  readonly electionTimeoutMs?: number
  /** As the members were opened. Default: as `open()` has it. */
  readonly bounds?: Bounds
}

/** See {@link Checkers.membership}. */
export interface KnownMembership extends LatestMembership {
  /** Some log has a change that is not committed. */
  readonly inFlight: boolean
}

export class Checkers {
  readonly #log = new LogLedger()
  readonly #states = new StateLedger()
  readonly #votes = new Votes()
  readonly #views = new Map<string, MemberView>()
  readonly #byId = new Map<NodeId, MemberView>()
  readonly #configurations: ConfigurationChecker
  readonly #logs: LogChecker
  readonly #promises: PromiseChecker
  readonly #state: StateChecker
  readonly #reads: ReadChecker
  readonly #watches: WatchChecker
  readonly #leases: LeaseChecker
  readonly #alarms = new AlarmChecker()
  readonly #prefixes = new PrefixQuotaChecker()
  readonly #auth = new AuthChecker()
  readonly #bounds: BoundsChecker
  readonly #contact: ContactChecker
  #violation: Error | undefined
  #events = 0

  constructor(options: CheckersOptions = {}) {
    this.#configurations = new ConfigurationChecker(this.#log)
    this.#logs = new LogChecker(this.#log, this.#votes, this.#configurations, (id) => this.#byId.get(id))
    this.#promises = new PromiseChecker(this.#log, this.#votes, options.unsynced)
    this.#state = new StateChecker(this.#log, this.#states, options.digestEvery ?? 32)
    this.#reads = new ReadChecker(this.#log)
    this.#watches = new WatchChecker(this.#states)
    this.#leases = new LeaseChecker(options.leaseLengthenedMsMax)
    this.#contact = new ContactChecker(options.electionTimeoutMs ?? Infinity)
    this.#bounds = new BoundsChecker(options.bounds ?? LIMITS)
  }

  /** What was found first, if anything was. */
  get violation(): Error | undefined {
    return this.#violation
  }

  /** Up to here all is committed. */
  get committedIndex(): Index {
    return this.#log.committedIndex
  }

  /** Events looked at. */
  get events(): number {
    return this.#events
  }

  /** For `open({ observe })`, in every life of the member of this name. */
  observer(name: string): (event: MemberEvent) => void {
    let view = this.#viewOf(name)
    return (event) => {
      if (this.#violation !== undefined) return
      this.#events++
      try {
        if (event.type === 'recovered') view = this.#viewOfLife(name, event.member)
        this.#look(view, event)
      } catch (error) {
        this.#violation = error as Error
      }
    }
  }

  /** R24, for whoever sees what users are told. */
  get auth(): AuthChecker {
    return this.#auth
  }

  /** Who belongs to the cluster, by what is committed and by what might yet be. */
  get membership(): KnownMembership {
    const latest = this.#configurations.latest
    const inFlight = [...this.#views.values()].some(({ followed }) => followed.index > this.#log.committedIndex)
    return { ...latest, inFlight }
  }

  /** Who voted by what is committed up to there. */
  votersAt(index: Index): readonly NodeId[] {
    return this.#configurations.votersAt(index)
  }

  /** Of the one that runs, or ran last, under this name; 0 before its first life. */
  memberIdOf(name: string): NodeId {
    return this.#viewOf(name).id
  }

  /** Whether its removal is committed. */
  wasRemoved(member: NodeId): boolean {
    return this.#configurations.wasRemoved(member)
  }

  /** The last entry that a member has applied in its present life. */
  appliedIndexOf(name: string): Index {
    return this.#viewOf(name).appliedIndex
  }

  /** Something else than the member changed what is on its disk: if it comes back at all, then as `how` says. */
  diskChanged(name: string, how: Exclude<DiskSince, 'as-written'> = 'forgetful'): void {
    this.#viewOf(name).disk = how
  }

  /** Throws what was found: AssertionError `R5 violated: ...`. After every event. */
  check(): void {
    if (this.#violation !== undefined) throw this.#violation
  }

  #viewOf(name: string): MemberView {
    let view = this.#views.get(name)
    if (view === undefined) this.#views.set(name, (view = new MemberView(name)))
    return view
  }

  /** A member that comes under the name of one that was removed, in a directory of its own, is another one. */
  #viewOfLife(name: string, member: NodeId): MemberView {
    const view = this.#viewOf(name)
    if (view.lives === 0 || view.id === member) return view
    const fresh = new MemberView(name)
    this.#views.set(name, fresh)
    return fresh
  }

  #look(view: MemberView, event: MemberEvent): void {
    switch (event.type) {
      case 'recovered':
        this.#recovered(view, event)
        return
      case 'decided':
        this.#logs.decided(view, event.event)
        return
      case 'write-begun':
        this.#logs.writeBegun(view, event.write)
        return
      case 'write-durable':
        this.#promises.writeDurable(view)
        this.#logs.writeDurable(view)
        return
      case 'message-sent':
        this.#configurations.sent(view, event.message)
        this.#promises.sent(view, event.message)
        return
      case 'read-asked':
        this.#reads.asked(view, event.requestId)
        return
      case 'read-confirmed':
        this.#reads.confirmed(view, event.requestId, event.index)
        return
      case 'read-dropped':
        this.#reads.dropped(view, event.requestId)
        return
      case 'applied':
        this.#applied(view, event)
        return
      case 'answered':
        this.#state.answered(view, event)
        return
      case 'ranged':
        this.#state.ranged(view, event)
        return
      case 'verified':
        this.#state.verified(view, event)
        return
      case 'state-write-begun':
        this.#state.stateWriteBegun(view, event)
        return
      case 'state-durable':
        this.#state.stateDurable(view, event.position)
        return
      case 'state-install-begun':
        view.installing = { position: event.position, hardState: event.hardState }
        return
      case 'state-adopted':
        this.#state.adopted(view, event)
        this.#logs.installed(view)
        return
      case 'log-trimmed':
        this.#state.trimmed(view, event.to)
        return
      case 'leases-taken-over':
        this.#leases.takenOver(view, event)
        return
      case 'leases-given-up':
        this.#leases.givenUp(view)
        return
      case 'lease-granted':
        this.#leases.granted(view, event)
        return
      case 'lease-asked':
        this.#leases.asked(view, event)
        return
      case 'lease-renewed':
        this.#leases.renewed(view, event)
        return
      case 'leases-checkpointed':
        this.#leases.checkpointed(view, event)
        return
      case 'leases-expired':
        this.#leases.expired(view, event)
        return
      case 'watch-opened':
        this.#watches.opened(view, event)
        return
      case 'watch-delivered':
        this.#watches.delivered(view, event)
        return
      case 'watch-progress':
        this.#watches.progressed(view, event)
        return
      case 'watch-ended':
        this.#watches.ended(view, event)
        return
      case 'turned':
        this.#contact.timed(view, event.atMs)
        this.#leases.turned(view, event.atMs)
        this.#bounds.check(view, event)
        return
      case 'message-received':
        this.#contact.received(view, event.message.from, event.atMs)
        return
      case 'stalled':
        this.#contact.timed(view, event.atMs)
        return
      case 'proposed':
      case 'forwarded':
      case 'scrubbed':
      case 'damage-found':
      case 'failed':
      case 'closed':
      case 'removed':
        return
      default:
        assertNever(event, 'event of a member')
    }
  }

  #applied(view: MemberView, event: Extract<MemberEvent, { type: 'applied' }>): void {
    if (!this.#state.applied(view, event)) return
    this.#leases.applied(view, event)
    const { kind, index } = event.entry
    if (kind === 'configuration') this.#alarms.forget((id) => this.#configurations.wasRemoved(id, index))
    const body = event.applied?.outcome === undefined ? undefined : bodyOf(event.entry.data)
    if (body === undefined) return
    this.#alarms.applied(view, event, body)
    this.#prefixes.applied(view, event, body)
    this.#auth.applied(view, event, body)
  }

  /** A crash may have come between the moment in which a state was installed and the one in which that was told. */
  #cameBack(view: MemberView, { applied, revision, digest }: Extract<MemberEvent, { type: 'recovered' }>): void {
    if (view.installing?.position.index === applied.index) {
      view.state = { ...applied, revision, digest }
      this.#logs.installed(view)
    }
    view.installing = undefined
  }

  #recovered(view: MemberView, event: Extract<MemberEvent, { type: 'recovered' }>): void {
    this.#cameBack(view, event)
    this.#state.recovered(view, event)
    this.#promises.recovered(view, event.stored)
    this.#reads.recovered(view)
    this.#watches.recovered(view)
    this.#leases.recovered(view)
    this.#byId.set(event.member, view)
    view.id = event.member
    view.lives++
    view.state = { ...event.applied, revision: event.revision, digest: event.digest }
    view.stateWriting = undefined
    view.awaitsState = event.applied.index < event.stored.compacted.index
    view.role = 'follower'
    view.owed = undefined
    view.truncatedFrom = Infinity
    view.commitIndex = event.applied.index
    view.appliedIndex = event.applied.index
    view.revision = event.revision
    view.compactRevision = event.compactRevision
    this.#configurations.recovered(view, event)
  }
}

/** Undefined for what is no command: it was refused as that. */
function bodyOf(data: Uint8Array): CommandBody | undefined {
  try {
    return openCommand(data).body()
  } catch {
    return undefined
  }
}
