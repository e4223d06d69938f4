/** A naive twin of the log: batches in arrays. */
import type { Entry, HardState, LogPosition, StoredState } from '../../src/raft/types.js'
import { ORIGIN, describeEntries } from './disks.js'

export class LogTwin {
  hardState: HardState = { term: 0, vote: 0 }
  base: LogPosition = ORIGIN
  /** One array for each record. */
  batches: (readonly Entry[])[] = []

  /** As far as it can be seen: where its records end cannot. */
  static of({ hardState, compacted: base, entries }: StoredState): LogTwin {
    return Object.assign(new LogTwin(), { hardState, base, batches: entries.length === 0 ? [] : [entries] })
  }

  get entries(): Entry[] {
    return this.batches.flat()
  }

  get last(): LogPosition {
    const entry = this.entries.at(-1)
    return entry === undefined ? this.base : { index: entry.index, term: entry.term }
  }

  append(written: readonly Entry[], hardState: HardState): void {
    const first = written[0]?.index
    this.hardState = hardState
    if (first === undefined) return
    this.batches = this.batches
      .map((batch) => batch.filter((entry) => entry.index < first))
      .filter((batch) => batch.length > 0)
    this.batches.push(written)
  }

  trim(to: LogPosition): void {
    for (;;) {
      const end = this.batches[0]?.at(-1)
      if (end === undefined || end.index > to.index) return
      this.base = { index: end.index, term: end.term }
      this.batches.shift()
    }
  }

  copy(): LogTwin {
    return Object.assign(new LogTwin(), { hardState: this.hardState, base: this.base, batches: [...this.batches] })
  }

  describe(): unknown {
    return { hardState: this.hardState, base: this.base, entries: describeEntries(this.entries) }
  }
}
