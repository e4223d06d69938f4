/** The text of `--help` of a command that asks a cluster. */
import { columns } from '../help.js'
import type { CtlCommand, CtlEntry } from './ctl-command.js'
import { fallbackOf, type CtlFlag } from './ctl-flag.js'
import { GLOBAL_FLAGS, variableOf } from './global-flags.js'

export function ctlHelp({ name, operands, summary }: CtlEntry, { description, flags = [] }: CtlCommand): string {
  return [
    `usage: ${['quorate', name, operands, '[flags]'].filter((part) => part !== '').join(' ')}`,
    '',
    description === undefined ? summary : `${summary}\n${description}`,
    '',
    ...(flags.length > 0 ? ['flags:', ...columns(flags.map(row)), ''] : []),
    `flags of all commands that ask a cluster, each also as a variable (${variableOf({ name: 'endpoints', type: 'list', summary: '' })}):`,
    ...columns(GLOBAL_FLAGS.map(row)),
    '',
  ].join('\n')
}

function row(flag: CtlFlag): [string, string] {
  const { name, short, type, summary } = flag
  const spelling = `${short === undefined ? '' : `-${short}, `}--${name}${type === 'boolean' ? '' : `=${type.toUpperCase()}`}`
  const fallback = fallbackOf(flag)
  const shown = fallback === '' || fallback === 'false' ? '' : ` (${fallback})`
  return [spelling, summary + shown]
}
