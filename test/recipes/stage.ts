/**
 * What the tests of recipes stand on: a real store on simulated time, and processes that can be stopped.
 *
 * Nothing is mocked. Faults are injected at the Store contract: a decorator that loses an answer, delays a write or fails.
 */
import { namespaceOf } from '../../src/api/namespace.js'
import { SILENT } from '../../src/base/logger.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { open, StoreError, type Environment, type Leases, type Store } from 'quorate'

export class Stage {
  readonly scheduler = new SimScheduler()
  readonly environment: Environment = {
    clock: this.scheduler.clock,
    timers: this.scheduler.timersOf(),
    random: seededRandom(1),
    logger: SILENT,
  }
  #store: Store | undefined

  static async open(): Promise<Stage> {
    const stage = new Stage()
    stage.#store = await open({ environment: stage.environment })
    await stage.settle(stage.store.ready())
    return stage
  }

  get store(): Store {
    if (this.#store === undefined) throw new Error('the store is not open')
    return this.#store
  }

  get nowMs(): number {
    return this.scheduler.nowMs
  }

  /** Lets time pass until the promise settles; its result. */
  async settle<T>(promise: Promise<T>, limitMs = 600_000): Promise<T> {
    let settled = false
    const done = (): void => {
      settled = true
    }
    promise.then(done, done)
    await drainMicrotasks()
    if (!(await this.scheduler.runUntil(() => settled, limitMs))) {
      throw new Error(`not settled after ${limitMs} ms of simulated time`)
    }
    return promise
  }

  /** Like {@link settle}, for a promise that must reject: its error. */
  async failure(promise: Promise<unknown>): Promise<StoreError> {
    const error: unknown = await this.settle(promise.then(notRejected, (reason: unknown) => reason))
    if (!(error instanceof StoreError)) throw error
    return error
  }

  async pass(ms: number): Promise<void> {
    await drainMicrotasks()
    await this.scheduler.runUntil(() => false, ms)
  }

  async keys(prefix = ''): Promise<string[]> {
    const { items } = await this.settle(this.store.range({ prefix }))
    return items.map(({ key }) => key)
  }

  async text(key: string): Promise<string | undefined> {
    return (await this.settle(this.store.get(key)))?.text()
  }
}

function notRejected(): never {
  throw new Error('it resolved')
}

/** The store with some of its calls replaced. */
export function decorated(
  store: Store,
  replaced: Partial<Omit<Store, 'leases'>> & { readonly leases?: Partial<Leases> },
): Store {
  const { leases, ...calls } = replaced
  const made: Store = {
    environment: store.environment,
    maintenance: store.maintenance,
    auth: store.auth,
    cluster: store.cluster,
    telemetry: store.telemetry,
    as: (...given) => store.as(...given),
    namespace: (prefix) => namespaceOf(made, prefix),
    ready: (...given) => store.ready(...given),
    put: (...given) => store.put(...given),
    get: (...given) => store.get(...given),
    range: (...given) => store.range(...given),
    delete: (...given) => store.delete(...given),
    txn: (...given) => store.txn(...given),
    watch: (...given) => store.watch(...given),
    compact: (...given) => store.compact(...given),
    status: () => store.status(),
    position: () => store.position(),
    health: () => store.health(),
    on: (...given) => store.on(...given),
    close: () => store.close(),
    [Symbol.asyncDispose]: () => store.close(),
    ...calls,
    leases: {
      grant: (...given) => store.leases.grant(...given),
      keepAlive: (...given) => store.leases.keepAlive(...given),
      revoke: (...given) => store.leases.revoke(...given),
      timeToLive: (...given) => store.leases.timeToLive(...given),
      list: (...given) => store.leases.list(...given),
      ...leases,
    },
  }
  return made
}

export function unknownOutcome(): StoreError {
  return new StoreError('TIMEOUT', 'the answer was lost', { outcome: 'unknown' })
}

/**
 * A process that can be stopped, as by SIGSTOP: while it is, the time goes on, no timer of it fires and no answer reaches
 * it. When it goes on, all of them wait for it. The answers come first, and what follows from them is done before any
 * timer fires: that is the order that deceives.
 */
export class Process {
  readonly store: Store
  #stopped = false
  #answers: (() => void)[] = []
  #timers: (() => void)[] = []

  constructor(stage: Stage) {
    const { store, environment } = stage
    const { timers } = environment
    const after = (delayMs: number, action: () => void): (() => void) => {
      let cancelled = false
      const cancel = timers.after(delayMs, () => {
        this.#whenRunning(this.#timers, () => {
          if (!cancelled) action()
        })
      })
      return () => {
        cancelled = true
        cancel()
      }
    }
    this.store = decorated(store, {
      environment: { ...environment, timers: { after, soon: (action) => after(0, action) } },
      get: (...given) => this.#answered(store.get(...given)),
      range: (...given) => this.#answered(store.range(...given)),
      txn: (...given) => this.#answered(store.txn(...given)),
      leases: {
        grant: (...given) => this.#answered(store.leases.grant(...given)),
        keepAlive: (...given) => this.#answered(store.leases.keepAlive(...given)),
        revoke: (...given) => this.#answered(store.leases.revoke(...given)),
      },
      watch: (...given) => {
        const watch = store.watch(...given)
        const iterator = watch[Symbol.asyncIterator]()
        const held: AsyncIterator<never, undefined> = {
          next: () => this.#answered(iterator.next() as Promise<IteratorResult<never, undefined>>),
          return: () => this.#answered(watch.close().then(() => ({ done: true, value: undefined }) as const)),
        }
        return Object.assign(Object.create(watch) as typeof watch, { [Symbol.asyncIterator]: () => held })
      },
    })
  }

  get stopped(): boolean {
    return this.#stopped
  }

  stop(): void {
    this.#stopped = true
  }

  /** Goes on. What waited runs afterwards: the caller acts first, like code that was in the middle of something. */
  continue(): void {
    this.#stopped = false
    const [answers, timers] = [this.#answers, this.#timers]
    this.#answers = []
    this.#timers = []
    queueMicrotask(() => {
      for (const answer of answers) answer()
    })
    void drainMicrotasks().then(() => {
      for (const action of timers) this.#whenRunning(this.#timers, action)
    })
  }

  async #answered<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } finally {
      await new Promise<void>((resolve) => {
        this.#whenRunning(this.#answers, resolve)
      })
    }
  }

  #whenRunning(queue: (() => void)[], action: () => void): void {
    if (this.#stopped) queue.push(action)
    else action()
  }
}
