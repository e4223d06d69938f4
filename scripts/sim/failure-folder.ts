/** What is left of a failure: a folder with the plan as it was drawn, the shrunk one, a test that shows it, and reports. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { testFileFor, type Plan } from '../../src/testing/index.js'
import { reportsOf } from './reports.js'
import type { FailureText, Setup } from './messages.js'

/** Ignored by git. */
const FOLDER = 'sim-failures'

export interface Found {
  readonly seed: number
  readonly drawn: Plan
  readonly shrunk: Plan
  readonly failure: FailureText
}

/** Returns the folder. */
export async function keepFailure({ seed, drawn, shrunk, failure }: Found, setup: Setup): Promise<string> {
  const folder = join(FOLDER, String(seed))
  await mkdir(folder, { recursive: true })
  const { transcript, html } = await reportsOf(shrunk, setup, `npm run sim -- --plan ${folder}/plan.json`)
  await Promise.all([
    writeFile(join(folder, 'drawn.json'), json(drawn)),
    writeFile(join(folder, 'plan.json'), json(shrunk)),
    writeFile(join(folder, 'failure.test.ts'), testFileFor(shrunk, failure)),
    writeFile(join(folder, 'failure.txt'), `${failure.kind}: ${failure.message}\n\n${failure.stack ?? ''}\n`),
    writeFile(join(folder, 'transcript.txt'), transcript),
    writeFile(join(folder, 'timeline.html'), html),
  ])
  return folder
}

function json(plan: Plan): string {
  return `${JSON.stringify(plan, undefined, 2)}\n`
}
