/**
 * The right to run one attempt of a firing: the key `run`, under the lease of this process, and what is written in `state`
 * with it, in one transaction each.
 *
 * Always: begun is what nobody has begun before: the transaction compares the `state` that was seen, of which this firing is
 * not yet a part, and that nobody runs one. Two processes that compare the same `state` cannot both change it.
 * Always: over is what is still held: each change compares the create revision of `run`, and removes it. So of completing,
 * failing and completing once more at most one takes effect, also when it comes late.
 * Always: an outcome that is unknown is asked for. `state` has the id of the attempt, which nobody else has.
 */
import { compare, del, get, put, txn, type Compare, type Revision, type Transaction } from '../../api/operations.js'
import type { OperationResult, Store, TransactionResult } from '../../api/store.js'
import type { KeyValue } from '../../api/key-value.js'
import { randomId } from '../../base/random.js'
import { LIMITS } from '../../base/limits.js'
import { textOf } from './date.js'
import type { Beginning } from './job-decision.js'
import { readRecord, writeRecord, type FiringRecord, type JobKeys, type JobRecord } from './job-record.js'
import type { Patience } from '../patience.js'
import type { ScheduleOptions } from './schedule.js'
import type { Session } from '../session/session.js'
import { mayTakeEffect, withUnknownOutcome } from '../failures.js'

export interface ClaimOptions {
  readonly keys: JobKeys
  readonly by: string
  readonly schedule: ScheduleOptions
  readonly begin: Beginning
  /** Of the `state` by which it was decided. */
  readonly stateRevision: Revision
  readonly session: Session
}

/** What became of a completing transaction. */
export interface Completion {
  readonly revision: Revision
  /** Whether the compares of the transaction held: its `success` was done, else its `failure`. */
  readonly succeeded: boolean
}

type Ending = Pick<FiringRecord, 'state' | 'error' | 'succeeded'>

export class Claim {
  readonly firing: FiringRecord
  readonly session: Session
  /** The create revision of `run`. */
  readonly token: Revision
  readonly #store: Store
  readonly #keys: JobKeys
  readonly #record: JobRecord

  private constructor(store: Store, keys: JobKeys, session: Session, record: JobRecord, token: Revision) {
    this.firing = record.firing as FiringRecord
    this.session = session
    this.token = token
    this.#store = store
    this.#keys = keys
    this.#record = record
  }

  /**
   * Undefined: somebody else was faster. When it rejects with `outcome` `unknown`, `run` may still come to be, under the lease of
   * the session; otherwise it does not.
   */
  static async take(store: Store, options: ClaimOptions, patience: Patience): Promise<Claim | undefined> {
    const { keys, session, schedule, begin, stateRevision } = options
    const firing = firingOf(store, options)
    const { scheduledMs, attempt, by, at, id } = firing
    const record: JobRecord = { schedule, decided: begin.decided, firing }
    const run = JSON.stringify({ scheduled: textOf(scheduledMs), attempt, by, at })
    const transaction = {
      compare: [compare(keys.state).modRevision('=', stateRevision), compare(keys.run).missing()],
      success: [put(keys.run, run, { lease: session.lease }), put(keys.state, writeRecord(record))],
      failure: [get(keys.state), get(keys.run)],
    }
    const { succeeded, revision, results } = await insistKnowing(patience, (signal) =>
      store.txn(transaction, { signal }),
    )
    if (succeeded) return new Claim(store, keys, session, record, revision)
    const [state, held] = [itemOf(results[0]), itemOf(results[1])]
    // An earlier try, whose outcome was unknown, took effect.
    const own = state !== undefined && readRecord(state).firing?.id === id && held?.lease === session.lease
    return own ? new Claim(store, keys, session, record, held.createRevision) : undefined
  }

  /** Hold while it is held. */
  held(): Compare[] {
    const { run } = this.#keys
    return [compare(run).createRevision('=', this.token), compare(run).lease('=', this.session.lease)]
  }

  /** Does a transaction and ends the claim with it; undefined: it is not held any more. */
  async complete(transaction: Transaction, patience: Patience): Promise<Completion | undefined> {
    const { compare: compares = [], success = [], failure = [] } = transaction
    const done = (succeeded: boolean): ReturnType<typeof put> => this.#ended({ state: 'done', succeeded })
    const inner = txn({ compare: compares, success: [...success, done(true)], failure: [...failure, done(false)] })
    const result = await this.#end([inner, del(this.#keys.run)], patience)
    if (result.succeeded) {
      const [first] = result.results
      return { revision: result.revision, succeeded: first?.type === 'transaction' && first.succeeded }
    }
    const state = this.#own(result)
    if (state?.firing.state !== 'done') return undefined
    return { revision: state.revision, succeeded: state.firing.succeeded === true }
  }

  /**
   * Says that the firing is done, has failed or is given up. Resolves with what is said of it then: `done` where an earlier
   * completion took effect, and `begun` where it was not held any more.
   */
  async end(ending: Ending, patience: Patience): Promise<FiringRecord['state']> {
    const error = ending.error?.slice(0, LIMITS.jobErrorCharactersMax)
    const result = await this.#end([this.#ended({ ...ending, error }), del(this.#keys.run)], patience)
    return result.succeeded ? ending.state : (this.#own(result)?.firing.state ?? 'begun')
  }

  /** Lets go of the firing and says nothing of it: it is run again, where that was promised. */
  async release(patience: Patience): Promise<void> {
    await this.#end([del(this.#keys.run)], patience)
  }

  #end(success: NonNullable<Transaction['success']>, patience: Patience): Promise<TransactionResult> {
    const transaction = { compare: this.held(), success, failure: [get(this.#keys.state)] }
    return insistKnowing(patience, (signal) => this.#store.txn(transaction, { signal }))
  }

  #ended(ending: Ending): ReturnType<typeof put> {
    return put(this.#keys.state, writeRecord({ ...this.#record, firing: { ...this.firing, ...ending } }))
  }

  /** What is written of this attempt; undefined once there is another one. */
  #own({ results }: TransactionResult): { readonly firing: FiringRecord; readonly revision: Revision } | undefined {
    const state = itemOf(results[0])
    if (state === undefined) return undefined
    const { firing } = readRecord(state)
    return firing?.id === this.firing.id ? { firing, revision: state.modRevision } : undefined
  }
}

/** Insists; rejects with `outcome` `unknown` also where only an earlier try may take effect. */
async function insistKnowing<T>(patience: Patience, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  let inDoubt = false
  const attempt = (signal: AbortSignal): Promise<T> =>
    call(signal).catch((error: unknown) => {
      inDoubt ||= mayTakeEffect(error)
      throw error
    })
  try {
    return await patience.insist(attempt)
  } catch (error) {
    throw inDoubt ? withUnknownOutcome(error) : error
  }
}

function firingOf(store: Store, { by, begin }: ClaimOptions): FiringRecord {
  const { clock, random } = store.environment
  const { scheduledMs, attempt, promise } = begin
  const id = randomId(random).toString(16)
  return { scheduledMs, promise, state: 'begun', attempt, by, id, at: textOf(clock.wallMs()) }
}

function itemOf(result: OperationResult | undefined): KeyValue | undefined {
  return result?.type === 'range' ? result.items[0] : undefined
}
