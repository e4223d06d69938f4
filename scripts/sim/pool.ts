/**
 * Worker threads that carry out orders, one each at a time.
 *
 * Always: every order ends, with its answer or with an error: of a thread that died, or that did not answer in time.
 */
import { Worker } from 'node:worker_threads'

export interface PoolOptions {
  readonly threads: number
  /** The path of what each of them runs. */
  readonly program: string
  /** What each of them is told when it starts. Plain data. */
  readonly setup?: unknown
  /** Milliseconds for one order, by a real clock: a run that never ends is a failure, too. */
  readonly answerWithinMs: number
}

interface Asked<Order> {
  readonly order: Order
  readonly resolve: (answer: never) => void
  readonly reject: (error: Error) => void
}

/** `Answers`: what each type of order is answered with. */
export class Pool<Order extends { readonly type: string }, Answers extends Record<Order['type'], unknown>> {
  readonly #options: PoolOptions
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Asked<Order>>()
  readonly #waiting: Asked<Order>[] = []
  #workers = 0

  constructor(options: PoolOptions) {
    this.#options = options
  }

  /** Carries `order` out when a thread is free. */
  ask<Type extends Order['type']>(order: Order & { readonly type: Type }): Promise<Answers[Type]> {
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
    this.#busy.set(worker, asked)
    worker.postMessage(asked.order)
    this.#watch(worker, asked)
  }

  #start(): Worker {
    this.#workers++
    const { program, setup } = this.#options
    const worker = new Worker(program, {
      workerData: setup,
      execArgv: ['--enable-source-maps'],
    })
    worker.on('message', (answer: unknown) => {
      const asked = this.#busy.get(worker)
      this.#busy.delete(worker)
      this.#idle.push(worker)
      asked?.resolve(answer as never)
      this.#next()
    })
    worker.on('error', (error) => {
      this.#lost(worker, error)
    })
    return worker
  }

  #watch(worker: Worker, asked: Asked<Order>): void {
    const { answerWithinMs } = this.#options
    const timer = setTimeout(() => {
      if (this.#busy.get(worker) !== asked) return
      this.#lost(
        worker,
        new Error(`no answer within ${answerWithinMs / 1000} s: ${JSON.stringify(asked.order).slice(0, 200)}`),
      )
      void worker.terminate()
    }, answerWithinMs)
    timer.unref()
  }

  #lost(worker: Worker, error: Error): void {
    const asked = this.#busy.get(worker)
    const at = this.#idle.indexOf(worker)
    if (at >= 0) this.#idle.splice(at, 1)
    this.#busy.delete(worker)
    this.#workers--
    asked?.reject(error)
    this.#next()
  }
}
