/**
 * A double barrier: so many parties begin together, and end together. Then the next round may begin, under the same name.
 *
 * The parties stand in a line (line.ts), each with a key under its lease. `name/round` says who is in the latest round:
 *
 *     a, b, c enter     name/7f1  name/7f2  name/7f3                 the third one, or any of them, opens round 1
 *     d enters          name/7f1  name/7f2  name/7f3  name/7f4       round 1: 7f1 7f2 7f3     d waits for round 2
 *     b leaves          name/7f1  name/7f3  name/7f4                 b waits for a and c
 *     a and c leave     name/7f4                                     round 1 is over: round 2 needs two more
 *
 * Always: a round is opened by one transaction that compares the key of each of its parties, and the round before. So there
 * is a revision at which all of them were there. Were each party to go once it had counted enough keys, one of these could
 * belong to a process whose lease ended while another one was still counting; and the quick ones could leave, and their
 * keys be gone, before the slow ones had counted them.
 * Always: a round is opened only when no key of a party of the one before is left. A key that was deleted never comes
 * back: whoever comes again has another one. So nobody is in two rounds.
 * Always: watches say when it is worth to look again, and decide nothing.
 */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { KeyValue } from '../../api/key-value.js'
import { compare, put, type Revision } from '../../api/operations.js'
import type { CallOptions, Store } from '../../api/store.js'
import { LIMITS } from '../../base/limits.js'
import { quote } from '../../base/quote.js'
import type { Rule } from '../lock/obstacle.js'
import { Party } from './party.js'
import { checkStore } from '../check-store.js'
import { Patience, type WaitOptions } from '../patience.js'
import { Place } from '../lock/place.js'
import { readRound, roundAfter, roundKeyOf, roundText, type Round, type RoundView } from './round.js'
import { checkSession, checkTtl, type Session } from '../session/session.js'
import { endedByItself } from '../ended-by-itself.js'
import { isForgotten } from '../failures.js'
import { checkName, prefixOf } from '../name.js'

export interface DoubleBarrierOptions {
  /** How many enter and leave together; the same number for all who use the name. At most LIMITS.doubleBarrierPartiesMax. */
  readonly parties: number
  /** Milliseconds after which a party whose process died is gone; default 10 000. As for {@link Session.open}. */
  readonly ttlMs?: number | undefined
  /** A session to enter under, in place of one of its own for each party. */
  readonly session?: Session | undefined
}

const FIELDS: Fields<DoubleBarrierOptions> = { parties: true, ttlMs: true, session: true }
const TTL_MS = 10_000

/** Nobody stands in the way of another one. */
const together: Rule = () => undefined

/**
 * A name under which so many parties enter together and leave together, round after round. One object, or several in several
 * processes: each `enter()` is a party.
 *
 * @example
 * const party = await new DoubleBarrier(store, 'shuffle', { parties: 3 }).enter({ timeoutMs: 60_000 })
 * await work(party.round, party.signal)
 * await party.leave()
 */
export class DoubleBarrier {
  readonly #store: Store
  readonly #name: string
  readonly #parties: number
  readonly #session: Session | { readonly ttlMs: number }

  constructor(store: Store, name: string, options: DoubleBarrierOptions) {
    checkStore(store)
    checkName(name)
    checkFields(options, FIELDS, 'new DoubleBarrier()')
    const { parties, ttlMs, session } = options
    checkParties(parties)
    if (ttlMs !== undefined) checkTtl(ttlMs)
    if (ttlMs !== undefined && session !== undefined) {
      throw new TypeError(`a DoubleBarrier takes no ttlMs beside a session, which has one of ${session.ttlMs} ms`)
    }
    this.#store = store
    this.#name = name
    this.#parties = parties
    this.#session = checkSession(session, store) ?? { ttlMs: ttlMs ?? TTL_MS }
  }

