/**
 * A run as text: a line for each event, in columns, then the violation with its numbers.
 *
 *     12.345  a → b   append            t3  5 entries 12..16 after 11@2, commit 11
 *     12.845  a ⇒ b   delivered         append #17, sent at 12.345
 *     13.000  b       vote-granted      t4  to c
 *
 * Times are milliseconds of the run.
 */
import { describeEvent } from '../../raft/describe.js'
import type { RaftEvent } from '../../raft/trace.js'
import { describeFault } from './describe-fault.js'
import type { RecordedEvent, RunRecord } from './run-record.js'

export function transcript(record: RunRecord): string {
  const { headline, events, omitted, violation, endMs } = record
  const lines = [
    `seed ${headline.seed}: ${headline.verdict}`,
    `${headline.faults} faults, ${headline.operations} operations, ${(endMs / 1000).toFixed(3)} s`,
    `replay: ${headline.replay}`,
    '',
  ]
  if (omitted > 0) lines.push(`(${omitted.toLocaleString('en-US')} earlier events are left out)`, '')
  const rows = events.map((event) => rowOf(event, record))
  const widths = { time: endMs.toFixed(3).length, who: widest(rows, 'who'), what: widest(rows, 'what') }
  for (const row of rows) {
    const time = row.atMs.toFixed(3).padStart(widths.time)
    lines.push(`${time}  ${row.who.padEnd(widths.who)}  ${row.what.padEnd(widths.what)}  ${row.detail}`.trimEnd())
  }
  if (violation !== undefined) {
    const [first = '', ...rest] = violation.message.split('\n')
    lines.push('', `${violation.atMs.toFixed(3).padStart(widths.time)}  !! ${first}`)
    for (const line of rest) lines.push(`${' '.repeat(widths.time)}     ${line}`.trimEnd())
  }
  return `${lines.join('\n')}\n`
}

/** One event in three columns. The timeline shows the same words. */
export interface EventRow {
  readonly atMs: number
  /** A member, two with an arrow, or `world`. */
  readonly who: string
  readonly what: string
  readonly detail: string
}

export function rowOf(event: RecordedEvent, record: Pick<RunRecord, 'names'>): EventRow {
  const { atMs } = event
  switch (event.subject) {
    case 'message': {
      const { type, term, detail } = event.frame
      if (event.event === 'sent') {
        const words = [term === undefined ? '' : `t${term}`, detail, `#${event.nth}`].filter((word) => word !== '')
        return { atMs, who: `${event.from} → ${event.to}`, what: type, detail: words.join('  ') }
      }
      const arrow = event.event === 'delivered' ? '⇒' : '→'
      return { atMs, who: `${event.from} ${arrow} ${event.to}`, what: event.event, detail: `${type}  #${event.nth}` }
    }
    case 'process':
    case 'disk':
    case 'member':
      return { atMs, who: event.node, what: event.event, detail: event.detail }
    case 'decision':
      return { atMs, who: event.node, what: event.event.type, detail: describeDecision(event.event, record.names) }
    case 'fault':
      return { atMs, who: 'world', what: `fault ${event.event}s`, detail: describeFault(event.fault) }
    case 'call': {
      const what = `call ${event.id}${event.event === 'invoke' ? '' : ' ends'}`
      return { atMs, who: event.node, what, detail: event.detail }
    }
  }
}

/** What a decision says beside its name, with names in place of ids. */
export function describeDecision(event: RaftEvent, names: ReadonlyMap<number, string>): string {
  const line = describeEvent(event)
  const detail = line.slice(`${event.node}  ${event.type}  `.length)
  return detail.replace(/\b\d{9,}\b/g, (digits) => names.get(Number(digits)) ?? digits)
}

function widest(rows: readonly EventRow[], column: 'who' | 'what'): number {
  let width = 0
  for (const row of rows) width = Math.max(width, row[column].length)
  return width
}
