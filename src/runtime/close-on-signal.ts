/**
 * Closes something when the process is told to end, and then lets it end as it would have.
 *
 *     signal ──► close ──► listeners off ──► does anybody else listen to it?
 *       again: listeners off at once ──────►   no: the signal again, which now ends the process
 *                                              yes: the process is theirs to end; of several stores the last one does it
 *
 * Always: nothing is listened to any more once it is closed, by the signal or otherwise.
 * Always: what is not asked for is not installed: whose listener keeps a process from ending, must end it.
 */
import { StoreError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { ProcessSignals, SignalName } from './process-signals.js'

export interface Closable {
  close(): Promise<void>
}

export class CloseOnSignal {
  readonly #process: ProcessSignals
  readonly #logger: Logger
  readonly #stops: (() => void)[]
  #opening: Promise<Closable> | undefined
  readonly #coming = new AbortController()
  /** The one that came first. */
  #signal: SignalName | undefined

  constructor(signals: readonly SignalName[], process: ProcessSignals, logger: Logger) {
    this.#process = process
    this.#logger = logger
    this.#stops = [...new Set(signals)].map((signal) => {
      return process.on(signal, () => {
        this.#came(signal)
      })
    })
  }

  /** Aborted by the first signal: what the opening waits for need not be waited for any more. */
  get coming(): AbortSignal {
    return this.#coming.signal
  }

  /**
   * What is to be closed. A signal that comes before it is open is kept: it is closed as soon as it is there, and this rejects
   * with `CLOSED`. Where it cannot be opened nothing is left behind.
   */
  async opening<T extends Closable>(opening: Promise<T>): Promise<T> {
    this.#opening = opening
    try {
      const opened = await opening
      if (this.#signal === undefined) return opened
    } catch (error) {
      this.stop()
      throw error
    }
    throw new StoreError('CLOSED', `${this.#signal} came while the store was being opened; it is closed again`)
  }

  /** It is closed: listens no more. */
  stop(): void {
    for (const stop of this.#stops.splice(0)) stop()
  }

  #came(signal: SignalName): void {
    if (this.#signal !== undefined) {
      this.#logger.warn('a second signal: the process ends without waiting for the store', { signal })
      this.#end(signal)
      return
    }
    this.#signal = signal
    this.#logger.info('signal: the store is closed before the process ends', { signal })
    this.#coming.abort(new StoreError('CLOSED', `${signal} came while the store was being opened`))
    void this.#close(signal)
  }

  async #close(signal: SignalName): Promise<void> {
    try {
      // What does not open is told to whoever opens it: there is nothing to close then.
      const opened = await this.#opening?.catch(() => undefined)
      await opened?.close()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#logger.error('the store could not be closed in order; the process ends all the same', { signal, reason })
    }
    this.#end(signal)
  }

  #end(signal: SignalName): void {
    this.stop()
    if (!this.#process.listened(signal)) this.#process.end(signal)
  }
}
