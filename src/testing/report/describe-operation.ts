/** What a client of a run asks for, in words. */
import { assertNever } from '../../base/assert.js'
import type { AuthStep, MembersStep, Operation } from '../swarm/operation.js'
import { describeMs } from './describe-time.js'

/** `client 3 puts 40 bytes to "a" through b, within 2 s` */
export function describeOperation(operation: Operation): string {
  const { client, member, timeoutMs, abortAfterMs, as } = operation
  const who = as === undefined ? `client ${client}` : `client ${client} as ${as}`
  const aborts = abortAfterMs === undefined ? '' : `, and gives up after ${describeMs(abortAfterMs)}`
  return `${who} ${describeWork(operation)} through ${member}, within ${describeMs(timeoutMs)}${aborts}`
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
      return `reads ${what}, at most ${operation.limit} keys${when}${describeShape(operation)},`
    }
    case 'delete':
      return operation.end === undefined
        ? `deletes ${quoted(operation.key)}`
        : `deletes ${quoted(operation.key)} to ${quoted(operation.end)}`
    case 'swap':
      return `changes ${quoted(operation.key)} if it is as it read it last,`
    case 'transaction': {
      const keys = operation.keys.map(quoted).join(', ')
      const kept = operation.keeps === undefined ? '' : `, keeping the ${operation.keeps},`
      const where = operation.nested === undefined ? 'in one transaction' : 'in a transaction within another one'
      return `compares ${quoted(operation.compared)} and writes ${keys}${kept} ${where}`
    }
    case 'put-with-lease':
      return `grants a lease of ${describeMs(operation.ttlMs)} and puts ${operation.keys.map(quoted).join(', ')} under it`
    case 'leases-at-once': {
      const { ttlMs, keys } = operation
      return `grants ${keys.length} leases of ${describeMs(ttlMs)} at once and puts ${keys.map(quoted).join(', ')} under one each`
    }
    case 'time-to-live':
      return 'asks how much is left of its last lease, and what hangs on it'
    case 'leases':
      return 'lists the leases'
    case 'keep-alive':
      return 'keeps its last lease alive'
    case 'revoke':
      return 'revokes its last lease'
    case 'compact':
      return `forgets all history but the last ${revisions(operation.keep)}${operation.physical === true ? ', and waits until it is gone' : ''}`
    case 'hash':
      return 'hashes what the member holds'
    case 'make-room':
      return 'deletes everything, forgets history and disarms NOSPACE'
    case 'limit-prefix': {
      const { prefix, keysMax, bytesMax } = operation
      const most = [
        ...(keysMax === undefined ? [] : [`${keysMax} keys`]),
        ...(bytesMax === undefined ? [] : [`${bytesMax} bytes`]),
      ]
      return `limits what begins with ${quoted(prefix)} to ${most.join(' and ') || 'nothing in particular'}`
    }
    case 'administer':
      return describeStep(operation.step)
    case 'change-members':
      return describeMembersStep(operation.step)
    case 'watch': {
      const pace = operation.slowMs === 0 ? '' : `, taking an event every ${describeMs(operation.slowMs)}`
      const { fromOldest } = operation
      const from =
        fromOldest === undefined
          ? `${revisions(operation.back)} ago`
          : `the oldest revision that is kept${fromOldest === 0 ? '' : fromOldest > 0 ? ` + ${fromOldest}` : ` - ${-fromOldest}`}`
      return `watches ${describeWatched(operation)} from ${from} for ${describeMs(operation.forMs)}${pace},`
    }
    case 'lock': {
      const held = `writes under its guard and holds it for ${describeMs(operation.holdMs)}`
      return `takes the lock ${quoted(operation.name)} with a lease of ${describeMs(operation.ttlMs)}, ${held},`
    }
    default:
      return assertNever(operation, 'operation')
  }
}

function describeShape({ sort, writtenBack, createdBack, only }: Operation & { readonly type: 'range' }): string {
  const sorted = sort === undefined ? '' : `, by ${sort.by}${sort.descending ? ' backwards' : ''}`
  const written = writtenBack === undefined ? '' : `, written within the last ${revisions(writtenBack)}`
  const created = createdBack === undefined ? '' : `, created before the last ${revisions(createdBack)}`
  const shown = only === undefined ? '' : only === 'count' ? ', only their number' : ', only the keys'
  return `${sorted}${written}${created}${shown}`
}

function describeWatched({ from, end, without, progressMs, asks }: Operation & { readonly type: 'watch' }): string {
  const keys =
    from === undefined
      ? 'everything'
      : end === undefined
        ? `what begins with ${quoted(from)}`
        : `${quoted(from)} to ${quoted(end)}`
  const left = without === undefined ? '' : ` without ${without}`
  const every = progressMs === undefined ? '' : `, with its progress every ${describeMs(progressMs)},`
  return `${keys}${left}${every}${asks === true ? ' asking for its progress' : ''}`
}

function describeStep(step: AuthStep): string {
  switch (step.step) {
    case 'set-up':
      return 'sets up users and roles, and enables authorization'
    case 'grant':
      return `allows the role ${step.role} to ${step.allow} ${quoted(step.from)} to ${quoted(step.to)}`
    case 'revoke':
      return `takes ${quoted(step.from)} to ${quoted(step.to)} from the role ${step.role}`
    case 'give-role':
      return `gives ${step.user} the role ${step.role}`
    case 'take-role':
      return `takes the role ${step.role} from ${step.user}`
    case 'change-password':
      return `changes the password of ${step.user}`
    case 'delete-user':
      return `deletes the user ${step.user}`
    case 'delete-role':
      return `deletes the role ${step.role}`
    case 'disable':
      return 'disables authorization'
    default:
      return assertNever(step, 'step')
  }
}

function describeMembersStep(step: MembersStep): string {
  switch (step.step) {
    case 'add':
      return `adds ${step.name} as a ${step.role}`
    case 'remove':
      return `removes ${step.name}`
    case 'promote':
      return `makes ${step.name} a voter`
    case 'replace':
      return `puts ${step.by} in the place of ${step.name}`
    case 'update':
      return `tells all that ${step.name} moves to ${step.address}`
    case 'move-leader':
      return `hands leadership to ${step.name ?? 'whoever is best'}`
    case 'list':
      return `lists the members${step.consistency === 'local' ? ' by what its own member knows' : ''}`
    default:
      return assertNever(step, 'step')
  }
}

function revisions(count: number): string {
  return count === 1 ? '1 revision' : `${count} revisions`
}

function quoted(text: string): string {
  return JSON.stringify(text)
}
