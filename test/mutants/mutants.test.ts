/**
 * The net is shown to hold: every known bug that is planted in a copy of the source is caught by the simulation of the
 * whole system, as the class of bug that it is, by a plan that the source without it passes.
 *
 * Looks at the recorded seed first, then from 1 on. Where the recorded one catches nothing any more, the mutant only has
 * to be caught within its bound; `npx tsx scripts/mutants.ts` brings the record up to date.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { hunt, runUnmutated } from './hunt.js'
import type { Finding } from './judge.js'
import { allMutants, CANARY, pathOf, UNMUTATED, type Mutant } from './mutant.js'
import { readRecord } from './recorded.js'

const mutants = allMutants()
const recorded = readRecord()

async function caught(mutant: Mutant, signal: AbortSignal): Promise<Finding> {
  const seed = recorded.get(mutant.name)?.seed
  if (seed !== undefined) {
    const { found } = await hunt({ ...mutant, seeds: 1 }, seed, signal)
    if (found !== undefined) return found
    console.log(`${mutant.name} is not caught by seed ${seed} any more; run npx tsx scripts/mutants.ts`)
  }
  const { found, other } = await hunt(mutant, 1, signal)
  if (found !== undefined) return found
  const otherwise = other === undefined ? '' : `; seed ${other.seed} failed as something else: ${other.message}`
  throw new Error(`${mutant.name} is not caught in ${mutant.seeds} seeds${otherwise}`)
}

describe.concurrent('the simulation catches', () => {
  test.for(mutants.map((mutant) => [mutant.name, mutant] as const))(
    '%s',
    { timeout: 180_000 },
    async ([, mutant], { signal }) => {
      const { verdict } = await caught(mutant, signal)
      expect(mutant.verdicts).toContain(verdict)
    },
  )
})

test('the unmutated source passes what they fail', async ({ signal }) => {
  expect(await runUnmutated(UNMUTATED.seeds, signal)).toBeUndefined()
})

test('the canary fails at once: the run itself can fail', async ({ signal }) => {
  const canary = mutants.find(({ name }) => name === CANARY)
  if (canary === undefined) throw new Error('there is no canary')
  const { found } = await hunt({ ...canary, seeds: 3 }, 1, signal)
  expect(found?.message).toMatch(/violated/)
})

test('the table of the track record names every mutant', () => {
  const table = readFileSync(pathOf('docs/TRACK-RECORD.md'), 'utf8')
  expect(mutants.filter(({ name }) => !table.includes(`| \`${name}\` |`)).map(({ name }) => name)).toEqual([])
})
