/**
 * The key of a place in the line: how it is put there, and how it is taken away for good.
 *
 * Always: no put of the key may take effect after the place was given up. One whose outcome was unknown may still be on its
 * way: it would create the key again, and a key that nobody knows of blocks everybody behind it for as long as its lease
 * lives. A place with a session of its own ends by ending the lease: the late put is refused then. In a session that others
 * share the lease lives on, so the key is deleted, and a tombstone is put that the late put would have had to find missing:
 *
 *     enter   if no name/7f3-2 and no name~7f3-2:   put name/7f3-2, read the line
 *     leave   delete name/7f3-2                                   every put was answered
 *     leave   put name~7f3-2, delete name/7f3-2                   one may still come
 *
 *     move    put name/7f3-3, delete name/7f3-2 (and put name~7f3-2)   if name/7f3-2 stands
 *
 * The tombstone hangs on the lease, as the late put does: it is needed as long as that could succeed, and not longer. So
 * it is deleted when all answers have come, which those who gave up do not wait for. One whose answer never comes stays as long
 * as the session, which counts them. It lies beside `name/`, since etcd's own locks count every key below that as a contender.
 */
import type { KeyValue } from '../../api/key-value.js'
import { compare, del, get, put, type Operation, type Transaction } from '../../api/operations.js'
import type { Store, TransactionResult } from '../../api/store.js'
import { AssertionError } from '../../base/assert.js'
import type { BytesLike } from '../../base/bytes.js'
import { isStoreError } from '../../base/errors.js'
import type { LeaseId } from '../../base/lease-id.js'
import { LIMITS } from '../../base/limits.js'
import { inLine, keyInLine, stands, type Line, type Standing } from './line.js'
import type { Session } from '../session/session.js'
import { mayTakeEffect } from '../failures.js'
import { prefixOf } from '../name.js'
import { OPERATORS_MS, unlessAborted, type Patience } from '../patience.js'

export interface EntryOptions {
  readonly name: string
  /** Of the key. */
  readonly value: BytesLike
  readonly mark?: string | undefined
  readonly session: Session
  /** Whether the session lives on when this key is taken away: others share it, or the place will have another key. */
  readonly outlived: boolean
}

export interface Entered {
  readonly standing: Standing
  /** As it was when the key was found in it; undefined where it was too long to be read along. */
  readonly line: Line | undefined
}

/** What may have become of the puts of the key: none was sent, or all were answered, or one may come yet. */
type Sent = 'nothing' | 'answered' | 'unknown'

export class Entry {
  #key: string
  /** To which a move was tried whose outcome is unknown. */
  #next: string | undefined
  readonly #store: Store
  readonly #options: EntryOptions
  /** Undefined where the lease ends with the place. */
  readonly #tombstone: string | undefined
  #sent: Sent = 'nothing'
  /** When all answers to the puts have come: whether each tells what became of its put. */
  #answers: Promise<boolean> = Promise.resolve(true)
  #buried = false

  constructor(store: Store, options: EntryOptions) {
    const { name, mark, session, outlived } = options
    const number = outlived ? session.takeNumber() : undefined
    this.#key = keyInLine(name, session.lease, { number, mark })
    this.#store = store
    this.#options = options
    this.#tombstone = number === undefined ? undefined : `${name}~${session.lease.toString(16)}-${number}`
  }

  /**
   * Puts the key unless it is there, and reads the line in the same transaction. May be repeated after an unknown outcome:
   * nobody else has this key, so one that is there already was put by an earlier try.
   */
  async enter(signal: AbortSignal): Promise<Entered> {
    try {
      return await this.#enter(true, signal)
    } catch (error) {
      // Other keys lie below the name, too many or too large to be read within a transaction.
      if (!isStoreError(error, 'TOO_MANY_OPERATIONS') && !isStoreError(error, 'RESPONSE_TOO_LARGE')) throw error
      return this.#enter(false, signal)
    }
  }

