/**
 * The end of a handle: of one that `as()` or `namespace()` gave, which is closed by itself while the store goes on.
 *
 * Always: what was made of a handle ends with it. It is asked upwards rather than told downwards, so that a handle that is
 * thrown away unclosed, as one for each request is, leaves nothing behind.
 */
import { AbortSignals } from '../base/abort-signals.js'
import type { Cancel } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import type { Store, StoreEvents } from './store.js'

export class Closing {
  readonly #controller = new AbortController()
  /** Of all handles of one store: one for each request may wait with the same signal. */
  readonly #signals: AbortSignals
  readonly #above: Closing | undefined

  /**
   * @param above of the handle that this one was made of, and ends with.
   * @param beside of one with which it shares its listeners: a signal that is given to the handles of all tenants costs one.
   */
  constructor(above?: Closing, beside = above) {
    this.#above = above
    this.#signals = beside === undefined ? new AbortSignals() : beside.#signals
  }

  /** Throws `CLOSED` once this is closed. */
  check(): void {
    if (this.#endings.some(({ aborted }) => aborted)) {
      throw new StoreError('CLOSED', 'This handle of the store is closed.')
    }
  }

  /** Idempotent. */
  close(): void {
    this.#controller.abort()
  }

  /** Calls `end` when this is closed or `signal` aborts; at once where that is so already. */
  onEnd(signal: AbortSignal | undefined, end: () => void): Cancel {
    const endings = signal === undefined ? this.#endings : [...this.#endings, signal]
    if (endings.some(({ aborted }) => aborted)) {
      end()
      return () => undefined
    }
    const stop = (): void => {
      for (const cancel of cancels) cancel()
    }
    const cancels = endings.map((ending) =>
      this.#signals.onAbort(ending, () => {
        stop()
        end()
      }),
    )
    return stop
  }

  /** Tells `listener` once: when this is closed, or the store that it is a handle of. */
  onClosed(store: Pick<Store, 'on' | 'environment'>, listener: StoreEvents['closed']): Cancel {
    const stops: Cancel[] = []
    const stop = (): void => {
      for (const each of stops) each()
    }
    // Both may be told before either can be called off.
    let told = false
    const tell = (): void => {
      if (told) return
      told = true
      stop()
      void Promise.resolve()
        .then(listener)
        .catch((error: unknown) => {
          store.environment.logger.error('a listener threw', { event: 'closed', reason: String(error) })
        })
    }
    stops.push(store.on('closed', tell))
    stops.push(this.onEnd(undefined, tell))
    return stop
  }

  get #endings(): readonly AbortSignal[] {
    const own = this.#controller.signal
    return this.#above === undefined ? [own] : [own, ...this.#above.#endings]
  }
}
