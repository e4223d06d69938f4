/** A cached view as one would write it first, with one mistake at a time. */
import { isStoreError, type CachedView, type Store, type ViewChange, type ViewChanges } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { sleepUnlessStopped } from './service.js'
import { STEPS } from './steps.js'

/** What the scenario looks at. */
export type ListingView = Pick<CachedView<string>, 'entries' | 'changes' | 'revision' | 'staleMs' | 'trouble' | 'close'>

export interface Mistakes {
  readonly watches?: 'from-now'
  readonly listsAnew?: 'on-top'
  readonly freshBy?: 'progress'
}

type Env = Pick<NodeEnvironment, 'clock' | 'sleep' | 'signal'>

export class NaiveView implements ListingView {
  revision = 0
  readonly trouble = undefined
  readonly #store: Store
  readonly #env: Env
  readonly #mistakes: Mistakes
  readonly #closing = new AbortController()
  readonly #running: Promise<void>
  #state = new Map<string, string>()
  #freshMs: number

  static opener(mistakes: Mistakes): (store: Store, env: Env) => Promise<NaiveView> {
    return async (store, env) => {
      const view = new NaiveView(store, env, mistakes)
      await view.#list()
      void view.#follow()
      return view
    }
  }

  private constructor(store: Store, env: Env, mistakes: Mistakes) {
    this.#store = store
    this.#env = env
    this.#mistakes = mistakes
    this.#freshMs = env.clock.monotonicMs()
    this.#running = Promise.resolve()
  }

  get staleMs(): number {
    return this.#mistakes.freshBy === 'progress' ? this.#env.clock.monotonicMs() - this.#freshMs : Infinity
  }

  *entries(): Generator<[string, string], undefined, undefined> {
    yield* [...this.#state].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  /** It has none: that is looked at in the real one. */
  changes(): ViewChanges<string> {
    const done = { done: true, value: undefined } as const
    const none: ViewChanges<string> = {
      backlog: 0,
      next: () => Promise.resolve<IteratorResult<ViewChange<string>, undefined>>(done),
      [Symbol.asyncIterator]: () => none,
    }
    return none
  }

  close(): Promise<void> {
    this.#closing.abort()
    return this.#running
  }

  async #list(): Promise<void> {
    const { items, revision } = await this.#store.range({ prefix: STEPS })
    const state = this.#mistakes.listsAnew === 'on-top' ? this.#state : new Map<string, string>()
    for (const item of items) state.set(item.key, item.text())
    this.#state = state
    this.revision = revision
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      try {
        await this.#watch(signal)
      } catch (error) {
        if (!isStoreError(error)) throw error
        if (error.code === 'COMPACTED') await this.#list().catch(() => undefined)
        await sleepUnlessStopped({ ...this.#env, signal }, 100)
      }
    }
  }

  async #watch(signal: AbortSignal): Promise<void> {
    const startRevision = this.#mistakes.watches === 'from-now' ? undefined : this.revision + 1
    const watch = this.#store.watch({ prefix: STEPS }, { startRevision, progress: { everyMs: 200 }, signal })
    for await (const batch of watch.batches()) {
      this.#freshMs = this.#env.clock.monotonicMs()
      this.revision = batch.revision
      if (batch.type === 'progress') continue
      for (const { type, key, keyValue } of batch.events) {
        if (type === 'put') this.#state.set(key, keyValue.text())
        else this.#state.delete(key)
      }
    }
  }
}
