/** Whether a member works, whether calls should be sent to it, and why not: what health-of.ts makes of a status. */

export type HealthCode =
  | 'STOPPED'
  | 'REMOVED'
  | 'CLOSING'
  | 'NO_LEADER'
  | 'LEARNER'
  | 'AWAITS_STATE'
  | 'PROMISES_LOST'
  | 'CORRUPT'
  | 'NOSPACE'
  | 'DISK_SLOW'
  | 'EVENT_LOOP_STALLED'

export interface HealthReason {
  readonly code: HealthCode
  /** `live`: it is over with this member. `ready`: calls should go to another one for now. `nothing`: it works, but look at it. */
  readonly affects: 'live' | 'ready' | 'nothing'
  /** For people. */
  readonly message: string
}

export interface Health {
  /** False: nothing of it will work again in this process. */
  readonly live: boolean
  /** Whether calls should be sent to it. */
  readonly ready: boolean
  readonly reasons: readonly HealthReason[]
}
