/** The naive twin of users and roles: lists that are searched from end to end, rules in the order of the manual. */
import type { AuthCommand } from '../../src/auth/command.js'
import type { Permission } from '../../src/auth/types.js'
import type { ErrorCode } from '../../src/base/errors.js'

export interface ModelUser {
  roles: Set<string>
  password: string | undefined
}

export class AuthModel {
  enabled = false
  revision = 1
  readonly users = new Map<string, ModelUser>()
  readonly roles = new Map<string, Permission[]>()

  /** The code of the refusal, if it is one. */
  apply(command: AuthCommand): ErrorCode | undefined {
    const before = JSON.stringify(this.describe())
    const code = this.#apply(command)
    if (code !== undefined) return code
    const granted = command.type === 'role-grant-permission' || command.type === 'user-change-password'
    const changed = granted || before !== JSON.stringify(this.describe())
    if (changed && command.type !== 'auth-enable') this.revision++
    return undefined
  }

  /** By the permissions as they stand, one key at a time. */
  may(user: string, mode: 'read' | 'write', key: string): boolean {
    const roles = this.users.get(user)?.roles ?? new Set<string>()
    if (roles.has('root')) return true
    return [...roles].some((role) =>
      (this.roles.get(role) ?? []).some(
        ({ type, key: start, rangeEnd }) => (type === mode || type === 'readwrite') && includes(start, rangeEnd, key),
      ),
    )
  }

  describe(): unknown {
    return [this.enabled, [...this.users].map(([name, { roles }]) => [name, [...roles].sort()]), [...this.roles]]
  }

  #apply(command: AuthCommand): ErrorCode | undefined {
    const root = this.users.get('root')
    switch (command.type) {
      case 'auth-enable':
        if (this.enabled) return undefined
        if (root === undefined) return 'ROOT_USER_MISSING'
        if (!root.roles.has('root')) return 'ROOT_ROLE_MISSING'
        this.enabled = true
        return undefined
      case 'auth-disable':
        this.enabled = false
        return undefined
      case 'user-add':
        if (command.name === '') return 'USER_EMPTY'
        if (this.users.has(command.name)) return 'USER_EXISTS'
        this.users.set(command.name, { roles: new Set(), password: command.password?.reveal() })
        return undefined
      case 'role-add':
        if (command.name === '') return 'ROLE_EMPTY'
        if (this.roles.has(command.name)) return 'ROLE_EXISTS'
        this.roles.set(command.name, [])
        return undefined
      case 'role-delete':
        if (this.enabled && command.name === 'root') return 'AUTH_MANAGEMENT_INVALID'
        if (!this.roles.delete(command.name)) return 'ROLE_NOT_FOUND'
        for (const user of this.users.values()) user.roles.delete(command.name)
        return undefined
      case 'role-grant-permission':
      case 'role-revoke-permission':
        return this.#permission(command)
      case 'user-delete':
      case 'user-change-password':
      case 'user-grant-role':
      case 'user-revoke-role':
        return this.#user(command)
    }
  }

  #user(
    command: Extract<
      AuthCommand,
      { type: 'user-delete' | 'user-change-password' | 'user-grant-role' | 'user-revoke-role' }
    >,
  ): ErrorCode | undefined {
    const { type, name } = command
    if (this.enabled && name === 'root') {
      if (type === 'user-delete') return 'AUTH_MANAGEMENT_INVALID'
      if (type === 'user-revoke-role' && command.role === 'root') return 'AUTH_MANAGEMENT_INVALID'
    }
    const user = this.users.get(name)
    if (user === undefined) return 'USER_NOT_FOUND'
    if (type === 'user-delete') this.users.delete(name)
    if (type === 'user-change-password' && user.password !== undefined) user.password = command.password.reveal()
    if (type === 'user-grant-role') {
      if (command.role !== 'root' && !this.roles.has(command.role)) return 'ROLE_NOT_FOUND'
      user.roles.add(command.role)
    }
    if (type === 'user-revoke-role' && !user.roles.delete(command.role)) return 'ROLE_NOT_GRANTED'
    return undefined
  }

  #permission(
    command: Extract<AuthCommand, { type: 'role-grant-permission' | 'role-revoke-permission' }>,
  ): ErrorCode | undefined {
    const place = command.type === 'role-grant-permission' ? command.permission : command
    if (place === undefined) return 'PERMISSION_NOT_GIVEN'
    const { key, rangeEnd } = place
    if (command.type === 'role-grant-permission') {
      if (key === '' || (rangeEnd !== undefined && rangeEnd !== '\0' && rangeEnd <= key))
        return 'AUTH_MANAGEMENT_INVALID'
    }
    const permissions = this.roles.get(command.name)
    if (permissions === undefined) return 'ROLE_NOT_FOUND'
    const at = permissions.findIndex((each) => each.key === key && each.rangeEnd === rangeEnd)
    if (command.type === 'role-grant-permission') {
      if (at >= 0) permissions.splice(at, 1)
      permissions.push(command.permission as Permission)
      return undefined
    }
    if (at < 0) return 'PERMISSION_NOT_GRANTED'
    permissions.splice(at, 1)
    return undefined
  }
}

/** Whether a range as requests name it holds the key; an end that is not behind the start counts as the start alone. */
export function includes(start: string, rangeEnd: string | undefined, key: string): boolean {
  if (rangeEnd === '\0') return key >= start
  if (rangeEnd === undefined || rangeEnd <= start) return key === start
  return key >= start && key < rangeEnd
}
