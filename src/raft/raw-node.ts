/**
 * The consensus core as its driver sees it: a synchronous state machine without clock, disk, network or randomness of its
 * own. The driver feeds it messages, proposals and the time, and does what `ready()` says:
 *
 *     for ever:
 *       feed what arrived: step, propose, readIndex; tick when nextDeadlineMs() has come
 *       if hasReady():
 *         { write, messages, committed, reads, droppedReads } = ready()
 *         send the messages; apply the committed entries; answer the reads
 *         if there is a write: begin it; when it is durable, advance(write.id)      meanwhile, go on
 *         if there is a restore: the same, with the state that was received; then apply what is behind it
 *         if snapshots are asked for: send each in its own time; then snapshotSent or snapshotFailed
 *
 * Always: messages may be sent in any order relative to the write; what must wait for it is not handed out before.
 * Always: a call that throws `AssertionError` met a broken invariant; nothing more may be asked of this object.
 */
import { assert } from '../base/assert.js'
import { randomId } from '../base/random.js'
import type { ConfigurationChange, ProposeConfigurationResult } from './confchange/change.js'
import { completeConfiguration, type CompleteConfiguration } from './configuration.js'
import type { ConfigurationAt } from './configurations.js'
import { isSoleVoterOf } from './electorate.js'
import { checkInvariants } from './invariants.js'
import { leaseReadIndex, voidLease } from './lease-read.js'
import { learnConfiguration, proposeConfiguration } from './membership.js'
import type { Message, Snapshot } from './message.js'
import type { RaftOptions } from './options.js'
import { completeWrite, hasReady, takeReady } from './output.js'
import { propose } from './propose.js'
import { requestRead } from './read-index.js'
import type { ProposeResult, Ready, Status } from './ready.js'
import { completeSettings } from './settings.js'
import { noteSnapshotFailed, noteSnapshotSent } from './snapshot-send.js'
import { initialState, type RaftState } from './state.js'
import { statusOf } from './status.js'
import { step } from './step.js'
import { nextDeadlineMs, noteTime, tick } from './tick.js'
import { resign, transferLeadership } from './transfer.js'
import type { TransferResult } from './transfer-result.js'
import { restartElectionTimer } from './transitions.js'
import type { Configuration, Index, LogPosition, NodeId, Promises, Role, StoredState, Term } from './types.js'

export class RawNode {
  readonly #state: RaftState

  /**
   * @param stored - what is on the disk, all of it durable; for a new member, empty
   * @throws RangeError for options that make no sense
   */
  constructor(options: RaftOptions, stored: StoredState, nowMs: number) {
    const settings = completeSettings(options)
    const state = initialState(settings, stored, randomId(settings.random), nowMs)
    const { log } = state
    assert(
      stored.applied >= log.compacted.index && stored.applied <= log.lastIndex,
      `stored state: applied ${stored.applied} is outside the log, ${log.compacted.index} to ${log.lastIndex}`,
    )
    assert(
      log.lastTerm <= state.term,
      `stored state: the log ends in term ${log.lastTerm}, the current one is ${state.term}`,
    )
    assert(
      (settings.configurationIndex ?? 0) <= stored.applied,
      `stored state: its configuration is of entry ${settings.configurationIndex}, applied is ${stored.applied}`,
    )
    restartElectionTimer(state)
    // There is nobody to wait for; but only if we are alone since what is applied. A configuration that removes all others
    // may have been written and never acknowledged: who proposed it still leads, by a lease that counts on our silence.
    const settled = state.configurations.since(stored.applied)
    if (settled.every((configuration) => isSoleVoterOf(configuration, state.id))) state.electionTimeoutDrawnMs = 0
    this.#state = state
  }

  get id(): NodeId {
    return this.#state.id
  }

  get role(): Role {
    return this.#state.role
  }

  get term(): Term {
    return this.#state.term
  }

  /** The leader of this term as far as known; `NOBODY` if not. */
  get leader(): NodeId {
    return this.#state.leader
  }

  get commitIndex(): Index {
    return this.#state.commitIndex
  }

  /** Whether this member may vote and is counted; `lost` until a leader has made up for what its disk lacks. */
  get promises(): Promises {
    return this.#state.promises
  }

  /** The first entry in memory. */
  get firstIndex(): Index {
    return this.#state.log.firstIndex
  }

  get lastIndex(): Index {
    return this.#state.log.lastIndex
  }

  get durableIndex(): Index {
    return this.#state.log.durableIndex
  }

  /** Who belongs to the cluster, by the last such entry in the log, committed or not. */
  get configuration(): CompleteConfiguration {
    return this.#state.configuration
  }

  /** The entry that brought {@link configuration}; where none did, the position it was given for. */
  get configurationIndex(): Index {
    return this.#state.configurations.current.index
  }

  /** All that are in memory, the one in force last: what their entries carry is for their owner. */
  get configurations(): readonly ConfigurationAt[] {
    return this.#state.configurations.all
  }

  /** Who belongs to the cluster by the log up to `index`, which is not below the compacted position: for snapshots. */
  configurationAt(index: Index): CompleteConfiguration {
    return this.#state.configurations.at(index)
  }

  /** Bytes that the entries in memory take. */
  get logBytes(): number {
    return this.#state.log.bytes
  }

  /** Bytes of the entries behind `after` up to `through`: what applying them again has to go through. */
  logBytesBetween(after: Index, through: Index): number {
    return this.#state.log.bytesBetween(Math.max(after + 1, this.firstIndex), through)
  }

  /** The term of the entry at `index`; undefined where the log does not reach. */
  termAt(index: Index): Term | undefined {
    return this.#state.log.termAt(index)
  }

