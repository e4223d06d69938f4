/** Alarms: R26 while NOSPACE is active nothing that adds takes effect, and while CORRUPT is nothing that changes keys or leases. */
import { assertNever } from '../../base/assert.js'
import type { CommandBody } from '../../machine/command-codec.js'
import type { Request } from '../../machine/command.js'
import type { MemberEvent } from '../../member/event.js'
import type { Operation } from '../../mvcc/types.js'
import type { MemberView } from './member-view.js'
import type { NodeId } from '../../raft/types.js'
import { fail } from './violation.js'

export class AlarmChecker {
  /** `no-space` and `corrupt`, each with the member that it is about. */
  readonly #active = new Set<string>()

  /** By the first member to apply the entry. */
  applied(
    { name }: MemberView,
    { entry, applied }: Extract<MemberEvent, { type: 'applied' }>,
    { request }: CommandBody,
  ): void {
    if (applied?.outcome?.ok !== true) return
    const what = effectOf(request)
    if (what !== 'none' && this.#is('corrupt')) {
      fail('R26', `the ${request.type} at entry ${entry.index} takes effect though CORRUPT is active (${name})`)
    }
    if (what === 'adds' && this.#is('no-space')) {
      fail('R26', `the ${request.type} at entry ${entry.index} takes effect though NOSPACE is active (${name})`)
    }
    if (request.type !== 'alarm') return
    const alarm = `${request.alarm} ${request.member}`
    if (request.action === 'activate') this.#active.add(alarm)
    else this.#active.delete(alarm)
  }

  /** Alarms about members that are removed go with them. */
  forget(isRemoved: (member: NodeId) => boolean): void {
    for (const alarm of this.#active) if (isRemoved(Number(alarm.split(' ')[1]))) this.#active.delete(alarm)
  }

  #is(alarm: 'no-space' | 'corrupt'): boolean {
    return [...this.#active].some((each) => each.startsWith(`${alarm} `))
  }
}

type Effect = 'adds' | 'changes' | 'none'

function effectOf(request: Request): Effect {
  switch (request.type) {
    case 'put':
    case 'lease-grant':
      return 'adds'
    case 'delete':
    case 'lease-revoke':
    case 'compact':
      return 'changes'
    case 'transaction': {
      const effects = writesOf([...request.success, ...request.failure])
      return effects.includes('put') ? 'adds' : effects.length > 0 ? 'changes' : 'none'
    }
    case 'lease-checkpoint':
    case 'alarm':
    case 'auth':
    case 'login':
    case 'prefix-quota':
    case 'check':
    case 'verify':
      return 'none'
    default:
      return assertNever(request, 'request')
  }
}

function writesOf(operations: readonly Operation[]): readonly ('put' | 'delete')[] {
  return operations.flatMap((operation) => {
    if (operation.type === 'transaction') return writesOf([...operation.success, ...operation.failure])
    return operation.type === 'range' ? [] : [operation.type]
  })
}
