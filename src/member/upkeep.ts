/** What operators ask of one member: its disk, its sizes, its copy of the state. Who may ask is decided before, but where a caller is named. */
import type { Alarm } from '../machine/alarms.js'
import type { Identity } from '../machine/identity.js'
import type { PrefixQuota } from '../mvcc/prefix-quotas.js'
import type { KeyRange } from '../mvcc/statistics.js'
import type { Revision } from '../mvcc/types.js'
import type { CallLimits } from './deadlines.js'
import type { Hashed } from './hashes.js'
import type { Parts } from './parts.js'
import type { SnapshotStream } from './snapshots.js'
import type { Statistics } from './tallies.js'

export class Upkeep {
  readonly #parts: Parts
  readonly #failed: (error: unknown) => void
  #defragmentations = 0

  constructor(parts: Parts, failed: (error: unknown) => void) {
    this.#parts = parts
    this.#failed = failed
  }

  /** The alarms that are active, as far as this member has applied. */
  get alarms(): readonly Alarm[] {
    return this.#parts.machine.alarms.list()
  }

  /** The state as this member has applied it when the first piece is asked for. */
  snapshot(signal: AbortSignal | undefined): SnapshotStream {
    this.#parts.lifetime.checkAdmits()
    return this.#parts.snapshots.open(signal)
  }

  /** The hash of what can be read here up to `revision`; 0: the current one. */
  async hash(revision: Revision, limits: CallLimits): Promise<Hashed> {
    this.#parts.lifetime.checkAdmits()
    return this.#parts.hashes.hash(revision, limits)
  }

  /** Resolves when what compactions up to `revision`, which is applied here, made superfluous is gone from this disk. */
  async swept(revision: Revision, limits: CallLimits): Promise<void> {
    this.#checkOpen()
    const swept = this.#parts.swept.wait(revision, limits)
    this.#parts.wake()
    return swept
  }

  /** The quotas of prefixes as they are here, and what is used of them. */
  prefixQuotas(identity: Identity): readonly PrefixQuota[] {
    this.#checkOpen()
    const { machine, states } = this.#parts
    states.repair.checkShown()
    machine.authorize(identity, { type: 'prefix-quota-list' })
    return machine.store.prefixQuotas
  }

  /** Counts what this member has of a range at a revision (0: the latest). */
  async statistics(range: KeyRange, revision: Revision, identity: Identity, limits: CallLimits): Promise<Statistics> {
    this.#checkOpen()
    this.#parts.states.repair.checkShown()
    return this.#parts.tallies.count(range, revision, identity, limits)
  }

  /** What its data takes physically; undefined where the disk does not tell. */
  async diskBytes(): Promise<number | undefined> {
    this.#parts.lifetime.checkAdmits()
    return this.#parts.storage.sizeBytes()
  }

  /** Writes the state, and has its database rewritten without what was overwritten and deleted. */
  async defragment(): Promise<void> {
    this.#parts.lifetime.checkAdmits()
    const { persistence, storage, telemeter, wake } = this.#parts
    await persistence.flush(wake)
    this.#checkOpen()
    const begunMs = telemeter.nowMs()
    this.#defragmentations++
    try {
      await storage.state.defragment()
      telemeter.tell?.({ type: 'defragmented', durationMs: telemeter.nowMs() - begunMs })
    } catch (error) {
      this.#failed(error)
    } finally {
      this.#defragmentations--
    }
    this.#checkOpen()
  }

  get defragmenting(): boolean {
    return this.#defragmentations > 0
  }

  #checkOpen(): void {
    this.#parts.lifetime.checkOpen()
  }
}
