/**
 * One running member: puts the parts together, carries the calls of its users in, and ends in order.
 *
 * Always: the first failure of the disk, and any broken invariant, ends the member: nothing is retried in place, and
 * everybody who waits is told. Always: after `close()` resolved, nothing of it runs any more.
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import type { Key } from '../base/bytes.js'
import { describeDigest } from '../base/checksum.js'
import type { Environment } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Alarm } from '../machine/alarms.js'
import type { Question } from '../machine/accesses.js'
import type { LeaseGrantRequest, Request } from '../machine/command.js'
import { MEMBER, type Identity } from '../machine/identity.js'
import { Machine } from '../machine/machine.js'
import { keyAnswerBytes } from '../mvcc/answer.js'
import type { LeaseId, RangeRequest, Revision } from '../mvcc/types.js'
import type { PrefixQuota } from '../mvcc/prefix-quotas.js'
import type { KeyRange } from '../mvcc/statistics.js'
import type { RaftOptions } from '../raft/options.js'
import { RawNode } from '../raft/raw-node.js'
import type { Status } from '../raft/ready.js'
import type { RaftEvent } from '../raft/trace.js'
import { NOBODY, type NodeId, type StoredState } from '../raft/types.js'
import type { Disk } from '../storage/disk.js'
import { openStorage, type Storage } from '../storage/storage.js'
import type { Transport } from '../transport/transport.js'
import { AlarmRaiser } from './alarm-raiser.js'
import { answerAsLeader, type Answer } from './answers.js'
import { AutoCompactor, type AutoCompaction } from './auto-compactor.js'
import { Calls } from './calls.js'
import { Deadlines, type CallLimits } from './deadlines.js'
import type { Observe } from './event.js'
import { Hashes, type Hashed } from './hashes.js'
import { Inbox } from './inbox.js'
import { LeaseDriver } from './lease-driver.js'
import { Loop } from './loop.js'
import { Pacer } from './pacer.js'
import { Persistence } from './persistence.js'
import { Proposals, type Proposed } from './proposals.js'
import { Ranges, type Ranged } from './ranges.js'
import { Reads } from './reads.js'
import { RecordReader } from './record-reader.js'
import { ResponseReader } from './response-reader.js'
import { Snapshots, type SnapshotStream } from './snapshots.js'
import { Swept } from './swept.js'
import { Space } from './space.js'
import { Tallies, type Statistics } from './tallies.js'
import { Verifier } from './verifier.js'
import { TokenBook } from './token-book.js'
import { Watches, type WatchStream, type WatchStreamOptions } from './watches.js'
import { encodeReplies, type Call, type CallRequest, type CallResponse, type Reply } from './wire/call-codec.js'
import { FRAME_KIND } from './wire/frame-kind.js'

export interface MemberAddress {
  readonly id: NodeId
  readonly name: string
  readonly address: string
}

export interface MemberOptions {
  readonly clusterId: number
  /** Every member of the cluster, this one included. */
  readonly members: readonly MemberAddress[]
  readonly memberId: NodeId
  readonly disk: Disk
  /** Not yet started; the member starts and closes it. Undefined in a cluster of one. */
  readonly transport: Transport | undefined
  readonly environment: Environment
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly stateBufferBytesMax: number
  readonly valueCacheBytesMax: number
  readonly logRetainBytes: number
  /** Undefined: never. */
  readonly autoCompaction: AutoCompaction | undefined
  /** May be Infinity. */
  readonly quotaBytes: number
  /** May be Infinity. */
  readonly checkIntervalMs: number
  /** By how many milliseconds a change of leader may lengthen a lease, besides an election timeout. */
  readonly leaseCheckpointIntervalMs: number
  /** How long a simple token counts without being used. */
  readonly simpleTokenTtlMs: number
  readonly listener: MemberListener
  /** Must not throw. */
  readonly observe?: Observe | undefined
}

