/** Roles and their permissions over a member. */
import { checkName, permissionOf, permissionRequest, type Permission, type Roles } from '../api/auth.js'
import type { CallOptions } from '../api/call-options.js'
import { rangeOf, type Selection } from '../api/key-value.js'
import type { AuthCalls } from './auth-calls.js'

export class EmbeddedRoles implements Roles {
  readonly #calls: AuthCalls

  constructor(calls: AuthCalls) {
    this.#calls = calls
  }

  async add(name: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    return this.#calls.change({ type: 'role-add', name }, call)
  }

  async delete(name: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    return this.#calls.change({ type: 'role-delete', name }, call)
  }

  async list(call?: CallOptions): Promise<readonly string[]> {
    return (await this.#calls.ask({ type: 'role-list' }, call)).roles
  }

  async get(
    name: string,
    call?: CallOptions,
  ): Promise<{ readonly name: string; readonly permissions: readonly Permission[] }> {
    checkName(name, 'the name')
    const { permissions } = await this.#calls.ask({ type: 'role-get', name }, call)
    return { name, permissions: permissions.map(({ type, key, rangeEnd }) => permissionOf(type, key, rangeEnd)) }
  }

  async grant(role: string, permission: Permission, call?: CallOptions): Promise<void> {
    checkName(role, 'the role')
    return this.#calls.change(
      { type: 'role-grant-permission', name: role, permission: permissionRequest(permission) },
      call,
    )
  }

  async revoke(role: string, selection: Selection, call?: CallOptions): Promise<void> {
    checkName(role, 'the role')
    return this.#calls.change({ type: 'role-revoke-permission', name: role, ...rangeOf(selection) }, call)
  }
}
