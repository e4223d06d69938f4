/** One command that stands in for one of etcdctl. */
import type { Context } from './context.js'
import type { CtlFlag } from './ctl-flag.js'

export interface CtlCommand {
  /** One word or two: `lease grant`. */
  readonly name: string
  /** One line. */
  readonly summary: string
  /** What is behind the name in the usage: `KEY [RANGE_END]`. */
  readonly operands: string
  readonly flags?: readonly CtlFlag[]
  /** More to say than the summary: lines of at most 100 characters. */
  readonly description?: string
  /** Resolves with the exit code; nothing is 0. Throws {@link CtlError} with what etcdctl ends with. */
  readonly run: (context: Context) => Promise<number | undefined>
}

/** etcdctl's exit codes. */
export const CTL_EXIT = {
  done: 0,
  failed: 1,
  notConnected: 2,
  invalidInput: 3,
  unsupported: 4,
  interrupted: 5,
  notWritten: 6,
  badArguments: 128,
} as const

/** Ends a command: `Error: ` and the message, on standard error. */
export class CtlError extends Error {
  override readonly name = 'CtlError'

  constructor(
    readonly exitCode: (typeof CTL_EXIT)[keyof typeof CTL_EXIT],
    message: string,
  ) {
    super(message)
  }
}

export function badArguments(message: string): CtlError {
  return new CtlError(CTL_EXIT.badArguments, message)
}
