/**
 * Leader election between processes: a line like that of a mutex, in which everybody says who they are.
 *
 * Not here: the election of Raft (raft/election.ts). This one is for the users' own processes.
 */
import type { KeyValue } from '../api/key-value.js'
import { CALL_FIELDS, checkSignal } from '../api/check-call.js'
import { checkFields } from '../api/check-fields.js'
import { compare, get, put, type Revision } from '../api/operations.js'
import type { CallOptions, Store } from '../api/store.js'
import type { BytesLike } from '../base/bytes.js'
import type { LeaseId } from '../base/lease-id.js'
import { Contender, CONTENDER_FIELDS, type ContenderOptions, type ContendOptions } from './contender.js'
import { Hold } from './hold.js'
import { readLine } from './line.js'
import { oneAtATime } from './obstacle.js'
import { observeLeader } from './observe-leader.js'
import type { Place } from './place.js'

export type ElectionOptions = ContenderOptions
export type CampaignOptions = ContendOptions

/** An election that was won, until it is lost or resigned. */
export class Leadership extends Hold {
  readonly #lease: LeaseId
  /** Of the own key, as far as known. */
  #modRevision: Revision

  /** @internal */
  constructor(place: Place, revision: Revision) {
    super(place, revision)
    this.#lease = place.session.lease
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
      const found = results[0]?.type === 'range' ? results[0].items[0] : undefined
      if (found?.createRevision !== this.token || found.lease !== this.#lease) throw this.lost()
      this.#modRevision = found.modRevision
    }
  }

  /**
   * Aborts the signal and lets the next one lead. Idempotent. When it rejects, the leadership ends with its lease, within
   * the TTL, and calling again tries again.
   */
  resign(): Promise<void> {
    return this.release()
  }
}

/**
 * A name for which one at a time leads.
 *
 * @example
 * const leadership = await new Election(store, 'scheduler').campaign('http://10.0.0.1', { signal })
 * leadership.signal.addEventListener('abort', stopScheduling)
 */
export class Election {
  readonly #store: Store
  readonly #name: string
  readonly #contender: Contender<Leadership>

  constructor(store: Store, name: string, options: ElectionOptions = {}) {
    checkFields(options, CONTENDER_FIELDS, 'new Election()')
    this.#store = store
    this.#name = name
    this.#contender = new Contender(store, name, options, (place, revision) => new Leadership(place, revision))
  }

  /**
   * Waits until everybody who campaigned before has gone, and leads then; `value` is what others see of the leader.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when waiting is given up, `LOCK_LOST` when the place in the line was lost,
   * `LOCK_BUSY` when this object leads or campaigns already, and with what the store rejects with. The candidacy is given
   * up then.
   */
  campaign(value: BytesLike, options: CampaignOptions = {}): Promise<Leadership> {
    return this.#contender.contend({ what: 'campaign()', value, rule: oneAtATime }, options)
  }

  /** Who leads now; undefined when nobody does. Linearizable. */
  async leader(options: CallOptions = {}): Promise<KeyValue | undefined> {
    checkFields(options, CALL_FIELDS, 'leader()')
    const { contenders } = await readLine(this.#store, this.#name, options)
    return contenders[0]
  }

  /**
   * What {@link leader} says, now and each time it changes, what it proclaims included. A consumer may be slow: it sees
   * the changes in order, and the last one always; earlier ones may be left out where history was compacted meanwhile.
   * Waits while the store has no quorum. Ends without an error when `signal` is aborted, throws when the store is closed.
   *
   * @example
   * for await (const leader of election.observe({ signal })) console.log(leader?.text() ?? 'nobody')
   */
  observe(options: { readonly signal?: AbortSignal | undefined } = {}): AsyncIterable<KeyValue | undefined> {
    checkFields(options, { signal: true }, 'observe()')
    checkSignal(options.signal)
    return observeLeader(this.#store, this.#name, options.signal)
  }
}
