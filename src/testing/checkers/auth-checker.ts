/**
 * Authorization: R24 no command takes effect that its caller may not give at that place of the log, none is refused that
 * it may, and what users are told is what they could read at some moment between call and answer (`mayRead`, for whoever
 * sees the answers).
 *
 * Always: judged by a twin of users and roles that follows the log, by the first member to apply each entry. That the
 * others come to the same is R18.
 */
import type { Key } from '../../base/bytes.js'
import type { ErrorCode } from '../../base/errors.js'
import type { LeaseId } from '../../base/lease-id.js'
import type { CommandBody } from '../../machine/command-codec.js'
import type { Outcome } from '../../machine/outcome.js'
import type { MemberEvent } from '../../member/event.js'
import type { Index } from '../../raft/types.js'
import { allows, AuthTwin, spanOf, type Reach } from './auth-twin.js'
import type { MemberView } from './member-view.js'
import { passedOver } from './passed-over.js'
import { fail } from './violation.js'

type EventOf<Type extends MemberEvent['type']> = Extract<MemberEvent, { type: Type }>

/** Who could reach what from an entry of the log on. */
interface Era {
  readonly from: Index
  readonly enabled: boolean
  readonly reaches: ReadonlyMap<string, Reach>
}

const REFUSALS: readonly ErrorCode[] = ['PERMISSION_DENIED', 'AUTH_REVISION_OLD', 'USER_EMPTY']
const FREE: Era = { from: 0, enabled: false, reaches: new Map() }

export class AuthChecker {
  readonly #twin = new AuthTwin()
  readonly #leaseOf = new Map<Key, LeaseId>()
  readonly #eras: Era[] = [FREE]

  /** The last entry that changed what anybody may reach, as far as any member has come. */
  get latest(): Index {
    return this.#eras.at(-1)?.from ?? 0
  }

  /** By the first member to apply the entry. */
  applied(view: MemberView, { entry, applied }: EventOf<'applied'>, body: CommandBody): void {
    if (applied?.outcome === undefined) return
    const { outcome, events } = applied
    if (!passedOver(outcome)) this.#judge(view, entry.index, body, outcome)
    for (const { type, keyValue } of events) {
      if (type === 'put' && keyValue.lease !== 0n) this.#leaseOf.set(keyValue.key, keyValue.lease)
      else this.#leaseOf.delete(keyValue.key)
    }
  }

  /** Whether this user could read that key after some entry, from the one at `from` on, to that at `through`. */
  mayRead(user: string, key: Key, from: Index, through: Index): boolean {
    const span = spanOf(key, undefined)
    for (let at = this.#eras.length - 1; at >= 0; at--) {
      const era = this.#eras[at] ?? FREE
      if (era.from > through) continue
      const reach = era.reaches.get(user)
      if (!era.enabled || (reach !== undefined && allows(reach, 'read', span))) return true
      if (era.from <= from) return false
    }
    return false
  }

  #judge({ name }: MemberView, index: Index, { identity, request }: CommandBody, outcome: Outcome): void {
    const twin = this.#twin
    const who = identity.type === 'user' ? identity.name : identity.type
    const what = `${request.type} of ${who} at entry ${index} (${name})`
    const refusal = twin.refusal(identity, request, (lease) => this.#keysOf(lease))
    const code = outcome.ok ? undefined : outcome.code
    if (refusal !== undefined) {
      if (code === undefined) fail('R24', `the ${what} takes effect, it is to be refused with ${refusal}`)
      if (REFUSALS.includes(code) && code !== refusal) {
        fail('R24', `the ${what} is refused with ${code}, it is to be with ${refusal}`)
      }
      return
    }
    if (request.type === 'login') {
      const may = twin.mayLogIn(request.name, request.checkedAt)
      if (may !== outcome.ok)
        fail('R24', `the login of ${request.name} at entry ${index} ${may ? 'fails' : 'succeeds'}`)
      return
    }
    if (code !== undefined && REFUSALS.includes(code)) fail('R24', `the ${what} is refused with ${code}, it is allowed`)
    if (request.type !== 'auth') return
    const expected = twin.apply(request.command)
    if (expected !== code) {
      fail('R24', `the ${what}, ${request.command.type}, comes to ${told(code)}, it is to come to ${told(expected)}`)
    }
    if (code === undefined) this.#eras.push({ from: index, enabled: twin.enabled, reaches: twin.reaches })
  }

  #keysOf(lease: LeaseId): readonly Key[] {
    return [...this.#leaseOf].filter(([, each]) => each === lease).map(([key]) => key)
  }
}

function told(code: ErrorCode | undefined): string {
  return code ?? 'success'
}
