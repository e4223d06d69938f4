/** What a client of a run asks for, in words. */
import { assertNever } from '../../base/assert.js'
import type { Operation } from '../swarm/operation.js'
import { describeMs } from './describe-time.js'

/** `client 3 puts 40 bytes to "a" through b, within 2 s` */
export function describeOperation(operation: Operation): string {
  const { client, member, timeoutMs, abortAfterMs } = operation
  const aborts = abortAfterMs === undefined ? '' : `, and gives up after ${describeMs(abortAfterMs)}`
  return `client ${client} ${describeWork(operation)} through ${member}, within ${describeMs(timeoutMs)}${aborts}`
}

function describeWork(operation: Operation): string {
  switch (operation.type) {
    case 'put':
      return `puts ${operation.valueBytes} bytes to ${quoted(operation.key)}`
    case 'read': {
      const where = operation.consistency === 'local' ? ' from what the member has' : ''
      return `reads ${quoted(operation.key)}${where}`
    }
    case 'range': {
      const when = operation.back === 0 ? '' : ` as of ${revisions(operation.back)} ago`
      const what = `${quoted(operation.key)} to ${quoted(operation.end)}`
      return `reads ${what}, at most ${operation.limit} keys${when},`
    }
    case 'delete':
      return operation.end === undefined
        ? `deletes ${quoted(operation.key)}`
        : `deletes ${quoted(operation.key)} to ${quoted(operation.end)}`
    case 'swap':
      return `changes ${quoted(operation.key)} if it is as it read it last,`
    case 'transaction': {
      const keys = operation.keys.map(quoted).join(', ')
      return `compares ${quoted(operation.compared)} and writes ${keys} in one transaction`
    }
    case 'put-with-lease':
      return `grants a lease of ${describeMs(operation.ttlMs)} and puts ${operation.keys.map(quoted).join(', ')} under it`
    case 'keep-alive':
      return 'keeps its last lease alive'
    case 'revoke':
      return 'revokes its last lease'
    case 'compact':
      return `forgets all history but the last ${revisions(operation.keep)}`
    case 'watch': {
      const pace = operation.slowMs === 0 ? '' : `, taking an event every ${describeMs(operation.slowMs)}`
      const { fromOldest } = operation
      const from =
        fromOldest === undefined
          ? `${revisions(operation.back)} ago`
          : `the oldest revision that is kept${fromOldest === 0 ? '' : fromOldest > 0 ? ` + ${fromOldest}` : ` - ${-fromOldest}`}`
      return `watches everything from ${from} for ${describeMs(operation.forMs)}${pace},`
    }
    case 'lock': {
      const held = `writes under its guard and holds it for ${describeMs(operation.holdMs)}`
      return `takes the lock ${quoted(operation.name)} with a lease of ${describeMs(operation.ttlMs)}, ${held},`
    }
    default:
      return assertNever(operation, 'operation')
  }
}

function revisions(count: number): string {
  return count === 1 ? '1 revision' : `${count} revisions`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
