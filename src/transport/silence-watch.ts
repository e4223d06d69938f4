/**
 * Notices that no byte has come for a while. One timer that is set again only when it goes off, not with each chunk. What
 * arrived while this process itself stood still is handled first: hence `soon`.
 */
import type { Cancel, Clock, Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'

export class SilenceWatch {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #onSilence: (reason: StoreError) => void
  #heardAtMs: number
  #cancel: Cancel | undefined

  constructor({ clock, timers }: { clock: Clock; timers: Timers }, onSilence: (reason: StoreError) => void) {
    this.#clock = clock
    this.#timers = timers
    this.#onSilence = onSilence
    this.#heardAtMs = clock.monotonicMs()
  }

  /** Since the last byte came. */
  get silentMs(): number {
    return this.#clock.monotonicMs() - this.#heardAtMs
  }

  heard(): void {
    this.#heardAtMs = this.#clock.monotonicMs()
  }

  /** From now on `onSilence` is called, once, when nothing came for so long. */
  watch(silentMsMax: number): void {
    const wait = (): void => {
      this.#cancel = this.#timers.after(Math.max(silentMsMax - this.silentMs, 0), look)
    }
    const look = (): void => {
      if (this.silentMs < silentMsMax) return wait()
      this.#cancel = this.#timers.soon(() => {
        if (this.silentMs < silentMsMax) wait()
        else this.#onSilence(new StoreError('TIMEOUT', `Nothing came for ${silentMsMax} ms.`))
      })
    }
    wait()
  }

  stop(): void {
    this.#cancel?.()
  }
}
