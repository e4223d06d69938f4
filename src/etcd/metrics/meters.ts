/**
 * The meters that metrics are made of: plain numbers, added to where something happens and made into text by prom-client when
 * somebody asks.
 *
 * prom-client looks its labels up with each addition, which costs more than what is counted here: a put passes a dozen of
 * these. So whoever counts keeps the cell of its labels, and a scrape reads all cells.
 */

/** One number. */
export class Cell {
  value = 0

  add(by = 1): void {
    this.value += by
  }
}

/** Durations or sizes, by the buckets that they fall into. */
export class Spread {
  readonly bounds: readonly number[]
  /** One for each bound, and one for what lies beyond them; not added up. */
  readonly counts: number[]
  sum = 0
  count = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    const { bounds, counts } = this
    let at = 0
    while (at < bounds.length && value > (bounds[at] as number)) at++
    counts[at] = (counts[at] as number) + 1
    this.sum += value
    this.count++
  }
}

export type Labels = Readonly<Record<string, string>>

/** One cell for each set of labels. */
export class Family<Member> {
  readonly #names: readonly string[]
  readonly #make: () => Member
  readonly #members = new Map<string, { readonly labels: Labels; readonly member: Member }>()

  constructor(names: readonly string[], make: () => Member) {
    this.#names = names
    this.#make = make
  }

  /** Of these values of the labels, in the order of their names; made when it is first asked for. */
  of(...values: readonly string[]): Member {
    const key = values.join('\0')
    const found = this.#members.get(key)
    if (found !== undefined) return found.member
    const labels = Object.fromEntries(this.#names.map((name, at) => [name, values[at] ?? '']))
    const member = this.#make()
    this.#members.set(key, { labels, member })
    return member
  }

  clear(): void {
    this.#members.clear()
  }

  get members(): Iterable<{ readonly labels: Labels; readonly member: Member }> {
    return this.#members.values()
  }
}
