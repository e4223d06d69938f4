/**
 * A rot run: trials drawn from a seed, spread over processes that make one after the other.
 *
 * Always: a trial that failed leaves its directories as they were before the damage, and what the damage was, in a folder of
 * its own, so that it can be made again. Whatever ends the process in which a trial runs is a failure of that trial.
 */
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child, ProcessGone } from '../../demo/processes/child.js'
import { crc32 } from '../../src/base/checksum.js'
import { below, type Random } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { describeDamage, drawDamage, drawTwofold, filesOf } from './damage.js'
import type { Command, Report, Setup, Trial, TrialResult } from './messages.js'
import { RotTally, type FailedTrial } from './tally.js'
import { makeTemplate, type Template, type TemplatePlan } from './template.js'

export interface RotOptions {
  readonly seed: number
  /** With three members. */
  readonly trials: number
  /** With a cluster of one. */
  readonly alone: number
  /** With three members and two faults at once: reported, and nothing is demanded of them. */
  readonly twofold: number
  readonly processes: number
  readonly script: URL
  /** For the directories; what failed is kept in it. */
  readonly folder: string
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

const TRIALS_PER_TEMPLATE = 250
const TEMPLATES_MIN = 4
/** A short run is not to spend its time on making them. */
const TRIALS_PER_TEMPLATE_MIN = 8
/** Of those that make a difference, which is what most trials are about. */
const BEHIND_PERCENT = 60
const TRIAL_MS_MAX = 90_000
const FAILED_MAX = 20

export interface RotSummary {
  readonly tally: RotTally
  readonly twofold: RotTally
}

export async function rotRun(options: RotOptions): Promise<RotSummary> {
  const { seed, trials, alone, twofold: twofoldTrials, processes, say } = options
  const tally = new RotTally()
  const twofold = new RotTally()
  const together = await makeTemplates(options, trials + twofoldTrials, (at) => ({ members: 3, oneBehind: at % 4 < 2 }))
  const single = await makeTemplates(options, alone, () => ({ members: 1, oneBehind: false }))
  say(`${together.length + single.length} sets of directories are ready; damaging begins`)
  let next = 0
  const work = async (at: number): Promise<void> => {
    const worker = new Worker(options.script, join(options.folder, `process-${at}.log`))
    try {
      while (next < trials + alone + twofoldTrials && tally.failed.length < FAILED_MAX && !options.signal.aborted) {
        const number = next++
        const isTwofold = number >= trials + alone
        const templates = number < trials || isTwofold ? together : single
        const trial = drawTrial({ seed, number, templates, isTwofold, folder: join(options.folder, `trial-${at}`) })
        await tryOut(worker, trial, isTwofold ? twofold : tally, !isTwofold)
        if (tally.count % 500 === 0) say(tally.line())
      }
    } finally {
      await worker.end()
    }
  }
  await Promise.all(Array.from({ length: processes }, (_, at) => work(at)))
  if (options.signal.aborted) throw new Error('the run was interrupted')
  return { tally, twofold }
}

/** Makes a trial that failed again, from the folder that it left. */
export async function again(script: URL, folder: string): Promise<TrialResult> {
  const trial = JSON.parse(readFileSync(join(folder, 'trial.json'), 'utf8')) as Trial
  const worker = new Worker(script, join(folder, 'process.log'))
  try {
    return await worker.make({ ...trial, template: folder, folder: join(folder, 'again') })
  } finally {
    await worker.end()
  }
}

async function makeTemplates(
  { seed, script, folder }: RotOptions,
  trials: number,
  plan: (at: number) => Omit<TemplatePlan, 'seed' | 'end'>,
): Promise<readonly Template[]> {
  if (trials === 0) return []
  const least = Math.min(TEMPLATES_MIN, Math.ceil(trials / TRIALS_PER_TEMPLATE_MIN))
  const count = Math.max(least, Math.ceil(trials / TRIALS_PER_TEMPLATE))
  const templates: Template[] = []
  for (let at = 0; at < count; at++) {
    const whole = { ...plan(at), seed: seed * 1000 + at, end: at % 2 === 0 ? 'killed' : 'closed' } as const
    templates.push(await makeTemplate(script, join(folder, `template-${whole.members}-${at}`), whole))
  }
  return templates
}

interface Draw {
  readonly seed: number
  readonly number: number
  readonly templates: readonly Template[]
  readonly isTwofold: boolean
  readonly folder: string
}

function drawTrial({ seed, number, templates, isTwofold, folder }: Draw): Trial {
  const random = randomOf(seed, number)
  const template = templates[below(random, templates.length)]
  if (template === undefined) throw new Error('there are no directories to damage')
  const behind = template.oneBehind && below(random, 100) < BEHIND_PERCENT
  // The one that is behind is not the one to be damaged there: it would lose nothing that the others need.
  const victims = behind ? template.names.slice(0, -1) : template.names
  const victim = victims[below(random, victims.length)] ?? 'a'
  const setup: Setup = template.members === 1 ? 'alone' : behind ? 'with the one behind' : 'together'
  const files = filesOf(join(template.folder, victim))
  const others = template.names.filter((name) => name !== victim)
  const damage = isTwofold ? drawTwofold(random, files) : drawDamage(random, files, others, number % 10 === 9)
  return { type: 'trial', number, template: template.folder, folder, setup, victim, damage }
}

/** Neighbouring seeds of the generator begin alike. */
function randomOf(seed: number, number: number): Random {
  const random = seededRandom(crc32(Buffer.from(`${seed}/${number}`)))
  for (let at = 0; at < 8; at++) random.uint32()
  return random
}

/** `demanded`: a failure is one of the run, and its evidence kept. */
async function tryOut(worker: Worker, trial: Trial, tally: RotTally, demanded: boolean): Promise<void> {
  try {
    tally.add(trial, await worker.make(trial))
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    if (!demanded) {
      tally.fail({ trial, message, kept: '' })
      return
    }
    const failed: FailedTrial = { trial, message, kept: keep(trial) }
    tally.fail(failed)
    console.log(`  trial ${trial.number} FAILED, ${trial.setup}, ${trial.victim}: ${describeDamage(trial.damage)}`)
    console.log(`    ${message.split('\n').slice(0, 6).join('\n    ')}`)
    console.log(`    npm run test:rot -- --again ${failed.kept}`)
  }
}

function keep(trial: Trial): string {
  const kept = join(trial.folder, '..', `failed-${trial.number}`)
  cpSync(trial.template, kept, { recursive: true })
  if (existsSync(trial.folder)) cpSync(trial.folder, join(kept, 'afterwards'), { recursive: true })
  writeFileSync(join(kept, 'trial.json'), JSON.stringify(trial, undefined, 2))
  return kept
}

/** One process, started anew when it has ended. */
class Worker {
  readonly #child: Child<Command, Report>

  constructor(script: URL, logFile: string) {
    mkdirSync(join(logFile, '..'), { recursive: true })
    this.#child = new Child<Command, Report>({
      ...{ name: 'the process', script, args: [], logFile },
      onReport: () => undefined,
      onCrash: () => undefined,
    })
  }

  async make(trial: Trial): Promise<TrialResult> {
    if (!this.#child.running) this.#child.start()
    const child = this.#child
    const timer = setTimeout(() => void child.kill(), TRIAL_MS_MAX)
    try {
      return await child.ask<TrialResult>(trial)
    } catch (error) {
      if (error instanceof ProcessGone) throw new Error(`the process of the members died or hung: ${error.message}`)
      throw error
    } finally {
      clearTimeout(timer)
      rmSync(join(trial.folder, 'undamaged'), { recursive: true, force: true })
    }
  }

  end(): Promise<void> {
    return this.#child.kill()
  }
}
