/** Runs programmes against both stores until there were enough operations, or one was answered differently. */
import { ddmin } from '../../src/testing/swarm/ddmin.js'
import type { Answers } from './answers.js'
import type { Coverage } from './coverage.js'
import { drawProgramme } from './draw.js'
import { explain, type Listed } from './listed.js'
import type { Operation } from './operation.js'
import { Pair, PairApart } from './pair.js'

export interface Difference {
  /** Which programme of the seed. */
  readonly nth: number
  readonly operation: Operation
  readonly answers: Answers
  /** What still shows a difference by itself; undefined where the programme by itself shows none. */
  readonly shortest: readonly Operation[] | undefined
}

export interface RunResult {
  readonly operations: number
  readonly programmes: number
  readonly listed: ReadonlyMap<Listed, number>
  readonly difference: Difference | undefined
}

export interface RunOptions {
  readonly seed: number
  readonly operations: number
  /** Only this one. */
  readonly programme?: number | undefined
  readonly coverage: Coverage
  readonly progress: (operations: number) => void
}

interface Found {
  readonly operation: Operation
  readonly answers: Answers
}

const PROGRESS_EVERY_PROGRAMMES = 50
/** Tries to leave out operations of a programme that showed a difference. */
const SHRINK_TRIES_MAX = 400

export async function run(options: RunOptions): Promise<RunResult> {
  const { seed, coverage } = options
  const listed = new Map<Listed, number>()
  let operations = 0
  let programmes = 0
  let nth = 0
  const judge = (operation: Operation, answers: Answers): boolean => {
    coverage.count(operation, answers)
    const applied = explain(operation, answers)
    for (const each of applied ?? []) listed.set(each, (listed.get(each) ?? 0) + 1)
    return applied !== undefined
  }
  const pair = await Pair.start()
  let found: Found | undefined
  try {
    while (found === undefined && operations < options.operations) {
      nth = options.programme ?? programmes
      const programme = drawProgramme(seed, nth)
      found = await perform(pair, programme.operations, judge)
      operations += programme.operations.length
      programmes++
      if (found === undefined) await pair.clean()
      if (programmes % PROGRESS_EVERY_PROGRAMMES === 0) options.progress(operations)
      if (options.programme !== undefined) break
    }
  } finally {
    await pair.stop()
  }
  if (found === undefined) return { operations, programmes, listed, difference: undefined }
  const shortest = await shrink(drawProgramme(seed, nth).operations)
  return { operations, programmes, listed, difference: { nth, ...found, shortest } }
}

/** Gives the first operation that was answered differently. */
async function perform(
  pair: Pair,
  operations: readonly Operation[],
  judge: (operation: Operation, answers: Answers) => boolean,
): Promise<Found | undefined> {
  for (const operation of operations) {
    for (const answered of await pair.perform(operation)) {
      if (!judge(answered.operation, answered.answers)) return answered
    }
  }
  return undefined
}

async function shrink(operations: readonly Operation[]): Promise<readonly Operation[] | undefined> {
  let pair = await Pair.start()
  let tries = 0
  const differs = async (kept: readonly Operation[]): Promise<boolean> => {
    const found = await perform(pair, kept, (operation, answers) => explain(operation, answers) !== undefined)
    try {
      await pair.clean()
    } catch (error) {
      if (!(error instanceof PairApart)) throw error
      await pair.stop()
      pair = await Pair.start()
    }
    return found !== undefined
  }
  try {
    if (!(await differs(operations))) return undefined
    return await ddmin(operations, async (kept) => (tries++ < SHRINK_TRIES_MAX ? differs(kept) : undefined))
  } finally {
    await pair.stop()
  }
}
