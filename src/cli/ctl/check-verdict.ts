/** Whether a cluster was fast enough: what `check perf` says of what it measured. */

export interface Load {
  readonly clients: number
  readonly writesPerSecond: number
}

/** etcd's. */
export const LOADS: Readonly<Record<string, Load>> = {
  s: { clients: 50, writesPerSecond: 150 },
  m: { clients: 200, writesPerSecond: 1000 },
  l: { clients: 500, writesPerSecond: 8000 },
  xl: { clients: 1000, writesPerSecond: 15_000 },
}

export interface Measured {
  readonly durationMs: number
  /** Of each write that succeeded. */
  readonly latenciesMs: readonly number[]
  /** How often each was said. */
  readonly errors: ReadonlyMap<string, number>
}

export interface Verdict {
  readonly lines: readonly string[]
  readonly passed: boolean
}

const SLOWEST_SECONDS_MAX = 0.5
const DEVIATION_SECONDS_MAX = 0.1
const SHARE_OF_LOAD_MIN = 0.9

export function verdictOf({ writesPerSecond }: Load, { durationMs, latenciesMs, errors }: Measured): Verdict {
  const rate = latenciesMs.length / (durationMs / 1000)
  const slowest = latenciesMs.reduce((most, each) => Math.max(most, each), 0) / 1000
  const deviation = deviationOf(latenciesMs) / 1000
  const fast = rate / writesPerSecond > SHARE_OF_LOAD_MIN
  const prompt = slowest <= SLOWEST_SECONDS_MAX
  const even = deviation <= DEVIATION_SECONDS_MAX
  const throughput = Math.floor(rate) + 1
  const lines = [
    ...(errors.size > 0 ? ['FAIL: too many errors'] : []),
    ...[...errors].map(([text, count]) => `FAIL: ERROR(${text}) -> ${count}`),
    fast ? `PASS: Throughput is ${throughput} writes/s` : `FAIL: Throughput too low: ${throughput} writes/s`,
    `${prompt ? 'PASS: Slowest request took' : 'Slowest request took too long:'} ${slowest.toFixed(6)}s`,
    `${even ? 'PASS: Stddev is' : 'Stddev too high:'} ${deviation.toFixed(6)}s`,
  ]
  const passed = errors.size === 0 && fast && prompt && even
  return { lines: [...lines, passed ? 'PASS' : 'FAIL'], passed }
}

function deviationOf(values: readonly number[]): number {
  const mean = values.reduce((sum, each) => sum + each, 0) / Math.max(1, values.length)
  const squares = values.reduce((sum, each) => sum + (each - mean) ** 2, 0)
  return Math.sqrt(squares / Math.max(1, values.length))
}
