/**
 * Directories to be damaged, made by a real process under load that is then closed, or killed with SIGKILL in the middle;
 * and what its clients had been told until then.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from '../../demo/processes/child.js'
import { Expectations } from '../../demo/processes/expectations.js'
import { filesOf } from './damage.js'
import { namesOf, type Name } from './members.js'
import type { Command, Report } from './messages.js'
import { Told } from './told.js'

export interface TemplatePlan {
  readonly seed: number
  readonly members: number
  readonly oneBehind: boolean
  readonly end: 'closed' | 'killed'
}

export interface Template extends TemplatePlan {
  readonly folder: string
  readonly names: readonly Name[]
  readonly writes: number
}

const WAIT_MS_MAX = 60_000
const BYTES_MAX = 1_000_000
/** After it is prepared, so that it is in the middle of something. */
const KILL_MS_MAX = 40

/** Rejects when the process ends by itself, or the directories became larger than they should be. */
export async function makeTemplate(script: URL, folder: string, plan: TemplatePlan): Promise<Template> {
  mkdirSync(folder, { recursive: true })
  const told = new Told()
  const heard = new Expectations(WAIT_MS_MAX)
  let prepared = false
  const child = new Child<Command, Report>({
    ...{ name: 'the preparing process', script, args: [], logFile: join(folder, 'log') },
    onReport: (report) => {
      if (report.type === 'prepared') prepared = true
      else told.hear(report)
      heard.lookAgain()
    },
    onCrash: (reason) => {
      heard.fail(new Error(`the preparing process ended by itself (${reason}); its log is ${folder}/log`))
    },
  })
  child.start()
  const { seed, members, oneBehind } = plan
  await child.ask({ type: 'prepare', folder, seed, members, oneBehind })
  await heard.until('the directories are prepared', () => prepared)
  await heard.pause(seed % KILL_MS_MAX)
  if (plan.end === 'closed') {
    await child.ask({ type: 'close' })
    await child.stop()
  } else {
    await child.kill()
  }
  const names = namesOf(members)
  for (const name of names) {
    const bytes = filesOf(join(folder, name)).reduce((sum, file) => sum + file.bytes, 0)
    if (bytes >= BYTES_MAX) throw new Error(`the directory of ${name} has ${bytes} bytes, not less than ${BYTES_MAX}`)
  }
  const facts = told.facts()
  writeFileSync(join(folder, 'facts.json'), JSON.stringify(facts))
  return { ...plan, folder, names, writes: facts.acknowledged.length }
}
