/**
 * Whether the event loop of a leader stands still so often that another member should lead.
 *
 * A stall is a turn that comes a quarter of an election timeout late, or more: what keeps the loop is the process's own work
 * (a large JSON, a synchronous call, garbage collection) or a machine with too much to do. While it lasts nothing is
 * answered; one of an election timeout ends the leadership by itself. Where {@link STALLS} of them come within
 * {@link STAY_ELECTIONS} election timeouts, leadership is offered to another member, and then not again for as long. A leader
 * stays for that time at least, so that members that all stall, on one machine, do not hand leadership around.
 *
 * Pure: time is told.
 */

/** A turn is a stall from this share of an election timeout on: as with the disk (disk-pace.ts). */
const STALL_SHARE = 1 / 4
const STALLS = 4
const STAY_ELECTIONS = 10

export class StallPace {
  /** From here on a turn is late. */
  readonly stallMs: number
  readonly stayMs: number
  /** When the last ones were noticed, oldest first. */
  #stalls: number[] = []
  /** Not before this time; Infinity for who does not lead. */
  #mayTryMs = Infinity

  constructor(electionTimeoutMs: number) {
    this.stallMs = STALL_SHARE * electionTimeoutMs
    this.stayMs = STAY_ELECTIONS * electionTimeoutMs
  }

  /** From here on this member leads. */
  lead(nowMs: number): void {
    this.#stalls = []
    this.#mayTryMs = nowMs + this.stayMs
  }

  follow(): void {
    this.#mayTryMs = Infinity
  }

  stalled(nowMs: number): void {
    this.#stalls.push(nowMs)
    if (this.#stalls.length > STALLS) this.#stalls.shift()
  }

  /** Whether to offer leadership now; said once, and then not for {@link stayMs}. */
  shouldHandOver(nowMs: number): boolean {
    if (nowMs < this.#mayTryMs) return false
    const [oldest] = this.#stalls
    if (oldest === undefined || this.#stalls.length < STALLS || nowMs - oldest > this.stayMs) return false
    this.lead(nowMs)
    return true
  }
}
