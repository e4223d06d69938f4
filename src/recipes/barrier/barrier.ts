/**
 * A barrier: while it is held everybody who comes waits, and when it is released all go on.
 *
 * Two keys. `name/held` is there while it is held, with the lease of its holder or without one. `name/changed` is written
 * by every hold and every release and never deleted.
 *
 * Always: a change compares that nothing changed since it was last looked. A hold whose outcome is unknown may come late,
 * after the release that followed it. Were it to compare only that nobody holds, it would then hold the barrier for nobody,
 * and whoever comes would wait for ever. (That is why `name/changed` outlives the release: a key that was deleted looks
 * like one that never was.)
 * Always: a wait is over with the first release after it looked, whoever holds again afterwards.
 */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields, type Fields } from '../../api/check-fields.js'
import type { KeyValue } from '../../api/key-value.js'
import { compare, del, get, put, type Compare, type Operation, type Revision } from '../../api/operations.js'
import type { CallOptions, Store } from '../../api/store.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import { checkStore } from '../check-store.js'
import { Patience, type WaitOptions } from '../patience.js'
import { checkSession, type Session } from '../session/session.js'
import { endedByItself } from '../ended-by-itself.js'
import { isForgotten } from '../failures.js'
import { checkName, prefixOf } from '../name.js'

export interface BarrierHoldOptions extends WaitOptions {
  /** The barrier falls when this session ends. Default: it is held until somebody releases it, whoever lives. */
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
  readonly #heldKey: string
  readonly #changedKey: string

  constructor(store: Store, name: string) {
    checkStore(store)
    checkName(name)
    this.#store = store
    this.#heldKey = `${prefixOf(name)}held`
    this.#changedKey = `${prefixOf(name)}changed`
  }

  /**
   * Holds the barrier; resolves once it is held. Where it is held already it stays as it is, under the session of that
   * holder if it has one.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when it was given up. Where `outcome` is `unknown` {@link release} makes sure that it
   * is not held later. With `LOCK_LOST` when the session ended.
   */
  async hold(options: BarrierHoldOptions = {}): Promise<void> {
    checkFields(options, HOLD_FIELDS, 'hold()')
    const { session } = options
    checkSession(session, this.#store)
    await this.#change(options, session, {
      compare: [compare(this.#heldKey).missing()],
      success: [put(this.#heldKey, '', { lease: session?.lease })],
      isMade: (held) => held,
    })
  }

  /**
   * Lets everybody go on who waits; resolves once the barrier is not held, also where it was not before. A hold that
   * was given up before can take no effect any more.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when it was given up. Where `outcome` is `unknown` it may be released later.
   */
  async release(options: WaitOptions = {}): Promise<void> {
    checkFields(options, CALL_FIELDS, 'release()')
    // Also where it is not held: a hold that was given up may still be on its way.
    await this.#change(options, undefined, { compare: [], success: [del(this.#heldKey)], isMade: () => false })
  }

  /**
   * Resolves when the barrier is not held, or not any more: also where it was released for a moment only and is held again.
   * Rejects with `ABORTED` or `TIMEOUT` when waiting is given up, and with what the store rejects with.
   */
  async wait(options: WaitOptions = {}): Promise<void> {
    checkFields(options, CALL_FIELDS, 'wait()')
    const patience = new Patience(this.#store.environment, options)
    try {
      let { held, revision } = await patience.insist((signal) => this.#look({ signal }))
      const first = held
      while (held !== undefined && held.createRevision === first?.createRevision) {
        const after = revision
        ;({ held, revision } = await patience.insist((signal) => this.#next(after, signal)))
      }
    } finally {
      patience.end()
    }
  }

  /** Whether it is held now. Linearizable. */
  async held(options: CallOptions = {}): Promise<boolean> {
    checkFields(options, CALL_FIELDS, 'held()')
    return (await this.#look(options)).held !== undefined
  }

  async #look(options: CallOptions): Promise<View> {
    const { items, revision } = await this.#store.range(this.#heldKey, options)
    return { held: items[0], revision }
  }

  /** What the next change after a revision made of it; where history was forgotten, what it is now. */
  async #next(revision: Revision, signal: AbortSignal): Promise<View> {
    try {
      for await (const event of this.#store.watch(this.#heldKey, { startRevision: revision + 1, signal })) {
        return { held: event.type === 'put' ? event.keyValue : undefined, revision: event.revision }
      }
    } catch (error) {
      if (!isForgotten(error)) throw error
      return this.#look({ signal })
    }
    return endedByItself(this.#store, this.#heldKey, signal)
  }

  async #change(options: WaitOptions, session: Session | undefined, change: Change): Promise<void> {
    const patience = new Patience(this.#store.environment, options)
    if (session !== undefined) patience.endWith(session.signal)
    // Right for a name that was never used; for any other the first try is the look.
    let changed: Revision = 0
    let doubt = false
    const attempt = async (signal: AbortSignal): Promise<boolean> => {
      const unchanged = compare(this.#changedKey).modRevision('=', changed)
      const transaction = {
        compare: [unchanged, ...change.compare],
        success: [...change.success, put(this.#changedKey, '')],
        failure: [get(this.#changedKey), get(this.#heldKey)],
      } as const
      const { succeeded, results } = await this.#store.txn(transaction, { signal }).catch((error: unknown) => {
        doubt ||= isStoreError(error) && error.outcome === 'unknown'
        throw error
      })
      if (succeeded) return true
      const [{ items: lastChange }, { items: held }] = results
      changed = lastChange[0]?.modRevision ?? 0
      return change.isMade(held.length > 0)
    }
    try {
      while (!(await patience.insist(attempt)));
    } catch (error) {
      throw outcomeOf(error, doubt)
    } finally {
      patience.end()
    }
  }
}

/** The barrier as it was after a revision. */
interface View {
  readonly held: KeyValue | undefined
  readonly revision: Revision
}

interface Change {
  readonly compare: readonly Compare[]
  readonly success: readonly Operation[]
  /** Whether nothing has to be done where the barrier was found held, or not held. */
  readonly isMade: (held: boolean) => boolean
}

/** Of a change of which one try may have taken effect, or may yet, nobody can say that it was refused. */
function outcomeOf(error: unknown, doubt: boolean): unknown {
  if (isStoreError(error, 'LEASE_NOT_FOUND')) {
    return new StoreError('LOCK_LOST', 'the barrier is not held: the session has ended', { cause: error })
  }
  if (!doubt || !isStoreError(error) || error.outcome === 'unknown') return error
  return new StoreError(error.code, error.message, { cause: error.cause, outcome: 'unknown' })
}
