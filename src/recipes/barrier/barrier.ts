/**
 * A barrier: while it is held everybody who comes waits, and when it is released all go on.
 *
 * `name/held/<lease>` is there for each of its holders, under that lease; `name/held/0` where it is held without one. They
 * stand for themselves: were there one key for all, it would fall with the lease of one, and the others were told that they hold.
 * `name/gate` is there from the first hold until the release, and written by who holds while nobody does.
 *
 * Always: a hold compares that the gate it saw is still there, and a release deletes it. A hold whose outcome is unknown may
 * come late, after the release that followed it. Were it to compare only that nobody holds, it would then hold the barrier
 * for nobody, and whoever comes would wait for ever. (That a key is *missing* is not compared: that may be so again.)
 * Always: a wait is over with the first moment after it looked in which nobody held, whoever holds again afterwards. Each
 * holder's key tells since when the barrier was held by anybody without a gap: also who has lost some history can tell.
 * Always: a release only deletes, which a store that is full does, too.
 */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields, type Fields } from '../../api/check-fields.js'
import type { KeyValue } from '../../api/key-value.js'
import { compare, del, get, put, type Revision } from '../../api/operations.js'
import type { CallOptions, Store } from '../../api/store.js'
import { NO_LEASE, type LeaseId } from '../../base/lease-id.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import { checkStore } from '../check-store.js'
import { Patience, type WaitOptions } from '../patience.js'
import { checkSession, type Session } from '../session/session.js'
import { endedByItself } from '../ended-by-itself.js'
import { isForgotten } from '../failures.js'
import { checkName, prefixOf } from '../name.js'

export interface BarrierHoldOptions extends WaitOptions {
  /** What holds it: it holds no more when it ends. Default: it is held until somebody releases it, whoever lives. */
  readonly session?: Session | undefined
}

const HOLD_FIELDS: Fields<BarrierHoldOptions> = { session: true, ...CALL_FIELDS }

/**
 * A name that is held or not, for any number of processes. Whoever knows the name may hold, release and wait.
 *
 * @example
 * const barrier = new Barrier(store, 'migration')
 * await barrier.hold()
 * // in every other process: await barrier.wait({ signal })
 * await migrate()
 * await barrier.release()
 */
export class Barrier {
  readonly #store: Store
  readonly #held: string
  readonly #gate: string

  constructor(store: Store, name: string) {
    checkStore(store)
    checkName(name)
    this.#store = store
    this.#held = `${prefixOf(name)}held/`
    this.#gate = `${prefixOf(name)}gate`
  }

