/** Whether a leader sends its heartbeats in time: one that is held up, by its disk or its process, loses its followers next. */
import type { NodeId } from '../raft/types.js'

/** Intervals after which one is late, as etcd counts. */
const LATE_INTERVALS = 2

export class HeartbeatPace {
  readonly #lateMs: number
  readonly #lastMs = new Map<NodeId, number>()

  constructor(heartbeatIntervalMs: number) {
    this.#lateMs = LATE_INTERVALS * heartbeatIntervalMs
  }

  /** One leaves; whether it is late. */
  sent(to: NodeId, nowMs: number): boolean {
    const lastMs = this.#lastMs.get(to)
    this.#lastMs.set(to, nowMs)
    return lastMs !== undefined && nowMs - lastMs > this.#lateMs
  }

  /** Another one leads, or this member begins anew. */
  clear(): void {
    this.#lastMs.clear()
  }
}