  /** Time went by. Needed when {@link nextDeadlineMs} has come, harmless at any time. */
  tick(nowMs: number): void {
    noteTime(this.#state, nowMs)
    tick(this.#state)
  }

  /** When `tick` is next needed; every other call may change it. */
  nextDeadlineMs(): number {
    return nextDeadlineMs(this.#state)
  }

  /** A message came in: lost, repeated, late or out of order, but as it was sent. */
  step(message: Message | Snapshot, nowMs: number): void {
    noteTime(this.#state, nowMs)
    step(this.#state, message)
  }

  /**
   * Appends entries with these payloads, all or none, at consecutive indexes. The payloads belong to the log from now on.
   * Accepted does not mean committed: that is so when the entry at that index, *with that term*, is handed out.
   *
   * @throws RangeError when there is no payload
   */
  propose(payloads: readonly Uint8Array[], nowMs: number): ProposeResult {
    noteTime(this.#state, nowMs)
    return propose(this.#state, payloads)
  }

  /**
   * Changes who belongs to the cluster. In force at once; to stay when the entry at that index, *with that term*, is
   * handed out. A joint configuration is left without being asked, unless the change says otherwise.
   *
   * @throws RangeError for more data than one request may have
   */
  proposeConfiguration(change: ConfigurationChange, nowMs: number): ProposeConfigurationResult {
    noteTime(this.#state, nowMs)
    return proposeConfiguration(this.#state, change)
  }

  /**
   * Hands leadership to a voter, or to the one with the longest log. Accepted does not mean done: that is so when another
   * leader is seen. Until then, for at most an election timeout, proposals are refused.
   */
  transferLeadership(to: NodeId | 'best', nowMs: number): TransferResult {
    noteTime(this.#state, nowMs)
    return transferLeadership(this.#state, to)
  }

  /** Before a graceful stop: hands leadership over, if it is ours and anybody can take it, and never campaigns again. */
  resign(nowMs: number): TransferResult {
    noteTime(this.#state, nowMs)
    return resign(this.#state)
  }

  /**
   * Asks for the index that a linearizable read must wait for. The answer comes in `ready()`, in `reads` or, when the
   * leader changed or did not answer within an election timeout, in `droppedReads`. To try again, use a fresh id.
   *
   * @returns false if no leader is known: nothing was asked
   */
  readIndex(requestId: number, nowMs: number): boolean {
    noteTime(this.#state, nowMs)
    return requestRead(this.#state, requestId)
  }

  /**
   * The index at which the leader may answer a linearizable read at once, by its clock: once the state machine has applied
   * it. Undefined: no lease just now; use {@link readIndex}. `nowMs` must have been read after the question came in.
   * Needs `checkQuorum` on all members, and clocks within `clockDriftMax`; see {@link voidLease}.
   */
  leaseRead(nowMs: number): Index | undefined {
    noteTime(this.#state, nowMs)
    return leaseReadIndex(this.#state)
  }

  /** The clock may have stood still (a suspended machine): no lease counts that began before now. */
  voidLease(): void {
    voidLease(this.#state)
  }

  /**
   * What has been in force since before the log begins, which changes it nowhere: for a member that began without voters,
   * since it had a log and no state to tell them, and has a state now. Its log stays.
   */
  learnConfiguration(configuration: Configuration): void {
    learnConfiguration(this.#state, completeConfiguration(configuration))
  }

  /** A snapshot at this position was received whole and verified by `to`, which says so: what `snapshots` asked for. */
  snapshotSent(to: NodeId, position: LogPosition, nowMs: number): void {
    noteTime(this.#state, nowMs)
    noteSnapshotSent(this.#state, to, position)
  }

  /** It could not be sent, or the receiver refused it. It is asked for again once the follower is heard from. */
  snapshotFailed(to: NodeId, nowMs: number): void {
    noteTime(this.#state, nowMs)
    noteSnapshotFailed(this.#state, to)
  }

  /** Whether `ready()`, called alike, has anything to hand out. */
  hasReady(mayApply = true): boolean {
    return hasReady(this.#state, mayApply)
  }

  /**
   * Takes the output; each thing is handed out once. While a write is under way there is no further one.
   *
   * @param mayApply - false holds committed entries back: for a state machine that cannot take more just now
   */
  ready(mayApply = true): Ready {
    return takeReady(this.#state, mayApply)
  }

  /** The write, or restore, with this id is durable. */
  advance(writeId: number, nowMs: number): void {
    noteTime(this.#state, nowMs)
    completeWrite(this.#state, writeId)
  }

  /**
   * Forgets the entries up to `index`, whose effects are durable in the state machine. A follower that needs them gets a
   * snapshot: `ready()` asks for it.
   */
  compact(index: Index): void {
    const state = this.#state
    assert(
      index <= state.deliveredIndex,
      () => `cannot compact to ${index}: entries were handed out to be applied up to ${state.deliveredIndex}`,
    )
    if (index <= state.log.compacted.index) return
    state.log.compact(index)
    state.configurations.compact(index)
    state.settings.trace?.({ type: 'log-compacted', node: state.id, index })
  }

  /**
   * How far the log may be forgotten so that about `retainBytes` of it are left, but not beyond `through`; undefined where
   * that would free less than a quarter of what is to be retained: trimming has its price.
   */
  trimPosition(retainBytes: number, through: Index): LogPosition | undefined {
    return this.#state.log.trimPosition(retainBytes, Math.min(through, this.#state.deliveredIndex))
  }

  status(): Status {
    return statusOf(this.#state)
  }

  /** Throws `AssertionError` if anything that must hold does not; for simulations. */
  checkInvariants(options: { readonly thorough?: boolean } = {}): void {
    checkInvariants(this.#state, options)
  }
}
