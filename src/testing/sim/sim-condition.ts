/**
 * What is wrong with a simulated disk at the moment, and who is told of what came of it.
 *
 * Always: everything here is set from outside, by a plan; nothing is drawn. What the disk makes of it is told once it really
 * took effect, and building the telling costs nothing when nobody listens.
 */

/** Something that a disk did to those who rely on it. */
export interface SimDiskEvent {
  readonly kind: SimDiskEventKind
  /** Of what: a database, the high-water file, or the whole disk. */
  readonly part: string
  /** How much, in words. */
  readonly detail: string
}

export type SimDiskEventKind =
  /** A power loss took acknowledged writes that were not synced, or writes under way. */
  | 'lost-suffix'
  /** A crash left writes that nobody had been told of, or that were not synced. */
  | 'kept-suffix'
  /** The last write was on its way to the platter: half of it is there, and LevelDB drops it. */
  | 'torn-tail'
  /** An older write is gone, a newer one is there: LevelDB's log was rotated in between. */
  | 'rotation-hole'
  /** Writes in the middle of a synced log are gone, or records of a table. */
  | 'hole'
  /** A bit of a value or of a key is not what was written. */
  | 'bit-flip'
  /** A record that cannot be read: LEVEL_CORRUPTION. */
  | 'unreadable'
  | 'unopenable'
  | 'sync-failed'
  | 'write-failed'
  | 'read-failed'
  /** A sync was acknowledged and did nothing. */
  | 'sync-lied'
  /** A slot of the high-water file is torn. */
  | 'slot-torn'
  /** What was written to the high-water file since it was synced is gone. */
  | 'slot-lost'
  | 'slot-missing'
  | 'held'
  | 'wiped'
  | 'restored'

export type SimDiskObserver = (event: SimDiskEvent) => void

/** What can be made to fail, once. */
export type FailingOperation = 'open' | 'read' | 'write' | 'sync'

export class SimCondition {
  /** How much longer than usual everything takes. */
  factor = 1
  /** Syncs are acknowledged and do nothing. */
  lying = false
  /** No space is left for writes. */
  full = false
  /** What the disk says is free; undefined: all of it. */
  freeBytes: number | undefined
  readonly observe: SimDiskObserver | undefined
  readonly #failing = new Set<FailingOperation>()
  #held: (() => void)[] | undefined

  constructor(observe: SimDiskObserver | undefined) {
    this.observe = observe
  }

  failNext(operation: FailingOperation): void {
    this.#failing.add(operation)
  }

  /** Whether this operation fails; the next one of its kind does not. */
  fails(operation: FailingOperation): boolean {
    return this.#failing.size > 0 && this.#failing.delete(operation)
  }

  heal(): void {
    this.factor = 1
    this.lying = false
    this.full = false
    this.freeBytes = undefined
    this.#failing.clear()
  }

  get hung(): boolean {
    return this.#held !== undefined
  }

  hang(): void {
    this.#held ??= []
  }

  /** Keeps for later what is over, on a disk that hangs. */
  hold(over: () => void): void {
    this.#held?.push(over)
    this.observe?.({ kind: 'held', part: 'disk', detail: 'an operation waits for a disk that hangs' })
  }

  /** What was held, in its order. */
  goOn(): readonly (() => void)[] {
    const held = this.#held ?? []
    this.#held = undefined
    return held
  }
}
