/**
 * Which mutant of our own source the simulation catches, with which seed and after how long: the table of
 * docs/TRACK-RECORD.md, which it writes, and test/mutants/recorded.json, where the tests look first.
 *
 *     npx tsx scripts/mutants.ts [name …] [--seeds 2000] [--minutes 2]
 *
 * Searches from seed 1. Fails when a mutant is not caught within the given seeds and minutes, or the unmutated source is.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { hunt, runUnmutated } from '../test/mutants/hunt.js'
import { allMutants, pathOf, type Mutant } from '../test/mutants/mutant.js'
import { tableOf, withTable, writeRecord, type Caught } from '../test/mutants/recorded.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seeds: { type: 'string', default: '2000' }, minutes: { type: 'string', default: '2' } },
})
const seeds = wholeNumber('seeds', values.seeds)
const minutes = wholeNumber('minutes', values.minutes)
const all = allMutants()
const unknown = positionals.filter((name) => !all.some((mutant) => mutant.name === name))
if (unknown.length > 0) {
  console.error(`there is no mutant ${unknown.join(', ')}; there are ${all.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}
const wanted = all.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
const caught = new Set<string>()

await inParallel(wanted, async (mutant) => {
  const found = await search(mutant)
  if (found === undefined) process.exitCode = 1
  else caught.add(mutant.name)
})
if (positionals.length === 0) {
  const failure = await runUnmutated(100)
  if (failure !== undefined) {
    console.error(`the unmutated source fails with seed ${failure.seed}: ${failure.message}`)
    process.exitCode = 1
  }
}
const page = pathOf('docs/TRACK-RECORD.md')
writeFileSync(page, withTable(readFileSync(page, 'utf8'), tableOf(all)))
console.log(`\n${caught.size} of ${wanted.length} caught`)

async function search(mutant: Mutant): Promise<Caught | undefined> {
  const startMs = performance.now()
  try {
    const { found, other, simulatedMs } = await hunt({ ...mutant, seeds }, 1, AbortSignal.timeout(minutes * 60_000))
    const wallSeconds = (performance.now() - startMs) / 1000
    if (found !== undefined) {
      console.error(`${mutant.name}: seed ${found.seed}, ${wallSeconds.toFixed(1)} s: ${found.message}`)
      const { seed, verdict } = found
      const row: Caught = { seed, verdict, simulatedSeconds: simulatedMs / 1000, wallSeconds }
      // At once: a search that is broken off has not been for nothing.
      writeRecord(mutant.name, row)
      return row
    }
    console.error(
      `${mutant.name}: NOT CAUGHT in ${seeds} seeds; ${other === undefined ? '' : `seed ${other.seed} failed otherwise: ${other.message}`}`,
    )
  } catch (error) {
    console.error(`${mutant.name}: NOT CAUGHT: ${error instanceof Error ? error.message : String(error)}`)
  }
  return undefined
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items]
  const worker = async (): Promise<void> => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item)
  }
  await Promise.all(Array.from({ length: availableParallelism() }, worker))
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  console.error(`--${option} takes a whole number, not "${text}"`)
  return process.exit(2)
}
