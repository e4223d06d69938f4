/** The whole system in a simulated world: 200 seeds of five minutes of faults each, on two threads, judged after every event. */
import { availableParallelism } from 'node:os'
import { expect, test } from 'vitest'
import { Many } from '../../../scripts/sim/many.js'

const SEEDS = 200
const TIMEOUT_MS = 3_600_000

test(
  `${SEEDS} clusters keep every promise under faults of all kinds; one in twenty runs twice alike`,
  async () => {
    const lines: string[] = []
    const run = new Many({
      from: 1,
      seeds: SEEDS,
      minutes: undefined,
      simulatedMinutes: 5,
      membership: false,
      threads: Math.min(2, availableParallelism()),
      setup: { canary: undefined },
      log: (line) => lines.push(line),
    })
    const { seeds, failures, complete } = await run.run()
    console.log(lines.at(-1))
    expect(failures, lines.join('\n')).toEqual([])
    expect(complete, lines.join('\n')).toBe(true)
    expect(seeds).toBe(SEEDS)
  },
  TIMEOUT_MS,
)
