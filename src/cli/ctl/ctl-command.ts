/** One command that stands in for one of etcdctl. What it is called, and what stands in the list, is in commands.ts. */
import type { Context } from './context.js'
import type { CtlFlag } from './ctl-flag.js'

export interface CtlCommand {
  readonly flags?: readonly CtlFlag[]
  /** More to say than the summary: lines of at most 100 characters. */
  readonly description?: string
  /** What is behind `--` is a program to run, and not further operands. */
  readonly runsProgram?: true
  /** Throws {@link CtlError} with what etcdctl ends with. */
  readonly run: (context: Context) => Promise<void>
}

/** What is known of a command before it is loaded. */
export interface CtlEntry {
  /** One word or two: `lease grant`. */
  readonly name: string
  /** What is behind the name in the usage: `KEY [RANGE_END]`. */
  readonly operands: string
  /** One line. */
  readonly summary: string
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

/** Ends a command: `Error: ` and the message, on standard error; without a message all was said already. */
export class CtlError extends Error {
  override readonly name = 'CtlError'

  constructor(
    readonly exitCode: number,
    message = '',
  ) {
    super(message)
  }
}

export function badArguments(message: string): CtlError {
  return new CtlError(CTL_EXIT.badArguments, message)
}
