/**
 * The loop that turns decisions into effects, in the right order.
 *
 * Everything that happens (a frame, a timer, a finished write, a call of the user) is handed to the pure core at once and
 * a turn is scheduled; the turn performs what the core then wants, all of it together: so whatever arrived during the
 * last write leaves as one (group commit), and a burst of frames is answered by one.
 *
 *     frames, calls, timers ──► raft ──► ready ──┬─► messages            safe to send at once
 *                                 ▲              ├─► one write ──► disk  then advance, which releases more messages
 *                                 └── advance ◄──┘
 *                                                └─► committed entries ──► machine ──► outcomes, events, buffered state
 *
 * Always: a message leaves only when the core says so, an entry is applied only when it is durable here, and the outcome
 * of a write is told only after it was applied here.
 *
 * Thesis chapter 3 and 10.2.1 (the leader writes and sends in parallel).
 */
import type { Digest } from '../base/checksum.js'
import { LIMITS } from '../base/limits.js'
import type { Applied } from '../machine/outcome.js'
import type { Ready, Restore, Write } from '../raft/ready.js'
import type { Message } from '../raft/message.js'
import { NOBODY, type Entry, type NodeId, type Promises } from '../raft/types.js'
import type { Frame } from '../transport/transport.js'
import { applyConfiguration } from './apply-configuration.js'
import { wasRemoved } from './address-book.js'
import { encodeCalls, type Call } from './wire/call-codec.js'
import { FRAME_KIND } from './wire/frame-kind.js'
import { encodeProposals } from './wire/proposal-codec.js'
import { encodeMessage } from './wire/raft-codec.js'
import type { LoopParts } from './loop-parts.js'
import { operationsOf } from './operations-of.js'
import { waitingIn } from './waiting.js'

/**
 * Keys that one turn looks at for a compaction that is under way: about half a millisecond, which is what a frame or a
 * call that comes meanwhile waits at most.
 */
const SWEEP_KEYS_PER_TURN = 512

export class Loop {
  readonly #parts: LoopParts
  /** How long an answer may take before what was asked is taken for lost. */
  readonly #retryMs: number
  #lastRetryMs = 0
  #known = { leader: NOBODY, term: 0 }
  #writing: Promise<void> | undefined
  /** Commands of users here wait until more of what is committed is applied. */
  #heldBack = false
  readonly #digest = (): Digest => this.#parts.machine.digest