  /**
   * Waits until `parties` are there, and resolves for all of them. One too many waits for the next round, which begins when
   * all of this one have left.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when waiting is given up, `LOCK_LOST` when this party was lost while it waited, and
   * with what the store rejects with. Others wait for another one then; where the round was opened in that very moment, they
   * enter, and this party has left. Rejects with RangeError where others use the name with another number of parties.
   */
  async enter(options: WaitOptions = {}): Promise<Party> {
    checkFields(options, CALL_FIELDS, 'enter()')
    const patience = new Patience(this.#store.environment, options)
    try {
      const place = await Place.take(
        this.#store,
        { name: this.#name, value: String(this.#parties), rule: together, session: this.#session },
        patience,
      )
      try {
        const { round, revision } = await this.#untilOpen(place, patience)
        return new Party(this.#store, this.#name, place, round, revision)
      } catch (error) {
        place.abandon()
        throw error
      }
    } finally {
      patience.end()
    }
  }

  /** Who is inside and who waits, for operators. Linearizable. */
  async parties(options: CallOptions = {}): Promise<DoubleBarrierParties> {
    checkFields(options, CALL_FIELDS, 'parties()')
    const { round, inside, waiting } = await readRound(this.#store, this.#name, options)
    return { round: round.number, inside, waiting }
  }

  /** The round that this place is in, and the revision at which it was seen to be. */
  async #untilOpen(place: Place, patience: Patience): Promise<{ readonly round: Round; readonly revision: Revision }> {
    for (;;) {
      const view = await patience.insist((signal) => readRound(this.#store, this.#name, { signal }))
      const { inside, waiting, round, revision } = view
      const isOwn = ({ key, createRevision }: KeyValue): boolean =>
        key === place.standing.key && createRevision === place.standing.createRevision
      const waits = waiting.some(isOwn)
      if (!waits && !inside.some(isOwn)) place.lose('its key was deleted')
      // By the clock, too: the answer may have been on its way for longer than the lease can be relied upon.
      place.signal.throwIfAborted()
      if (!waits) return { round, revision }
      this.#checkSameNumber(waiting.slice(0, waiting.findIndex(isOwn)))
      const next = this.#nextParties(waiting)
      // All of them try: the last to come would be enough, but it may have been stopped since.
      if (inside.length === 0 && next.length === this.#parties && next.some(isOwn)) {
        await patience.insist((signal) => this.#open(view, next, signal))
      } else {
        await patience.insist((signal) => this.#untilWorthALook(view, signal))
      }
    }
  }

  /** May be repeated: whoever is first opens the round, and for everybody else it is another one by then. */
  async #open(
    { round, roundModRevision }: RoundView,
    parties: readonly KeyValue[],
    signal: AbortSignal,
  ): Promise<void> {
    const roundKey = roundKeyOf(this.#name)
    await this.#store.txn(
      {
        compare: [
          compare(roundKey).modRevision('=', roundModRevision),
          // The key is never written again, so this says that it is there, and on its lease.
          ...parties.map(({ key, modRevision }) => compare(key).modRevision('=', modRevision)),
        ],
        success: [put(roundKey, roundText(roundAfter(this.#name, round, parties)))],
      },
      { signal },
    )
  }

  /** Resolves when a round may have been opened, or may be now. Early is harmless; late would leave everybody waiting. */
  async #untilWorthALook({ revision, inside, waiting }: RoundView, signal: AbortSignal): Promise<void> {
    let missing = this.#parties - waiting.length
    const staying = new Set(inside.map(({ key }) => key))
    try {
      const watch = this.#store.watch({ prefix: prefixOf(this.#name) }, { startRevision: revision + 1, signal })
      for await (const { type, key, created } of watch) {
        if (key === roundKeyOf(this.#name)) return
        if (created) missing--
        if (type === 'delete') staying.delete(key)
        if (staying.size === 0 && missing <= 0) return
      }
    } catch (error) {
      if (isForgotten(error)) return
      throw error
    }
    return endedByItself(this.#store, { prefix: prefixOf(this.#name) }, signal)
  }

  /** Not among them: who came with another number, and is about to be refused. */
  #nextParties(waiting: readonly KeyValue[]): readonly KeyValue[] {
    return waiting.filter((each) => each.text() === String(this.#parties)).slice(0, this.#parties)
  }

  /** Whoever comes with another number is refused; those who were there before wait on. */
  #checkSameNumber(before: readonly KeyValue[]): void {
    const other = before.find((each) => each.text() !== String(this.#parties))
    if (other === undefined) return
    throw new RangeError(
      `parties of ${quote(this.#name)} is ${this.#parties} here and ${quote(other.text())} for ${quote(other.key)}, ` +
        'which waits already: all who use the name must give the same number',
    )
  }
}

/** Who is at a double barrier. */
export interface DoubleBarrierParties {
  /** The latest round that began; 0 before the first one. */
  readonly round: number
  /** Its parties that have not left. */
  readonly inside: readonly KeyValue[]
  /** Those who wait for the next one, in the order they came. */
  readonly waiting: readonly KeyValue[]
}

function checkParties(parties: number): void {
  if (typeof parties !== 'number') throw new TypeError(`parties must be a number, not ${kind(parties)}`)
  const { doubleBarrierPartiesMax: most } = LIMITS
  if (Number.isInteger(parties) && parties >= 1 && parties <= most) return
  throw new RangeError(`parties must be a whole number from 1 to ${most}, not ${parties}`)
}
