/** What one command is: its name, what it takes, and what it does. The table of them is in commands.ts. */
import type { ExitCode, Terminal } from './terminal.js'

/** A word that is not a flag, as it stands in the usage: FILE. */
export type Operand = string

export interface Flag {
  /** Without the dashes. */
  readonly name: string
  /** Other names for the same. */
  readonly aliases?: readonly string[]
  /** One letter. */
  readonly short?: string
  /** What stands for its value in the usage; undefined: it takes none. */
  readonly value?: string
  readonly required?: boolean
  readonly summary: string
}

/** What was given: all that is required is there. */
export interface Given {
  readonly operands: readonly string[]
  /** By the name of the flag; of a flag without value 'true'. */
  readonly flags: ReadonlyMap<string, string>
}

export interface Command {
  /** One word or two: `snapshot save`. */
  readonly name: string
  /** One line. */
  readonly summary: string
  /** What a user should know before, in lines of at most 100 characters. */
  readonly description: string
  readonly operands: readonly Operand[]
  readonly flags: readonly Flag[]
  readonly run: (given: Given, terminal: Terminal) => Promise<ExitCode>
}

/** What a command may know of the program that it belongs to. */
export interface About {
  readonly version: string
  /** Whether an error that nobody expected is told with its stack. */
  readonly debug: boolean
}

/** A command that stands in for another program: it reads its words as that one does, and says its own help. */
export interface ForeignCommand {
  readonly name: string
  readonly summary: string
  /** The heading of those that it is listed with. Default: none. */
  readonly section?: string
  /** Flags may stand before its name, and within it. */
  readonly flagsAnywhere?: true
  readonly operands: readonly Operand[]
  readonly runWords: (words: readonly string[], terminal: Terminal, about: About) => Promise<ExitCode>
}

export type AnyCommand = Command | ForeignCommand

export function isForeign(command: AnyCommand): command is ForeignCommand {
  return 'runWords' in command
}

/** The command line itself makes no sense: told without a stack, with exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
