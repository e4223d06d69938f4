/**
 * The pages of the recipes say which failure the simulation finds in the naive versions, and the command that replays it: a
 * seed that finds nothing any more must not stand there.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { SCENARIOS } from '../recipes/simulated/scenarios.js'

const FOLDER = 'docs/recipes'
const pages = readdirSync(FOLDER).filter((name) => name !== 'README.md')
const COMMAND = /^npm run sim:recipes -- (\S+) --naive (\S+) --seed (\d+)/gm

test('every page replays the naive versions of its recipe with the seeds that the scenarios have recorded', () => {
  const recorded = SCENARIOS.flatMap(({ name, naive }) =>
    Object.entries(naive).map(([variant, { seed }]) => `${name} ${variant} ${seed}`),
  )
  for (const page of pages) {
    const shown = [...readFileSync(`${FOLDER}/${page}`, 'utf8').matchAll(COMMAND)].map((match) =>
      match.slice(1).join(' '),
    )
    expect(shown.length, page).toBeGreaterThan(0)
    for (const command of shown) expect(recorded, page).toContain(command)
  }
})

test('the list of the recipes has every page', () => {
  const list = readFileSync(`${FOLDER}/README.md`, 'utf8')
  for (const page of pages) expect(list).toContain(`](${page})`)
})
