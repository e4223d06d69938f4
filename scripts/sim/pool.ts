/**
 * Worker threads that carry out orders, one each at a time.
 *
 * Always: every order ends, with its answer or with an error: of a thread that died, or that did not answer in time.
 */
import { Worker } from 'node:worker_threads'
import { bundleWorker } from './bundle.js'
import type { Answer, Order, Setup } from './messages.js'

export interface PoolOptions {
  readonly threads: number
  readonly setup: Setup
  /** Milliseconds for one order, by a real clock: a run that never ends is a failure, too. */
  readonly answerWithinMs: number
}

interface Asked {
  readonly order: Order
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

interface Thread {
  readonly worker: Worker
  readonly asked: Asked
}

export class Pool {
  readonly #options: PoolOptions
  readonly #program = bundleWorker()
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Thread>()
  readonly #waiting: Asked[] = []
  #workers = 0

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Carries `order` out when a thread is free. */
  ask(order: Order & { readonly type: 'run' }): Promise<Answer & { readonly type: 'ran' }>
  ask(order: Order & { readonly type: 'shrink' }): Promise<Answer & { readonly type: 'shrunk' }>
  ask(order: Order): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ order, resolve, reject })
      this.#next()
    })
  }

  async end(): Promise<void> {
    this.#waiting.length = 0
    await Promise.all([...this.#idle, ...this.#busy.keys()].map((worker) => worker.terminate()))
  }

  #next(): void {
    if (this.#waiting.length === 0) return
    const worker = this.#idle.pop() ?? (this.#workers < this.#options.threads ? this.#start() : undefined)
    const asked = worker === undefined ? undefined : this.#waiting.shift()
    if (worker === undefined || asked === undefined) return
    this.#busy.set(worker, { worker, asked })
    worker.postMessage(asked.order)
    this.#watch(worker, asked)
  }

  #start(): Worker {
    this.#workers++
    const worker = new Worker(this.#program, {
      workerData: this.#options.setup,
      execArgv: ['--enable-source-maps'],
    })
    worker.on('message', (answer: Answer) => {
      const thread = this.#busy.get(worker)
      this.#busy.delete(worker)
      this.#idle.push(worker)
      thread?.asked.resolve(answer)
      this.#next()
    })
    worker.on('error', (error) => {
      this.#lost(worker, error)
    })
    return worker
  }

  #watch(worker: Worker, asked: Asked): void {
    const { answerWithinMs } = this.#options
    const timer = setTimeout(() => {
      if (this.#busy.get(worker)?.asked !== asked) return
      this.#lost(
        worker,
        new Error(`no answer within ${answerWithinMs / 1000} s: ${JSON.stringify(asked.order).slice(0, 200)}`),
      )
      void worker.terminate()
    }, answerWithinMs)
    timer.unref()
  }

  #lost(worker: Worker, error: Error): void {
    const thread = this.#busy.get(worker)
    const at = this.#idle.indexOf(worker)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#busy.delete(worker)
    this.#workers--
    thread?.asked.reject(error)
    this.#next()
  }
}
