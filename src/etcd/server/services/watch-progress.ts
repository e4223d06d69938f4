/**
 * How far all watches of one stream have come, for a client that asks once for all of them.
 *
 * Each watch is asked, and tells it behind the events that it has to tell; the answer is what the last of them could say. So
 * it comes after all events up to its revision (etcd's issue 15220). Where a watch waits for a revision in the future there is
 * no answer (20221), and none where there is no watch: clients ask again.
 */
import type { OpenWatch } from './watch-request.js'

export interface StreamProgressParts {
  /** Those of the stream. */
  readonly watches: ReadonlyMap<bigint, OpenWatch>
  /** The store's. */
  readonly revision: () => number
  /** Resolves when the client took it. */
  readonly tell: (revision: number) => Promise<void>
}

export class StreamProgress {
  readonly #parts: StreamProgressParts
  /** Those that did not tell yet; undefined: nobody asks. */
  #waiting: Set<OpenWatch> | undefined
  #revision = 0
  /** The client was told, and did not take it yet. */
  #telling = false
  /** Asked for meanwhile, once or often: what happened in between is to be known too. */
  #again = false

  constructor(parts: StreamProgressParts) {
    this.#parts = parts
  }

  request(): void {
    if (this.#waiting !== undefined || this.#telling) {
      this.#again = true
      return
    }
    const { watches, revision } = this.#parts
    this.#revision = revision()
    const waiting = new Set(watches.values())
    if (waiting.size === 0 || [...waiting].some((open) => this.#isAhead(open))) return
    this.#waiting = waiting
    for (const { watch } of waiting) watch.requestProgress()
  }

  /** The answer will be for all watches of the stream, so one that is new is asked too. */
  joined(open: OpenWatch): void {
    if (this.#waiting === undefined) return
    if (this.#isAhead(open)) {
      this.#waiting = undefined
      this.#again = false
      return
    }
    this.#waiting.add(open)
    open.watch.requestProgress()
  }

  /** By a watch, behind all that it has to tell up to `revision`. */
  told(open: OpenWatch, revision: number): void {
    if (this.#waiting?.has(open) !== true) return
    this.#revision = Math.min(this.#revision, revision)
    this.left(open)
  }

  /** It is no more. */
  left(open: OpenWatch): void {
    if (this.#waiting?.delete(open) !== true || this.#waiting.size > 0) return
    this.#waiting = undefined
    if (this.#parts.watches.size > 0) void this.#tell()
  }

  async #tell(): Promise<void> {
    this.#telling = true
    await this.#parts.tell(this.#revision)
    this.#telling = false
    if (!this.#again) return
    this.#again = false
    this.request()
  }

  #isAhead({ startRevision }: OpenWatch): boolean {
    return startRevision > this.#revision
  }
}
