/**
 * When the state is written and the log trimmed.
 *
 * Always: the state on disk is the state at exactly one index: what applying changed since is in memory, and goes out as
 * one atomic batch together with that index. Always: the log is trimmed only below the index whose state is durable; a
 * log trimmed earlier could not bring a restarted member back to where it was.
 *
 * It is written when much has been buffered; when a compaction has come to its end: what that removed takes up space until
 * then, and on an idle member would do so for ever; and when much of the log lies behind the last write, whatever it
 * changed: transactions that only read or find their compares not to hold change nothing, and fill the log all the same.
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import { LIMITS } from '../base/limits.js'
import type { Machine } from '../machine/machine.js'
import type { Revision } from '../mvcc/types.js'
import type { RawNode } from '../raft/raw-node.js'
import type { Index, LogPosition } from '../raft/types.js'
import type { Storage } from '../storage/storage.js'
import type { Observe } from './event.js'
import type { Telemeter } from './telemeter.js'

export interface PersistenceLimits {
  /** Buffered changes after which the state is written. */
  readonly stateBufferBytesMax: number
  /** Log kept behind the durable state, for members that lag. */
  readonly logRetainBytes: number
}

export interface PersistenceParts {
  readonly storage: Storage
  readonly machine: Machine
  readonly raft: RawNode
  /** Default: nobody listens. */
  readonly telemeter?: Telemeter | undefined
  /** The state is not to be changed, nor written: another one is to take its place. Default: never. */
  readonly blocked?: () => boolean
  /** Entries behind this are needed by other members. Default: none. */
  readonly pinnedIndex?: () => Index
}

export class Persistence {
  readonly #storage: Storage
  readonly #machine: Machine
  readonly #raft: RawNode
  readonly #limits: PersistenceLimits
  readonly #failed: (error: unknown) => void
  readonly #blocked: () => boolean
  readonly #pinnedIndex: () => Index
  readonly #observe: Observe | undefined
  readonly #telemeter: Telemeter | undefined
  readonly #buggify: Buggify
  #writing: Promise<void> | undefined
  /** The state that is durable, and the one that is or was on its way last. */
  #durable: LogPosition
  #begun: LogPosition
  /** The latest compaction of which all removals are in a write. */
  #sweptRevision: Revision
  /** The same of the writes that are durable. */
  #durablySweptRevision: Revision
  #stateWrites = 0
  #trims = 0

  constructor(
    parts: PersistenceParts,
    limits: PersistenceLimits,
    failed: (error: unknown) => void,
    observe?: Observe,
    buggify = NEVER,
  ) {
    this.#buggify = buggify
    this.#observe = observe
    this.#telemeter = parts.telemeter
    this.#storage = parts.storage
    this.#machine = parts.machine
    this.#raft = parts.raft
    this.#blocked = parts.blocked ?? (() => false)
    this.#pinnedIndex = parts.pinnedIndex ?? (() => Infinity)
    this.#limits = limits
    this.#failed = failed
    this.#durable = { index: parts.machine.appliedIndex, term: parts.machine.appliedTerm }
    this.#begun = this.#durable
    this.#sweptRevision = parts.machine.store.sweeping ? 0 : parts.machine.compactRevision
    this.#durablySweptRevision = this.#sweptRevision
  }

  /** Up to here the state itself is on disk. */
  get durableIndex(): number {
    return this.#durable.index
  }

  /** What compactions up to here made superfluous is gone from the disk. */
  get durablySweptRevision(): Revision {
    const { store, compactRevision } = this.#machine
    const nothingLeft = this.#writing === undefined && !store.sweeping && this.#storage.state.stagedBytes === 0
    return nothingLeft ? compactRevision : this.#durablySweptRevision
  }

