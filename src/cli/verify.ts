/** `quorate verify`: whether all of a data directory is what was written, and what is not. */
import type { Examination } from '../store/examine-directory.js'
import type { Command } from './command.js'
import { examine, exitCodeOf, TEMPORARY_FLAG, TORN } from './inspect.js'
import { formatOf, OUTPUT_FLAGS, render, type Rows } from './output.js'

export const VERIFY: Command = {
  name: 'verify',
  summary: 'reads everything in a data directory and lists all that is damaged',
  description:
    'Every block of the databases, every record of log and state, that the log is a chain without a gap and not\n' +
    'behind its high-water mark, that the state comes to its digests, and that log and state meet: as an open\n' +
    'does, but to the end, whatever is found. Changes nothing: works on a copy, which is removed at the end.\n' +
    'Exit code 0: it is whole; 1: it is damaged, or holds no data.',
  operands: ['DIR'],
  flags: [TEMPORARY_FLAG, ...OUTPUT_FLAGS],
  async run(given, terminal) {
    const format = formatOf(given)
    const examined = await examine(given, terminal)
    const { location, damage, torn } = examined
    const checked = checkedIn(examined)
    terminal.out(
      render(format, rowsOf(examined, checked), { location, whole: damage.length === 0, torn, checked, damage }),
    )
    return exitCodeOf(examined)
  },
}

interface Checked {
  readonly logRecords: number
  readonly logEntries: number
  readonly stateRecords: number
  /** Whether the state was found to be the one whose digests were recorded. */
  readonly stateDigests: boolean
}

function checkedIn({ log, state }: Examination): Checked {
  return {
    logRecords: log?.records ?? 0,
    logEntries: log?.entries ?? 0,
    stateRecords: state?.records ?? 0,
    stateDigests: state?.whole !== undefined,
  }
}

function rowsOf({ location, damage, torn, log, state }: Examination, checked: Checked): Rows {
  const { logRecords, logEntries, stateRecords, stateDigests } = checked
  const upTo = log && `, up to entry ${log.last.index}`
  const digest = state?.whole && `; digest ${state.whole.digest} at entry ${state.whole.applied.index}`
  return [
    ['directory', location],
    ['log', `${logRecords} records with ${logEntries} entries read${upTo ?? ''}`],
    [
      'state',
      `${stateRecords} records read${digest ?? (stateRecords > 0 && !stateDigests ? '; no digest to compare' : '')}`,
    ],
    ...(torn ? [['in use', TORN] as const] : []),
    ['damage', damage.length === 0 ? 'none: all of it is what was written' : damage.join('\n')],
  ]
}
