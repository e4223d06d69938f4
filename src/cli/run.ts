/** From the words of a command line to the exit code: finds the command, has it parsed and run, tells what went wrong. */
import { nearMiss } from '../api/check-fields.js'
import { isStoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { isForeign, UsageError, type AnyCommand } from './command.js'
import { COMMANDS } from './commands.js'
import { namesAmong } from './ctl/names-among.js'
import { commandHelp, programHelp } from './help.js'
import { parseCommand } from './parse.js'
import { EXIT, type ExitCode, type Terminal } from './terminal.js'

export interface Program {
  /** The words behind the name of the program. */
  readonly words: readonly string[]
  readonly terminal: Terminal
  readonly version: string
  readonly commands?: readonly AnyCommand[]
  /** Whether an error that nobody expected is told with its stack. */
  readonly debug?: boolean
}

export async function run({
  words,
  terminal,
  version,
  commands = COMMANDS,
  debug = false,
}: Program): Promise<ExitCode> {
  const [first] = words
  if (first === '--version') return tell(terminal, `quorate ${version}\n`)
  if (first === '--help' || first === '-h') return tell(terminal, programHelp(commands))
  if (first === 'help') return run({ words: [...words.slice(1), '--help'], terminal, version, commands, debug })
  const found = findCommand(words, commands)
  if (found === undefined) return noCommand(wordsOfName(words), terminal, commands)
  const { command, rest } = found
  try {
    if (isForeign(command)) return await command.runWords(rest, terminal, { version, debug })
    const given = parseCommand(command, rest)
    if (given === 'help') return tell(terminal, commandHelp(command))
    return await command.run(given, terminal)
  } catch (error) {
    return failed(command, error, terminal, debug)
  }
}

interface Found {
  readonly command: AnyCommand
  /** The words without its name. */
  readonly rest: readonly string[]
}

function findCommand(words: readonly string[], commands: readonly AnyCommand[]): Found | undefined {
  const named = (at: readonly number[]): Found | undefined => {
    const name = at.map((each) => words[each]).join(' ')
    const command = commands.find((each) => each.name === name)
    return command && { command, rest: words.filter((_, index) => !at.includes(index)) }
  }
  const plain = named([0]) ?? named([0, 1])
  if (plain !== undefined) return plain
  // As with etcdctl, flags may stand before the name, or within it: those that all such commands have.
  const [one, two] = namesAmong(words)
  const found = one === undefined ? undefined : (named([one]) ?? (two === undefined ? undefined : named([one, two])))
  return found !== undefined && isForeign(found.command) && found.command.flagsAnywhere === true ? found : undefined
}

/** Without flags that stand before them. */
function wordsOfName(words: readonly string[]): readonly string[] {
  const [one, two] = namesAmong(words)
  if (one === undefined || one === 0) return words
  return [words[one] ?? '', ...(two === undefined ? [] : [words[two] ?? ''])]
}

/** A word that only begins commands, such as `snapshot`, is answered with those. */
function noCommand(words: readonly string[], terminal: Terminal, commands: readonly AnyCommand[]): ExitCode {
  const [first, second = ''] = words
  const group = commands.filter(({ name }) => name.startsWith(`${first} `))
  if (group.length > 0 && (second === '--help' || second === '-h')) return tell(terminal, programHelp(group))
  if (first === undefined) {
    terminal.err(programHelp(commands))
    return EXIT.misused
  }
  const names = group.length > 0 ? group.map(({ name }) => name) : commands.map(({ name }) => name)
  const asked = group.length > 0 ? `${first} ${second}`.trimEnd() : first
  const hint = nearMiss(asked, Object.fromEntries(names.map((name) => [name, true])))
  terminal.err(`quorate: there is no command ${quote(asked)}${hint}. There are: ${names.join(', ')}\n`)
  return EXIT.misused
}

function failed(command: AnyCommand, error: unknown, terminal: Terminal, debug: boolean): ExitCode {
  if (error instanceof UsageError) {
    terminal.err(`quorate ${command.name}: ${error.message}. See: quorate ${command.name} --help\n`)
    return EXIT.misused
  }
  // Told by who ended it.
  if (terminal.signal.aborted) return EXIT.failed
  terminal.err(`quorate: ${textOf(error, debug)}\n`)
  return EXIT.failed
}

/** One line, unless more was asked for. */
export function textOf(error: unknown, debug: boolean): string {
  if (isStoreError(error)) return `${error.message} (${error.code})`
  if (!(error instanceof Error)) return `unexpected: ${String(error)}`
  if (debug) return error.stack ?? error.message
  return `unexpected: ${error.name}: ${error.message.replaceAll(/\s*\n\s*/g, ' ')} (QUORATE_DEBUG=1 tells where)`
}

function tell(terminal: Terminal, text: string): ExitCode {
  terminal.out(text)
  return EXIT.done
}
