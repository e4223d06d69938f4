/**
 * Users, roles and permissions a second time, as plainly as they can be said: lists that are walked, no sets, nothing kept.
 * What the product decides is compared with what this says, at each command of the log.
 *
 * Not with the product's code: of that it knows the words only.
 */
import type { AuthCommand } from '../../auth/command.js'
import type { Identity } from '../../auth/authorize.js'
import type { Permission } from '../../auth/types.js'
import { assertNever } from '../../base/assert.js'
import type { Key } from '../../base/bytes.js'
import type { ErrorCode } from '../../base/errors.js'
import type { LeaseId } from '../../base/lease-id.js'
import type { Request } from '../../machine/command.js'
import type { Operation } from '../../mvcc/types.js'

/** Keys from `start` to before `end`; undefined: without end. */
interface Span {
  readonly start: Key
  readonly end: Key | undefined
}

interface Demand extends Span {
  readonly right: 'read' | 'write'
}

/** What one user may reach: everything, or what these permissions say. */
export interface Reach {
  readonly everything: boolean
  readonly permissions: readonly Permission[]
}

interface TwinUser {
  readonly roles: ReadonlySet<string>
  readonly since: number
}

export class AuthTwin {
  enabled = false
  #revision = 1
  #enabledSince = 0
  readonly #users = new Map<string, TwinUser>()
  readonly #roles = new Map<string, readonly Permission[]>()

