/** Metrics as Prometheus reads them, for tests. */

/** Each line by what stands before its number: `grpc_server_started_total{grpc_type="unary",...}`. */
export class Shown {
  readonly #values = new Map<string, number>()

  constructor(text: string) {
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue
      const at = line.lastIndexOf(' ')
      this.#values.set(line.slice(0, at), Number(line.slice(at + 1).replace('+Inf', 'Infinity')))
    }
  }

  /** Undefined where there is no such line. Labels in any order. */
  value(name: string, labels: Readonly<Record<string, string>> = {}): number | undefined {
    const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`)
    for (const [series, value] of this.#values) {
      const [shown, inside = ''] = series.replace('}', '').split('{')
      const has = inside === '' ? [] : inside.split(',')
      if (shown === name && has.length === wanted.length && wanted.every((label) => has.includes(label))) return value
    }
    return undefined
  }

  /** All series that begin so. */
  series(prefix: string): string[] {
    return [...this.#values.keys()].filter((series) => series.startsWith(prefix))
  }
}
