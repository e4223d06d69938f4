/**
 * What a run has come to so far, outside of every node: it is not lost in a crash.
 *
 * Always: whatever a program does here is part of the run's trace, so that two runs that differ in it are told apart.
 */
import type { ProgramEvent, WorldEvent } from '../sim/world-event.js'
import type { Observation } from './app.js'

/** One line of what happened, for people. `node` is undefined for what happens to the world. */
export interface StoryLine {
  readonly atMs: number
  readonly node: string | undefined
  readonly text: string
}

/** An error that nobody caught, and that ended the process. */
export interface Uncaught {
  readonly atMs: number
  readonly node: string
  readonly error: unknown
}

/** What a program did, for the trace and for whoever observes the world. */
export interface Told {
  readonly node: string
  readonly event: ProgramEvent
  readonly detail: string
}

type ProcessEvent = Extract<WorldEvent, { subject: 'process' }>

/** What happens to a process, in words; what its program does, it tells by itself. */
const PROCESS_EVENTS: Readonly<Record<Exclude<ProcessEvent['event'], ProgramEvent>, string>> = {
  start: 'starts',
  opened: 'has opened its store',
  failed: 'could not open its store',
  crash: 'crashes',
  stop: 'is asked to stop',
  stopped: 'has stopped',
  pause: 'is stopped short',
  resume: 'goes on',
  lag: 'runs late',
}

/** Of a long story, only the end is kept. */
const STORY_LINES_MAX = 2_000

export class Chronicle<Observed> {
  readonly observations: Observation<Observed>[] = []
  readonly marks = new Set<string>()
  readonly uncaught: Uncaught[] = []
  readonly #nowMs: () => number
  readonly #told: (told: Told) => void
  #story: StoryLine[] = []

  constructor(nowMs: () => number, told: (told: Told) => void) {
    this.#nowMs = nowMs
    this.#told = told
  }

  get story(): readonly StoryLine[] {
    return this.#story.slice(-STORY_LINES_MAX)
  }

  /** Something that happens to a node, or to the world. */
  tell(node: string | undefined, text: string): void {
    this.#story.push({ atMs: this.#nowMs(), node, text })
    if (this.#story.length > 2 * STORY_LINES_MAX) this.#story = this.#story.slice(-STORY_LINES_MAX)
  }

  /** What the world tells of a process. */
  process({ node, event, detail }: ProcessEvent): void {
    if (!isOfProcess(event)) return
    const words = PROCESS_EVENTS[event]
    this.tell(node, detail === '' ? words : `${words}, ${detail}`)
  }

  log(node: string, text: string): void {
    this.#told({ node, event: 'says', detail: text })
    this.tell(node, text)
  }

  observe(node: string, life: number, value: Observed): void {
    this.observations.push({ atMs: this.#nowMs(), node, life, value })
    const detail = inWords(value)
    this.#told({ node, event: 'reports', detail })
    this.tell(node, `reports ${detail}`)
  }

  mark(node: string, name: string): void {
    if (this.marks.has(name)) return
    this.marks.add(name)
    this.#told({ node, event: 'reaches', detail: name })
    this.tell(node, `first ${name}`)
  }

  threw(node: string, error: unknown): void {
    this.uncaught.push({ atMs: this.#nowMs(), node, error })
    const detail = messageOf(error)
    this.#told({ node, event: 'throws', detail })
    this.tell(node, `ends by an error that nobody caught: ${detail}`)
  }
}

function isOfProcess(event: ProcessEvent['event']): event is keyof typeof PROCESS_EVENTS {
  return Object.hasOwn(PROCESS_EVENTS, event)
}

/** Whatever was reported, in one line; describing it must not fail. */
function inWords(value: unknown): string {
  if (typeof value === 'string') return value
  try {
    return (
      JSON.stringify(value, (_key, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part)) ?? String(value)
    )
  } catch {
    return Object.prototype.toString.call(value)
  }
}

export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return inWords(error)
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? `${code} ${error.message}` : `${error.name}: ${error.message}`
}
