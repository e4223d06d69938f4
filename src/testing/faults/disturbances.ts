/**
 * Whose sense of time the faults of a run disturb, and until when they did. What rests on timers that fire (the signal of a
 * lock) can be demanded of the others only.
 *
 * Always: a member that is disturbed and one that was since a given moment are told apart from all others, never the other
 * way round: in doubt it counts as disturbed.
 */
import type { Fault } from './fault.js'

/**
 * Recipes leave a fifth of a lease unused for clocks that run at different rates. With every clock within this much of the
 * right rate, the slowest holder still stops before the fastest leader ends its lease: 0.8 / 0.9 < 1 / 1.1.
 */
const DRIFT_PER_MILLION_MAX = 100_000

const EVERYBODY = ''

export class Disturbances {
  readonly #underWay = new Map<Fault, string>()
  /** Until when each member was disturbed last. */
  readonly #untilMs = new Map<string, number>()

  begin(fault: Fault): void {
    const whose = disturbedBy(fault)
    if (whose !== undefined) this.#underWay.set(fault, whose)
  }

  end(fault: Fault, nowMs: number): void {
    const whose = this.#underWay.get(fault)
    if (whose === undefined) return
    this.#underWay.delete(fault)
    this.#untilMs.set(whose, nowMs)
  }

  /** Whether nothing disturbed the member at `sinceMs` or later. */
  noneSince(member: string, sinceMs: number): boolean {
    const concerned = [member, EVERYBODY]
    return (
      ![...this.#underWay.values()].some((whose) => concerned.includes(whose)) &&
      concerned.every((whose) => (this.#untilMs.get(whose) ?? -1) < sinceMs)
    )
  }
}

/** A clock that is much too fast may be that of the leader, who ends leases by it: that concerns every holder. */
function disturbedBy(fault: Fault): string | undefined {
  if (fault.type === 'clock-drift') return Math.abs(fault.perMillion) > DRIFT_PER_MILLION_MAX ? EVERYBODY : undefined
  return fault.type === 'pause' || fault.type === 'lag' || fault.type === 'clock-freeze' ? fault.member : undefined
}
