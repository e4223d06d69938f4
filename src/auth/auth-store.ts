/**
 * What may be done with users, roles and permissions, and what comes of it: the face of this folder.
 *
 * Deterministic: the state is a function of the commands applied, on every member alike. A refusal is a `StoreError`, and
 * leaves everything as it was; the machine makes an outcome of it like of every other.
 *
 * Always: the revision rises by one with each command that changed something. Enabling is the exception, as with etcd: it
 * changes nobody's permissions, and nobody was identified before it.
 * Always: while it is enabled, the user `root` exists and has the role `root`; else nobody could disable it.
 *
 * Not here: who may do this (access.ts, authorize.ts), how passwords are checked (runtime/password.ts), tokens.
 */
import { assertNever } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import type { Digest } from '../base/checksum.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { AuthBook, sortedNames, type AuthRecord, type Reach } from './auth-book.js'
import type { AuthAnswer, AuthCommand, AuthDone, AuthQuery } from './command.js'
import { checkRoleName, checkUserName } from './name.js'
import type { PasswordHash } from '../base/password-hash.js'
import { quote } from '../base/quote.js'
import { checkPermission, comparePermissions, withoutPermission, withPermission } from './permission.js'
import { ROOT, type AuthRevision, type Permission, type Role, type User } from './types.js'

/** What a login is checked against, and when that was true. */
export interface Credentials {
  /** Undefined: there is no such user. Whoever checks then spends the same time, and fails with `AUTH_FAILED`. */
  readonly password: PasswordHash | undefined
  readonly authRevision: AuthRevision
}

type Of<Type extends AuthCommand['type']> = Extract<AuthCommand, { readonly type: Type }>

export class AuthStore {
  readonly #book = new AuthBook()

  get enabled(): boolean {
    return this.#book.status.enabled
  }

  get revision(): AuthRevision {
    return this.#book.status.revision
  }

  /** Who was identified before this revision was identified before authorization was last enabled. */
  get enabledSince(): AuthRevision {
    return this.#book.status.since
  }

  get digest(): Digest {
    return this.#book.digest
  }

  user(name: string): User | undefined {
    return this.#book.users.get(name)
  }

  reachOf(user: User): Reach {
    return this.#book.reachOf(user)
  }

  /** Does it. Throws what ERRORS.md lists for users, roles and permissions, with nothing changed. */
  apply(command: AuthCommand): AuthDone {
    this.#perform(command)
    return { type: command.type }
  }

  /** Throws `USER_NOT_FOUND`, `ROLE_NOT_FOUND`. */
  answer(query: AuthQuery): AuthAnswer {
    switch (query.type) {
      case 'auth-status':
        return { type: 'auth-status', enabled: this.enabled, authRevision: this.revision }
      case 'user-get':
        return { type: 'user-get', roles: this.#requireUser(query.name).roles }
      case 'user-list':
        return { type: 'user-list', users: sortedNames(this.#book.users.keys()) }
      case 'role-get':
        return { type: 'role-get', permissions: permissionsOf(this.#requireRole(query.name)) }
      case 'role-list':
        return { type: 'role-list', roles: sortedNames(this.#book.roles.keys()) }
      default:
        return assertNever(query, 'query')
    }
  }

  /**
   * What to check a login of `name` against; the check takes long and is done elsewhere. {@link login} ends it.
   * Throws `AUTH_NOT_ENABLED`, `NO_PASSWORD_USER`.
   */
  credentials(name: string): Credentials {
    this.#requireEnabled()
    const user = this.user(name)
    if (user !== undefined && user.password === undefined) {
      throw new StoreError('NO_PASSWORD_USER', 'A password was given for a user who has none.')
    }
    return { password: user?.password, authRevision: this.revision }
  }

  /**
   * Ends a login whose password was found right against the credentials of `checkedAt`; gives the revision for the token.
   * Throws `AUTH_REVISION_OLD` where they changed since, `AUTH_FAILED` where the user is gone.
   */
  login(name: string, checkedAt: AuthRevision): AuthRevision {
    this.#requireEnabled()
    const user = this.user(name)
    if (user === undefined) throw new StoreError('AUTH_FAILED', 'The user does not exist, or the password is wrong.')
    if (Math.max(user.since, this.enabledSince) > checkedAt) {
      throw new StoreError('AUTH_REVISION_OLD', 'The password was changed while it was checked; log in again.')
    }
    return this.revision
  }

  /** The records that changed since this was last called, in the order of their keys. */
  takeChanges(): readonly AuthRecord[] {
    return this.#book.takeChanges()
  }

  /** Takes up a record written before; they come in the order of their keys. Throws `DATA_DAMAGED`, `FORMAT_TOO_NEW`. */
  load(key: Key, record: Uint8Array): void {
    this.#book.load(key, record)
  }

  #perform(command: AuthCommand): void {
    switch (command.type) {
      case 'auth-enable':
        return this.#enable()
      case 'auth-disable':
        return this.#disable()
      case 'user-add':
        return this.#addUser(command)
      case 'user-delete':
        return this.#deleteUser(command.name)
      case 'user-change-password':
        return this.#changePassword(command)
      case 'user-grant-role':
        return this.#grantRole(command)
      case 'user-revoke-role':
        return this.#revokeRole(command)
      case 'role-add':
        return this.#addRole(command.name)
      case 'role-delete':
        return this.#deleteRole(command.name)
      case 'role-grant-permission':
        return this.#grantPermission(command)
      case 'role-revoke-permission':
        return this.#revokePermission(command)
      default:
        return assertNever(command, 'command')
    }
  }

  #enable(): void {
    if (this.enabled) return
    const root = this.user(ROOT)
    if (root === undefined) throw new StoreError('ROOT_USER_MISSING', "There is no user 'root'; add it first.")
    if (!root.roles.includes(ROOT)) {
      throw new StoreError('ROOT_ROLE_MISSING', "The user 'root' does not have the role 'root'; grant it first.")
    }
    this.#book.setStatus({ enabled: true, revision: this.revision, since: this.revision })
  }

  #disable(): void {
    if (!this.enabled) return
    this.#book.setStatus({ enabled: false, revision: this.revision + 1, since: this.enabledSince })
  }

  #addUser({ name, password }: Of<'user-add'>): void {
    checkUserName(name)
    if (this.user(name) !== undefined) throw new StoreError('USER_EXISTS', `There is a user ${quote(name)} already.`)
    checkLimit(this.#book.users.size + 1, LIMITS.authUsersMax, 'users')
    this.#book.setUser({ name, password, roles: [], since: this.revision + 1 })
    this.#changed()
  }

  #deleteUser(name: string): void {
    this.#protectRoot(name === ROOT, "The user 'root' cannot be deleted")
    this.#requireUser(name)
    this.#book.deleteUser(name)
    this.#changed()
  }

  /** Who has no password gets none: etcd takes the call, and goes on refusing every login. */
  #changePassword({ name, password }: Of<'user-change-password'>): void {
    const user = this.#requireUser(name)
    const kept = user.password === undefined ? undefined : password
    this.#book.setUser({ ...user, password: kept, since: this.revision + 1 })
    this.#changed()
  }

  #grantRole({ name, role }: Of<'user-grant-role'>): void {
    const user = this.#requireUser(name)
    if (role !== ROOT) this.#requireRole(role)
    if (user.roles.includes(role)) return
    checkLimit(user.roles.length + 1, LIMITS.authRolesPerUserMax, `roles of user ${quote(name)}`)
    this.#book.setUser({ ...user, roles: sortedNames([...user.roles, role]) })
    this.#changed()
  }

  #revokeRole({ name, role }: Of<'user-revoke-role'>): void {
    this.#protectRoot(name === ROOT && role === ROOT, "The role 'root' cannot be taken from the user 'root'")
    const user = this.#requireUser(name)
    if (!user.roles.includes(role)) {
      throw new StoreError('ROLE_NOT_GRANTED', `The user ${quote(name)} does not have the role ${quote(role)}.`)
    }
    this.#book.setUser(withoutRole(user, role))
    this.#changed()
  }

