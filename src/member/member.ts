/**
 * One running member: carries the calls of its users in, and ends in order. Its parts are put together in parts.ts.
 *
 * Always: the first failure of the disk, and any broken invariant, ends the member: nothing is retried in place, and
 * everybody who waits is told. Always: after `close()` resolved, nothing of it runs any more.
 */
import { NEVER } from '../base/buggify.js'
import type { Key } from '../base/bytes.js'
import type { Gauges, Listen } from '../base/telemetry.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Question } from '../machine/accesses.js'
import type { LeaseGrantRequest, Request } from '../machine/command.js'
import type { Identity } from '../machine/identity.js'
import type { Machine } from '../machine/machine.js'
import { keyAnswerBytes } from '../mvcc/answer.js'
import type { LeaseId, RangeRequest } from '../mvcc/types.js'
import { ForgottenPromisesError } from '../raft/commit.js'
import type { Write } from '../raft/ready.js'
import type { RaftEvent } from '../raft/trace.js'
import { NOBODY, type NodeId } from '../raft/types.js'
import type { Storage } from '../storage/storage.js'
import type { Frame } from '../transport/transport.js'
import { AddressBook, wasRemoved } from './address-book.js'
import type { CallLimits } from './deadlines.js'
import type { Drain } from './drain.js'
import { Farewell } from './farewell.js'
import { CLOSED, Lifetime, type Ending } from './lifetime.js'
import type { MemberOptions } from './member-options.js'
import type { MembersChange, MembersStatus } from './members-change.js'
import { firstMembers } from './first-members.js'
import type { LoadedState } from './load-state.js'
import { memberStatusOf, type MemberStatus } from './member-status.js'
import { gaugesOf } from './gauges.js'
import { noteForOperators } from './operator-notes.js'
import { openData, type OpenedData } from './open-data.js'
import { makeParts, type Parts } from './parts.js'
import { Peering } from './peering.js'
import type { Proposed } from './proposals.js'
import type { Ranged } from './ranges.js'
import { decidedMembers, withRoles, type MemberWithRole } from './roles.js'
import type { StateRepair } from './state-repair.js'
import { LostMajority } from './lost-majority.js'
import { MeasuredTransport } from './measured-transport.js'
import { Telemeter } from './telemeter.js'
import { tellOpening } from './tell-opening.js'
import { Upkeep } from './upkeep.js'
import type { WatchStream, WatchStreamOptions } from './watches.js'
import type { CallRequest, CallResponse } from './wire/call-codec.js'

/** Whose transport is measured. */
type MeasuredOptions = MemberOptions & { readonly transport: MeasuredTransport | undefined }

export class Member {
  readonly #options: MeasuredOptions
  readonly #parts: Parts
  readonly #lifetime = new Lifetime()
  readonly upkeep: Upkeep
  readonly #lostMajority: LostMajority
  readonly #book: AddressBook
  readonly #peering: Peering
  #closed: Promise<void> | undefined
  /** After the end of everything else. */
  #farewell: Farewell | undefined
  #forgetting: Promise<void> | undefined

  /** Loads what is on disk, starts to listen, and returns without waiting for anybody. */
  static async open(given: MemberOptions): Promise<Member> {
    const { clock, logger } = given.environment
    const telemeter = new Telemeter(clock, logger)
    const transport = given.transport && new MeasuredTransport(given.transport, telemeter)
    const options = { ...given, transport }
    let opened: OpenedData
    try {
      opened = await openData(options)
    } catch (error) {
      await options.transport?.close()
      throw error
    }
    const { storage, loaded, recorded } = opened
    try {
      const members = await firstMembers(options, storage, loaded)
      const member = new Member({ ...options, members }, storage, loaded, telemeter)
      // Until log or state, of which something is damaged, name them again.
      if (recorded !== undefined) member.#book.hear(recorded.index, recorded.book)
      await member.#start()
      if (loaded.behind) member.#catchUp()
      return member
    } catch (error) {
      await options.transport?.close()
      await storage.close()
      throw error
    }
  }