/** Told what happens; what it throws is its own affair. */
export interface MemberListener {
  leaderChanged(leader: string | undefined, term: number): void
  failed(error: Error): void
}

export interface MemberStatus extends Status {
  readonly appliedIndex: number
  readonly revision: number
  readonly compactRevision: number
  readonly digest: string
  readonly alarms: readonly Alarm[]
  readonly quotaBytes: number
  readonly sizeInUseBytes: number
  /** Up to here the state itself is on disk; the log brings back the rest. */
  readonly durableAppliedIndex: number
  readonly stateWrites: number
  readonly logTrims: number
}

/** Election timeouts that what a member proposes by itself waits before it is given up, to be proposed anew. */
const OWN_TIMEOUT_ELECTIONS = 10

type Ending = { readonly code: 'CLOSED' | 'MEMBER_FAILED'; readonly why: string; readonly cause: unknown }

export class Member {
  readonly #options: MemberOptions
  readonly #storage: Storage
  readonly #machine: Machine
  readonly #raft: RawNode
  readonly #proposals: Proposals
  readonly #reads: Reads
  readonly #calls: Calls
  readonly #leases: LeaseDriver
  readonly #ranges: Ranges
  readonly #tokens: TokenBook
  readonly #deadlines: Deadlines
  readonly #watches: Watches
  readonly #snapshots: Snapshots
  readonly #inbox: Inbox
  readonly #persistence: Persistence
  readonly #swept: Swept
  readonly #space: Space
  readonly #hashes: Hashes
  readonly #tallies: Tallies
  readonly #pacer: Pacer
  readonly #loop: Loop

