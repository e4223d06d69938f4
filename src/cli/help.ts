/** The texts of `--help`. Plain lines, so that they can be searched and read at 100 columns. */
import type { AnyCommand, Command, Flag } from './command.js'
import { HELP } from './parse.js'

export function programHelp(commands: readonly AnyCommand[]): string {
  return [
    'quorate: runs a replicated key-value store as an etcd server, and looks after its data.',
    '',
    'usage: quorate COMMAND [flags]',
    '',
    ...sections(commands),
    'quorate COMMAND --help says more of each; quorate --version prints the version.',
    'Exit codes: 0 done, 1 failed (or damage found), 2 the command line is wrong; 130, 143: ended by a signal.',
    'Commands that ask a cluster end as those of etcdctl do: 128 the arguments are wrong; docs/CLI.md has all.',
    '',
  ].join('\n')
}

/** In the order of the first of each. */
function sections(commands: readonly AnyCommand[]): string[] {
  const sectionOf = (command: AnyCommand): string | undefined => ('section' in command ? command.section : undefined)
  const titles = [...new Set(commands.map(sectionOf))]
  return titles.flatMap((title) => {
    const rows = commands
      .filter((command) => sectionOf(command) === title)
      .map(({ name, operands, summary }) => [[name, ...operands].join(' '), summary] as const)
    return [...(title === undefined ? [] : [title]), ...columns(rows), '']
  })
}

export function commandHelp(command: Command): string {
  const flags = [...command.flags, HELP]
  return [
    `usage: ${usageOf(command)}`,
    '',
    command.description,
    '',
    'flags:',
    ...columns(flags.map((flag) => [spellingOf(flag), flag.summary])),
    '',
  ].join('\n')
}

export function usageOf({ name, operands, flags }: Command): string {
  const required = flags.filter((flag) => flag.required === true)
  const shown = required.map((flag) => `--${flag.name} ${flag.value ?? ''}`.trimEnd())
  return ['quorate', name, ...operands, ...shown, '[flags]'].join(' ')
}

function spellingOf({ name, aliases = [], short, value }: Flag): string {
  const names = [...(short === undefined ? [] : [`-${short}`]), ...[name, ...aliases].map((each) => `--${each}`)]
  return value === undefined ? names.join(', ') : `${names.join(', ')} ${value}`
}

/** Of two columns; where the first is wide the second stands below. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  const fitting = rows.map(([first]) => first.length).filter((length) => length <= WIDTH_MAX)
  const width = Math.max(0, ...fitting)
  return rows.flatMap(([first, second]) => {
    if (first.length <= width) return [`  ${first.padEnd(width)}  ${second}`]
    return [`  ${first}`, `  ${' '.repeat(width)}  ${second}`]
  })
}

const WIDTH_MAX = 40