  /**
   * Takes the key out of the line, now and for all puts that may come; {@link tidy} is to follow. For shared sessions; may be
   * repeated.
   */
  async leave(signal: AbortSignal): Promise<void> {
    if (this.#sent === 'nothing' || this.#tombstone === undefined) return
    if (this.#sent === 'answered' && this.#next === undefined) {
      await this.#store.delete(this.#key, { signal })
      return
    }
    // A move that comes late finds that the key it moves is gone.
    const moved = this.#next === undefined ? [] : [del(this.#next)]
    const burial = this.#burial()
    try {
      await this.#store.txn({ success: [...burial, del(this.#key), ...moved] }, { signal })
      this.#buried = burial.length > 0
    } catch (error) {
      // The key went with it, and so would a late put.
      if (isStoreError(error, 'LEASE_NOT_FOUND')) return
      if (!isStoreError(error) || error.retryable || burial.length === 0) throw error
      // No space for a tombstone, or no permission: at least nobody waits for a key that is there already.
      await this.#store.txn({ success: [del(this.#key), ...moved] }, { signal })
    }
  }

  /** After {@link leave}: resolves when nothing can come back, and nothing more is left of it than must be. */
  async tidy(patience: Patience): Promise<void> {
    const tombstone = this.#tombstone
    if (this.#sent !== 'unknown' || tombstone === undefined) return
    if (await patience.within(this.#answers)) {
      // Also the key, where there was no tombstone: what the answers tell of came before this.
      await patience.insist((signal) => this.#store.txn({ success: [del(tombstone), del(this.#key)] }, { signal }))
      return
    }
    while (!this.#buried) {
      await patience.pause(OPERATORS_MS)
      await patience.insist((signal) => this.leave(signal))
    }
    this.#options.session.addTombstone()
  }

  /**
   * Gives the place up for the last one, in one step; undefined when it was lost before. Only for an entry that is outlived.
   * May be repeated after an unknown outcome: the old key is there for one of the tries only.
   */
  async moveToEnd(standing: Standing, mark: string, signal: AbortSignal): Promise<Standing | undefined> {
    const { name, value, session } = this.#options
    const { lease } = session
    this.#next ??= keyInLine(name, lease, { number: session.takeNumber(), mark })
    const key = this.#next
    const burial = this.#burial()
    const result = await this.#store.txn(
      {
        compare: stands(standing),
        success: [...burial, del(standing.key), put(key, value, { lease })],
        failure: [get(key)],
      },
      { signal },
    )
    const createRevision = result.succeeded ? result.revision : foundIn(result, lease)?.createRevision
    if (createRevision === undefined) return undefined
    if (burial.length > 0) session.addTombstone()
    this.#key = key
    this.#next = undefined
    // By now every put of this key was answered: it went with the old key, and only once.
    this.#sent = 'answered'
    return { key, lease, createRevision }
  }

  /** The tombstone, where a put of the first key may still be on its way. */
  #burial(): Operation[] {
    const { lease } = this.#options.session
    return this.#sent === 'unknown' && this.#tombstone !== undefined ? [put(this.#tombstone, '', { lease })] : []
  }

  async #enter(glance: boolean, signal: AbortSignal): Promise<Entered> {
    const key = this.#key
    const { name, value, session } = this.#options
    const { lease } = session
    const line = glance ? [get({ prefix: prefixOf(name) }, { limit: LIMITS.lineGlanceKeysMax })] : []
    const missing = this.#tombstone === undefined ? [key] : [key, this.#tombstone]
    const transaction = {
      compare: missing.map((each) => compare(each).missing()),
      success: [put(key, value, { lease }), ...line],
      failure: [get(key, { keysOnly: true }), ...line],
    }
    const before = this.#sent
    this.#sent = 'unknown'
    try {
      const result = await this.#txn(transaction, signal)
      this.#sent = before === 'unknown' ? 'unknown' : 'answered'
      return { standing: { key, lease, createRevision: this.#createRevisionOf(result) }, line: lineOf(name, result) }
    } catch (error) {
      if (!signal.aborted && !mayTakeEffect(error)) this.#sent = before
      if (isStoreError(error, 'LEASE_NOT_FOUND')) session.lose('its lease ended', error)
      throw error
    }
  }

  /** In a shared session the answer is waited for, by {@link tidy}, also when the one who asked has gone. */
  #txn(transaction: Transaction, signal: AbortSignal): Promise<TransactionResult> {
    if (this.#tombstone === undefined) return this.#store.txn(transaction, { signal })
    const call = this.#store.txn(transaction, { signal: this.#options.session.signal })
    const answer = call.then(
      () => true,
      (error: unknown) => !mayTakeEffect(error),
    )
    this.#answers = Promise.all([this.#answers, answer]).then((all) => all.every(Boolean))
    return unlessAborted(call, signal)
  }

  #createRevisionOf({ succeeded, revision, results }: TransactionResult): number {
    if (succeeded) return revision
    const [found] = results
    if (found?.type !== 'range' || found.items[0] === undefined) {
      throw new AssertionError(`${this.#key} was neither missing nor there`)
    }
    return found.items[0].createRevision
  }
}

function foundIn({ results }: TransactionResult, lease: LeaseId): KeyValue | undefined {
  const found = results[0]?.type === 'range' ? results[0].items[0] : undefined
  return found?.lease === lease ? found : undefined
}

function lineOf(name: string, { revision, results }: TransactionResult): Line | undefined {
  const [, read] = results
  if (read?.type !== 'range' || read.more) return undefined
  return { contenders: inLine(name, read.items), revision }
}
