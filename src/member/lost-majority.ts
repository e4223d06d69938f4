/**
 * Says what is wrong where members that lost their promises wait for each other: none of them votes, so that there is no
 * leader, who alone could see to it. Each of them sees only that there is none.
 */
import type { Cancel, Timers } from '../base/clock.js'
import type { Logger } from '../base/logger.js'

/** Election timeouts without a leader until it is said; again after as many more. */
const PATIENCE_ELECTIONS = 20

export interface LostMajorityParts {
  /** Whether this member lost its promises and knows no leader. */
  readonly waits: () => boolean
  readonly electionTimeoutMs: number
  readonly timers: Timers
  readonly logger: Logger
}

export class LostMajority {
  readonly #parts: LostMajorityParts
  #waited = 0
  #cancel: Cancel | undefined

  constructor(parts: LostMajorityParts) {
    this.#parts = parts
  }

  start(): void {
    const { waits, electionTimeoutMs, timers, logger } = this.#parts
    this.#cancel = timers.after(electionTimeoutMs, () => {
      this.#waited = waits() ? this.#waited + 1 : 0
      if (this.#waited > 0 && this.#waited % PATIENCE_ELECTIONS === 0) {
        logger.warn(
          'this member lost its promises and hears of no leader: a majority of members with theirs must run. Start the ' +
            "others; where as many have lost theirs, only a backup, or open({ forceNewCluster: 'with-losses' }), brings " +
            'the cluster back (docs/OPERATING.md)',
          { forMs: this.#waited * electionTimeoutMs },
        )
      }
      this.start()
    })
  }

  stop(): void {
    this.#cancel?.()
  }
}
