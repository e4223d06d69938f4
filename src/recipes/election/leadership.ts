/** An election that was won: what the leader has in hand. */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields } from '../../api/check-fields.js'
import { compare, get, put, type Revision } from '../../api/operations.js'
import type { CallOptions } from '../../api/store.js'
import type { BytesLike } from '../../base/bytes.js'
import type { LeaseId } from '../../base/lease-id.js'
import { Hold } from '../lock/hold.js'
import type { Place } from '../lock/place.js'

/** What a look at the store says of a leadership. */
export type LeaderProof =
  /** It led at this revision of the store: whatever was read or written there happened while it did. */
  { readonly leads: true; readonly revision: Revision } | { readonly leads: false }

/** An election that was won, until it is lost or resigned. */
export class Leadership extends Hold {
  readonly #lease: LeaseId
  /** Of the own key, as far as known. */
  #modRevision: Revision

  /** @internal */
  constructor(place: Place, revision: Revision) {
    super(place, revision)
    this.#lease = place.session.lease
    // Where it differs the first proclamation finds out.
    this.#modRevision = place.standing.createRevision
  }

  /**
   * Changes what the leader says of itself. Rejects with `LOCK_LOST` when it does not lead any more.
   *
   * Compares the key's version, and not only that it leads: an earlier proclamation whose outcome was unknown may come
   * late, and must not undo this one.
   */
  async proclaim(value: BytesLike, options: CallOptions = {}): Promise<void> {
    const change = put(this.key, value, { lease: this.#lease })
    for (;;) {
      this.signal.throwIfAborted()
      const unchanged = compare(this.key).modRevision('=', this.#modRevision)
      const { succeeded, revision, results } = await this.store.txn(
        { compare: [...this.held(), unchanged], success: [change], failure: [get(this.key)] },
        options,
      )
      if (succeeded) {
        this.#modRevision = Math.max(this.#modRevision, revision)
        return
      }
      const [found] = results[0].items
      if (found?.createRevision !== this.token || found.lease !== this.#lease) throw this.lost()
      this.#modRevision = found.modRevision
    }
  }

  /**
   * Whether it leads, and at which revision that was seen. Linearizable: a look at the store, and at the clock afterwards.
   * Where it does not, the signal is aborted. Rejects with what a read rejects with: then it is not known.
   *
   * @example
   * const proof = await leadership.isLeader()
   * if (proof.leads) console.log('led at', proof.revision)
   */
  async isLeader(options: CallOptions = {}): Promise<LeaderProof> {
    checkFields(options, CALL_FIELDS, 'isLeader()')
    if (this.signal.aborted) return { leads: false }
    const { items, revision } = await this.store.range(this.key, options)
    const [found] = items
    if (found?.createRevision !== this.token || found.lease !== this.#lease) this.lost()
    return this.signal.aborted ? { leads: false } : { leads: true, revision }
  }

  /** @internal Aborts the signal and goes on to lead: nobody else does before {@link resign}. */
  stop(reason: unknown): void {
    this.suspend(reason)
  }

  /**
   * Aborts the signal and lets the next one lead. Idempotent. When it rejects, the leadership ends with its lease, within
   * the TTL, and calling again tries again.
   */
  resign(): Promise<void> {
    return this.release()
  }
}
