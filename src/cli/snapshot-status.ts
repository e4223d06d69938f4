/** `quorate snapshot status`: what is in a snapshot, after reading all of it. */
import { quote } from '../base/quote.js'
import { snapshotStatus, type SnapshotStatus } from '../store/snapshot-status.js'
import type { Command } from './command.js'
import { bytesText, formatOf, OUTPUT_FLAGS, render, timeText, type Rows } from './output.js'
import { EXIT } from './terminal.js'

export const SNAPSHOT_STATUS: Command = {
  name: 'snapshot status',
  summary: 'reads a snapshot, verifies all of it, and tells what is in it',
  description:
    'Reads the whole file: every checksum, and that its records come to the digest that was recorded.\n' +
    'Needs about the memory that a member with this data needs.',
  operands: ['FILE'],
  flags: OUTPUT_FLAGS,
  async run(given, { out, signal }) {
    const format = formatOf(given)
    const [file = ''] = given.operands
    const status = await snapshotStatus(file, { signal })
    out(render(format, snapshotRows(status), status))
    return EXIT.done
  },
}

export function snapshotRows(status: SnapshotStatus): Rows {
  return [
    ['hash', status.hash],
    ['revision', status.revision],
    ['compact revision', status.compactRevision],
    ['keys', status.keys],
    ['leases', status.leases],
    ['records', status.records],
    ['size', bytesText(status.bytes)],
    ['taken', timeText(status.createdAtMs)],
    ['of member', `${quote(status.name)} (id ${status.memberId}, cluster ${status.clusterId})`],
    ['applied index', `${status.appliedIndex} of term ${status.term}`],
    ['digest', status.digest],
  ]
}