  readonly #wake = (): void => {
    this.#parts.pacer.wake()
  }

  constructor(parts: LoopParts) {
    this.#parts = parts
    this.#retryMs = parts.electionTimeoutMs / 2
  }

  turn(): void {
    const { raft, backlog, diskGuard, stallGuard, persistence, swept, states, conditions, pacer, buggify } = this.#parts
    const nowMs = this.#parts.clock.monotonicMs()
    stallGuard.notice(nowMs)
    if (nowMs >= raft.nextDeadlineMs()) raft.tick(nowMs)
    // Before anything is submitted: what follows a change of leader is sent again, and would go out twice.
    this.#noticeLeader(nowMs)
    this.#retry(nowMs)
    diskGuard.turn(nowMs)
    this.#raiseAlarms()
    this.#heldBack = false
    this.#submit(nowMs)
    states.turn(nowMs)
    this.#keepMembers(nowMs)
    const mayApply = persistence.mayApply && !buggify('apply-put-off')
    if (raft.hasReady(mayApply)) this.#perform(raft.ready(mayApply), nowMs)
    this.#followMembers()
    conditions.turn()
    if (raft.role === 'leader') this.#keepLeases(nowMs)
    this.#compact(nowMs)
    this.#check(nowMs)
    this.#sweep()
    persistence.maybeWrite(this.#wake)
    if (swept.hasWaiting) swept.reached(persistence.durablySweptRevision)
    if (raft.hasReady(persistence.mayApply) || (this.#heldBack && !backlog.full)) pacer.wake()
    pacer.wakeAt(this.#nextDeadlineMs())
    this.#tellTurned(nowMs)
  }

  /** Makes a write durable and tells the core; resolves when that is done, or failed, which ends the member. */
  write(write: Write): Promise<void> {
    this.#write(write, this.#parts.raft.promises)
    return this.settled()
  }

  /** Resolves when no write of the log is under way. */
  async settled(): Promise<void> {
    await this.#writing
  }

  #submit(nowMs: number): void {
    const { raft, backlog, reads, calls, proposals, inbox, observe, buggify } = this.#parts
    const { role, leader } = raft
    // Taken in any case: what came while this member led, and it does not any more, goes to the next leader from where it
    // came. A refusal too is answered by silence: whoever proposed tries again, or gives up at its deadline.
    const forwarded = inbox.takeForwarded()
    if (role === 'leader' && forwarded.length > 0 && !backlog.full) raft.propose(forwarded, nowMs)
    if (proposals.hasUnsent && leader !== NOBODY) {
      const batchBytesMax = buggify('propose-one') ? 1 : LIMITS.appendBytesMax
      proposals.submit(nowMs, batchBytesMax, (commands) => {
        const taken = this.#propose(commands, nowMs)
        if (taken && buggify('propose-twice')) this.#propose(commands, nowMs)
        return taken
      })
    }
    if (reads.hasWaiting) {
      reads.submit(nowMs, (requestId) => {
        observe?.({ type: 'read-asked', requestId })
        return raft.readIndex(requestId, nowMs)
      })
    }
    if (calls.hasWaiting) calls.submit(nowMs, (asked) => this.#ask(leader, asked))
  }

  /** Hands commands to whoever leads; false where that cannot be done just now. */
  #propose(commands: readonly Uint8Array[], nowMs: number): boolean {
    const { raft, backlog, observe } = this.#parts
    const { role, leader } = raft
    this.#heldBack = role === 'leader' && backlog.full
    const taken =
      role === 'leader'
        ? !this.#heldBack && raft.propose(commands, nowMs).accepted
        : this.#send(leader, { kind: FRAME_KIND.propose, bytes: encodeProposals(commands) })
    observe?.({ type: 'proposed', to: leader, commands: commands.length, taken })
    return taken
  }

  /** False where the transport does not take it; then it is as good as lost on the way. */
  #send(to: NodeId, frame: Frame): boolean {
    const { transport, buggify } = this.#parts
    return transport !== undefined && !buggify('send-refused') && transport.send(to, frame)
  }

  #ask(leader: NodeId, asked: readonly Call[]): boolean {
    const { memberId, calls, pacer, answer, failed } = this.#parts
    if (leader === NOBODY) return false
    if (leader !== memberId) return this.#send(leader, { kind: FRAME_KIND.call, bytes: encodeCalls(asked) })
    answer(asked, (replies) => {
      for (const { id, response } of replies) calls.answered(id, response)
      pacer.wake()
    }).catch(failed)
    return true
  }

  #perform(ready: Ready, nowMs: number): void {
    const { reads, machine, states, observe, telemeter, buggify } = this.#parts
    const messages = buggify('messages-backwards') ? [...ready.messages].reverse() : ready.messages
    for (const message of messages) {
      const taken = this.#send(message.to, { kind: FRAME_KIND.raft, bytes: encodeMessage(message) })
      observe?.({ type: 'message-sent', message, taken })
      if (telemeter.tell !== undefined) this.#measureSent(message, nowMs)
    }
    if (ready.write !== undefined) this.#write(ready.write, ready.promises)
    if (ready.restore !== undefined) this.#restore(ready.restore, ready.promises)
    states.perform(ready, nowMs)
    this.#applyAll(ready.committed, nowMs)
    for (const read of ready.reads) {
      observe?.({ type: 'read-confirmed', ...read })
      reads.confirmed(read)
    }
    for (const requestId of ready.droppedReads) {
      observe?.({ type: 'read-dropped', requestId })
      reads.dropped(requestId)
    }
    if (!states.repair.missing) reads.applied(machine.appliedIndex)
  }

  #measureSent({ type, to: peer }: Message, nowMs: number): void {
    const { heartbeats, telemeter } = this.#parts
    if (type === 'heartbeat' && heartbeats.sent(peer, nowMs)) telemeter.tell?.({ type: 'heartbeat-late', peer })
  }

  #write(write: Write, promises: Promises): void {
    const { clock, diskGuard, space, observe } = this.#parts
    observe?.({ type: 'write-begun', write })
    diskGuard.begun(write, clock.monotonicMs())
    space.wrote(write.entries)
    this.#writing = this.#append(write, promises).catch(this.#parts.failed)
  }

  /** In place of a write, and reported like one. */
  #restore(restore: Restore, promises: Promises): void {
    const { states, raft, clock, failed } = this.#parts
    const tell = (): void => {
      raft.advance(restore.writeId, clock.monotonicMs())
      this.#wake()
    }
    this.#writing = states.repair.restore(restore, promises).then(tell).catch(failed)
  }

  async #append(write: Write, promises: Promises): Promise<void> {
    const { storage, diskGuard, raft, clock, timers, pacer, observe, telemeter, buggify } = this.#parts
    await storage.log.append(write, promises)
    const durationMs = diskGuard.durable(clock.monotonicMs())
    if (durationMs !== undefined) {
      const { length: entries } = write.entries
      telemeter.tell?.({ type: 'log-written', durationMs, entries, bytes: bytesOf(write.entries) })
    }
    if (buggify('write-told-late')) await new Promise<void>((resolve) => timers.after(1, resolve))
    observe?.({ type: 'write-durable', write })
    raft.advance(write.id, clock.monotonicMs())
    pacer.wake()
  }

  #applyAll(entries: readonly Entry[], nowMs: number): void {
    const { machine, states, pastLives, memberId } = this.#parts
    for (const entry of entries) {
      if (pastLives.found || wasRemoved(machine, memberId)) return
      // The state that was adopted contains it.
      if (entry.index <= machine.appliedIndex) continue
      try {
        this.#apply(entry, nowMs)
      } catch (error) {
        // What was handed out behind it does not come again: the state that is needed has all of it.
        if (!states.repair.cannotApply(error, (entries.at(-1) ?? entry).index)) throw error
        return
      }
    }
  }

  #apply(entry: Entry, nowMs: number): void {
    const { raft, machine, leases, tokens, verifier, watches, proposals, pastLives, spans, telemeter } = this.#parts
    if (entry.kind === 'configuration') {
      applyConfiguration(machine, entry)
      this.#tellApplied(entry, undefined)
      return
    }
    if (entry.kind !== 'normal') {
      machine.skip(entry.index, entry.term)
      this.#tellApplied(entry, undefined)
      // With the first one the term of this leader begins: all that earlier ones had in the log is applied.
      if (entry.kind === 'noop' && raft.role === 'leader' && entry.term === raft.term) leases.lead(nowMs)
      return
    }
    const { index, term, data } = entry
    const begunMs = telemeter.tell === undefined ? 0 : telemeter.nowMs()
    const applied = spans.apply(index, term, () => machine.apply(index, term, data))
    if (telemeter.tell !== undefined) this.#measureApplied(applied, telemeter.nowMs() - begunMs)
    this.#tellApplied(entry, applied)
    leases.applied(applied, nowMs)
    verifier.applied(applied, raft.role === 'leader')
    tokens.applied(entry.index, applied, nowMs)
    watches.publish(applied)
    proposals.settle(applied)
    pastLives.see(applied.proposal)
  }

  #measureApplied(applied: Applied, durationMs: number): void {
    const { telemeter, sweeps } = this.#parts
    const { outcome } = applied
    if (outcome === undefined) return
    const request = outcome.ok ? outcome.response.type : undefined
    const { puts, deletes, ranges, putBytes } = operationsOf(applied)
    // Field by field: this is done for every command, and a spread costs as much as all the rest.
    telemeter.tell?.({ type: 'applied', durationMs, request, puts, deletes, ranges, putBytes })
    if (request === 'compact') sweeps.compacted(durationMs)
  }

  #tellApplied(entry: Entry, applied: Applied | undefined): void {
    const { machine, observe } = this.#parts
    if (observe === undefined) return
    const { revision, compactRevision } = machine
    observe({ type: 'applied', entry, applied, revision, compactRevision, digest: this.#digest })
  }

  /** Whom the transport speaks to follows the log; and a change that is applied may be of this member itself. */
  #followMembers(): void {
    const { book, membersChanged } = this.#parts
    if (book.follow(this.#parts)) membersChanged()
  }

  #keepMembers(nowMs: number): void {
    const { books, promoter, introduction } = this.#parts
    books.turn(nowMs)
    promoter.turn(nowMs)
    introduction.turn(nowMs)
  }

  #noticeLeader(nowMs: number): void {
    const { raft, diskGuard, stallGuard, leases, verifier, proposals, calls, heartbeats, leaderChanged } = this.#parts
    const { leader, term, role } = raft
    if (leader === this.#known.leader && term === this.#known.term) return
    this.#known = { leader, term }
    if (role === 'leader') {
      verifier.lead(nowMs)
      diskGuard.lead(nowMs)
      stallGuard.lead(nowMs)
    } else {
      verifier.follow()
      diskGuard.follow()
      stallGuard.follow()
    }
    leases.follow()
    heartbeats.clear()
    if (leader !== NOBODY) {
      // What was sent to the leader before may never arrive.
      proposals.resubmitAll()
      calls.askAgain(Infinity)
    }
    leaderChanged(leader, term)
  }

  /** Leases whose time is over are revoked through the log, what is left of others is told there: by the leader, once. */
  #keepLeases(nowMs: number): void {
    const { raft, leases, machine, proposals, pacer } = this.#parts
    const { appliedIndex } = machine
    const expired = leases.expired(nowMs, appliedIndex)
    const checkpoints = leases.checkpoints(nowMs, appliedIndex)
    if (expired.length > 0) {
      raft.propose(
        expired.map((request) => proposals.encodeOnce(request)),
        nowMs,
      )
    }
    if (checkpoints !== undefined) {
      const { accepted } = raft.propose([proposals.encodeOnce(checkpoints)], nowMs)
      leases.checkpointsProposed(checkpoints, accepted, nowMs)
    }
    if (expired.length > 0 || checkpoints !== undefined) pacer.wake()
  }

  /** Automatic compaction goes through the log, like any other. */
  #compact(nowMs: number): void {
    const { raft, compactor, machine, proposals, pacer } = this.#parts
    if (nowMs < compactor.nextDeadlineMs()) return
    const { revision: current, compactRevision } = machine
    const revision = compactor.due(nowMs, { revision: current, compactRevision, leading: raft.role === 'leader' })
    if (revision === undefined) return
    raft.propose([proposals.encodeOnce({ type: 'compact', revision })], nowMs)
    pacer.wake()
  }

  /** Before anything is submitted: what this member has to say itself goes out with it. */
  #raiseAlarms(): void {
    const { space, alarms } = this.#parts
    space.turn()
    alarms.turn()
  }

  /** Checks of the state, and what came of them: by the leader only, handed to Raft once. The next one makes up for one that is lost. */
  #check(nowMs: number): void {
    const { raft, verifier, proposals, pacer } = this.#parts
    if (raft.role !== 'leader') return
    const requests = verifier.due(nowMs)
    if (requests.length === 0) return
    raft.propose(
      requests.map((request) => proposals.encodeOnce(request)),
      nowMs,
    )
    pacer.wake()
  }

  /** Goes on with a compaction by itself: an idle member has no entries to apply that would carry it along. */
  #sweep(): void {
    const { machine, persistence, sweeps, pacer, buggify } = this.#parts
    // With its buffer full it waits for the write that is under way, whose end wakes the loop.
    sweeps.look()
    if (!machine.store.sweeping || !persistence.mayApply) return
    if (sweeps.step(() => machine.sweep(buggify('sweep-one-key') ? 1 : SWEEP_KEYS_PER_TURN))) pacer.wake()
    sweeps.look()
  }

  #retry(nowMs: number): void {
    const { raft, proposals, reads, calls, buggify } = this.#parts
    const early = buggify('retry-early')
    if (!early && nowMs < this.#lastRetryMs + this.#retryMs) return
    this.#lastRetryMs = nowMs
    const silentMs = early ? 0 : this.#retryMs
    const silentSinceMs = nowMs - silentMs
    // What a leader appended stays in its log for as long as it leads: again, it would only make a slow cluster slower.
    if (raft.role !== 'leader') proposals.resubmitSilent(nowMs, silentMs)
    reads.retrySilent(silentSinceMs)
    calls.askAgain(silentSinceMs)
  }

  #tellTurned(atMs: number): void {
    this.#parts.observe?.({ type: 'turned', atMs, ...waitingIn(this.#parts) })
  }

  #nextDeadlineMs(): number {
    const { raft, diskGuard, leases, verifier, compactor, proposals, reads, calls, states } = this.#parts
    const { books, promoter, introduction } = this.#parts
    const waits = proposals.hasWaiting || reads.hasWaiting || calls.hasWaiting
    const retryAtMs = waits ? this.#lastRetryMs + this.#retryMs : Infinity
    const ownMs = Math.min(leases.nextDeadlineMs(), verifier.nextDeadlineMs(), compactor.nextDeadlineMs())
    const membersMs = Math.min(books.nextDeadlineMs(), promoter.nextDeadlineMs(), introduction.nextDeadlineMs())
    const partsMs = Math.min(raft.nextDeadlineMs(), diskGuard.nextDeadlineMs(), states.nextDeadlineMs())
    return Math.min(partsMs, membersMs, ownMs, retryAtMs)
  }
}

function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0
  for (const { data } of entries) bytes += data.byteLength
  return bytes
}
