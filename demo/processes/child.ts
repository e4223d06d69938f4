/**
 * One process that is started, asked, killed without warning and started again.
 *
 * Always: when {@link Child.kill} has resolved, the process is gone and everything it had sent has been heard.
 * Always: it ends when this process does, however this one ends (parent.ts).
 */
import { fork, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Message, Order } from './wire.js'

/** tsx reads tsconfig.json, and with it what `quorate` means, from the working directory. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

export interface ChildOptions<Report> {
  readonly name: string
  /** The TypeScript file it runs; or JavaScript, which starts sooner. */
  readonly script: URL
  readonly args: readonly string[]
  /** A command that starts it in other surroundings, `ip netns exec NAME` for one. Default: it is started as it is. */
  readonly through?: readonly string[]
  /** What it prints is appended to this file. */
  readonly logFile: string
  readonly onReport: (report: Report) => void
  /** It ended without {@link Child.kill} or {@link Child.stop}. */
  readonly onCrash: (reason: string) => void
}

/** The process ended before it had answered. */
export class ProcessGone extends Error {
  override readonly name = 'ProcessGone'
}

interface Waiting {
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: Error) => void
}

export class Child<Command, Report> {
  readonly name: string
  readonly #options: ChildOptions<Report>
  #process: ChildProcess | undefined
  #gone: Promise<void> = Promise.resolve()
  #expected = false
  readonly #waiting = new Map<number, Waiting>()
  #questions = 0
  #starts = 0

  constructor(options: ChildOptions<Report>) {
    this.name = options.name
    this.#options = options
  }

  get running(): boolean {
    return this.#process !== undefined
  }

  /** How often it was started. */
  get starts(): number {
    return this.#starts
  }

  start(): void {
    if (this.#process !== undefined) throw new Error(`${this.name} runs already`)
    const { script, args, logFile, through = [] } = this.#options
    const [command = process.execPath, ...commandArgs] = [...through, process.execPath]
    const output = openSync(logFile, 'a')
    const child = fork(script, args, {
      cwd: ROOT,
      execPath: command,
      execArgv: [...commandArgs, ...(script.pathname.endsWith('.ts') ? ['--import', TSX] : [])],
      stdio: ['ignore', output, output, 'ipc'],
    })
    closeSync(output)
    this.#starts++
    this.#process = child
    this.#expected = false
    child.on('message', (message: Message<Report>) => {
      this.#receive(message)
    })
    // 'close' comes after the last message; 'exit' may come before it.
    this.#gone = new Promise((resolve) => {
      child.once('close', (code, signal) => {
        this.#ended(signal ?? `exit code ${code}`)
        resolve()
      })
    })
  }

  /** Rejects with {@link ProcessGone} when the process ends first, and with what the process says when it cannot. */
  ask<Answer>(command: Command): Promise<Answer> {
    const child = this.#process
    if (child === undefined || !child.connected) return Promise.reject(new ProcessGone(`${this.name} is not running`))
    const id = ++this.#questions
    const order: Order<Command> = { type: 'question', id, command }
    return new Promise<Answer>((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (answer: unknown) => void, reject })
      child.send(order, (error) => {
        if (error !== null) this.#take(id)?.reject(new ProcessGone(`${this.name} is gone: ${error.message}`))
      })
    })
  }

  /** SIGKILL: no handler runs, nothing is flushed. */
  async kill(): Promise<void> {
    this.#expected = true
    this.#process?.kill('SIGKILL')
    await this.#gone
  }

  /** It is about to kill itself: resolves when it is gone, as {@link Child.kill} does. */
  async end(): Promise<void> {
    this.#expected = true
    await this.#gone
  }

  /** SIGSTOP: it stands still, as a process does whose machine is paused, and knows nothing of it. */
  pause(): void {
    this.#process?.kill('SIGSTOP')
  }

  resume(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Tells it to end. */
  async stop(): Promise<void> {
    this.#expected = true
    const order: Order<Command> = { type: 'end' }
    this.#process?.send(order)
    await this.#gone
  }

  #receive(message: Message<Report>): void {
    switch (message.type) {
      case 'report':
        this.#options.onReport(message.report)
        return
      case 'answer':
        this.#take(message.id)?.resolve(message.answer)
        return
      case 'failure':
        this.#take(message.id)?.reject(new Error(`${this.name}: ${message.message}`))
        return
    }
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    return waiting
  }

  #ended(reason: string): void {
    this.#process = undefined
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { reject } of waiting) reject(new ProcessGone(`${this.name} ended (${reason})`))
    if (!this.#expected) this.#options.onCrash(reason)
  }
}
