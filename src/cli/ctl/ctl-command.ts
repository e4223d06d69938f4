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