  readonly #wake = (): void => {
    this.#pacer.wake()
  }

  /** Undefined while it is open. */
  #ending: Ending | undefined
  #closed: Promise<void> | undefined

  /** Loads what is on disk, starts to listen, and returns without waiting for anybody. */
  static async open(options: MemberOptions): Promise<Member> {
    const { clusterId, memberId, disk } = options
    const identity = { clusterId, memberId, name: nameOf(options, memberId) ?? '' }
    const storage = await openStorage(disk, identity, options.environment.buggify)
    try {
      const member = new Member(options, storage, await loadMachine(storage, options))
      await member.#start()
      return member
    } catch (error) {
      await options.transport?.close()
      await storage.close()
      throw error
    }
  }

  private constructor(options: MemberOptions, storage: Storage, machine: Machine) {
    const { memberId, transport, electionTimeoutMs, heartbeatIntervalMs, observe } = options
    const { clock, timers, random, logger, buggify = NEVER } = options.environment
    this.#options = options
    this.#storage = storage
    this.#machine = machine
    const { appliedIndex, appliedTerm } = machine
    const stored = storage.log.storedState({ index: appliedIndex, term: appliedTerm })
    this.#tellRecovered(stored)
    this.#raft = new RawNode(
      {
        id: memberId,
        configuration: { voters: options.members.map(({ id }) => id) },
        electionTimeoutMs,
        heartbeatIntervalMs,
        ...raftLimits(buggify),
        random,
        trace: (event) => {
          this.#noteEvent(event)
        },
      },
      stored,
      clock.monotonicMs(),
    )
    const failed = (error: unknown): void => {
      this.#fail(error)
    }
    const deadlines = new Deadlines(clock, timers)
    const confirmRead = (limits: CallLimits): Promise<void> => this.confirmRead(limits)
    const answer = (calls: readonly Call[], tell: Answer): Promise<void> => {
      const parts = {
        raft: this.#raft,
        machine,
        leases: this.#leases,
        clock,
        timers,
        deadlines,
        electionTimeoutMs,
        confirmRead,
        wake: this.#wake,
        buggify,
      }
      return answerAsLeader(parts, calls, tell)
    }
    this.#deadlines = deadlines
    const reader = new RecordReader({ store: machine.store, state: storage.state, timers, wake: this.#wake, buggify })
    const origin = { member: memberId, incarnation: storage.incarnation }
    this.#proposals = new Proposals(origin, deadlines, new ResponseReader(reader), observe)
    this.#reads = new Reads(deadlines, buggify)
    this.#calls = new Calls(deadlines, random)
    this.#leases = new LeaseDriver({
      lessor: machine.lessor,
      electionTimeoutMs,
      checkpointIntervalMs: options.leaseCheckpointIntervalMs,
      observe,
      buggify,
    })
    this.#ranges = new Ranges(machine, reader, deadlines, observe)
    this.#tokens = new TokenBook(machine.auth, options.simpleTokenTtlMs, this.#raft.status().lastIndex + 1)
    this.#watches = new Watches({ machine, state: storage.state, timers, random, observe, buggify })
    const identity = { clusterId: options.clusterId, memberId, name: nameOf(options, memberId) ?? '' }
    this.#snapshots = new Snapshots({ identity, machine, state: storage.state, deadlines, clock, timers, buggify })
    this.#persistence = new Persistence({ storage, machine, raft: this.#raft }, options, failed, observe, buggify)
    this.#swept = new Swept(deadlines)
    const alarms = new AlarmRaiser({
      memberId,
      logger,
      wake: this.#wake,
      isActive: (alarm) => machine.alarms.has(alarm),
      propose: (request) => this.#proposeOwn(request),
    })
    this.#tallies = new Tallies(machine, deadlines, options.environment)
    this.#space = new Space(machine, alarms, options.quotaBytes)
    this.#hashes = new Hashes({ store: machine.store, state: storage.state, timers, deadlines, wake: this.#wake })
    this.#inbox = new Inbox({
      memberId,
      raft: this.#raft,
      calls: this.#calls,
      logger,
      answer: (from, calls) => {
        const reply: Answer = (replies) => {
          this.#reply(from, replies)
        }
        answer(calls, reply).catch(failed)
      },
      observe,
      buggify,
    })
    const step = (): void => {
      this.#loop.turn()
    }
    const turn = (): void => {
      this.#guard(step)
    }
    this.#pacer = new Pacer(clock, timers, turn, buggify)
    this.#loop = new Loop({
      memberId,
      electionTimeoutMs,
      clock,
      timers,
      raft: this.#raft,
      machine,
      storage,
      transport,
      inbox: this.#inbox,
      proposals: this.#proposals,
      reads: this.#reads,
      calls: this.#calls,
      leases: this.#leases,
      compactor: new AutoCompactor(options.autoCompaction, clock.monotonicMs()),
      tokens: this.#tokens,
      watches: this.#watches,
      alarms,
      space: this.#space,
      verifier: new Verifier(alarms, options.checkIntervalMs, observe),
      persistence: this.#persistence,
      swept: this.#swept,
      pacer: this.#pacer,
      answer,
      leaderChanged: (leader, term) => {
        this.#leaderChanged(leader, term)
      },
      failed,
      observe,
      buggify,
    })
  }

  /** Resolves with the result once the request was applied on this member: whether `identity` may is decided then. */
  async propose(request: Request, identity: Identity, limits: CallLimits): Promise<Proposed> {
    this.#checkOpen()
    this.#space.admit(request)
    const proposed = this.#proposals.propose(request, identity, limits)
    this.#pacer.wake()
    return proposed
  }

  /** Resolves when what this member has is as current as a linearizable read needs it. */
  async confirmRead(limits: CallLimits): Promise<void> {
    this.#checkOpen()
    const confirmed = this.#reads.confirm(limits)
    this.#pacer.wake()
    return confirmed
  }

  /** Reads what this member has, if `identity` may by what it has. */
  async range(request: RangeRequest, identity: Identity, limits: CallLimits): Promise<Ranged> {
    this.#checkOpen()
    return this.#ranges.range(request, identity, limits)
  }

  watch(options: WatchStreamOptions): WatchStream {
    this.#checkOpen()
    return this.#watches.open(options)
  }

  /** The state as this member has applied it when the first piece is asked for. */
  snapshot(signal: AbortSignal | undefined): SnapshotStream {
    this.#checkOpen()
    return this.#snapshots.open(signal)
  }

  /** The hash of what can be read here up to `revision`; 0: the current one. */
  async hash(revision: Revision, limits: CallLimits): Promise<Hashed> {
    this.#checkOpen()
    return this.#hashes.hash(revision, limits)
  }

  /** Resolves when what compactions up to `revision`, which is applied here, made superfluous is gone from this disk. */
  async swept(revision: Revision, limits: CallLimits): Promise<void> {
    this.#checkOpen()
    const swept = this.#swept.wait(revision, limits)
    this.#pacer.wake()
    return swept
  }

  /** Returns if `identity` may do all of this, by the state that this member has. Throws as {@link Machine.authorize}. */
  authorize(identity: Identity, question: Question): void {
    this.#machine.authorize(identity, question)
  }

  /** As {@link authorize}, for what goes on since it was allowed. Throws as {@link Machine.authorizeStill}. */
  authorizeStill(identity: Identity, question: Question): void {
    this.#machine.authorizeStill(identity, question)
  }

  /** Users and roles as this member has them; not to be changed. */
  get auth(): Pick<Machine['auth'], 'enabled' | 'revision' | 'credentials' | 'answer'> {
    return this.#machine.auth
  }

  /** Whom a simple token names; undefined where this member does not know it, or not any more. */
  identityOfToken(token: string): Identity | undefined {
    return this.#tokens.identityOf(token, this.#options.environment.clock.monotonicMs())
  }

  /** Waits for `work`, but no longer than a call may; what becomes of the work then is nobody's affair. */
  async within<T>(work: Promise<T>, limits: CallLimits, what: string): Promise<T> {
    this.#checkOpen()
    const pending = this.#deadlines.wait<T>(limits, (code, cause) => {
      const why = code === 'TIMEOUT' ? 'The deadline passed' : 'The call was aborted'
      return new StoreError(code, `${why} before ${what}.`, { cause })
    })
    work.then(
      (result) => {
        pending.resolve(result)
      },
      (error: unknown) => {
        pending.reject(error as Error)
      },
    )
    return pending.promise
  }

  async askLeader(request: CallRequest, identity: Identity, limits: CallLimits): Promise<CallResponse> {
    this.#checkOpen()
    const answer = this.#calls.ask(request, identity, limits)
    this.#pacer.wake()
    return answer
  }

  /**
   * The request for a lease of at least `ttlSeconds`, under `id` or a fresh one. Its time is settled here, where it is
   * proposed, and not where it is applied: members whose election timeouts differ would disagree about it.
   */
  leaseGrant(ttlSeconds: number, id?: LeaseId): LeaseGrantRequest {
    return {
      type: 'lease-grant',
      id: id ?? this.#leases.freshId(this.#options.environment.random),
      ttlSeconds: Math.max(ttlSeconds, this.#leases.minimumTtlSeconds),
    }
  }

  /** Those that are active, as far as this member has applied. */
  get alarms(): readonly Alarm[] {
    return this.#machine.alarms.list()
  }

  /** The ids of the leases that this member knows, ascending. */
  leaseIds(identity: Identity): LeaseId[] {
    this.#checkOpen()
    this.#machine.authorize(identity, { type: 'lease-list' })
    return [...this.#machine.lessor.ids()]
  }

  /** The keys that hang on a lease as far as this member knows, in their order; undefined where it does not exist. Throws `RESPONSE_TOO_LARGE`. */
  leaseKeys(id: LeaseId, identity: Identity): readonly Key[] | undefined {
    this.#checkOpen()
    this.#machine.authorize(identity, { type: 'lease-time-to-live', id, keys: true })
    const { lessor } = this.#machine
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

  get status(): MemberStatus {
    const { appliedIndex, revision, compactRevision, digest, alarms } = this.#machine
    return {
      ...this.#raft.status(),
      appliedIndex,
      revision,
      compactRevision,
      digest: describeDigest(digest),
      alarms: alarms.list(),
      quotaBytes: this.#space.quotaBytes,
      sizeInUseBytes: this.#machine.bytesInUse,
      durableAppliedIndex: this.#persistence.durableIndex,
      ...this.#persistence.statistics,
    }
  }

  /** The quotas of prefixes as they are here, and what is used of them. */
  prefixQuotas(identity: Identity): readonly PrefixQuota[] {
    this.#checkOpen()
    this.#machine.authorize(identity, { type: 'prefix-quota-list' })
    return this.#machine.store.prefixQuotas
  }

  /** Counts what this member has of a range at a revision (0: the latest). */
  async statistics(range: KeyRange, revision: Revision, identity: Identity, limits: CallLimits): Promise<Statistics> {
    this.#checkOpen()
    return this.#tallies.count(range, revision, identity, limits)
  }

  /** What its data takes physically; undefined where the disk does not tell. */
  async diskBytes(): Promise<number | undefined> {
    this.#checkOpen()
    return this.#storage.sizeBytes()
  }

  /** Writes the state, and has its database rewritten without what was overwritten and deleted. */
  async defragment(): Promise<void> {
    this.#checkOpen()
    await this.#persistence.flush(this.#wake)
    this.#checkOpen()
    try {
      await this.#storage.state.defragment()
    } catch (error) {
      this.#fail(error)
    }
    this.#checkOpen()
  }

  /** Ends the member; idempotent. Who waits is told `CLOSED`; what is buffered is written. */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #start(): Promise<void> {
    const { clusterId, memberId, members, transport, environment } = this.#options
    const { logger, clock, buggify = NEVER } = environment
    if (transport !== undefined) {
      transport.setPeers(members.filter(({ id }) => id !== memberId))
      const handler = {
        onFrame: (from: NodeId, frame: { readonly kind: number; readonly bytes: Uint8Array }) => {
          this.#guard(() => {
            this.#inbox.receive(from, frame, clock.monotonicMs())
            if (buggify('turn-per-frame')) this.#loop.turn()
            else this.#pacer.wake()
          })
        },
        onReachable: (peer: NodeId) => {
          logger.info('peer reachable', { peer: nameOf(this.#options, peer) })
        },
        onUnreachable: (peer: NodeId, reason: string) => {
          logger.warn('peer unreachable', { peer: nameOf(this.#options, peer), reason })
        },
      }
      await transport.start({ clusterId, memberId }, handler)
    }
    this.#pacer.wake()
  }

  /** What this member wants done by itself. Sent until it is applied, or given up where no leader is found for long. */
  async #proposeOwn(request: Request): Promise<Proposed> {
    const { environment, electionTimeoutMs } = this.#options
    const deadlineMs = environment.clock.monotonicMs() + OWN_TIMEOUT_ELECTIONS * electionTimeoutMs
    const proposed = this.#proposals.propose(request, MEMBER, { deadlineMs })
    this.#wake()
    return proposed
  }

  #reply(to: NodeId, replies: readonly Reply[]): void {
    const { transport, environment } = this.#options
    if (environment.buggify?.('reply-dropped') === true) return
    transport?.send(to, { kind: FRAME_KIND.reply, bytes: encodeReplies(replies) })
  }

  #leaderChanged(leader: NodeId, term: number): void {
    const name = leader === NOBODY ? undefined : nameOf(this.#options, leader)
    this.#options.environment.logger.info('leader changed', { leader: name, term })
    this.#options.listener.leaderChanged(name, term)
  }

  #tellRecovered(stored: StoredState): void {
    const { memberId: member, members, observe } = this.#options
    if (observe === undefined) return
    const { revision, compactRevision, digest, appliedIndex, appliedTerm, lessor } = this.#machine
    observe({
      type: 'recovered',
      member,
      name: nameOf(this.#options, member) ?? '',
      voters: members.map(({ id }) => id),
      incarnation: this.#storage.incarnation,
      stored,
      applied: { index: appliedIndex, term: appliedTerm },
      revision,
      compactRevision,
      digest,
      leases: lessor.leases().map(({ id }) => id),
    })
  }

  #noteEvent(event: RaftEvent): void {
    this.#options.observe?.({ type: 'decided', event })
    if (event.type !== 'progress-snapshot') return
    this.#options.environment.logger.warn('a member was away for longer than the log goes back and cannot catch up', {
      member: nameOf(this.#options, event.follower),
      logBeginsAfter: event.compactedIndex,
    })
  }

  #checkOpen(): void {
    if (this.#ending !== undefined) {
      throw new StoreError(this.#ending.code, this.#ending.why, { cause: this.#ending.cause })
    }
  }

  /** Runs a step while the member is open; what it throws ends the member. */
  #guard(step: () => void): void {
    if (this.#ending !== undefined) return
    try {
      step()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(cause: unknown): void {
    if (this.#ending !== undefined) return
    const failure = cause instanceof Error ? cause : new Error(String(cause))
    this.#options.environment.logger.error('member failed and stops', { reason: failure.message })
    this.#options.observe?.({ type: 'failed', error: failure })
    this.#end({ code: 'MEMBER_FAILED', why: `this member stopped itself: ${failure.message}`, cause: failure })
    // Closing it fails at most with what is broken already.
    this.#options.transport?.close().catch(() => undefined)
    this.#options.listener.failed(failure)
  }

  /** From here on nothing is taken on, and everybody who waits is told. */
  #end(ending: Ending): void {
    this.#ending = ending
    const { code, why, cause } = ending
    this.#pacer.stop()
    this.#proposals.rejectAll(code, why, cause)
    this.#reads.rejectAll(code, why, cause)
    this.#calls.rejectAll(code, why, cause)
    this.#leases.stop()
    this.#ranges.rejectAll(code, why, cause)
    this.#tallies.rejectAll(code, why, cause)
    this.#swept.rejectAll(code, why, cause)
    this.#snapshots.rejectAll(code, why, cause)
    this.#hashes.rejectAll(code, why, cause)
    this.#watches.closeAll(new StoreError(code, why, { cause }))
  }

  async #close(): Promise<void> {
    const failed = this.#ending !== undefined
    if (!failed) this.#end({ code: 'CLOSED', why: 'the store is closed', cause: undefined })
    await this.#options.transport?.close()
    try {
      await this.#loop.settled()
      if (!failed) await this.#persistence.finish()
    } finally {
      await this.#storage.close()
      this.#options.observe?.({ type: 'closed' })
    }
  }
}

function nameOf(options: MemberOptions, id: NodeId): string | undefined {
  return options.members.find((member) => member.id === id)?.name
}

/** The bounds of the core, each perhaps as small as can be. */
function raftLimits(buggify: Buggify): Partial<RaftOptions> {
  return {
    appendBytesMax: buggify('append-of-one') ? 1 : LIMITS.appendBytesMax,
    inflightAppendsMax: buggify('inflight-of-one') ? 1 : LIMITS.inflightAppendsMax,
    uncommittedBytesMax: buggify('uncommitted-of-one') ? 1 : LIMITS.uncommittedBytesMax,
    applyBatchBytesMax: buggify('apply-of-one') ? 1 : LIMITS.applyBatchBytesMax,
  }
}

/** Rebuilds the machine from the state on disk. */
async function loadMachine(storage: Storage, { valueCacheBytesMax }: MemberOptions): Promise<Machine> {
  const machine = new Machine({ backend: storage.state, valueCacheBytesMax })
  for await (const records of storage.state.iterateAll()) {
    for (const [key, record] of records) machine.load(key, record)
  }
  machine.finishLoading()
  return machine
}
