/**
 * Random numbers that are keyed by what they are for.
 *
 * Always: what is drawn under one name is the same whatever was drawn, or not drawn, under others. So that adding a kind of
 * fault or leaving out an operation does not turn a run into another one, as one stream of numbers would.
 */
import { hash64, mix } from '../../base/checksum.js'
import { below, type Random } from '../../base/random.js'

const MILLION = 1_000_000

export class Draw implements Random {
  readonly #path: readonly (string | number)[]
  readonly #key: number
  #count = 0

  constructor(...path: readonly (string | number)[]) {
    const { high, low } = hash64(Buffer.from(JSON.stringify(path), 'utf8'))
    this.#path = path
    this.#key = high ^ low
  }

  /** The draws for something else: they do not move this one's. */
  of(...path: readonly (string | number)[]): Draw {
    return new Draw(...this.#path, ...path)
  }

  uint32(): number {
    return mix(this.#key ^ mix(Math.imul(++this.#count, 0x9e3779b1)))
  }

  /** A whole number, 0 <= n < limit. */
  below(limit: number): number {
    return below(this, limit)
  }

  /** A whole number, least <= n <= most. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1)
  }

  /** Between `least` and `most`, small ones as often as large ones: each doubling is as likely as every other one. */
  spread(least: number, most: number): number {
    let doublings = 0
    while (least * 2 ** (doublings + 1) <= most) doublings++
    const from = least * 2 ** this.between(0, doublings)
    return this.between(from, Math.min(most, 2 * from))
  }

  /** True once in `count` times. */
  oneIn(count: number): boolean {
    return this.below(count) === 0
  }

  happens(perMillion: number): boolean {
    return this.below(MILLION) < perMillion
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError('there is nothing to pick from')
    return from[this.below(from.length)] as T
  }

  /** `count` of them, or all, in an order that is drawn, too. */
  some<T>(from: readonly T[], count: number): T[] {
    const left = [...from]
    const picked: T[] = []
    while (picked.length < count && left.length > 0) picked.push(...left.splice(this.below(left.length), 1))
    return picked
  }
}
