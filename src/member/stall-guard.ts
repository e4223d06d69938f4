/**
 * Notices that the event loop stood still, by how late a timer of its own is, or that the clock did, by how far the wall clock
 * got ahead; and sees to it that a leader takes nothing for granted then.
 *
 *     frame, turn, timer ──► notice ── late by a quarter of an election timeout or more
 *                                        ├─► the core is told the time: without a quorum heard within an election timeout
 *                                        │   it steps down, before the frame, the calls or the timers are looked at
 *                                        ├─► leases for reads are void
 *                                        └─► no lease is ended until a round confirmed that this member leads
 *
 * Always: called first, before anything that waited is handled. What came meanwhile may be as old as the stall is long: an
 * answer of a follower that elected somebody else since, or a renewal that came in time and was not read.
 * Always: what is decided rests on the time that passed by this member's clock, never on how the stall was noticed: the core
 * does the same without this guard (raft/tick.ts).
 *
 * Why the wall clock: Linux's monotonic clock stands still while the machine is suspended, and the timers with it.
 * Thesis 6.2, 6.4.1; design decision 7.
 */
import type { Cancel, Clock, LoopMeter, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { RawNode } from '../raft/raw-node.js'
import type { NodeId } from '../raft/types.js'
import type { CallLimits } from './deadlines.js'
import type { Observe } from './event.js'
import type { LeaseDriver } from './lease-driver.js'
import { LoopTimes, type EventLoopSummary } from './loop-times.js'
import { StallPace } from './stall-pace.js'

export interface StallGuardParts {
  readonly raft: Pick<RawNode, 'role' | 'term' | 'tick' | 'voidLease' | 'transferLeadership'>
  readonly leases: Pick<LeaseDriver, 'holdExpiry' | 'releaseExpiry' | 'expiryHeld'>
  readonly clock: Clock
  readonly timers: Timers
  readonly logger: Logger
  /** Undefined: the lateness of its own timer is all there is. */
  readonly loopDelay: (() => LoopMeter) | undefined
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly nameOf: (member: NodeId) => string
  /** Resolves when a round confirmed that this member leads, or another one was heard. */
  readonly confirmRead: (limits: CallLimits) => Promise<void>
  readonly wake: () => void
  /** Runs a step while the member is open; what it throws ends the member. */
  readonly guard: (step: () => void) => void
  readonly observe: Observe | undefined
}

/** The timer of its own comes no more often than this, however short heartbeats are. */
const EVERY_MS_MIN = 20
/** The wall clock is ahead when it gained more than this share of an election timeout within one: well below what leases leave for clocks. */
const AHEAD_SHARE = 1 / 20

export class StallGuard {
  readonly #parts: StallGuardParts
  readonly #pace: StallPace
  readonly #times: LoopTimes
  readonly #everyMs: number
  /** When the timer of its own is due; Infinity: it does not run, or its lateness was noticed. */
  #dueMs = Infinity
  #timer: Cancel | undefined
  #nextWarningMs = -Infinity
  /** By how much the wall clock was ahead of the monotonic one, over the last election timeout. */
  #ahead: { readonly atMs: number; readonly byMs: number }[] = []

  constructor(parts: StallGuardParts) {
    this.#parts = parts
    this.#everyMs = Math.max(EVERY_MS_MIN, parts.heartbeatIntervalMs)
    this.#pace = new StallPace(parts.electionTimeoutMs)
    this.#times = new LoopTimes(this.#everyMs)
  }

  get summary(): EventLoopSummary {
    return this.#times.summary
  }

  start(): void {
    this.#times.start(this.#parts.loopDelay?.())
    this.#arm()
  }

  stop(): void {
    this.#timer?.()
    this.#dueMs = Infinity
    this.#times.stop()
  }

  lead(nowMs: number): void {
    this.#pace.lead(nowMs)
  }

  follow(): void {
    this.#pace.follow()
  }

  /** First of all, whenever the loop gets to this member. */
  notice(nowMs: number): void {
    const lateMs = nowMs - this.#dueMs
    if (lateMs < this.#pace.stallMs) return
    // Once for each stall.
    this.#dueMs = Infinity
    const { raft, leases, observe } = this.#parts
    const led = raft.role === 'leader'
    observe?.({ type: 'stalled', atMs: nowMs, lateMs })
    this.#times.stalled(lateMs)
    raft.voidLease()
    if (led) {
      raft.tick(nowMs)
      this.#pace.stalled(nowMs)
    }
    const leads = raft.role === 'leader'
    if (leads) leases.holdExpiry()
    this.#warn(lateMs, led && !leads, nowMs)
    this.#parts.wake()
  }

  #arm(): void {
    const { clock, timers, guard } = this.#parts
    const dueMs = clock.monotonicMs() + this.#everyMs
    this.#dueMs = dueMs
    this.#timer = timers.after(this.#everyMs, () => {
      guard(() => {
        this.#look(dueMs)
      })
    })
  }

  #look(dueMs: number): void {
    const nowMs = this.#parts.clock.monotonicMs()
    this.notice(nowMs)
    this.#times.add(nowMs - dueMs, nowMs)
    this.#compareClocks(nowMs)
    this.#settle(nowMs)
    this.#arm()
  }

  /** The wall clock goes on while the machine is suspended. It is also set by people; then nothing is lost but a lease for reads. */
  #compareClocks(nowMs: number): void {
    const { clock, electionTimeoutMs, raft, logger } = this.#parts
    const byMs = clock.wallMs() - nowMs
    const sinceMs = nowMs - electionTimeoutMs
    this.#ahead = [...this.#ahead.filter(({ atMs }) => atMs >= sinceMs), { atMs: nowMs, byMs }]
    const gainedMs = byMs - Math.min(...this.#ahead.map((each) => each.byMs))
    if (gainedMs <= AHEAD_SHARE * electionTimeoutMs) return
    this.#ahead = []
    raft.voidLease()
    logger.info('the wall clock got ahead of the monotonic one: it was set, or the machine was suspended', { gainedMs })
  }

  /** After what waited was handled: whether this member still leads, and whether it should. */
  #settle(nowMs: number): void {
    const { raft, leases } = this.#parts
    if (raft.role !== 'leader') return
    if (leases.expiryHeld) this.#confirm(nowMs)
    if (this.#pace.shouldHandOver(nowMs)) this.#handOver(nowMs)
  }

  #confirm(nowMs: number): void {
    const { raft, leases, electionTimeoutMs, confirmRead, wake } = this.#parts
    const { term } = raft
    const confirmed = (): void => {
      if (raft.role !== 'leader' || raft.term !== term) return
      leases.releaseExpiry()
      wake()
    }
    try {
      // Where it is not confirmed in time, or the member ends, the next timer asks again, if anybody leads here then.
      confirmRead({ deadlineMs: nowMs + electionTimeoutMs }).then(confirmed, () => undefined)
    } catch {
      // Too many wait for the same round: asked again likewise.
    }
  }

  #handOver(nowMs: number): void {
    const { raft, logger, nameOf, wake } = this.#parts
    const result = raft.transferLeadership('best', nowMs)
    if (!result.accepted) return
    const to = nameOf(result.to)
    logger.warn('the event loop of this leader stands still again and again: leadership goes to another member', { to })
    wake()
  }

  #warn(lateMs: number, steppedDown: boolean, nowMs: number): void {
    if (nowMs < this.#nextWarningMs && !steppedDown) return
    this.#nextWarningMs = nowMs + this.#pace.stayMs
    const { stalls } = this.#times.summary
    this.#parts.logger.warn('the event loop stood still: something in this process held it up', {
      ...{ lateMs, stalls, steppedDown },
    })
  }
}
