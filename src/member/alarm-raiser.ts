/**
 * Raises the alarms of this member: whoever finds a reason says so once, and here it is proposed until it is active.
 *
 * Always: at most one proposal of each alarm is under way; one that was given up, since there was no leader, is made again
 * with the next turn of the loop. An alarm that somebody disarmed is not raised again before somebody finds a reason anew.
 * Always: a learner that is short of space holds up nobody: it says so in its log, and raises no alarm before it votes.
 */
import type { Logger } from '../base/logger.js'
import type { Alarm, AlarmType } from '../machine/alarms.js'
import type { AlarmRequest } from '../machine/command.js'

export interface AlarmRaiserParts {
  readonly memberId: number
  readonly isActive: (alarm: Alarm) => boolean
  /** Whether this member is one that the cluster counts on. */
  readonly votes: () => boolean
  /** Resolves once it was applied. */
  readonly propose: (request: AlarmRequest) => Promise<unknown>
  /** Has the loop take a turn. */
  readonly wake: () => void
  readonly logger: Logger
}

export class AlarmRaiser {
  readonly #parts: AlarmRaiserParts
  readonly #wanted = new Set<AlarmType>()
  readonly #proposed = new Set<AlarmType>()
  /** As a learner. */
  #toldShort = false

  constructor(parts: AlarmRaiserParts) {
    this.#parts = parts
  }

  /** There is a reason for it. It is proposed with the next {@link turn}. */
  raise(alarm: AlarmType, reason: string): void {
    const { memberId: member, isActive, wake, logger } = this.#parts
    if (this.#wanted.has(alarm) || isActive({ alarm, member })) return
    if (alarm === 'no-space' && !this.#parts.votes()) {
      if (!this.#toldShort) logger.error('this learner has too little space, and may not catch up', { reason })
      this.#toldShort = true
      return
    }
    logger.error('this member raises an alarm', { alarm, reason })
    this.#wanted.add(alarm)
    wake()
  }

  /** Once in each turn of the loop. */
  turn(): void {
    for (const alarm of this.#wanted) if (!this.#proposed.has(alarm)) this.#propose(alarm)
  }

  #propose(alarm: AlarmType): void {
    const { memberId: member, propose } = this.#parts
    this.#proposed.add(alarm)
    propose({ type: 'alarm', action: 'activate', alarm, member }).then(
      () => {
        this.#proposed.delete(alarm)
        this.#wanted.delete(alarm)
      },
      () => {
        // It timed out, too much waits, or the member ends: while it is open there is another turn.
        this.#proposed.delete(alarm)
      },
    )
  }
}
