/**
 * Compaction by itself, as etcd does it: by age or by the number of revisions.
 *
 *     periodic    what is younger than the retention stays. The revision is noted ten times in a retention (at most an hour
 *                 counts for that); the newest note that is old enough is what is compacted to, every retention, at most
 *                 every hour
 *     revision    every five minutes all but the last so many revisions go
 *
 * Every member notes, by its own monotonic clock, so that a new leader knows the age of what is there as far as it was up
 * itself; only the leader compacts. Always: no member has more at a time than there was, so a note never makes anything
 * older than it is: whoever leads compacts late rather than early. Not here: wall time, which may jump.
 */
import { LIMITS } from '../base/limits.js'
import type { Revision } from '../mvcc/types.js'

/** Milliseconds, or revisions, of history that stay. */
export type AutoCompaction =
  | { readonly mode: 'periodic'; readonly retentionMs: number }
  | { readonly mode: 'revision'; readonly retention: number }

/** What the member is at. */
export interface Position {
  readonly revision: Revision
  readonly compactRevision: Revision
  readonly leading: boolean
}

export class AutoCompactor {
  readonly #options: AutoCompaction | undefined
  readonly #everyMs: number
  /** Oldest first; of those that are old enough only the newest is kept. */
  readonly #notes: { readonly atMs: number; readonly revision: Revision }[] = []
  #nextAtMs: number
  /** The last compaction that was asked for here. */
  #asked: { readonly atMs: number; readonly revision: Revision } = { atMs: -Infinity, revision: 0 }

  /** Undefined: it never has anything to do. */
  constructor(options: AutoCompaction | undefined, nowMs: number) {
    this.#options = options
    this.#everyMs = options?.mode === 'periodic' ? noteEveryMs(options.retentionMs) : REVISION_MODE_EVERY_MS
    this.#nextAtMs = options === undefined ? Infinity : options.mode === 'periodic' ? nowMs : nowMs + this.#everyMs
  }

  /** When to ask {@link due} again. */
  nextDeadlineMs(): number {
    return this.#nextAtMs
  }

  /** What to compact to now, if anything. */
  due(nowMs: number, position: Position): Revision | undefined {
    if (this.#options === undefined || nowMs < this.#nextAtMs) return undefined
    this.#nextAtMs = nowMs + this.#everyMs
    const revision = this.#outdated(this.#options, nowMs, position.revision)
    if (!position.leading || revision <= position.compactRevision) return undefined
    // What was asked for and did not come to pass is asked for again; else not before its time.
    const done = position.compactRevision >= this.#asked.revision
    if (done && nowMs - this.#asked.atMs < intervalMs(this.#options)) return undefined
    this.#asked = { atMs: nowMs, revision }
    return revision
  }

  /** The revision behind which everything must stay. */
  #outdated(options: AutoCompaction, nowMs: number, revision: Revision): Revision {
    if (options.mode === 'revision') return revision - options.retention
    const notes = this.#notes
    notes.push({ atMs: nowMs, revision })
    const oldEnoughMs = nowMs - options.retentionMs
    while (notes[1] !== undefined && notes[1].atMs <= oldEnoughMs) notes.shift()
    const [oldest] = notes
    return oldest !== undefined && oldest.atMs <= oldEnoughMs ? oldest.revision : 0
  }
}

/** etcd's. */
const REVISION_MODE_EVERY_MS = 5 * 60_000
const HOUR_MS = 60 * 60_000
const NOTES_PER_INTERVAL = 10

function intervalMs(options: AutoCompaction): number {
  return options.mode === 'revision' ? 0 : Math.min(options.retentionMs, HOUR_MS)
}

function noteEveryMs(retentionMs: number): number {
  const everyMs = Math.min(retentionMs, HOUR_MS) / NOTES_PER_INTERVAL
  return Math.max(everyMs, retentionMs / LIMITS.autoCompactionNotesMax)
}
