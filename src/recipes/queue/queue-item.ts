/**
 * An item that was taken: claimed under a lease, until it is done, released or lost.
 *
 * Always: it leaves the queue only by a transaction that compares that its claim is as it was made, and that the item is there.
 * Who lost the claim, to the next consumer or to nobody, completes nothing.
 * Always: once a completion is under way whose outcome is not known, no other one is begun for the same claim. That it found
 * the claim gone would be taken for a loss, when it was the first one that ended it.
 */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields } from '../../api/check-fields.js'
import type { KeyValue } from '../../api/key-value.js'
import { compare, del, get, put, type Operation, type Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { keyOf } from '../../base/bytes.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'
import { randomId } from '../../base/random.js'
import { commitOnce, type Attempt } from '../stm/commit-once.js'
import { standingOf, untilGoneForSure } from '../lock/line.js'
import { Patience, type WaitOptions } from '../patience.js'
import type { QueueLayout } from './queue-layout.js'
import type { Session } from '../session/session.js'
import { WatchfulController } from '../session/watchful-controller.js'

/** What is written together with the end of an item. */
export interface QueueCompletion {
  readonly success: readonly Operation[]
}

/** @internal */
export interface Claim {
  readonly store: Store
  readonly layout: QueueLayout
  readonly session: Session
  /** Whether the session is for this item alone. */
  readonly ownsSession: boolean
  /** As the claim left it, or found it. */
  readonly item: KeyValue
  /** The revision of the claim. */
  readonly token: Revision
  /** Called once when it is over, however it ends. */
  readonly over: () => void
}

export class QueueItem implements AsyncDisposable {
  readonly #claim: Claim
  readonly #controller = new WatchfulController(() => {
    // What it finds reaches our own signal at once.
    void this.#claim.session.signal.aborted
  })
  readonly #sessionSignal: AbortSignal
  /** Also when it has ended, unless nothing was done. */
  #completing: Promise<void> | undefined
  #isDone = false
  /** Why the claim has gone, where a completion was under way that may have ended it. */
  #lost: StoreError | undefined
  #releasing: Promise<void> | undefined

  /** @internal */
  constructor(claim: Claim) {
    this.#claim = claim
    this.#sessionSignal = claim.session.signal
    if (this.#sessionSignal.aborted) this.#end(this.#sessionSignal.reason)
    else this.#sessionSignal.addEventListener('abort', this.#sessionEnded, { once: true })
    void this.#watchClaim()
  }

  /** The id it was added with, or the one it was given. */
  get id(): string {
    return this.#claim.layout.idOf(this.key)
  }

  /** The key that holds it. */
  get key(): string {
    return this.#claim.item.key
  }

  /** As it was added. It is yours: nothing else holds these bytes. */
  get value(): Uint8Array {
    return this.#claim.item.value
  }

  /** The value as text (UTF-8). */
  text(): string {
    return this.#claim.item.text()
  }

  /** The value parsed as JSON; throws SyntaxError if it is not JSON. The type is what you say it is: nothing checks it. */
  json<T>(): T {
    return this.#claim.item.json<T>()
  }

  /**
   * How often it was claimed, this time included: 1 the first time. Claims that were given up before anybody had the item
   * count, too.
   */
  get deliveries(): number {
    return this.#claim.item.version - 1
  }

  /** The fencing token: larger than that of every earlier claim of any item of this queue. */
  get token(): Revision {
    return this.#claim.token
  }

  /**
   * Aborts, with a `LOCK_LOST` error as its reason, before the lease can end and the item go to somebody else; also when the
   * claim or the item was removed, and when the item is done or released. It looks at the clock when it is asked.
   */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * The work is done: the item leaves the queue. Rejects with `LOCK_LOST` when it is not ours any more: then somebody else
   * does it again. Where `outcome` is `unknown` it is done, or may be later, or goes to somebody else.
   */
  done(options: WaitOptions = {}): Promise<void> {
    return this.#complete('done()', [], options)
  }

  /**
   * Like {@link done}, together with writes of yours, all or nothing: they take effect exactly once for each item, however
   * often it is handed out.
   *
   * @example
   * await item.complete({ success: [put(`invoices/${item.id}`, 'sent')] })
   */
  async complete(completion: QueueCompletion, options: WaitOptions = {}): Promise<void> {
    checkFields(completion, { success: true }, 'complete()')
    if (!Array.isArray(completion?.success)) throw new TypeError('complete() takes { success }, an array of operations')
    return this.#complete('complete()', completion.success, options)
  }

  /**
   * Aborts the signal and gives the item back, to where it stood in the queue: it is the next one to be taken. Idempotent;
   * nothing happens when the item is done or lost. When it rejects, it goes back with the end of its lease, and calling
   * again tries again.
   */
  release(options: WaitOptions = {}): Promise<void> {
    checkFields(options, CALL_FIELDS, 'release()')
    this.#releasing ??= this.#release(options).catch((error: unknown) => {
      this.#releasing = undefined
      throw error
    })
    return this.#releasing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  async #complete(what: string, writes: readonly Operation[], options: WaitOptions): Promise<void> {
    checkFields(options, CALL_FIELDS, what)
    if (this.#completing !== undefined) {
      await this.#completing
      if (writes.length === 0) return
      throw new TypeError('the item was completed before, by another call: these writes were not made')
    }
    this.signal.throwIfAborted()
    const completing = this.#commit(writes, options)
    this.#completing = completing
    try {
      await completing
    } catch (error) {
      if (!isStoreError(error) || error.outcome === 'refused') this.#completing = undefined
      // It was not this one that ended it, or nobody can tell: in either case there is nothing left to keep alive.
      if (this.#lost !== undefined) this.#lose(this.#lost)
      throw error
    }
    this.#isDone = true
    this.#end(new StoreError('LOCK_LOST', `the item ${quote(this.id)} is done`))
  }

  async #commit(writes: readonly Operation[], options: WaitOptions): Promise<void> {
    const { store, layout, item, token } = this.#claim
    const witness = { key: keyOf(layout.claimOf(item.key)), modRevision: token }
    const mark = { key: keyOf(layout.mark), id: String(randomId(store.environment.random)) }
    const patience = new Patience(store.environment, options)
    try {
      patience.endWith(this.#controller.signal)
      for (let modRevision: Revision | undefined = item.modRevision; modRevision !== undefined;) {
        const attempt: Attempt = {
          seen: [witness, { key: keyOf(item.key), modRevision }],
          ranges: [],
          snapshot: modRevision,
          writes: [...layout.keysOf(item.key).map((each) => del(each)), put(layout.mark, mark.id), ...writes],
          witness,
          mark,
        }
        const commit = await commitOnce(store, attempt, patience)
        if (commit.type === 'committed') return
        modRevision = await patience.insist((signal) => this.#stillClaimed(signal))
      }
    } finally {
      patience.end()
    }
    const lost = new StoreError('LOCK_LOST', `the item ${quote(this.id)} is not ours any more: its claim has ended`)
    this.#lose(lost)
    throw lost
  }

  /** Which version of the item there is now, while the claim stands; somebody who could not have it may have written it again. */
  async #stillClaimed(signal: AbortSignal): Promise<Revision | undefined> {
    const { store, layout, item, token } = this.#claim
    const looks = [get(layout.claimOf(item.key), { keysOnly: true }), get(item.key, { keysOnly: true })] as const
    const { results } = await store.txn({ success: looks }, { signal })
    const [claim, now] = results
    return claim?.items[0]?.modRevision === token ? now?.items[0]?.modRevision : undefined
  }

  async #release(options: WaitOptions): Promise<void> {
    const { store, layout, session, ownsSession, item, token } = this.#claim
    if (this.#isDone) return
    void this.signal
    this.#end(new StoreError('LOCK_LOST', `the item ${quote(this.id)} was released`))
    // With the end of its lease the claim is gone, or about to.
    if (this.#sessionSignal.aborted && !ownsSession) return
    const claim = layout.claimOf(item.key)
    const ours = compare(claim).modRevision('=', token)
    const patience = new Patience(store.environment, options)
    try {
      await patience.insist(async (signal) => {
        if (ownsSession) await patience.within(session.close())
        else await store.txn({ compare: [ours], success: [del(claim)] }, { signal })
      })
    } finally {
      patience.end()
    }
  }

  readonly #sessionEnded = (): void => {
    this.#end(this.#sessionSignal.reason)
  }

  /** Where it is the item that has gone the claim stands on, for as long as a session that others share. */
  #lose(reason: StoreError): void {
    this.#end(reason)
    this.release().catch((error: unknown) => {
      this.#claim.store.environment.logger.debug('a claim is left to its lease', { reason: String(error) })
    })
  }

  #end(reason: unknown): void {
    if (this.#controller.aborted) return
    this.#sessionSignal.removeEventListener('abort', this.#sessionEnded)
    this.#controller.abort(reason)
    this.#claim.over()
  }

  /** A watch that fails ends the claim, too: from there on nobody would tell us. */
  async #watchClaim(): Promise<void> {
    const { store, layout, session, item, token } = this.#claim
    const standings = [{ key: layout.claimOf(item.key), lease: session.lease, createRevision: token }, standingOf(item)]
    let lost = new StoreError('LOCK_LOST', `the item ${quote(this.id)} or its claim was removed`)
    try {
      await Promise.race(standings.map((each) => untilGoneForSure(store, each, token, this.#controller.signal)))
    } catch (cause) {
      lost = new StoreError('LOCK_LOST', `the claim of the item ${quote(this.id)} cannot be watched any more`, {
        cause,
      })
    }
    this.#lost = lost
    const completing = this.#completing
    if (completing === undefined) this.#lose(lost)
    // A completion of our own ends the claim before its answer is here; one that ended unknown says nothing any more.
    else
      completing.catch(() => {
        this.#lose(lost)
      })
  }
}