  #addRole(name: string): void {
    checkRoleName(name)
    if (this.#book.roles.has(name)) throw new StoreError('ROLE_EXISTS', `There is a role ${quote(name)} already.`)
    checkLimit(this.#book.roles.size + 1, LIMITS.authRolesMax, 'roles')
    this.#book.setRole({ name, permissions: [] })
    this.#changed()
  }

  #deleteRole(name: string): void {
    this.#protectRoot(name === ROOT, "The role 'root' cannot be deleted")
    this.#requireRole(name)
    for (const user of this.#book.usersOf(name)) this.#book.setUser(withoutRole(user, name))
    this.#book.deleteRole(name)
    this.#changed()
  }

  #grantPermission({ name, permission }: Of<'role-grant-permission'>): void {
    if (permission === undefined) throw new StoreError('PERMISSION_NOT_GIVEN', 'No permission to grant is named.')
    checkPermission(permission)
    const role = this.#requireRole(name)
    const permissions = withPermission(role.permissions, permission)
    const replaced = role.permissions.find((each) => comparePermissions(each, permission) === 0)
    if (replaced === undefined) this.#book.widenRole({ name, permissions }, permission)
    else this.#book.setRole({ name, permissions })
    this.#changed()
  }

  #revokePermission(command: Of<'role-revoke-permission'>): void {
    const { name } = command
    const role = this.#requireRole(name)
    const permissions = withoutPermission(role.permissions, command)
    if (permissions.length === role.permissions.length) {
      throw new StoreError(
        'PERMISSION_NOT_GRANTED',
        `The role ${quote(name)} has no permission for exactly this range.`,
      )
    }
    this.#book.setRole({ name, permissions })
    this.#changed()
  }

  #changed(): void {
    const { enabled, revision, since } = this.#book.status
    this.#book.setStatus({ enabled, revision: revision + 1, since })
  }

  #requireEnabled(): void {
    if (!this.enabled) throw new StoreError('AUTH_NOT_ENABLED', 'Authorization is not enabled.')
  }

  #requireUser(name: string): User {
    const found = this.user(name)
    if (found === undefined) throw new StoreError('USER_NOT_FOUND', `There is no user ${quote(name)}.`)
    return found
  }

  #requireRole(name: string): Role {
    const found = this.#book.roles.get(name)
    if (found === undefined) throw new StoreError('ROLE_NOT_FOUND', `There is no role ${quote(name)}.`)
    return found
  }

  #protectRoot(touched: boolean, what: string): void {
    if (!touched || !this.enabled) return
    throw new StoreError('AUTH_MANAGEMENT_INVALID', `${what} while authorization is enabled.`)
  }
}

/** The role `root` shows what it may do, whatever was granted to it. */
function permissionsOf(role: Role): readonly Permission[] {
  return role.name === ROOT ? [{ type: 'readwrite', key: '', rangeEnd: '\0' }] : role.permissions
}

function withoutRole(user: User, role: string): User {
  return { ...user, roles: user.roles.filter((each) => each !== role) }
}

function checkLimit(count: number, most: number, what: string): void {
  if (count <= most) return
  throw new StoreError('AUTH_LIMIT_EXCEEDED', `There would be ${count} ${what}; at most ${most} are allowed.`)
}
