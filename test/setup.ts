/**
 * Seeds every property test, so that no run is unseeded and each can be repeated:
 *
 *     FC_SEED=42 FC_NUM_RUNS=10000 npx vitest run test/raft
 *
 * Vitest loads this file twice: in each test file's process, where it configures fast-check, and once as the global setup,
 * where `setup` prints the seed.
 */
import fc from 'fast-check'

const SEED_DEFAULT = 20_260_101

const seed = integerFrom('FC_SEED') ?? SEED_DEFAULT
const numRuns = integerFrom('FC_NUM_RUNS')

fc.configureGlobal({ seed, ...(numRuns === undefined ? {} : { numRuns }) })

export function setup(): void {
  console.log(`property tests: FC_SEED=${seed} FC_NUM_RUNS=${numRuns ?? 'default'}`)
}

/** A misspelt seed must not silently become another run. */
function integerFrom(name: string): number | undefined {
  const text = process.env[name]
  if (text === undefined || text === '') return undefined
  const value = Number(text)
  if (!Number.isSafeInteger(value)) throw new RangeError(`${name} must be an integer, got '${text}'`)
  return value
}
