/** Users over a member. */
import { checkName, type Users } from '../api/auth.js'
import type { CallOptions } from '../api/call-options.js'
import { checkBoolean } from '../api/check-boolean.js'
import { checkFields } from '../api/check-fields.js'
import { checkUserName } from '../auth/name.js'
import type { AuthCalls } from './auth-calls.js'

export class EmbeddedUsers implements Users {
  readonly #calls: AuthCalls

  constructor(calls: AuthCalls) {
    this.#calls = calls
  }

  async add(
    name: string,
    options: { readonly password: string } | { readonly noPassword: true },
    call?: CallOptions,
  ): Promise<void> {
    checkName(name, 'the name')
    if (options === undefined) throw new TypeError('users.add() takes { password } or { noPassword: true }')
    checkFields(options, { password: true, noPassword: true }, 'users.add()')
    const { password, noPassword } = options as { readonly password?: string; readonly noPassword?: boolean }
    checkBoolean(noPassword, 'noPassword')
    if ((noPassword === true) === (password !== undefined)) {
      throw new TypeError('users.add() takes either a password or noPassword: true')
    }
    if (password === undefined) return this.#calls.change({ type: 'user-add', name, password }, call)
    return this.#calls.changeWithPassword(password, call, {
      check: () => {
        checkUserName(name)
      },
      commandOf: (hash) => ({ type: 'user-add', name, password: hash }),
    })
  }

  async delete(name: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    return this.#calls.change({ type: 'user-delete', name }, call)
  }

  async changePassword(name: string, password: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    return this.#calls.changeWithPassword(password, call, {
      check: (auth) => {
        auth.answer({ type: 'user-get', name })
      },
      commandOf: (hash) => ({ type: 'user-change-password', name, password: hash }),
    })
  }

  async list(call?: CallOptions): Promise<readonly string[]> {
    return (await this.#calls.ask({ type: 'user-list' }, call)).users
  }

  async get(name: string, call?: CallOptions): Promise<{ readonly name: string; readonly roles: readonly string[] }> {
    checkName(name, 'the name')
    const { roles } = await this.#calls.ask({ type: 'user-get', name }, call)
    return { name, roles }
  }

  async grantRole(name: string, role: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    checkName(role, 'the role')
    return this.#calls.change({ type: 'user-grant-role', name, role }, call)
  }

  async revokeRole(name: string, role: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    checkName(role, 'the role')
    return this.#calls.change({ type: 'user-revoke-role', name, role }, call)
  }
}