  private constructor(
    options: MeasuredOptions,
    storage: Storage,
    { machine, stored, needed }: LoadedState,
    telemeter: Telemeter,
  ) {
    this.#options = options
    const catchesUp = (): boolean => storage.log.joined && storage.promises === 'lost'
    this.#book = new AddressBook(options.memberId, options.members, catchesUp)
    tellOpening(options, storage, { machine, stored, needed })
    const failed = (error: unknown): void => {
      this.#fail(error)
    }
    this.#parts = makeParts({
      options,
      telemeter,
      storage,
      machine,
      stored,
      needed,
      lifetime: this.#lifetime,
      book: this.#book,
      guard: (step) => {
        this.#guard(step)
      },
      failed,
      forgotten: (what) => {
        this.#forget(what)
      },
      decided: (event) => {
        this.#noteEvent(event)
      },
      leaderChanged: (leader, term) => {
        this.#leaderChanged(leader, term)
      },
      membersChanged: () => {
        this.#membersChanged()
      },
      bookHeard: (by, book) => {
        this.#peering.heard(by, book)
      },
    })
    this.#book.follow(this.#parts)
    const { versions, joins } = this.#parts
    this.#peering = new Peering({
      ...{ options, book: this.#book, versions },
      receive: (from, frame) => {
        this.#receive(from, frame)
      },
      answer: async (question) => joins.answer(question),
      removed: (why) => {
        this.#leave(why)
      },
    })
    this.upkeep = new Upkeep(this.#parts, failed)
    const { electionTimeoutMs, environment } = options
    this.#lostMajority = new LostMajority({
      ...{ electionTimeoutMs, timers: environment.timers, logger: environment.logger },
      waits: () => storage.promises === 'lost' && this.#parts.raft.leader === NOBODY,
    })
    if (needed !== undefined) this.#repair.hide(needed, 'it was damaged when it was opened')
  }

  /**
   * Makes a call of a user: everything that it does here belongs to it, and goes on when the member is closed meanwhile.
   * Throws `CLOSED`, `MEMBER_FAILED` where no new ones are taken.
   */
  admit<T>(call: () => Promise<T>): Promise<T> {
    return this.#drain.admit(call)
  }

  /** Resolves with the result once the request was applied on this member: whether `identity` may is decided then. */
  propose(request: Request, identity: Identity, limits: CallLimits): Promise<Proposed> {
    return this.#parts.spans.propose(request, () => this.#propose(request, identity, limits))
  }

  async #propose(request: Request, identity: Identity, limits: CallLimits): Promise<Proposed> {
    this.#lifetime.checkOpen()
    this.#parts.space.admit(request)
    const proposed = this.#parts.proposals.propose(request, identity, limits)
    this.#parts.pacer.wake()
    return proposed
  }

  /** Resolves when what this member has is as current as a linearizable read needs it. */
  async confirmRead(limits: CallLimits): Promise<void> {
    return this.#parts.confirmRead(limits)
  }

  /** Reads what this member has, if `identity` may by what it has. */
  async range(request: RangeRequest, identity: Identity, limits: CallLimits): Promise<Ranged> {
    this.#lifetime.checkOpen()
    return this.#parts.ranges.range(request, identity, limits)
  }

  /**
   * Throws `STATE_REPLACED` while there is no state by which it is known what a watch from now on begins with. One that says
   * where it begins waits for the history.
   */
  watch(options: WatchStreamOptions): WatchStream {
    this.#lifetime.checkAdmits()
    if (!options.startRevision) this.#repair.checkShown()
    return this.#parts.watches.open(options)
  }

  /** Returns if `identity` may do all of this, by the state that this member has. Throws as {@link Machine.authorize}. */
  authorize(identity: Identity, question: Question): void {
    this.#repair.checkShown()
    this.#parts.machine.authorize(identity, question)
  }

  /** As {@link authorize}, for what goes on since it was allowed. Throws as {@link Machine.authorizeStill}. */
  authorizeStill(identity: Identity, question: Question): void {
    this.#repair.checkShown()
    this.#parts.machine.authorizeStill(identity, question)
  }

  /** Users and roles as this member has them; not to be changed. */
  get auth(): Pick<Machine['auth'], 'enabled' | 'revision' | 'credentials' | 'answer'> {
    return this.#parts.machine.auth
  }

  /** Whom a simple token names; undefined where this member does not know it, or not any more. */
  identityOfToken(token: string): Identity | undefined {
    return this.#parts.tokens.identityOf(token, this.#options.environment.clock.monotonicMs())
  }

  /** Waits for `work`, but no longer than a call may; what becomes of the work then is nobody's affair. */
  async within<T>(work: Promise<T>, limits: CallLimits, what: string): Promise<T> {
    this.#lifetime.checkOpen()
    return this.#parts.deadlines.within(work, limits, (code, cause) => {
      const why = code === 'TIMEOUT' ? 'The deadline passed' : 'The call was aborted'
      return new StoreError(code, `${why} before ${what}.`, { cause })
    })
  }

  async askLeader(request: CallRequest, identity: Identity, limits: CallLimits): Promise<CallResponse> {
    return this.#parts.askLeader(request, identity, limits)
  }

  get id(): NodeId {
    return this.#options.memberId
  }

  /** Who is in the cluster and what each is, by the log of this member: a change that is under way is in it. */
  get members(): readonly MemberWithRole[] {
    return withRoles(this.#book.members, this.#parts.raft.configuration)
  }

  /** The same by what is applied: what the cluster has decided, as far as this member knows. */
  get decidedMembers(): readonly MemberWithRole[] {
    return decidedMembers(this.#parts.machine.members, this.#options.members)
  }

  /** Who is in the cluster, by the log of this member. */
  get addressBook(): Pick<AddressBook, 'members' | 'removed' | 'find' | 'nameOf' | 'alone'> {
    return this.#book
  }

  /**
   * Resolves once the change is applied by the leader; may be asked for again. Rejects with what decide-change.ts refuses,
   * `NOT_A_LEARNER`, `PERMISSION_DENIED`, `TIMEOUT` and the like: what became of it is unknown then.
   */
  async changeMembers(change: MembersChange, identity: Identity, limits: CallLimits): Promise<void> {
    this.#lifetime.checkOpen()
    return this.#parts.members.change(change, identity, limits)
  }

  /** Resolves once the cluster has it that clients reach this member there. Rejects as {@link changeMembers}. */
  async announce(clientUrls: readonly string[], identity: Identity, limits: CallLimits): Promise<void> {
    this.#lifetime.checkOpen()
    return this.#parts.announce(clientUrls, identity, limits)
  }

  /** Resolves with the next leader, once this member sees it. Rejects with `TRANSFEREE_INVALID`, `TIMEOUT` and the like. */
  async moveLeader(to: NodeId | undefined, identity: Identity, limits: CallLimits): Promise<NodeId> {
    this.#lifetime.checkOpen()
    return this.#parts.members.moveLeader(to, identity, limits)
  }

  /** Who is in the cluster, and how far each has come, by the leader. */
  async membersStatus(identity: Identity, limits: CallLimits): Promise<MembersStatus> {
    this.#lifetime.checkOpen()
    return this.#parts.members.status(identity, limits)
  }

  /**
   * The request for a lease of at least `ttlSeconds`, under `id` or a fresh one. Its time is settled here, where it is
   * proposed, and not where it is applied: members whose election timeouts differ would disagree about it.
   */
  leaseGrant(ttlSeconds: number, id?: LeaseId): LeaseGrantRequest {
    return {
      type: 'lease-grant',
      id: id ?? this.#parts.leases.freshId(this.#options.environment.random),
      ttlSeconds: Math.max(ttlSeconds, this.#parts.leases.minimumTtlSeconds),
    }
  }

  /** The ids of the leases that this member knows, ascending. */
  leaseIds(identity: Identity): LeaseId[] {
    this.#lifetime.checkOpen()
    this.#repair.checkShown()
    this.#parts.machine.authorize(identity, { type: 'lease-list' })
    return [...this.#parts.machine.lessor.ids()]
  }

  /** The keys that hang on a lease as far as this member knows, in their order; undefined where it does not exist. Throws `RESPONSE_TOO_LARGE`. */
  leaseKeys(id: LeaseId, identity: Identity): readonly Key[] | undefined {
    this.#lifetime.checkOpen()
    this.#repair.checkShown()
    this.#parts.machine.authorize(identity, { type: 'lease-time-to-live', id, keys: true })
    const { lessor } = this.#parts.machine
    if (!lessor.exists(id)) return undefined
    let bytes = 0
    for (const key of lessor.attachedTo(id)) bytes += keyAnswerBytes(key.length)
    if (bytes > LIMITS.responseBytesMax) {
      throw new StoreError(
        'RESPONSE_TOO_LARGE',
        `the keys of lease ${id} take ${bytes} bytes, the limit is ${LIMITS.responseBytesMax}; read them by range instead`,
      )
    }
    return lessor.keysOf(id)
  }

  /** Closed, or failed: what {@link status} tells is of before. */
  get stopped(): boolean {
    return this.#lifetime.ended
  }

  /** About to stop: what is under way goes on, and nothing new is taken. */
  get closing(): boolean {
    return this.#lifetime.closing
  }

  /** It was removed from the cluster. */
  get removed(): boolean {
    return this.#lifetime.removed
  }

  get status(): MemberStatus {
    return memberStatusOf(this.#parts)
  }

  /** What of it is asked for often. */
  get position(): Pick<MemberStatus, 'leader' | 'revision' | 'term'> & { readonly learner: boolean } {
    const { raft, machine } = this.#parts
    const { term, leader, configuration } = raft
    return { term, leader, revision: machine.revision, learner: configuration.learners.includes(this.id) }
  }

  /** Tells `listen` of all that is measured from now on, until what this gives is called or the member has ended. */
  measure(listen: Listen): () => void {
    this.#lifetime.checkOpen()
    return this.#parts.telemeter.listen(listen)
  }

  get gauges(): Gauges {
    return gaugesOf(this.#parts, this.#options.transport, this.upkeep)
  }

  /**
   * Ends the member; idempotent. Calls under way may end first (drain.ts), who waits then is told `CLOSED`; a leader hands
   * over, for an election timeout at most; what is buffered is written. Rejects with `DISK_FAILED`, in time also on a disk that does not answer.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #start(): Promise<void> {
    if (wasRemoved(this.#parts.machine, this.#options.memberId)) {
      this.#leave('it had been removed before it was opened')
      return
    }
    await this.#peering.start()
    this.#parts.scrubber.start()
    if (this.#parts.storage.promises === 'lost') this.#lostMajority.start()
    this.#parts.freeSpace.start()
    this.#parts.stallGuard.start()
    this.#parts.pacer.wake()
  }

  /** The state is shown once it has all that was committed when a leader was first heard. */
  #catchUp(): void {
    const { confirmRead, storage } = this.#parts
    const caughtUp = confirmRead({ deadlineMs: Infinity }).then(() => {
      storage.log.stateCameBack()
    })
    this.#repair.comesBack(caughtUp)
  }

  #receive(from: NodeId, frame: Frame): void {
    const { clock, buggify = NEVER } = this.#options.environment
    const { stallGuard, inbox, loop, pacer } = this.#parts
    this.#farewell?.receive(from, frame)
    this.#guard(() => {
      const nowMs = clock.monotonicMs()
      stallGuard.notice(nowMs)
      inbox.receive(from, frame, nowMs)
      if (buggify('turn-per-frame')) loop.turn()
      else pacer.wake()
    })
  }

  /** In the middle of a turn, which ends as it would. */
  #membersChanged(): void {
    if (this.#lifetime.ended) return
    this.#peering.tell()
    if (wasRemoved(this.#parts.machine, this.#options.memberId)) this.#leave('that is applied here')
  }

  #leaderChanged(leader: NodeId, term: number): void {
    const name = leader === NOBODY ? undefined : this.#book.nameOf(leader)
    this.#options.environment.logger.info('leader changed', { leader: name, term })
    this.#drain.leaderChanged()
    this.#options.listener.leaderChanged(name, term)
  }

  get #drain(): Drain {
    return this.#parts.drain
  }

  get #repair(): StateRepair {
    return this.#parts.states.repair
  }

  #noteEvent(event: RaftEvent): void {
    this.#options.observe?.({ type: 'decided', event })
    noteForOperators(this.#options.environment.logger, this.#book, event)
  }

  /** Runs a step while the member is open; what it throws ends the member. */
  #guard(step: () => void): void {
    if (this.#lifetime.ended) return
    try {
      step()
    } catch (error) {
      if (error instanceof ForgottenPromisesError) this.#forget(error.message)
      else this.#fail(error)
    }
  }

  #fail(cause: unknown): void {
    if (this.#lifetime.ended) return
    const failure = cause instanceof Error ? cause : new Error(String(cause))
    this.#options.environment.logger.error('member failed and stops', { reason: failure.message })
    this.#options.observe?.({ type: 'failed', error: failure })
    this.#end({ code: 'MEMBER_FAILED', why: `this member stopped itself: ${failure.message}`, cause: failure })
    const leave = (): void => {
      // Closing it fails at most with what is broken already.
      this.#options.transport?.close().catch(() => undefined)
      this.#options.listener.failed(failure)
    }
    // With a failed disk the core is as it should be; after a broken invariant nothing more may be asked of it.
    if (isStoreError(cause)) this.#farewell = this.#sayFarewell(undefined)
    if (this.#farewell === undefined) leave()
    else void this.#farewell.ended.then(leave)
  }

  /** The cluster goes on without this member, which ends: in peace, and leaving the others in theirs. */
  #leave(why: string): void {
    if (this.#lifetime.ended) return
    const { transport, listener, environment, observe } = this.#options
    environment.logger.warn('this member was removed from the cluster and ends', { reason: why })
    observe?.({ type: 'removed' })
    const message = `this member was removed from the cluster: ${why}. Its directory is of no further use`
    this.#end({ code: 'MEMBER_REMOVED', why: message, cause: undefined })
    this.#farewell = this.#sayFarewell((write) => this.#parts.loop.write(write))
    const leave = (): void => {
      transport?.close().catch(() => undefined)
      listener.removed()
    }
    if (this.#farewell === undefined) leave()
    else void this.#farewell.ended.then(leave)
  }

  /** The disk does not hold what this member promised: not by the next open either may it be taken for one that keeps it. */
  #forget(what: string): void {
    const { storage } = this.#parts
    const then =
      'It stops; when it is opened again it goes on without promises, until the others have brought it up to date. ' +
      'Never put a copy of a data directory in the place of a newer one.'
    this.#fail(new StoreError('DATA_DAMAGED', `${storage.location} has forgotten what it promised: ${what}. ${then}`))
    // Should this fail, the next open finds it out as this one did.
    this.#forgetting = storage.log.losePromises(0).catch(() => undefined)
  }

  #sayFarewell(write: ((write: Write) => Promise<void>) | undefined): Farewell | undefined {
    const { transport, memberId, electionTimeoutMs, environment, observe } = this.#options
    const { clock, timers, logger } = environment
    if (transport === undefined) return undefined
    const { raft } = this.#parts
    return Farewell.begin({ raft, memberId, electionTimeoutMs, transport, clock, timers, logger, observe, write })
  }

  /** From here on nothing is taken on, and everybody who waits is told. */
  #end(ending: Ending): void {
    this.#lifetime.end(ending)
    this.#parts.elsewhere.stop()
    const { code, why, cause } = ending
    const {
      pacer,
      freeSpace,
      leases,
      watches,
      proposals,
      reads,
      calls,
      conditions,
      ranges,
      tallies,
      swept,
      snapshots,
      hashes,
      states,
      scrubber,
    } = this.#parts
    this.#drain.stop()
    this.#parts.stallGuard.stop()
    pacer.stop()
    freeSpace.stop()
    leases.stop()
    states.stop()
    for (const waiting of [proposals, reads, calls, conditions, ranges, tallies, swept, snapshots, hashes]) {
      waiting.rejectAll(code, why, cause)
    }
    watches.closeAll(new StoreError(code, why, { cause }))
    scrubber.stop()
    this.#lostMajority.stop()
  }

  async #close(): Promise<void> {
    if (!this.#lifetime.ended) await this.#drain.run()
    // It may have ended meanwhile.
    const failed = this.#lifetime.ended && !this.#lifetime.removed
    if (!this.#lifetime.ended) {
      this.#end(CLOSED)
      if (!this.#drain.refused) this.#farewell = this.#sayFarewell((write) => this.#parts.loop.write(write))
    }
    await this.#farewell?.ended
    await this.#options.transport?.close()
    try {
      await this.#parts.loop.settled()
      await this.#parts.states.settled()
      await this.#forgetting
      if (!failed) await this.#parts.persistence.finish()
    } finally {
      await this.#parts.storage.close()
      this.#parts.telemeter.stop()
      this.#options.observe?.({ type: 'closed' })
    }
  }
}
