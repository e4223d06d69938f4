/**
 * One running member: the loop that turns decisions into effects, in the right order.
 *
 * Everything that happens (a frame, a timer, a finished write, a call of the user) is handed to the pure core at once and
 * a turn is scheduled; the turn performs what the core then wants, all of it together: so whatever arrived during the
 * last write leaves as one (group commit), and a burst of frames is answered by one.
 *
 * Always: a message leaves only when the core says so, an entry is applied only when it is durable here, and the outcome
 * of a write is told only after it was applied here. Always: the first failure of the disk, and any broken invariant, ends
 * the member: nothing is retried in place, and everybody who waits is told.
 *
 * Thesis chapter 3 and 10.2.1 (the leader writes and sends in parallel).
 */
import type { Cancel, Environment } from '../base/clock.js'
import { describeDigest } from '../base/checksum.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Request } from '../machine/command.js'
import { decodeProposalId } from '../machine/command-codec.js'
import { Machine } from '../machine/machine.js'
import type { RangeRequest } from '../mvcc/types.js'
import type { LeaseId } from '../mvcc/types.js'
import { RawNode } from '../raft/raw-node.js'
import type { Ready, Status, Write } from '../raft/ready.js'
import type { RaftEvent } from '../raft/trace.js'
import { NOBODY, type Entry, type NodeId } from '../raft/types.js'
import type { Disk } from '../storage/disk.js'
import { openStorage, type Storage } from '../storage/storage.js'
import type { Frame, Transport } from '../transport/transport.js'
import { Calls } from './calls.js'
import { Deadlines, type CallLimits } from './deadlines.js'
import { LeaseDriver, minimumLeaseTtlSeconds } from './lease-driver.js'
import { Persistence } from './persistence.js'
import { Proposals, type Proposed } from './proposals.js'
import { Ranges, type Ranged } from './ranges.js'
import { Reads } from './reads.js'
import { Watches, type WatchStream, type WatchStreamOptions } from './watches.js'
import { decodeCall, decodeReply, encodeCall, encodeReply, type CallRequest, type CallResponse } from './wire/call-codec.js'
import { FRAME_KIND } from './wire/frame-kind.js'
import { decodeProposals, encodeProposals } from './wire/proposal-codec.js'
import { decodeMessage, encodeMessage } from './wire/raft-codec.js'

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
  readonly logRetainBytes: number
  readonly listener: MemberListener
  readonly trace?: ((event: RaftEvent) => void) | undefined
}

/** Told what happens; never in the middle of a step, and it may call the member. */
export interface MemberListener {
  leaderChanged(leader: NodeId, term: number): void
  failed(error: Error): void
}

type State = 'open' | 'closing' | 'closed' | 'failed'

export class Member {
  readonly #options: MemberOptions
  readonly #environment: Environment
  readonly #storage: Storage
  readonly #machine: Machine
  readonly #raft: RawNode
  readonly #transport: Transport | undefined
  readonly #deadlines: Deadlines
  readonly #proposals: Proposals
  readonly #reads: Reads
  readonly #calls: Calls
  readonly #leases: LeaseDriver
  readonly #ranges: Ranges
  readonly #watches: Watches
  readonly #persistence: Persistence

  #state: State = 'open'
  #failure: Error | undefined
  #closing: Promise<void> | undefined
  #turnScheduled: Cancel | undefined
  #timer: Cancel | undefined
  #timerAtMs = Infinity
  /** The write of the log that is under way. */
  #writing: Promise<void> | undefined
  /** Commands from other members, to be appended in the next turn if this one leads. */
  #forwarded: Uint8Array[] = []
  #forwardedBytes = 0
  #known = { leader: NOBODY, term: 0 }
  #lastRetryMs = 0

  /** Loads what is on disk, starts to listen, and returns without waiting for anybody. */
  static async open(options: MemberOptions): Promise<Member> {
    const { clusterId, memberId, disk } = options
    const name = options.members.find((member) => member.id === memberId)?.name ?? String(memberId)
    const storage = await openStorage(disk, { clusterId, memberId, name })
    try {
      const machine = await loadMachine(storage, options)
      const member = new Member(options, storage, machine)
      await member.#start()
      return member
    } catch (error) {
      await options.transport?.close()
      await storage.close()
      throw error
    }
  }

