/** The signals of this process: the port of close-on-signal.ts, and what is behind it in production. */
import { constants } from 'node:os'

export type SignalName = NodeJS.Signals

export interface ProcessSignals {
  /** Calls `listener` each time the signal comes, which does not end the process any more; returns what takes it off. */
  on(signal: SignalName, listener: () => void): () => void
  /** Whether anybody listens to it. */
  listened(signal: SignalName): boolean
  /** Ends the process as this signal does where nobody listens to it. */
  end(signal: SignalName): void
}

/** Nobody can listen to these. */
const UNCATCHABLE: readonly string[] = ['SIGKILL', 'SIGSTOP']

export function isSignal(name: unknown): name is SignalName {
  return typeof name === 'string' && Object.hasOwn(constants.signals, name) && !UNCATCHABLE.includes(name)
}

export const PROCESS_SIGNALS: ProcessSignals = {
  on(signal, listener) {
    process.on(signal, listener)
    return () => {
      process.off(signal, listener)
    }
  },
  listened: (signal) => process.listenerCount(signal) > 0,
  end(signal) {
    process.kill(process.pid, signal)
    // The first process of a container is not ended by signals that nobody listens to. What a shell says of one that was.
    process.exit(128 + constants.signals[signal])
  },
}
