/** All metrics of one served store: a registry of prom-client, never the global one, and the meters that it reads. */
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import { EXTENSIVE_METRICS, METRICS, type MetricRow } from './catalogue.js'
import { Cell, Family, Spread } from './meters.js'

type Rows = typeof METRICS & typeof EXTENSIVE_METRICS
export type NameOf<Type extends MetricRow['type']> = {
  [Name in keyof Rows]: Rows[Name]['type'] extends Type ? Name : never
}[keyof Rows]

/** `extensive`: with the durations of all methods, as etcd's `--metrics extensive`. */
export type MetricsDetail = 'basic' | 'extensive'

export class Sheet {
  readonly registry = new Registry()
  readonly #cells = new Map<string, Family<Cell>>()
  readonly #spreads = new Map<string, Family<Spread>>()

  constructor(detail: MetricsDetail) {
    const rows: Readonly<Record<string, MetricRow>> =
      detail === 'extensive' ? { ...METRICS, ...EXTENSIVE_METRICS } : METRICS
    for (const [name, row] of Object.entries(rows)) this.#register(name, row)
  }

  /** The numbers of a counter or a gauge, by its labels. */
  family(name: NameOf<'counter' | 'gauge'>): Family<Cell> {
    return found(this.#cells.get(name), name)
  }

  /** The one of a counter or a gauge without labels. */
  cell(name: NameOf<'counter' | 'gauge'>): Cell {
    return this.family(name).of()
  }

  spreads(name: NameOf<'histogram'>): Family<Spread> {
    return found(this.#spreads.get(name), name)
  }

  spread(name: NameOf<'histogram'>): Spread {
    return this.spreads(name).of()
  }

  #register(name: string, row: MetricRow): void {
    const { type, help, labels = [], buckets = [] } = row
    if (type === 'histogram') {
      const spreads = new Family(labels, () => new Spread(buckets))
      if (labels.length === 0) spreads.of()
      this.#spreads.set(name, spreads)
      this.registry.registerMetric(new SpreadHistogram(name, row, spreads))
      return
    }
    const cells = new Family(labels, () => new Cell())
    if (labels.length === 0) cells.of()
    this.#cells.set(name, cells)
    const configuration = { name, help, labelNames: labels, registers: [this.registry] }
    if (type === 'counter') {
      new Counter({
        ...configuration,
        collect() {
          this.reset()
          for (const { labels, member } of cells.members) this.inc(labels, member.value)
        },
      })
    } else {
      new Gauge({
        ...configuration,
        collect() {
          this.reset()
          for (const { labels, member } of cells.members) this.set(labels, member.value)
        },
      })
    }
  }
}

/** A histogram that shows what was added up elsewhere. */
class SpreadHistogram extends Histogram {
  readonly #name: string
  readonly #help: string
  readonly #spreads: Family<Spread>

  constructor(name: string, { help, labels = [], buckets = [] }: MetricRow, spreads: Family<Spread>) {
    super({ name, help, labelNames: [...labels], buckets: [...buckets], registers: [] })
    this.#name = name
    this.#help = help
    this.#spreads = spreads
  }

  override get(): ReturnType<Histogram['get']> {
    const values = [...this.#spreads.members].flatMap(({ labels, member }) => this.#valuesOf(labels, member))
    const shown = { name: this.#name, help: this.#help, type: 'histogram', aggregator: 'sum', values }
    return Promise.resolve(shown as unknown as Awaited<ReturnType<Histogram['get']>>)
  }

  /** What the registry asks for to make text of; the same. */
  getForPromString(): ReturnType<Histogram['get']> {
    return this.get()
  }

  #valuesOf(labels: Readonly<Record<string, string>>, { bounds, counts, sum, count }: Spread) {
    let upTo = 0
    const buckets = [...bounds, '+Inf'].map((le, at) => {
      upTo += counts[at] ?? 0
      return { labels: { ...labels, le }, value: upTo, metricName: `${this.#name}_bucket` }
    })
    return [
      ...buckets,
      { labels, value: sum, metricName: `${this.#name}_sum` },
      { labels, value: count, metricName: `${this.#name}_count` },
    ]
  }
}

function found<Meters>(meters: Meters | undefined, name: string): Meters {
  if (meters === undefined) throw new TypeError(`there is no metric ${name} here`)
  return meters
}
