/** One who has entered a double barrier, until it has left. */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields } from '../../api/check-fields.js'
import type { Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { Patience, type WaitOptions } from '../patience.js'
import type { Place } from '../lock/place.js'
import { isIn, readRound, type Round } from './round.js'
import { endedByItself } from '../ended-by-itself.js'
import { isForgotten } from '../failures.js'
import { prefixOf } from '../name.js'

export class Party implements AsyncDisposable {
  readonly #store: Store
  readonly #name: string
  readonly #place: Place
  readonly #round: Round
  #leaves = false

  /** @internal `revision`: at which it was seen to be inside. */
  constructor(store: Store, name: string, place: Place, round: Round, revision: Revision) {
    this.#store = store
    this.#name = name
    this.#place = place
    this.#round = round
    void place.loseWithKey(revision)
  }

  /** Which round it is: 1 for the first one under this name, and one more for each. */
  get round(): number {
    return this.#round.number
  }

  /** The key that stands for it. */
  get key(): string {
    return this.#place.standing.key
  }

  /**
   * Aborts, with a `LOCK_LOST` error as its reason, before others can take this party for gone: before its lease can end, when
   * its key was removed, when the store was closed or failed, and when it leaves. It looks at the clock when it is asked.
   */
  get signal(): AbortSignal {
    return this.#place.signal
  }

  /**
   * Aborts the signal, leaves, and resolves when all parties of the round have left. A party whose process died has left when
   * its lease has ended.
   *
   * Rejects with `LOCK_LOST` when this party was taken for gone before it left: the others may have gone on without it. With
   * `ABORTED` or `TIMEOUT` when waiting is given up: it has left all the same, and calling again waits again.
   */
  async leave(options: WaitOptions = {}): Promise<void> {
    checkFields(options, CALL_FIELDS, 'leave()')
    const patience = new Patience(this.#store.environment, options)
    try {
      if (!this.#leaves) this.signal.throwIfAborted()
      this.#leaves = true
      // Not waited for: the own key is one of those that have to go. Where this fails its lease takes it away.
      this.#place.abandon()
      while (!(await patience.insist((signal) => this.#allHaveLeft(signal))));
    } finally {
      patience.end()
    }
  }

  /** Leaves, and waits until all have; does nothing where it is not inside any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.signal.aborted) await this.leave()
  }

  /** Waits for those who are there to go; true when a look shows that nobody is. */
  async #allHaveLeft(signal: AbortSignal): Promise<boolean> {
    // Of this round: the next one may have begun by now.
    const { inside, waiting, revision } = await readRound(this.#store, this.#name, { signal })
    const staying = new Set(
      [...inside, ...waiting].filter((each) => isIn(this.#name, this.#round, each)).map(({ key }) => key),
    )
    if (staying.size === 0) return true
    try {
      const watch = this.#store.watch({ prefix: prefixOf(this.#name) }, { startRevision: revision + 1, signal })
      for await (const { type, key } of watch) {
        if (type === 'delete') staying.delete(key)
        if (staying.size === 0) return true
      }
    } catch (error) {
      if (isForgotten(error)) return false
      throw error
    }
    return endedByItself(this.#store, { prefix: prefixOf(this.#name) }, signal)
  }
}
