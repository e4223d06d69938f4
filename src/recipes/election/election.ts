/**
 * Leader election between processes: a line like that of a mutex, in which everybody says who they are.
 *
 * Not here: the election of Raft (raft/election.ts). This one is for the users' own processes.
 */
import type { KeyValue } from '../../api/key-value.js'
import { CALL_FIELDS, checkSignal } from '../../api/check-call.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { CallOptions, Store } from '../../api/store.js'
import type { BytesLike } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import { NO_LEASE } from '../../base/lease-id.js'
import { quote } from '../../base/quote.js'
import { leaderOf, markOf, priorityOf, reachLeadership } from './candidacy.js'
import { Contender, CONTENDER_FIELDS, type ContenderOptions, type ContendOptions } from '../lock/contender.js'
import type { Contestant } from '../lock/contestant.js'
import { leadWhile } from './leader-while.js'
import { Leadership } from './leadership.js'
import { readLine } from '../lock/line.js'
import { oneAtATime } from '../lock/obstacle.js'
import { observeLeader } from './observe-leader.js'
import type { Session } from '../session/session.js'

export type ElectionOptions = ContenderOptions

export interface CampaignOptions extends ContendOptions {
  /**
   * Who comes to the front gives way to candidates in the line with a higher one; a whole number from 0 on, and 0 for whoever
   * has none. A leader gives way to nobody. It costs a write more. Default: none, who came first leads.
   */
  readonly priority?: number | undefined
}

export interface LeaderWhileOptions extends Omit<CampaignOptions, 'timeoutMs'> {
  /** What others see of the leader. Default: the name of the store's member. */
  readonly value?: BytesLike | undefined
  /** Ends it, with `ABORTED`. */
  readonly signal?: AbortSignal | undefined
}

/** One who leads or wants to; `holds` is whether it leads. */
export interface Candidate extends Contestant {
  /** 0 where it has none. */
  readonly priority: number
}

const CAMPAIGN_FIELDS: Fields<CampaignOptions> = { priority: true, ttlMs: true, ...CALL_FIELDS }
/** A work that was told to stop and goes on is warned of: after its TTL, or after this where it has the usual one. */
const WARN_AFTER_MS = 10_000
const LEADER_WHILE_FIELDS: Fields<LeaderWhileOptions> = { value: true, priority: true, ttlMs: true, signal: true }

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
  readonly #session: Session | undefined
  readonly #contender: Contender<Leadership>
  #working = false

  constructor(store: Store, name: string, options: ElectionOptions = {}) {
    checkFields(options, CONTENDER_FIELDS, 'new Election()')
    this.#store = store
    this.#name = name
    this.#session = options.session
    this.#contender = new Contender(store, name, options, (place, revision) => new Leadership(place, revision))
  }

  /**
   * Waits until everybody who campaigned before has gone, or gave way, and leads then; `value` is what others see of the leader.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when waiting is given up, `LOCK_LOST` when the place in the line was lost,
   * `LOCK_BUSY` when this object leads or campaigns already, and with what the store rejects with. The candidacy is given
   * up then.
   */
  async campaign(value: BytesLike, options: CampaignOptions = {}): Promise<Leadership> {
    checkFields(options, CAMPAIGN_FIELDS, 'campaign()')
    if (this.#working) throw this.#busy('campaign()')
    return this.#campaign('campaign()', value, options)
  }

  /**
   * Runs `work` when elected, and campaigns again when leadership was lost: the signal of the leadership aborts then, and
   * this waits until `work` has ended, so that it never runs twice at a time. What it returns or throws after that is ignored.
   * What the store fails with meanwhile is waited for, where it passes by itself or by what operators do about it (a full disk).
   *
   * Resolves with what `work` returns while it leads, and rejects with what it throws while it does; rejects with `ABORTED`
   * when `signal` is aborted: then the signal of the leadership is, and `work` is waited for. It resigns before, each time.
   * Rejects with `LOCK_BUSY` when this object campaigns, leads or works already, with `LOCK_LOST` when a session that was given
   * has ended, with `CLOSED`, `MEMBER_FAILED` or `MEMBER_REMOVED`, and with what the campaign itself is to blame for
   * (`REQUEST_TOO_LARGE`, `PERMISSION_DENIED`).
   *
   * @example
   * await new Election(store, 'billing').leaderWhile(
   *   async ({ signal }) => {
   *     while (!signal.aborted) await billNext(signal)
   *   },
   *   { value: hostname(), signal: shutdown },
   * )
   */
  async leaderWhile<Result>(
    work: (leadership: Leadership) => Promise<Result> | Result,
    options: LeaderWhileOptions = {},
  ): Promise<Result> {
    if (typeof work !== 'function') throw new TypeError(`leaderWhile() takes a function, not ${kind(work)}`)
    checkFields(options, LEADER_WHILE_FIELDS, 'leaderWhile()')
    const { value = this.#store.status().name, signal, ...rest } = options
    if (this.#working || this.#contender.busy) throw this.#busy('leaderWhile()')
    this.#working = true
    try {
      return await leadWhile(this.#store, {
        name: this.#name,
        work,
        campaign: (ends) => this.#campaign('leaderWhile()', value, { ...rest, signal: ends }),
        session: this.#session?.signal,
        signal,
        warnAfterMs: options.ttlMs ?? this.#session?.ttlMs ?? WARN_AFTER_MS,
      })
    } finally {
      this.#working = false
    }
  }

  /** Who leads now; undefined when nobody does. Linearizable. */
  async leader(options: CallOptions = {}): Promise<KeyValue | undefined> {
    checkFields(options, CALL_FIELDS, 'leader()')
    const { contenders } = await readLine(this.#store, this.#name, options)
    return leaderOf(contenders)
  }

  /**
   * Who leads and who wants to, in the order in which they came to their places. Linearizable.
   *
   * @example
   * for (const { owner, priority, holds } of await election.candidates()) console.log(owner, priority, holds ? 'leads' : 'waits')
   */
  async candidates(options: CallOptions = {}): Promise<readonly Candidate[]> {
    checkFields(options, CALL_FIELDS, 'candidates()')
    const { contenders } = await readLine(this.#store, this.#name, options)
    const leader = leaderOf(contenders)
    return contenders.map((each) => {
      const { key, lease = NO_LEASE, createRevision: token } = each
      return { owner: each.text(), holds: each === leader, priority: priorityOf(each), token, key, lease }
    })
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

  #campaign(what: string, value: BytesLike, options: CampaignOptions): Promise<Leadership> {
    const { priority, ...rest } = options
    const wish = { what, value, rule: oneAtATime, span: 'election' } as const
    if (priority === undefined) return this.#contender.contend(wish, rest)
    return this.#contender.contend({ ...wish, mark: markOf(checkPriority(priority)), reach: reachLeadership }, rest)
  }

  #busy(what: string): StoreError {
    const text = `this object works in ${quote(this.#name)} already, and ${what} would wait for itself`
    return new StoreError('LOCK_BUSY', `${text}: make another object for another task`)
  }
}

function checkPriority(priority: number): number {
  if (typeof priority !== 'number') throw new TypeError(`priority must be a number, not ${kind(priority)}`)
  if (Number.isSafeInteger(priority) && priority >= 0) return priority
  throw new RangeError(`priority must be a whole number from 0 on, not ${priority}`)
}
