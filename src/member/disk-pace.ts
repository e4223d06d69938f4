/**
 * Whether a leader's disk is so slow that another member should lead, and which.
 *
 *     write begins ──┬── entries leave to the followers at the same time
 *                    ├─► at half of "slow": who has acknowledged all of it by now is quick, its network included
 *                    └─► durable here: a slow one, or not
 *
 * It should where most of the last writes were slow here, or one is under way for an election timeout, and one and the same
 * follower was quick each time. That is what keeps members whose disks are all slow from handing leadership around: there
 * nobody is quick. A leader that was led here by chance stays for a while, and tries once in that time.
 *
 * Always: what the process itself holds up says nothing about the disk: a look that comes too late finds nobody quick.
 * Pure: time is told.
 */
import type { Index, NodeId } from '../raft/types.js'

/** How far a follower has acknowledged. */
export interface Acknowledged {
  readonly id: NodeId
  readonly matchIndex: Index
}

interface Pending {
  readonly beganMs: number
  readonly lastIndex: Index
  /** Undefined until half of "slow" is over. */
  quick: readonly NodeId[] | undefined
}

/** A write of the log is slow from this share of an election timeout on. Heartbeats do not wait for it; clients do. */
const SLOW_SHARE = 1 / 4
/** What was judged last; most of it must be slow. */
const WRITES = 8
/** Election timeouts that a leader stays at least, and between two tries to hand over. */
const STAY_ELECTIONS = 10
const NOBODY_QUICK: readonly NodeId[] = []

export class DiskPace {
  /** From here on a write is slow. */
  readonly slowMs: number
  /** How long a leader stays. */
  readonly stayMs: number
  readonly #hungMs: number
  #pending: Pending | undefined
  /** For each of the last writes who was quick where it was slow; undefined: it was not. */
  #writes: (readonly NodeId[] | undefined)[] = []
  /** Not before this time; Infinity for who does not lead. */
  #mayTryMs = Infinity

  constructor(electionTimeoutMs: number) {
    this.slowMs = SLOW_SHARE * electionTimeoutMs
    this.stayMs = STAY_ELECTIONS * electionTimeoutMs
    this.#hungMs = electionTimeoutMs
  }

  /** From here on this member leads. */
  lead(nowMs: number): void {
    this.#writes = []
    this.#mayTryMs = nowMs + this.stayMs
  }

  follow(): void {
    this.#mayTryMs = Infinity
  }

  /** A write of entries up to `lastIndex` was handed to the disk, and to the followers. */
  begun(lastIndex: Index, nowMs: number): void {
    this.#pending = { beganMs: nowMs, lastIndex, quick: undefined }
  }

  /** It is durable. Returns how long it took; undefined where none was begun. */
  durable(nowMs: number): number | undefined {
    const pending = this.#pending
    if (pending === undefined) return undefined
    this.#pending = undefined
    const tookMs = nowMs - pending.beganMs
    this.#writes.push(tookMs >= this.slowMs ? (pending.quick ?? NOBODY_QUICK) : undefined)
    if (this.#writes.length > WRITES) this.#writes.shift()
    return tookMs
  }

  /** When to ask {@link successor} next. */
  nextDeadlineMs(): number {
    if (this.#pending === undefined || this.#mayTryMs === Infinity) return Infinity
    const { beganMs, quick } = this.#pending
    if (quick === undefined) return beganMs + this.slowMs / 2
    return quick.length === 0 ? Infinity : Math.max(beganMs + this.#hungMs, this.#mayTryMs)
  }

  /** Who should lead instead of this leader; asked again only after a while. */
  successor(nowMs: number, acknowledged: () => readonly Acknowledged[]): NodeId | undefined {
    if (this.#mayTryMs === Infinity) return undefined
    this.#lookWhoIsQuick(nowMs, acknowledged)
    if (nowMs < this.#mayTryMs) return undefined
    const quick = this.#quickEachTime(nowMs)
    if (quick.length === 0) return undefined
    const [best] = acknowledged()
      .filter(({ id }) => quick.includes(id))
      .sort((a, b) => b.matchIndex - a.matchIndex || a.id - b.id)
    this.#writes = []
    this.#mayTryMs = nowMs + this.stayMs
    return best?.id
  }

  #lookWhoIsQuick(nowMs: number, acknowledged: () => readonly Acknowledged[]): void {
    const pending = this.#pending
    if (pending === undefined || pending.quick !== undefined) return
    const { beganMs, lastIndex } = pending
    if (nowMs < beganMs + this.slowMs / 2) return
    const inTime = nowMs < beganMs + this.slowMs
    const quick = (): NodeId[] => acknowledged().flatMap((each) => (each.matchIndex >= lastIndex ? [each.id] : []))
    pending.quick = inTime ? quick() : NOBODY_QUICK
  }

  #quickEachTime(nowMs: number): readonly NodeId[] {
    const pending = this.#pending
    if (pending?.quick !== undefined && nowMs >= pending.beganMs + this.#hungMs) return pending.quick
    const slow = this.#writes.flatMap((quick) => (quick === undefined ? [] : [quick]))
    if (this.#writes.length < WRITES || 2 * slow.length <= WRITES) return NOBODY_QUICK
    return slow.reduce((both, each) => both.filter((id) => each.includes(id)))
  }
}
