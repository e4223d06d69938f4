/**
 * Finds the answer of a range among the versions that its plan names, where the index could not: it knows neither values
 * nor, of an older revision, versions and create revisions.
 *
 * The versions are handed over one by one, as they are read, and of those only what may still be shown is kept: with a
 * limit not more than so many. Whoever reads sees to it that what is kept stays within `responseBytesMax`.
 */
import { assert } from '../base/assert.js'
import { answerBytes, keyOnly } from './answer.js'
import { BY_KEY, FirstOf } from './sort.js'
import type { KeyValue, RangeChoice, RangePlan } from './types.js'

export class Choosing {
  readonly #plan: RangePlan
  readonly #choice: RangeChoice
  readonly #first: FirstOf<KeyValue>

  /** For a plan that leaves a choice. */
  constructor(plan: RangePlan) {
    assert(plan.choice !== undefined, 'a plan without a choice has nothing to be chosen')
    this.#plan = plan
    this.#choice = plan.choice
    this.#first = new FirstOf(plan.choice.sort, plan.choice.limit)
  }

  /** Takes the next version. Gives the bytes by which what is kept has grown: below 0 where something larger fell out. */
  take(keyValue: KeyValue): number {
    const { minCreateRevision, maxCreateRevision, sort } = this.#choice
    const { createRevision } = keyValue
    if (createRevision < minCreateRevision || createRevision > maxCreateRevision) return 0
    const kept = this.#plan.keysOnly && sort.target !== 'value' ? keyOnly(keyValue) : keyValue
    const dropped = this.#first.add(kept)
    if (dropped === kept) return 0
    return answerBytes(kept) - (dropped === undefined ? 0 : answerBytes(dropped))
  }

  /** Whether no further version can change the answer. */
  get decided(): boolean {
    return this.#first.more && this.#choice.sort === BY_KEY
  }

  /** After all were taken: takes out the last one of the answer, then the one before. */
  takeLast(): KeyValue | undefined {
    return this.#first.takeLast()
  }

  /** The plan as it is when nothing is left to be chosen or read: for what {@link takeLast} gave, the first one first. */
  planFor(answer: readonly KeyValue[]): RangePlan {
    const plan = this.#plan
    const known = plan.keysOnly ? answer.map(keyOnly) : answer
    return { ...plan, more: this.#first.more, records: [], known, choice: undefined }
  }

  /** Both at once, for whoever has no loop that must go on. */
  finish(): RangePlan {
    return this.planFor(this.#first.takeAll())
  }
}
