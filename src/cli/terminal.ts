import type { ProcessSignals } from '../runtime/process-signals.js'

/** Where a command writes to: the process's own streams, or a test that looks at what came. */
export interface Terminal {
  /** What was asked for. */
  readonly out: (text: string) => void
  /** What went wrong, and what somebody who watches should know. */
  readonly err: (text: string) => void
  /** Aborted when the user wants the command to end: it cleans up and does. */
  readonly signal: AbortSignal
  /** All of standard input. Undefined where there is none. */
  readonly readInput?: () => Promise<Uint8Array>
  /** The next line of it, without its end; undefined behind the last one. */
  readonly readLine?: () => Promise<string | undefined>
  /** Asks for a password, which is not shown; where nobody sits there it is the next line of the input. */
  readonly readPassword?: (question: string) => Promise<string>
  /** The environment of the process. */
  readonly variables?: Readonly<Record<string, string | undefined>>
  /**
   * The signals of the process, for a command that ends by them in its own time: from then on nothing else listens to them,
   * and `signal` does not abort. Undefined where there is no process of its own.
   */
  readonly takeSignals?: () => ProcessSignals
}

export const EXIT = { done: 0, failed: 1, misused: 2 } as const
/** {@link EXIT}, or what the program that a command stands in for ends with. */
export type ExitCode = number