  get statistics(): { readonly stateWrites: number; readonly logTrims: number } {
    return { stateWrites: this.#stateWrites, logTrims: this.#trims }
  }

  /**
   * False while a write is under way and as much again has been buffered: applying waits, so that memory is bounded. And
   * while another state is to take the place of this one.
   */
  get mayApply(): boolean {
    if (this.#blocked()) return false
    return this.#writing === undefined || !this.#isMuchBehind(this.#begun)
  }

  /** Resolves when no write of the state is under way. */
  async settled(): Promise<void> {
    await this.#writing
  }

  /** Another state is on disk, and is the one in memory. */
  adopted(): void {
    const { appliedIndex: index, appliedTerm: term, store, compactRevision } = this.#machine
    this.#durable = { index, term }
    this.#begun = this.#durable
    this.#sweptRevision = store.sweeping ? 0 : compactRevision
    this.#durablySweptRevision = this.#sweptRevision
  }

  /** Called after applying. `done` is called when a write that was started has ended. */
  maybeWrite(done: () => void): void {
    if (this.#writing !== undefined || !this.#due || this.#blocked()) return
    this.#start(done)
  }

  /** Resolves when all that was applied before the call is on disk, or the member failed. */
  async flush(done: () => void): Promise<void> {
    await this.#writing
    // A write that failed stays where it is.
    if (this.#writing === undefined && this.#isBehind && !this.#blocked()) this.#start(done)
    await this.#writing
  }

  /** Writes what is buffered, after a write that is under way; for a graceful end, so that the next start replays nothing. */
  async finish(): Promise<void> {
    await this.#writing
    if (this.#isBehind && !this.#blocked()) await this.#write()
  }

  get #isBehind(): boolean {
    return this.#machine.appliedIndex > this.#durable.index || this.#storage.state.stagedBytes > 0
  }

  get #due(): boolean {
    if (this.#isMuchBehind(this.#durable)) return true
    const { store, compactRevision, appliedIndex } = this.#machine
    const swept = compactRevision > this.#sweptRevision && !store.sweeping
    if (swept && this.#storage.state.stagedBytes > 0) return true
    return appliedIndex > this.#durable.index && this.#buggify('state-write-now')
  }

  /** Whether much was changed, or applied without changing anything, that the state written at `position` does not have. */
  #isMuchBehind(position: LogPosition): boolean {
    const { stateBufferBytesMax } = this.#limits
    if (this.#storage.state.stagedBytes >= stateBufferBytesMax) return true
    return this.#raft.logBytesBetween(position.index, this.#machine.appliedIndex) >= 2 * stateBufferBytesMax
  }

  #start(done: () => void): void {
    this.#writing = this.#write().then(
      () => {
        this.#writing = undefined
        done()
      },
      (error: unknown) => {
        this.#failed(error)
      },
    )
  }

  async #write(): Promise<void> {
    const at: LogPosition = { index: this.#machine.appliedIndex, term: this.#machine.appliedTerm }
    if (!this.#machine.store.sweeping) this.#sweptRevision = this.#machine.compactRevision
    const sweptRevision = this.#sweptRevision
    this.#begun = at
    this.#tellBegun(at)
    this.#machine.checkpoint()
    const begunMs = this.#telemeter?.nowMs() ?? 0
    await this.#storage.state.commit()
    this.#telemeter?.tell?.({ type: 'state-written', durationMs: this.#telemeter.nowMs() - begunMs })
    this.#durable = at
    this.#durablySweptRevision = sweptRevision
    this.#observe?.({ type: 'state-durable', position: at })
    this.#stateWrites++
    await this.#trim()
  }

  #tellBegun(position: LogPosition): void {
    if (this.#observe === undefined) return
    const { revision, digest } = this.#machine
    this.#observe({ type: 'state-write-begun', position, revision, digest })
  }

  /** What is kept for others has a bound too: whoever needs it beyond that is sent another snapshot. */
  get #pinned(): Index {
    const pinned = this.#pinnedIndex()
    if (pinned === Infinity) return pinned
    return this.#raft.logBytesBetween(pinned, this.#raft.lastIndex) > LIMITS.logPinnedBytesMax ? Infinity : pinned
  }

  async #trim(): Promise<void> {
    const to = this.#raft.trimPosition(this.#limits.logRetainBytes, Math.min(this.#durable.index, this.#pinned))
    if (to === undefined || this.#buggify('trim-put-off')) return
    await this.#storage.log.trim(to)
    this.#raft.compact(to.index)
    this.#observe?.({ type: 'log-trimmed', to })
    this.#trims++
  }
}