  /** Of each user that there is. */
  get reaches(): ReadonlyMap<string, Reach> {
    return new Map([...this.#users].map(([name, user]) => [name, this.#reachOf(user)]))
  }

  /** Whether a login of a user whose password was looked at then ends well. */
  mayLogIn(name: string, checkedAt: number): boolean {
    const user = this.#users.get(name)
    return this.enabled && user !== undefined && checkedAt >= Math.max(user.since, this.#enabledSince)
  }

  /** Why this caller may not do this; undefined: it may. `keysOf`: what hangs on a lease. */
  refusal(identity: Identity, request: Request, keysOf: (lease: LeaseId) => readonly Key[]): ErrorCode | undefined {
    if (!this.enabled || identity.type === 'member' || request.type === 'login') return undefined
    if (identity.type === 'anonymous') return 'USER_EMPTY'
    const user = this.#users.get(identity.name)
    if (user === undefined) return 'PERMISSION_DENIED'
    const { authRevision } = identity
    if (authRevision < user.since || authRevision < this.#enabledSince) return 'AUTH_REVISION_OLD'
    const reach = this.#reachOf(user)
    if (request.type === 'lease-grant') return undefined
    const demands = demandsOf(request, keysOf)
    if (demands === undefined) return reach.everything ? undefined : 'PERMISSION_DENIED'
    const named = request.type !== 'transaction' || demands.length > 0
    if (named && authRevision < this.#revision) return 'AUTH_REVISION_OLD'
    return demands.every((demand) => allows(reach, demand.right, demand)) ? undefined : 'PERMISSION_DENIED'
  }

  /** Does it. What it is refused with, if it is. */
  apply(command: AuthCommand): ErrorCode | undefined {
    const changes = this.#changes(command)
    const refused = this.#perform(command)
    if (refused === undefined && changes) this.#revision++
    return refused
  }

  /** Whether it counts as a change, unless it is refused. */
  #changes(command: AuthCommand): boolean {
    if (command.type === 'auth-enable') return false
    if (command.type === 'auth-disable') return this.enabled
    return command.type !== 'user-grant-role' || this.#users.get(command.name)?.roles.has(command.role) !== true
  }

  #perform(command: AuthCommand): ErrorCode | undefined {
    switch (command.type) {
      case 'auth-enable':
        if (this.enabled) return undefined
        if (!this.#users.has('root')) return 'ROOT_USER_MISSING'
        if (this.#users.get('root')?.roles.has('root') !== true) return 'ROOT_ROLE_MISSING'
        this.enabled = true
        this.#enabledSince = this.#revision
        return undefined
      case 'auth-disable':
        this.enabled = false
        return undefined
      case 'user-add':
        if (this.#users.has(command.name)) return 'USER_EXISTS'
        this.#users.set(command.name, { roles: new Set(), since: this.#revision + 1 })
        return undefined
      case 'user-delete':
        if (this.enabled && command.name === 'root') return 'AUTH_MANAGEMENT_INVALID'
        return this.#users.delete(command.name) ? undefined : 'USER_NOT_FOUND'
      case 'user-change-password':
        return this.#changeUser(command.name, ({ roles }) => ({ roles, since: this.#revision + 1 }))
      case 'user-grant-role':
        return this.#grantRole(command.name, command.role)
      case 'user-revoke-role':
        return this.#revokeRole(command.name, command.role)
      case 'role-add':
        if (this.#roles.has(command.name)) return 'ROLE_EXISTS'
        this.#roles.set(command.name, [])
        return undefined
      case 'role-delete':
        if (this.enabled && command.name === 'root') return 'AUTH_MANAGEMENT_INVALID'
        if (!this.#roles.delete(command.name)) return 'ROLE_NOT_FOUND'
        for (const name of this.#users.keys()) this.#changeUser(name, (user) => without(user, command.name))
        return undefined
      case 'role-grant-permission': {
        const { name, permission } = command
        if (permission === undefined) return 'PERMISSION_NOT_GIVEN'
        const role = this.#roles.get(name)
        if (role === undefined) return 'ROLE_NOT_FOUND'
        this.#roles.set(name, [...role.filter((each) => !isSamePlace(each, permission)), permission])
        return undefined
      }
      case 'role-revoke-permission': {
        const role = this.#roles.get(command.name)
        if (role === undefined) return 'ROLE_NOT_FOUND'
        if (!role.some((each) => isSamePlace(each, command))) return 'PERMISSION_NOT_GRANTED'
        this.#roles.set(
          command.name,
          role.filter((each) => !isSamePlace(each, command)),
        )
        return undefined
      }
      default:
        return assertNever(command, 'command')
    }
  }

  #grantRole(name: string, role: string): ErrorCode | undefined {
    const user = this.#users.get(name)
    if (user === undefined) return 'USER_NOT_FOUND'
    if (role !== 'root' && !this.#roles.has(role)) return 'ROLE_NOT_FOUND'
    return this.#changeUser(name, ({ roles, since }) => ({ roles: new Set([...roles, role]), since }))
  }

  #revokeRole(name: string, role: string): ErrorCode | undefined {
    if (this.enabled && name === 'root' && role === 'root') return 'AUTH_MANAGEMENT_INVALID'
    const user = this.#users.get(name)
    if (user === undefined) return 'USER_NOT_FOUND'
    if (!user.roles.has(role)) return 'ROLE_NOT_GRANTED'
    return this.#changeUser(name, (before) => without(before, role))
  }

  #changeUser(name: string, change: (user: TwinUser) => TwinUser): ErrorCode | undefined {
    const user = this.#users.get(name)
    if (user === undefined) return 'USER_NOT_FOUND'
    this.#users.set(name, change(user))
    return undefined
  }

  #reachOf({ roles }: TwinUser): Reach {
    return { everything: roles.has('root'), permissions: [...roles].flatMap((role) => this.#roles.get(role) ?? []) }
  }
}

/** Whether all keys of `span` are allowed: from its start on, each permission leads on to where the next must begin. */
export function allows(reach: Reach, right: 'read' | 'write', { start, end }: Span): boolean {
  if (reach.everything) return true
  const spans = reach.permissions
    .filter(({ type }) => type === 'readwrite' || type === right)
    .map(({ key, rangeEnd }) => spanOf(key, rangeEnd))
  let at = start
  while (end === undefined || at < end) {
    const here = spans.filter((span) => span.start <= at && (span.end === undefined || span.end > at))
    if (here.length === 0) return false
    if (here.some((span) => span.end === undefined)) return true
    at = here.reduce((furthest, span) => (span.end !== undefined && span.end > furthest ? span.end : furthest), at)
  }
  return true
}

export function spanOf(key: Key, rangeEnd: Key | undefined): Span {
  if (rangeEnd === '\0') return { start: key, end: undefined }
  const one = rangeEnd === undefined || rangeEnd <= key
  return { start: key, end: one ? `${key}\0` : rangeEnd }
}

/** Undefined: what only the role root may do. */
function demandsOf(request: Request, keysOf: (lease: LeaseId) => readonly Key[]): readonly Demand[] | undefined {
  switch (request.type) {
    case 'put':
    case 'delete':
    case 'transaction':
      return demandsOfOperation(request, keysOf)
    case 'lease-revoke':
      return keysOf(request.id).map((key) => demand('write', key, undefined))
    case 'lease-grant':
    case 'login':
      return []
    case 'compact':
    case 'alarm':
    case 'auth':
    case 'check':
    case 'verify':
    case 'prefix-quota':
    case 'lease-checkpoint':
      return undefined
    default:
      return assertNever(request, 'request')
  }
}

function demandsOfOperation(operation: Operation, keysOf: (lease: LeaseId) => readonly Key[]): readonly Demand[] {
  switch (operation.type) {
    case 'range':
      return [demand('read', operation.key, operation.rangeEnd)]
    case 'put': {
      const { key, lease, previousKeyValue } = operation
      const hanging = lease === 0n ? [] : keysOf(lease).map((each) => demand('write', each, undefined))
      const shown = previousKeyValue === true ? [demand('read', key, undefined)] : []
      return [demand('write', key, undefined), ...shown, ...hanging]
    }
    case 'delete': {
      const { key, rangeEnd, previousKeyValue } = operation
      const shown = previousKeyValue === true ? [demand('read', key, rangeEnd)] : []
      return [demand('write', key, rangeEnd), ...shown]
    }
    case 'transaction': {
      const compared = operation.compare.map(({ key, rangeEnd }) => demand('read', key, rangeEnd))
      const done = [...operation.success, ...operation.failure]
      return [...compared, ...done.flatMap((each) => demandsOfOperation(each, keysOf))]
    }
    default:
      return assertNever(operation, 'operation')
  }
}

function demand(right: Demand['right'], key: Key, rangeEnd: Key | undefined): Demand {
  return { right, ...spanOf(key, rangeEnd) }
}

function without({ roles, since }: TwinUser, role: string): TwinUser {
  return { roles: new Set([...roles].filter((each) => each !== role)), since }
}

type Place = Pick<Permission, 'key' | 'rangeEnd'>

function isSamePlace(one: Place, other: Place): boolean {
  return one.key === other.key && (one.rangeEnd ?? '') === (other.rangeEnd ?? '')
}
