/**
 * An AbortController whose signal looks first, whenever it is asked whether it is aborted.
 *
 * A signal is aborted by a timer. A process that was stopped finds that timer waiting among all else that was due, and
 * whoever runs before it and asks is told that all is well. Who holds the object that the signal is of could look at the
 * clock when the property is read, but the signal is what is passed on: `({ signal }) => { while (!signal.aborted) ... }`.
 *
 * Not here: a signal made of this one, by `AbortSignal.any()` say. It is told when this one is asked, or by the timer.
 */
export class WatchfulController {
  readonly #controller = new AbortController()

  /** @param look aborts this controller where it finds that it is time. */
  constructor(look: () => void) {
    const { signal } = this.#controller
    const asked = (property: 'aborted' | 'reason'): PropertyDescriptor => ({
      get: () => {
        if (!this.aborted) look()
        return Reflect.get(AbortSignal.prototype, property, signal) as unknown
      },
    })
    Object.defineProperties(signal, {
      aborted: asked('aborted'),
      reason: asked('reason'),
      throwIfAborted: {
        value: () => {
          if (!this.aborted) look()
          AbortSignal.prototype.throwIfAborted.call(signal)
        },
      },
    })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Without a look. */
  get aborted(): boolean {
    return Reflect.get<AbortSignal, 'aborted'>(AbortSignal.prototype, 'aborted', this.#controller.signal)
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason)
  }
}
