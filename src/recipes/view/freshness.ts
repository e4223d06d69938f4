/**
 * How long ago something that follows the cluster was certainly up to date with it.
 *
 *     asked ──── answer: the cluster is at R ──────── what follows reaches R
 *       └─ from then on it is known to have been up to date as of when was asked
 *
 * Always: the time is that of the question. A linearizable read sees everything that was acknowledged before it was sent;
 * what was acknowledged while the answer was on its way it may not have seen.
 * Always: only such an answer counts. Notices of progress come from the own member, and one that is cut off from the others
 * goes on telling, in all honesty, that there is nothing new.
 * Always: one question at a time, however long the cluster takes.
 */
import type { Revision } from '../../api/operations.js'
import type { Cancel, Environment } from '../../base/clock.js'

export interface FreshnessOptions {
  /** Milliseconds between two questions. */
  readonly everyMs: number
  /** The revision of the cluster, linearizably. */
  readonly ask: (options: { readonly timeoutMs: number; readonly signal: AbortSignal }) => Promise<Revision>
  /** How far is what follows the cluster. */
  readonly revision: () => Revision
  /** The cluster answered; `behind` is true when it is ahead of what follows. */
  readonly onAnswer: (behind: boolean) => void
  readonly signal: AbortSignal
}

/** A question that is not answered by then is given up, so that the next one can be asked. */
const ANSWER_MS_MAX = 2_000

interface Answer {
  readonly askedMs: number
  readonly revision: Revision
}

export class Freshness {
  readonly #environment: Environment
  readonly #options: FreshnessOptions
  #freshMs = -Infinity
  /** What is to be reached next, and last. Two suffice: in between there is only a little precision. */
  #next: Answer | undefined
  #last: Answer | undefined
  #cancel: Cancel | undefined
  #asking = false
  #trouble: Error | undefined
  /** Asked for while a question was under way, which may have been asked too early. */
  #again = false
  #stopped = false

  constructor(environment: Environment, options: FreshnessOptions) {
    this.#environment = environment
    this.#options = options
    options.signal.addEventListener('abort', () => this.stop(), { once: true })
  }

  get staleMs(): number {
    return this.#nowMs - this.#freshMs
  }

  /** Why the last question was not answered; undefined when it was. */
  get trouble(): Error | undefined {
    return this.#trouble
  }

  /** For how many milliseconds it has been behind what the cluster answered. 0: it is not. */
  get behindMs(): number {
    return this.#next === undefined ? 0 : this.#nowMs - this.#next.askedMs
  }

  /** The cluster was at `revision` when it was asked at `askedMs`, or later. */
  answered(askedMs: number, revision: Revision): void {
    const answer = { askedMs, revision }
    if (this.#next === undefined) this.#next = answer
    else this.#last = answer
    this.reached()
  }

  /** What follows has come further. */
  reached(): void {
    const revision = this.#options.revision()
    while (this.#next !== undefined && this.#next.revision <= revision) {
      this.#freshMs = Math.max(this.#freshMs, this.#next.askedMs)
      this.#next = this.#last
      this.#last = undefined
    }
  }

  /** Asks every so often from now on. */
  start(): void {
    if (this.#stopped) return
    this.#cancel?.()
    this.#cancel = this.#environment.timers.after(this.#options.everyMs, () => {
      this.askNow()
    })
  }

  /** Asks no more. */
  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  /** Asks before its time. */
  askNow(): void {
    if (this.#stopped) return
    if (this.#asking) this.#again = true
    else void this.#ask()
  }

  get #nowMs(): number {
    return this.#environment.clock.monotonicMs()
  }

  async #ask(): Promise<void> {
    const { everyMs, ask, signal, onAnswer } = this.#options
    this.#cancel?.()
    this.#asking = true
    this.#again = false
    try {
      const askedMs = this.#nowMs
      const revision = await ask({ timeoutMs: Math.max(everyMs, ANSWER_MS_MAX), signal })
      if (this.#stopped) return
      this.#trouble = undefined
      this.answered(askedMs, revision)
      onAnswer(revision > this.#options.revision())
    } catch (error) {
      // Without an answer the time goes on.
      if (!this.#stopped) this.#trouble = error as Error
    } finally {
      this.#asking = false
      if (this.#again) this.askNow()
      else this.start()
    }
  }
}