  private constructor(options: MemberOptions, storage: Storage, machine: Machine) {
    const { clock, timers, random } = options.environment
    this.#options = options
    this.#environment = options.environment
    this.#storage = storage
    this.#machine = machine
    this.#transport = options.transport
    const applied = { index: machine.appliedIndex, term: machine.appliedTerm }
    this.#raft = new RawNode(
      {
        id: options.memberId,
        configuration: { voters: options.members.map(({ id }) => id) },
        electionTimeoutMs: options.electionTimeoutMs,
        heartbeatIntervalMs: options.heartbeatIntervalMs,
        random,
        ...(options.trace === undefined ? {} : { trace: options.trace }),
      },
      storage.log.storedState(applied),
      clock.monotonicMs(),
    )
    this.#deadlines = new Deadlines(clock, timers)
    const origin = { member: options.memberId, incarnation: storage.incarnation }
    this.#proposals = new Proposals(origin, this.#deadlines)
    this.#reads = new Reads(this.#deadlines)
    this.#calls = new Calls(this.#deadlines)
    this.#leases = new LeaseDriver(machine.lessor, options.electionTimeoutMs)
    this.#ranges = new Ranges(machine.store, storage.state)
    this.#watches = new Watches(machine, storage.state)
    this.#persistence = new Persistence({ storage, machine, raft: this.#raft }, options, (error) => {
      this.#fail(error)
    })
  }

  async #start(): Promise<void> {
    const { clusterId, memberId, members } = this.#options
    if (this.#transport !== undefined) {
      this.#transport.setPeers(members.filter(({ id }) => id !== memberId))
      await this.#transport.start(
        { clusterId, memberId },
        {
          onFrame: (from, frame) => {
            this.#guard(() => {
              this.#receive(from, frame)
            })
          },
          onReachable: (peer) => {
            this.#environment.logger.info('peer reachable', { peer: this.#nameOf(peer) })
          },
          onUnreachable: (peer, reason) => {
            this.#environment.logger.warn('peer unreachable', { peer: this.#nameOf(peer), reason })
          },
        },
      )
    }
    this.#schedule()
  }

  // --- what users call ---------------------------------------------------------------------------------------------

  /** Resolves with the result once the request was applied on this member. */
  async propose(request: Request, limits: CallLimits): Promise<Proposed> {
    this.#checkOpen()
    const proposed = this.#proposals.propose(request, limits)
    this.#schedule()
    return proposed
  }

  /** Resolves when reading this member's state is linearizable. */
  async confirmRead(limits: CallLimits): Promise<void> {
    this.#checkOpen()
    const confirmed = this.#reads.confirm(limits)
    this.#schedule()
    return confirmed
  }

  /** Reads what this member has. */
  async range(request: RangeRequest): Promise<Ranged> {
    this.#checkOpen()
    return this.#ranges.range(request)
  }

  watch(options: WatchStreamOptions): WatchStream {
    this.#checkOpen()
    return this.#watches.open(options)
  }

  async askLeader(request: CallRequest, limits: CallLimits): Promise<CallResponse> {
    this.#checkOpen()
    const answer = this.#calls.ask(request, limits)
    this.#schedule()
    return answer
  }

  /** A lease id that is not in use as far as this member knows. */
  freshLeaseId(): LeaseId {
    return this.#leases.freshId(this.#environment.random)
  }

  get raftStatus(): Status {
    return this.#raft.status()
  }

  get machineStatus(): { appliedIndex: number; revision: number; compactRevision: number; digest: string } {
    const { appliedIndex, revision, compactRevision, digest } = this.#machine
    return { appliedIndex, revision, compactRevision, digest: describeDigest(digest) }
  }

  get durableAppliedIndex(): number {
    return this.#persistence.durableIndex
  }

  get statistics(): { readonly stateWrites: number; readonly logTrims: number } {
    return this.#persistence.statistics
  }

  /** Where the transport listens. */
  get address(): string | undefined {
    return this.#transport?.address
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  // --- what happens ------------------------------------------------------------------------------------------------

  #receive(from: NodeId, frame: Frame): void {
    if (this.#state !== 'open') return
    switch (frame.kind) {
      case FRAME_KIND.raft:
        this.#raft.step(decodeMessage(frame.bytes, from, this.#options.memberId), this.#nowMs())
        break
      case FRAME_KIND.propose:
        this.#receiveProposals(from, frame.bytes)
        break
      case FRAME_KIND.call:
        this.#receiveCall(from, frame.bytes)
        break
      case FRAME_KIND.reply: {
        const reply = decodeReply(frame.bytes)
        this.#calls.answered(reply.id, reply.response)
        break
      }
      default:
        this.#environment.logger.warn('frame of an unknown kind ignored', { peer: this.#nameOf(from), kind: frame.kind })
        return
    }
    this.#schedule()
  }

  #receiveProposals(from: NodeId, bytes: Uint8Array): void {
    // Not the leader (any more): the sender sends them again to whoever leads, as soon as it knows.
    if (this.#raft.role !== 'leader') return
    for (const command of decodeProposals(bytes)) {
      // A member speaks for itself only: nobody uses up another one's sequence numbers.
      if (decodeProposalId(command).member !== from) {
        throw new StoreError('MALFORMED', `member ${from} forwarded a proposal of another member`)
      }
      if (this.#forwardedBytes + command.byteLength > LIMITS.uncommittedBytesMax) return
      this.#forwarded.push(command)
      this.#forwardedBytes += command.byteLength
    }
  }

  #receiveCall(from: NodeId, bytes: Uint8Array): void {
    const call = decodeCall(bytes)
    void this.#answer(call.request).then((response) => {
      this.#transport?.send(from, { kind: FRAME_KIND.reply, bytes: encodeReply({ id: call.id, response }) })
    })
  }

  /** Answers a question as the leader; never rejects. */
  async #answer(request: CallRequest): Promise<CallResponse> {
    try {
      if (this.#raft.role !== 'leader') return NOT_LEADER
      const term = this.#raft.term
      // Leadership is confirmed after the question arrived: a deposed leader must not promise time that the next one
      // does not know of.
      await this.confirmRead({ deadlineMs: this.#nowMs() + this.#options.electionTimeoutMs })
      if (this.#raft.role !== 'leader' || this.#raft.term !== term) return NOT_LEADER
      const nowMs = this.#nowMs()
      return request.type === 'lease-keep-alive'
        ? this.#leases.renew(request.lease, nowMs)
        : this.#leases.timeToLive(request.lease, nowMs)
    } catch (error) {
      if (error instanceof StoreError && (error.code === 'TOO_MANY_REQUESTS' || error.code === 'CLOSED')) {
        return { type: 'refused', code: error.code, message: error.message }
      }
      return NOT_LEADER
    }
  }

  // --- the turn ----------------------------------------------------------------------------------------------------

  #schedule(): void {
    if (this.#turnScheduled !== undefined || this.#state !== 'open') return
    this.#turnScheduled = this.#environment.timers.soon(() => {
      this.#turnScheduled = undefined
      this.#guard(() => {
        this.#turn()
      })
    })
  }

  #turn(): void {
    if (this.#state !== 'open') return
    const nowMs = this.#nowMs()
    if (nowMs >= this.#raft.nextDeadlineMs()) this.#raft.tick(nowMs)
    this.#submit(nowMs)
    if (this.#raft.hasReady()) this.#perform(this.#raft.ready(this.#persistence.mayApply), nowMs)
    this.#noticeLeader(nowMs)
    this.#endLeases(nowMs)
    this.#persistence.maybeWrite(() => {
      this.#schedule()
    })
    if (this.#hasWork()) this.#schedule()
    this.#arm()
  }

  /** Whether a turn right away would do something; with a write under way, only what needs no write counts. */
  #hasWork(): boolean {
    return this.#raft.hasReady(this.#persistence.mayApply)
  }

  #submit(nowMs: number): void {
    const { role, leader } = this.#raft
    if (nowMs - this.#lastRetryMs >= this.#retryMs) {
      this.#lastRetryMs = nowMs
      const silentSinceMs = nowMs - this.#retryMs
      this.#proposals.resubmitSilent(silentSinceMs)
      this.#reads.retrySilent(silentSinceMs)
      this.#calls.askAgain(silentSinceMs)
    }
    if (role === 'leader') this.#append(nowMs)
    else if (leader !== NOBODY) this.#forward(leader, nowMs)
    this.#reads.submit(nowMs, (requestId) => this.#raft.readIndex(requestId, nowMs))
    this.#calls.submit(nowMs, (id, request) => this.#ask(leader, id, request))
  }

  #append(nowMs: number): void {
    const forwarded = this.#forwarded
    this.#forwarded = []
    this.#forwardedBytes = 0
    // A refusal is answered by silence: whoever proposed tries again, or gives up at its deadline.
    if (forwarded.length > 0) this.#raft.propose(forwarded, nowMs)
    this.#proposals.submit(nowMs, LIMITS.appendBytesMax, (commands) => this.#raft.propose(commands, nowMs).accepted)
  }

  #forward(leader: NodeId, nowMs: number): void {
    this.#proposals.submit(nowMs, LIMITS.appendBytesMax, (commands) => {
      const frame = { kind: FRAME_KIND.propose, bytes: encodeProposals(commands) }
      return this.#transport?.send(leader, frame) ?? false
    })
  }

  #ask(leader: NodeId, id: number, request: CallRequest): boolean {
    if (leader === NOBODY) return false
    if (leader === this.#options.memberId) {
      void this.#answer(request).then((response) => {
        this.#calls.answered(id, response)
        this.#schedule()
      })
      return true
    }
    return this.#transport?.send(leader, { kind: FRAME_KIND.call, bytes: encodeCall({ id, request }) }) ?? false
  }

  #perform(ready: Ready, nowMs: number): void {
    for (const message of ready.messages) {
      this.#transport?.send(message.to, { kind: FRAME_KIND.raft, bytes: encodeMessage(message) })
    }
    if (ready.write !== undefined) this.#write(ready.write)
    for (const entry of ready.committed) this.#apply(entry, nowMs)
    for (const read of ready.reads) this.#reads.confirmed(read)
    for (const requestId of ready.droppedReads) this.#reads.dropped(requestId)
    this.#reads.applied(this.#machine.appliedIndex)
  }

  #write(write: Write): void {
    const id = write.id
    this.#writing = this.#storage.log.append(write).then(
      () => {
        this.#writing = undefined
        this.#guard(() => {
          this.#raft.advance(id, this.#nowMs())
          this.#schedule()
        })
      },
      (error: unknown) => {
        this.#writing = undefined
        this.#fail(error)
      },
    )
  }

  #apply(entry: Entry, nowMs: number): void {
    if (entry.kind !== 'normal') {
      this.#machine.skip(entry.index, entry.term)
      return
    }
    const applied = this.#machine.apply(entry.index, entry.term, entry.data)
    this.#leases.applied(applied, nowMs)
    this.#watches.publish(applied)
    const { member, incarnation } = applied.proposal
    if (member === this.#options.memberId && incarnation === this.#storage.incarnation) this.#proposals.settle(applied)
  }

  #noticeLeader(nowMs: number): void {
    const { leader, term, role } = this.#raft
    if (leader === this.#known.leader && term === this.#known.term) return
    this.#known = { leader, term }
    if (role === 'leader') this.#leases.lead(nowMs)
    else this.#leases.follow()
    if (leader !== NOBODY) {
      // What was sent to the leader before may never arrive.
      this.#proposals.resubmitAll()
      this.#calls.askAgain(Infinity)
      this.#schedule()
    }
    this.#environment.logger.info('leader changed', { leader: this.#nameOf(leader), term })
    this.#options.listener.leaderChanged(leader, term)
  }

  /** Leases whose time is over are revoked through the log; only by the leader, and each tried once at a time. */
  #endLeases(nowMs: number): void {
    if (this.#raft.role !== 'leader') return
    for (const id of this.#leases.expired(nowMs)) {
      const command = this.#proposals.encodeOnce({ type: 'lease-revoke', id })
      this.#raft.propose([command], nowMs)
      this.#schedule()
    }
  }

  // --- time --------------------------------------------------------------------------------------------------------

  /** A deadline that moved away needs nothing: the timer fires early and is armed again. */
  #arm(): void {
    const atMs = Math.min(this.#raft.nextDeadlineMs(), this.#leases.nextDeadlineMs(), this.#nextRetryMs())
    if (atMs >= this.#timerAtMs) return
    this.#timer?.()
    this.#timerAtMs = atMs
    this.#timer = this.#environment.timers.after(Math.max(0, atMs - this.#nowMs()), () => {
      this.#timer = undefined
      this.#timerAtMs = Infinity
      this.#guard(() => {
        this.#turn()
      })
    })
  }

  #nextRetryMs(): number {
    const waits = this.#proposals.hasWaiting || this.#reads.hasWaiting || this.#calls.hasWaiting
    return waits ? this.#lastRetryMs + this.#retryMs : Infinity
  }

  /** How long an answer may take before what was asked is taken for lost. */
  get #retryMs(): number {
    return this.#options.electionTimeoutMs / 2
  }

  #nowMs(): number {
    return this.#environment.clock.monotonicMs()
  }

  // --- the end -----------------------------------------------------------------------------------------------------

  #checkOpen(): void {
    if (this.#state === 'open') return
    if (this.#state === 'failed') throw this.#failedError()
    throw new StoreError('CLOSED', `member ${this.#nameOf(this.#options.memberId)} is closed`)
  }

  #failedError(): StoreError {
    const why = this.#failure?.message ?? 'unknown'
    return new StoreError('MEMBER_FAILED', `this member stopped itself: ${why}`, { cause: this.#failure })
  }

  /** Runs a step; what it throws ends the member, but for bytes from a peer that do not decode, which are dropped. */
  #guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      if (error instanceof StoreError && error.code === 'MALFORMED') {
        this.#environment.logger.warn('frame dropped', { reason: error.message })
        return
      }
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (this.#state !== 'open') return
    this.#state = 'failed'
    this.#failure = error instanceof Error ? error : new Error(String(error))
    this.#environment.logger.error('member failed and stops', { reason: this.#failure.message })
    this.#stopTimers()
    const { message } = this.#failedError()
    this.#rejectAll('MEMBER_FAILED', message, this.#failure)
    void this.#transport?.close()
    this.#options.listener.failed(this.#failure)
  }

  async #close(): Promise<void> {
    const failed = this.#state === 'failed'
    if (!failed) this.#state = 'closing'
    this.#stopTimers()
    this.#rejectAll('CLOSED', 'the store was closed while the call waited', undefined)
    await this.#transport?.close()
    try {
      await this.#writing
      if (!failed) await this.#persistence.finish()
    } finally {
      await this.#storage.close()
      if (!failed) this.#state = 'closed'
    }
  }

  #rejectAll(code: 'CLOSED' | 'MEMBER_FAILED', why: string, cause: unknown): void {
    this.#proposals.rejectAll(code, why, cause)
    this.#reads.rejectAll(code, why, cause)
    this.#calls.rejectAll(code, why, cause)
    this.#watches.closeAll(new StoreError(code, why, { cause }))
  }

  #stopTimers(): void {
    this.#timer?.()
    this.#turnScheduled?.()
    this.#timer = undefined
    this.#turnScheduled = undefined
  }

  #nameOf(id: NodeId): string {
    if (id === NOBODY) return 'nobody'
    return this.#options.members.find((member) => member.id === id)?.name ?? String(id)
  }
}

const NOT_LEADER: CallResponse = { type: 'refused', code: 'NO_LEADER', message: 'this member does not lead' }

/** Rebuilds the machine from the state on disk. */
async function loadMachine(storage: Storage, options: MemberOptions): Promise<Machine> {
  const machine = new Machine({
    backend: storage.state,
    minimumLeaseTtlSeconds: minimumLeaseTtlSeconds(options.electionTimeoutMs),
  })
  for await (const records of storage.state.iterateAll()) {
    for (const [key, record] of records) machine.load(key, record)
  }
  machine.finishLoading()
  return machine
}
