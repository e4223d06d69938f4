/**
 * Puts a state from another member in the place of this one's: because the core wants it (the log of the leader begins behind
 * what this member has), or because its own is damaged.
 *
 *     whole ── a record is damaged, or the state was when it was opened ──► wanted: nothing is applied, no state is written
 *       ▲                                                                       │ asked for (snapshot-receiver.ts)
 *       │                                                                       ▼
 *       └── adopted ◄── installed, durably ◄── the core: restore, or ◄── received, verified
 *                                              refused, since the log has its position
 *
 * Always: the state on disk is replaced first, in one durable step, the machine after it; nobody applies or writes between.
 * Always: what is adopted is not behind what was applied here, so that nobody sees the state go back.
 * Always: what the log has is kept where the log is whole: then the state is repaired beside it, and entries that it
 * contains are passed over when their turn comes.
 * Always: a member that waits for a state votes and acknowledges, and does not lead: it hands over what it is elected to.
 * Alone there is nobody to ask: damage is told to whoever met it, and nothing is changed any more (the alarm CORRUPT), since
 * what is written now might not be there for the next open, which refuses the directory.
 */
import { assert } from '../base/assert.js'
import { isStoreError, StoreError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import { below, type Random } from '../base/random.js'
import type { Machine } from '../machine/machine.js'
import type { RawNode } from '../raft/raw-node.js'
import type { Restore } from '../raft/ready.js'
import { NOBODY, type Index, type LogPosition, type NodeId, type Promises } from '../raft/types.js'
import { whatIsDamaged } from '../storage/damage.js'
import type { IncomingState } from '../storage/incoming-state.js'
import type { NewBeginning } from '../storage/log-store.js'
import type { Observe } from './event.js'
import type { ReceivedState } from './received-state.js'

export interface StateRepairParts {
  readonly memberId: NodeId
  /** Where there is no other member that could help: whom to tell what is damaged. */
  readonly damagedAlone: () => ((what: string) => void) | undefined
  readonly raft: RawNode
  readonly machine: Machine
  /** Makes what was received this member's state, durably; `at`: and the log begin behind it. */
  readonly install: (incoming: IncomingState, at?: NewBeginning) => Promise<void>
  /** Resolves when no write of the state is under way; none begins while {@link StateRepair.blocked}. */
  readonly stateSettled: () => Promise<void>
  /** Another state is there: everybody goes on with it. `before`: what was applied of the one before. */
  readonly adopted: (before: LogPosition) => void
  /** What was received is not held any more. */
  readonly release: () => void
  /** Between two tries to hand over. */
  readonly retryMs: number
  readonly failed: (error: unknown) => void
  readonly wake: () => void
  readonly random: Random
  readonly logger: Logger
  readonly observe: Observe | undefined
}

export class StateRepair {
  readonly #parts: StateRepairParts
  /** A state at this index or later is needed; undefined: the one that is there is whole. */
  #needed: Index | undefined
  #received: ReceivedState | undefined
  /** The core was told of it. */
  #offered = false
  /** The core has no use for it; this member may. */
  #spare = false
  /** Settled when it is done; undefined while none is installed. */
  #installing: Promise<void> | undefined
  #handedOverMs = -Infinity
  /** Counts the states that this member had. */
  #generation = 0
  /** What is in memory is no state: it is empty, or an entry was half applied. */
  #missing = false
  /** It is one, but lacks what was lost and may have been shown before. */
  #behind = false
  readonly #whole = new Set<() => void>()

  constructor(parts: StateRepairParts) {
    this.#parts = parts
  }

  get needed(): Index | undefined {
    return this.#needed
  }

  /** Nothing may be applied or written, and what is in memory is not to be shown: it waits for a state, or gets one. */
  get blocked(): boolean {
    return this.#needed !== undefined || this.#installing !== undefined
  }

  /** Another number means another state: whatever was read across the change is to be read again. */
  get generation(): number {
    return this.#generation
  }

  /** What is in memory is no state of any position: it is empty, or an entry was half applied. */
  get missing(): boolean {
    return this.#missing
  }

  /** What is in memory is not to be shown to anybody. */
  get hidden(): boolean {
    return this.#missing || this.#behind
  }

  /** Throws `STATE_REPLACED` while nothing can be shown. */
  checkShown(): void {
    if (!this.hidden) return
    throw new StoreError(
      'STATE_REPLACED',
      this.#missing
        ? 'The state of this member is damaged; it waits for another one from its leader.'
        : 'This member lost its log and its state; it shows nothing before it has caught up with its leader.',
    )
  }

  /** Throws `STATE_REPLACED` while what is here is not to be kept by anybody: it is to be replaced, or not to be shown at all. */
  checkWhole(): void {
    this.checkShown()
    if (this.blocked) {
      throw new StoreError('STATE_REPLACED', 'This member is about to go on with another state, from its leader.')
    }
  }

  /** Resolves when the state is whole and may be shown, at once where it is so; or when `until`, which nobody waits for any longer, is settled. */
  async whole(until?: Promise<unknown>): Promise<void> {
    if (this.#shown) return
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#whole.delete(done)
        resolve()
      }
      this.#whole.add(done)
      until?.then(done, done)
    })
  }

  /**
   * Reads, and reads again from the state that comes in place of one that is damaged, or that was replaced in the middle.
   * `pending`: who waits for it; once that is settled nothing is read any more, and this is of no use to anybody.
   */
  async reading<T>(
    read: () => Promise<T>,
    pending: { readonly settled: boolean; readonly promise: Promise<unknown> },
  ): Promise<T> {
    for (;;) {
      if (this.hidden) await this.whole(pending.promise)
      const generation = this.#generation
      try {
        return await read()
      } catch (error) {
        if (pending.settled || !this.mayReadAgain(error, generation)) throw error
        await this.whole(pending.promise)
        if (pending.settled) throw error
      }
    }
  }

  /**
   * Whether what failed with `error`, in the state of this `generation`, may succeed with the next one: then it is there, or
   * on its way.
   */
  mayReadAgain(error: unknown, generation: number): boolean {
    if (isStoreError(error, 'STATE_REPLACED')) return true
    return isStoreError(error, 'DATA_DAMAGED') && (generation !== this.#generation || this.damaged(error))
  }

  /** There is no state that could be shown. One at `index` or later is needed. */
  hide(index: Index, why: string): void {
    this.#missing = true
    this.need(index, why)
  }

  /** What there is of the state is not shown before `caughtUp`, unless another one is received first. */
  comesBack(caughtUp: Promise<void>): void {
    this.#behind = true
    caughtUp.then(
      () => {
        this.#behind = false
        this.#tellShown()
      },
      // The member ends.
      () => undefined,
    )
  }

  /** The state cannot be gone on with. One at `index` or later is needed. */
  need(index: Index, why: string): void {
    const { logger } = this.#parts
    if (this.#needed === undefined) {
      logger.error('the state of this member is damaged; it waits for another one from the leader', {
        reason: why,
        index,
      })
    }
    this.#needed = Math.max(this.#needed ?? 0, index)
  }

  /** Somebody could not read the state. Whether it is repaired: then to be tried again once it is {@link whole}. */
  damaged(error: unknown): boolean {
    if (!isStoreError(error, 'DATA_DAMAGED')) return false
    const damagedAlone = this.#parts.damagedAlone()
    if (damagedAlone !== undefined) {
      damagedAlone(whatIsDamaged(error))
      return false
    }
    // While another one is put in its place a read may have met neither.
    if (!this.blocked) this.need(this.#parts.machine.appliedIndex, whatIsDamaged(error))
    this.#parts.wake()
    return true
  }

  /**
   * An entry could not be applied. Whether it is repaired: with a state that has everything up to `throughIndex`, which
   * nobody will be asked to apply again.
   */
  cannotApply(error: unknown, throughIndex: Index): boolean {
    if (!this.damaged(error)) return false
    this.hide(throughIndex, (error as Error).message)
    return true
  }

  /** A whole state came in. */
  receive(received: ReceivedState): void {
    assert(this.#received === undefined, 'a state is received while another one is held')
    this.#received = received
    this.#offered = false
    this.#spare = false
    this.#parts.wake()
  }

  turn(nowMs: number): void {
    if (this.#needed !== undefined && this.#parts.raft.role === 'leader') this.#handOver(nowMs)
    if (this.#received !== undefined && !this.#offered) this.#offer(this.#received, nowMs)
    if (this.#received !== undefined && this.#spare && this.#installing === undefined) this.#repair(this.#received)
  }

  /** While it leads, it tries again and again to hand over. */
  nextDeadlineMs(): number {
    const leads = this.#needed !== undefined && this.#parts.raft.role === 'leader'
    return leads ? this.#handedOverMs + this.#parts.retryMs : Infinity
  }

  /** Resolves when nothing is installed any more. */
  async settled(): Promise<void> {
    await this.#installing
  }

  /** The core does not want these; if the one that is held is among them, it may still be what this member needs. */
  refused(positions: readonly LogPosition[]): void {
    const received = this.#received
    if (received === undefined || !positions.some(({ index }) => index === received.position.index)) return
    this.#spare = true
    this.#parts.wake()
  }

  /** In place of a write: the state and the log that begins behind it, durable as one. */
  async restore({ position, hardState }: Restore, promises: Promises): Promise<void> {
    const received = this.#received
    assert(received?.position.index === position.index, 'the core restores a state that is not held')
    await this.#install(received, { position, hardState, promises })
  }

  #handOver(nowMs: number): void {
    const { raft, random, retryMs } = this.#parts
    if (nowMs < this.#handedOverMs + retryMs) return
    this.#handedOverMs = nowMs
    const { transferringTo, followers, voters } = raft.status()
    if (transferringTo !== NOBODY) return
    // Whichever: the one with the longest log may be another one that hands over, and so for ever.
    const able = followers.filter(({ id, recovering, state }) => {
      return voters.includes(id) && !recovering && state === 'replicate'
    })
    const to = able[below(random, able.length)]
    if (to !== undefined) raft.transferLeadership(to.id, nowMs)
  }

  #offer(received: ReceivedState, nowMs: number): void {
    const { raft, memberId: to } = this.#parts
    const { leader, term } = raft
    // Who leads after its sender has in its log what the state holds; so it may as well have come from there.
    if (term < received.term || leader === NOBODY) return
    this.#offered = true
    if (leader === to) {
      this.#spare = true
      return
    }
    const { position, configuration } = received
    raft.step({ type: 'snapshot', from: leader, to, term, position, configuration }, nowMs)
  }

  /** The log has its position: the state alone is replaced, if that is needed. */
  #repair(received: ReceivedState): void {
    const { raft, machine } = this.#parts
    const { index, term } = received.position
    const needed = this.#needed
    if (needed === undefined || index < needed || index < machine.appliedIndex || raft.termAt(index) !== term) {
      this.#drop(received)
      return
    }
    // The state must not be ahead of the log on disk. The write that is under way wakes whoever waits for it.
    if (raft.durableIndex < index) return
    this.#install(received).catch(this.#parts.failed)
  }

  #drop(received: ReceivedState): void {
    const { failed, logger } = this.#parts
    logger.info('a snapshot is not needed any more', { index: received.position.index })
    this.#received = undefined
    this.#release(received.incoming.discard()).catch(failed)
  }

  async #release(done: Promise<void>): Promise<void> {
    await done
    this.#parts.release()
  }

  async #install(received: ReceivedState, at?: NewBeginning): Promise<void> {
    const { stateSettled, install } = this.#parts
    const { observe } = this.#parts
    const log = at === undefined ? 'stays' : 'begins-behind'
    observe?.({ type: 'state-install-begun', position: received.position, log, hardState: at?.hardState })
    const installed = (async (): Promise<void> => {
      await stateSettled()
      await install(received.incoming, at)
      this.#adopt(received)
    })()
    this.#installing = installed.catch(() => undefined)
    await installed
  }

  #adopt({ machine: loaded, position }: ReceivedState): void {
    const { machine, adopted, release, logger, observe, wake } = this.#parts
    const before = { index: machine.appliedIndex, term: machine.appliedTerm }
    machine.adopt(loaded)
    this.#generation++
    this.#needed = undefined
    this.#missing = false
    this.#behind = false
    this.#received = undefined
    this.#installing = undefined
    if (observe !== undefined) {
      const { revision, compactRevision, digest } = machine
      const leases = machine.lessor.leases().map(({ id }) => id)
      observe({ type: 'state-adopted', position, revision, compactRevision, digest, leases })
    }
    logger.info('this member goes on with a state from another one', { index: position.index, before: before.index })
    adopted(before)
    release()
    this.#tellShown()
    wake()
  }

  /** Another state takes the place of this one just now. */
  get installing(): boolean {
    return this.#installing !== undefined
  }

  get #shown(): boolean {
    return !this.blocked && !this.hidden
  }

  #tellShown(): void {
    if (this.#shown) for (const resolve of [...this.#whole]) resolve()
  }
}
