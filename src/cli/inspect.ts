/** `quorate inspect`: what is in the data directory of a member. */
import { quote } from '../base/quote.js'
import { examineDirectory, type Examination, type ExaminedLog, type ExaminedState } from '../store/examine-directory.js'
import type { FormerCluster } from '../base/former-cluster.js'
import type { Command, Flag, Given } from './command.js'
import { bytesText, formatOf, OUTPUT_FLAGS, render, timeText, type Rows } from './output.js'
import { EXIT, type ExitCode, type Terminal } from './terminal.js'

export const TEMPORARY_FLAG: Flag = {
  name: 'temp-dir',
  value: 'DIR',
  summary: 'where the copy is made (default: beside the directory, as hard links where it can)',
}

export const INSPECT: Command = {
  name: 'inspect',
  summary: 'tells what is in a data directory: whose it is, log, state, damage',
  description:
    'Changes nothing: works on a copy, which is removed at the end. The directory may be in use; while much is\n' +
    'written to it, no copy stands still, and that is said. Reads all of it, and needs the memory of an open.\n' +
    'Exit code 0: it is whole; 1: it is damaged, or holds no data.',
  operands: ['DIR'],
  flags: [TEMPORARY_FLAG, ...OUTPUT_FLAGS],
  async run(given, terminal) {
    const format = formatOf(given)
    const examined = await examine(given, terminal)
    terminal.out(render(format, rowsOf(examined), examined))
    return exitCodeOf(examined)
  },
}

export async function examine(given: Given, { signal }: Terminal): Promise<Examination> {
  const [location = ''] = given.operands
  return examineDirectory(location, { temporary: given.flags.get(TEMPORARY_FLAG.name), signal })
}

export function exitCodeOf({ damage }: Examination): ExitCode {
  return damage.length === 0 ? EXIT.done : EXIT.failed
}

/** What a reader has to know of a directory that was written to meanwhile. */
export const TORN = 'it was written to while it was read: what seems damaged may be whole. Stop the member to be sure'

function rowsOf(examined: Examination): Rows {
  const { location, identity, format, promises, log, state, formerClusters, bytes, leftovers, foreign } = examined
  const { damage, torn } = examined
  return [
    ['directory', location],
    ['member', identity ? `${quote(identity.name)} (id ${identity.memberId})` : 'cannot be told'],
    ['cluster', identity ? identity.clusterId : 'cannot be told'],
    ...formerClusters.map((former) => ['former cluster', formerText(former)] as const),
    ['format', format ?? 'cannot be told'],
    [
      'promises',
      promises === 'lost' ? 'lost: it does not vote before it has caught up' : (promises ?? 'cannot be told'),
    ],
    ...logRows(log),
    ...stateRows(state),
    ...Object.entries(bytes).map(([name, size]) => [`size of ${name}`, bytesText(size)] as const),
    ...leftovers.map(({ name, meaning }) => ['left over', `${name}: ${meaning}`] as const),
    ...(foreign.length === 0 ? [] : [['not ours', foreign.map(quote).join(', ')] as const]),
    ...(torn ? [['in use', TORN] as const] : []),
    ['damage', damage.length === 0 ? 'none' : damage.join('\n')],
  ]
}

function logRows(log: ExaminedLog | undefined): Rows {
  if (log === undefined) return [['log', 'cannot be read']]
  const { base, last, entries, records, hardState, writes, incarnation, awaitsState, voters } = log
  const range = base.index === last.index ? 'no entries' : `entries ${base.index + 1} to ${last.index}`
  return [
    ['term', `${hardState.term}, vote ${hardState.vote === 0 ? 'none' : hardState.vote}`],
    ['log', `${range} (${entries} read, in ${records} records), the last of term ${last.term}`],
    ...(voters === undefined ? [] : [['voters', voters.join(', ')] as const]),
    ...(awaitsState
      ? [['waits for', 'a state or entries of the others: its own state was damaged or lost'] as const]
      : []),
    ['log written', `${writes} times; incarnation ${incarnation}`],
  ]
}

function stateRows(state: ExaminedState | undefined): Rows {
  if (state === undefined) return [['state', 'cannot be told where it is']]
  const { slot, records, kinds, proposers, whole } = state
  const counts = Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`)
  const read: Rows = [
    ['state', `${records} records in ${slot}: ${counts.join(', ') || 'none'}`],
    ...(proposers.length === 0 ? [] : [['proposals of', proposers.join(', ')] as const]),
  ]
  if (whole === undefined) return read
  const { applied, revision, compactRevision, keys, alarms, authEnabled, digest } = whole
  const active = alarms.map(({ alarm, member }) => `${alarm} of member ${member}`)
  return [
    ...read,
    ['applied', `entry ${applied.index} of term ${applied.term}`],
    ['revision', `${revision}, compacted at ${compactRevision}`],
    ['keys', keys],
    ['leases', kinds.leases ?? 0],
    ['users', `${kinds.users ?? 0}, authorization ${authEnabled ? 'enabled' : 'disabled'}`],
    ['alarms', active.join(', ') || 'none'],
    ['digest', digest],
  ]
}

function formerText(former: FormerCluster): string {
  const { clusterId, memberId, leftAtMs, lastIndex, lastTerm, appliedIndex, members, withLosses } = former
  const taken = `its log up to entry ${lastIndex} of term ${lastTerm} (applied ${appliedIndex})`
  const losses = withLosses ? ', although something of it was lost' : ''
  const others = members.filter((id) => id !== memberId)
  const known = others.length === 0 ? '' : `; other members: ${others.join(', ')}`
  return `${clusterId}, as member ${memberId}, left ${timeText(leftAtMs)} with ${taken}${losses}${known}`
}