  /**
   * Holds the barrier; resolves once it is held, also where it was before. It is held until it is released, or until the
   * sessions of all who hold it have ended: of somebody who holds it without one, until it is released.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when it was given up. Where `outcome` is `unknown` {@link release} makes sure that it
   * is not held later. With `LOCK_LOST` when the session ended.
   */
  async hold(options: BarrierHoldOptions = {}): Promise<void> {
    checkFields(options, HOLD_FIELDS, 'hold()')
    const session = checkSession(options.session, this.#store)
    await this.#insist(options, session, (signal) => this.#hold(session?.lease, signal))
  }

  /**
   * Lets everybody go on who waits; resolves once nobody holds the barrier, also where nobody did before. A hold that
   * was given up before can take no effect any more.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when it was given up. Where `outcome` is `unknown` it may be released later.
   */
  async release(options: WaitOptions = {}): Promise<void> {
    checkFields(options, CALL_FIELDS, 'release()')
    let first: Revision | undefined
    await this.#insist(options, undefined, async (signal) => {
      // The gate that stood first: another one is of a hold after a release, perhaps by a try of this one.
      first ??= (await this.#store.get(this.#gate, { signal }))?.createRevision ?? 0
      if (first === 0) return
      await this.#store.txn(
        {
          compare: [compare(this.#gate).createRevision('=', first)],
          success: [del(this.#gate), del({ prefix: this.#held })],
        },
        { signal },
      )
    })
  }

  /**
   * Resolves when the barrier is not held, or not any more: also where it was released for a moment only and is held again.
   * Rejects with `ABORTED` or `TIMEOUT` when waiting is given up, and with what the store rejects with.
   */
  async wait(options: WaitOptions = {}): Promise<void> {
    checkFields(options, CALL_FIELDS, 'wait()')
    const patience = new Patience(this.#store.environment, options)
    try {
      let { heldSince, revision } = await patience.insist((signal) => this.#look({ signal }))
      const first = heldSince
      while (heldSince !== undefined && heldSince === first) {
        const after = revision
        ;({ heldSince, revision } = await patience.insist((signal) => this.#next(after, signal)))
      }
    } finally {
      patience.end()
    }
  }

  /** Whether it is held now. Linearizable. */
  async held(options: CallOptions = {}): Promise<boolean> {
    checkFields(options, CALL_FIELDS, 'held()')
    return (await this.#look(options)).heldSince !== undefined
  }

  async #look(options: CallOptions): Promise<View> {
    const { items, revision } = await this.#store.range({ prefix: this.#held }, { ...options, limit: 1 })
    return { heldSince: items[0] && sinceOf(items[0]), revision }
  }

  /** What it is after the next holder after a revision has gone. */
  async #next(revision: Revision, signal: AbortSignal): Promise<View> {
    const watch = this.#store.watch(
      { prefix: this.#held },
      { startRevision: revision + 1, filter: { puts: false }, signal },
    )
    try {
      for await (const _ of watch) return await this.#look({ signal })
    } catch (error) {
      if (!isForgotten(error)) throw error
      return this.#look({ signal })
    }
    return endedByItself(this.#store, this.#gate, signal)
  }

  async #hold(lease: LeaseId | undefined, signal: AbortSignal): Promise<void> {
    const key = `${this.#held}${(lease ?? NO_LEASE).toString(16)}`
    for (;;) {
      const { gate, own, holder } = await this.#openGate(key, signal)
      if (own !== undefined) return
      const { succeeded } = await this.#store.txn(
        {
          compare: [
            compare(this.#gate).modRevision('=', gate),
            holder === undefined
              ? compare({ prefix: this.#held }).missing()
              : compare(holder.keyBytes).createRevision('=', holder.createRevision),
          ],
          success:
            holder === undefined
              ? [put(key, '', { lease }), put(this.#gate, '')]
              : [put(key, String(sinceOf(holder)), { lease })],
        },
        { signal },
      )
      if (succeeded) return
    }
  }

  /** Makes the gate if it is missing: alone, since late it must hold nothing. */
  async #openGate(key: string, signal: AbortSignal): Promise<Gate> {
    const { succeeded, results, revision } = await this.#store.txn(
      {
        compare: [compare(this.#gate).missing()],
        success: [put(this.#gate, '')],
        failure: [get(this.#gate), get(key), get({ prefix: this.#held }, { limit: 1 })],
      },
      { signal },
    )
    if (succeeded) return { gate: revision, own: undefined, holder: undefined }
    const [{ items: gates }, { items: own }, { items: holders }] = results
    return { gate: gates[0]?.modRevision ?? 0, own: own[0], holder: holders[0] }
  }

  async #insist(
    options: WaitOptions,
    session: Session | undefined,
    change: (signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const patience = new Patience(this.#store.environment, options)
    if (session !== undefined) patience.endWith(session.signal)
    let doubt = false
    try {
      await patience.insist((signal) =>
        change(signal).catch((error: unknown) => {
          doubt ||= isStoreError(error) && error.outcome === 'unknown'
          throw error
        }),
      )
    } catch (error) {
      throw outcomeOf(error, doubt)
    } finally {
      patience.end()
    }
  }
}

/** The barrier as it was at a revision. */
interface View {
  /** The revision since which somebody held it at each moment; undefined: nobody does. */
  readonly heldSince: Revision | undefined
  readonly revision: Revision
}

/** What a hold finds. */
interface Gate {
  /** The revision at which the gate was written last. */
  readonly gate: Revision
  readonly own: KeyValue | undefined
  /** Anybody who holds the barrier. */
  readonly holder: KeyValue | undefined
}

/** Who joined others wrote down since when they held it. */
function sinceOf(holder: KeyValue): Revision {
  return holder.value.length === 0 ? holder.createRevision : Number(holder.text())
}

/** Of a change of which one try may have taken effect, or may yet, nobody can say that it was refused. */
function outcomeOf(error: unknown, doubt: boolean): unknown {
  if (isStoreError(error, 'LEASE_NOT_FOUND')) {
    return new StoreError('LOCK_LOST', 'the barrier is not held: the session has ended', { cause: error })
  }
  if (!doubt || !isStoreError(error) || error.outcome === 'unknown') return error
  return new StoreError(error.code, error.message, { cause: error.cause, outcome: 'unknown' })
}
