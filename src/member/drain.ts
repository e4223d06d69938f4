/**
 * The graceful part of a close: new calls are refused, leadership goes to another member while the loop still runs, and the
 * calls that are under way get their answers: of this member, or of the next leader, to whom they are sent like any others.
 *
 *     close ── refuse ── hand over ──► another one leads ──┐
 *                  └──── calls under way ───► all ended ───┴──► the member ends
 *                                             or drainMs are over
 *
 * Always: it ends: when there is nothing to wait for any more, `drainMs` after it began, or with the member.
 * Always: leadership is handed over once. Members that are all closed at once would give it to each other for ever; whom it
 * comes back to keeps it, which serves the calls of everybody.
 *
 * What a member does that has no leadership to give, or nobody to give it to: it waits for its calls only. Thesis 3.10.
 */
import type { Buggify } from '../base/buggify.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { RawNode } from '../raft/raw-node.js'
import { NOBODY } from '../raft/types.js'
import type { Lifetime } from './lifetime.js'

export interface DrainParts {
  readonly raft: Pick<RawNode, 'role' | 'leader' | 'transferLeadership'>
  readonly lifetime: Lifetime
  readonly clock: Clock
  readonly timers: Timers
  readonly logger: Logger
  readonly electionTimeoutMs: number
  /** How long it may take; 0: nobody is waited for. */
  readonly drainMs: number
  /** There is something to do for the loop. */
  readonly wake: () => void
  readonly buggify: Buggify
}

type Handover = 'not tried' | 'under way' | 'done' | 'failed'

export class Drain {
  readonly #parts: DrainParts
  #underWay = 0
  #handover: Handover = 'not tried'
  #deadlineMs = Infinity
  #handoverDeadlineMs = Infinity
  #timers: Cancel[] = []
  #end: (() => void) | undefined

  constructor(parts: DrainParts) {
    this.#parts = parts
  }

  /** Makes a call, and counts it until it ends. Throws `CLOSED`, `MEMBER_FAILED` where no new ones are taken. */
  admit<T>(call: () => Promise<T>): Promise<T> {
    this.#parts.lifetime.checkAdmits()
    const work = call()
    this.#underWay++
    const leave = (): void => {
      this.#underWay--
      if (this.#end !== undefined) this.#look()
    }
    work.then(leave, leave)
    return work
  }

  /** Whether leadership was offered to somebody who did not take it: offering it again would take as long again. */
  get refused(): boolean {
    return this.#handover === 'failed'
  }

  /** Once. Resolves when the member may end. */
  run(): Promise<void> {
    const { lifetime, clock, logger, drainMs } = this.#parts
    if (drainMs === 0 || this.#parts.buggify('close-at-once')) return Promise.resolve()
    lifetime.refuse()
    this.#deadlineMs = clock.monotonicMs() + drainMs
    this.#lookAfter(drainMs)
    this.#handOver()
    logger.info('the member is closed: calls under way may end first', { underWay: this.#underWay, drainMs })
    return new Promise((resolve) => {
      this.#end = resolve
      this.#look()
    })
  }

  leaderChanged(): void {
    if (this.#end === undefined) return
    this.#handOver()
    this.#look()
  }

  /** The member ends, whoever waits. */
  stop(): void {
    for (const cancel of this.#timers) cancel()
    this.#end?.()
    this.#end = undefined
  }

  #handOver(): void {
    const { raft, clock, logger, electionTimeoutMs, wake } = this.#parts
    if (this.#handover !== 'not tried' || raft.role !== 'leader') return
    const nowMs = clock.monotonicMs()
    if (!raft.transferLeadership('best', nowMs).accepted) return
    logger.info('this leader hands leadership over before it stops')
    this.#handover = 'under way'
    this.#handoverDeadlineMs = nowMs + electionTimeoutMs
    this.#lookAfter(electionTimeoutMs)
    wake()
  }

  #lookAfter(delayMs: number): void {
    this.#timers.push(this.#parts.timers.after(delayMs, () => this.#look()))
  }

  #look(): void {
    const { raft, clock, logger } = this.#parts
    const nowMs = clock.monotonicMs()
    if (this.#handover === 'under way') {
      if (raft.role !== 'leader' && raft.leader !== NOBODY) this.#handover = 'done'
      else if (nowMs >= this.#handoverDeadlineMs) this.#handover = 'failed'
    }
    const late = nowMs >= this.#deadlineMs
    if (!late && (this.#underWay > 0 || this.#handover === 'under way')) return
    if (this.#underWay > 0) {
      logger.warn('calls are given up: they did not end before the member', { calls: this.#underWay })
    }
    this.stop()
  }
}
