/** Words to what a command takes. Node's own parser takes the words apart; what is wrong is said here in words of ours. */
import { parseArgs } from 'node:util'
import { nearMiss } from '../api/check-fields.js'
import { quote } from '../base/quote.js'
import { UsageError, type Command, type Flag, type Given } from './command.js'

/** Flags of every command. */
export const HELP: Flag = { name: 'help', short: 'h', summary: 'says what the command does and takes' }

/** Throws {@link UsageError}. `help` where that was asked for, whatever else is missing. */
export function parseCommand(command: Command, words: readonly string[]): Given | 'help' {
  const known = [...command.flags, HELP]
  const byName = new Map(known.flatMap((flag) => [flag.name, ...(flag.aliases ?? [])].map((name) => [name, flag])))
  const { tokens } = parseArgs({
    args: [...words],
    options: Object.fromEntries(
      [...byName].map(([name, { short, value, name: proper }]) => [
        name,
        { type: value === undefined ? 'boolean' : 'string', ...(short && name === proper && { short }) } as const,
      ]),
    ),
    // Strictness is ours: the parser's own messages advise on programming.
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const operands: string[] = []
  const flags = new Map<string, string>()
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const flag = byName.get(token.name) ?? unknownFlag(token, byName)
    if (flags.has(flag.name)) throw new UsageError(`${token.rawName} is given twice`)
    flags.set(flag.name, valueOf(flag, token))
  }
  if (flags.has(HELP.name)) return 'help'
  checkComplete(command, operands, flags)
  return { operands, flags }
}

/** The part of a token that is needed here. */
interface GivenFlag {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function valueOf({ value: placeholder }: Flag, { rawName, value, inlineValue }: GivenFlag): string {
  if (placeholder === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value`)
    return 'true'
  }
  // What looks like a flag is one, and the value was forgotten; --flag=-value says that it is meant.
  const forgotten = inlineValue !== true && value !== undefined && /^-./.test(value)
  if (value === undefined || value === '' || forgotten) throw new UsageError(`${rawName} needs a value, ${placeholder}`)
  return value
}

function unknownFlag({ name, rawName }: GivenFlag, known: ReadonlyMap<string, Flag>): never {
  throw new UsageError(`there is no flag ${quote(rawName)}${nearMiss(name, Object.fromEntries(known))}`)
}

function checkComplete(command: Command, operands: readonly string[], flags: ReadonlyMap<string, string>): void {
  const missing = command.operands[operands.length]
  if (missing !== undefined) throw new UsageError(`${missing} is missing`)
  const empty = operands.indexOf('')
  if (empty >= 0) throw new UsageError(`${command.operands[empty] ?? 'a word'} is empty`)
  const extra = operands[command.operands.length]
  if (extra !== undefined) throw new UsageError(`${quote(extra)} is one word too many`)
  const absent = command.flags.find(({ name, required }) => required === true && !flags.has(name))
  if (absent !== undefined) throw new UsageError(`--${absent.name} is missing`)
}
