/** Where a command writes to: the process's own streams, or a test that looks at what came. */
export interface Terminal {
  /** What was asked for. */
  readonly out: (text: string) => void
  /** What went wrong, and what somebody who watches should know. */
  readonly err: (text: string) => void
  /** Aborted when the user wants the command to end: it cleans up and does. */
  readonly signal: AbortSignal
}

export const EXIT = { done: 0, failed: 1, misused: 2 } as const
export type ExitCode = (typeof EXIT)[keyof typeof EXIT]
