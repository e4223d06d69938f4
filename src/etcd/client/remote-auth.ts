/** Users and roles over etcd's API. */
import { keyOf } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import {
  checkName,
  permissionOf,
  permissionRequest,
  type Auth,
  type AuthStatus,
  type Permission,
  type PermissionType,
  type Roles,
  type Users,
  type Whoami,
} from '../../api/auth.js'
import type { CallOptions } from '../../api/call-options.js'
import { checkBoolean } from '../../api/check-boolean.js'
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields, kind } from '../../api/check-fields.js'
import { rangeOf, type Selection } from '../../api/key-value.js'
import { Permission_Type, type Permission as PermissionMessage } from '../generated/rpc.js'
import { numberOf } from '../wire/numbers.js'
import type { Remote } from './remote.js'
import { bytesOf } from './requests.js'

export class RemoteAuth implements Auth {
  readonly users: Users
  readonly roles: Roles
  readonly #remote: Remote

  constructor(remote: Remote) {
    this.#remote = remote
    this.users = new RemoteUsers(remote)
    this.roles = new RemoteRoles(remote)
  }

  async enable(call?: CallOptions): Promise<void> {
    await this.#remote.call(({ auth }) => auth.authEnable({}, checked(call)))
  }

  async disable(call?: CallOptions): Promise<void> {
    await this.#remote.call(({ auth }) => auth.authDisable({}, checked(call)))
  }

  async status(call?: CallOptions): Promise<AuthStatus> {
    const { enabled, authRevision } = await this.#remote.call(({ auth }) => auth.authStatus({}, checked(call)))
    return { enabled, authRevision: numberOf(authRevision) }
  }

  async login(name: string, password: string, call?: CallOptions): Promise<string> {
    checkName(name, 'the name')
    checkPassword(password)
    const options = { ...checked(call), repeatable: true }
    return (await this.#remote.call(({ auth }) => auth.authenticate({ name, password }, options))).token
  }

  async whoami(call?: CallOptions): Promise<Whoami> {
    checked(call)
    this.#remote.check()
    const { user, isAnonymous } = this.#remote.client.calls.login
    if (user !== undefined) return { type: 'user', name: user }
    if (isAnonymous) return { type: 'anonymous' }
    throw new StoreError('NOT_SUPPORTED', "whoami(): etcd's protocol has no call that tells whose a token is.")
  }
}

class RemoteUsers implements Users {
  readonly #remote: Remote

  constructor(remote: Remote) {
    this.#remote = remote
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
    if (password !== undefined) checkPassword(password)
    const request = {
      ...{ name, password: password ?? '', hashedPassword: '' },
      options: { no_password: noPassword === true },
    }
    await this.#remote.call(({ auth }) => auth.userAdd(request, checked(call)))
  }

  async delete(name: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    await this.#remote.call(({ auth }) => auth.userDelete({ name }, checked(call)))
  }

  async changePassword(name: string, password: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    checkPassword(password)
    const request = { name, password, hashedPassword: '' }
    await this.#remote.call(({ auth }) => auth.userChangePassword(request, checked(call)))
  }

  async list(call?: CallOptions): Promise<readonly string[]> {
    const { users } = await this.#remote.call(({ auth }) => auth.userList({}, checked(call)))
    return [...users].sort()
  }

  async get(name: string, call?: CallOptions): Promise<{ readonly name: string; readonly roles: readonly string[] }> {
    checkName(name, 'the name')
    const { roles } = await this.#remote.call(({ auth }) => auth.userGet({ name }, checked(call)))
    return { name, roles: [...roles].sort() }
  }

  async grantRole(name: string, role: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    checkName(role, 'the role')
    await this.#remote.call(({ auth }) => auth.userGrantRole({ user: name, role }, checked(call)))
  }

  async revokeRole(name: string, role: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    checkName(role, 'the role')
    await this.#remote.call(({ auth }) => auth.userRevokeRole({ name, role }, checked(call)))
  }
}

const PERMISSION_TYPES: Readonly<Record<PermissionType, Permission_Type>> = {
  read: Permission_Type.READ,
  write: Permission_Type.WRITE,
  readwrite: Permission_Type.READWRITE,
}

class RemoteRoles implements Roles {
  readonly #remote: Remote

  constructor(remote: Remote) {
    this.#remote = remote
  }

  async add(name: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    await this.#remote.call(({ auth }) => auth.roleAdd({ name }, checked(call)))
  }

  async delete(name: string, call?: CallOptions): Promise<void> {
    checkName(name, 'the name')
    await this.#remote.call(({ auth }) => auth.roleDelete({ role: name }, checked(call)))
  }

  async list(call?: CallOptions): Promise<readonly string[]> {
    const { roles } = await this.#remote.call(({ auth }) => auth.roleList({}, checked(call)))
    return [...roles].sort()
  }

  async get(
    name: string,
    call?: CallOptions,
  ): Promise<{ readonly name: string; readonly permissions: readonly Permission[] }> {
    checkName(name, 'the name')
    const { perm } = await this.#remote.call(({ auth }) => auth.roleGet({ role: name }, checked(call)))
    return { name, permissions: perm.map(permissionOfMessage) }
  }

  async grant(role: string, permission: Permission, call?: CallOptions): Promise<void> {
    checkName(role, 'the role')
    const { type, key, rangeEnd } = permissionRequest(permission)
    const perm = { permType: PERMISSION_TYPES[type], key: bytesOf(key), range_end: bytesOf(rangeEnd) }
    await this.#remote.call(({ auth }) => auth.roleGrantPermission({ name: role, perm }, checked(call)))
  }

  async revoke(role: string, selection: Selection, call?: CallOptions): Promise<void> {
    checkName(role, 'the role')
    const { key, rangeEnd } = rangeOf(selection)
    const request = { role, key: bytesOf(key), range_end: bytesOf(rangeEnd) }
    await this.#remote.call(({ auth }) => auth.roleRevokePermission(request, checked(call)))
  }
}

function permissionOfMessage({ permType, key, range_end }: PermissionMessage): Permission {
  const type = permType === Permission_Type.READ ? 'read' : permType === Permission_Type.WRITE ? 'write' : 'readwrite'
  return permissionOf(type, keyOf(key), range_end.length === 0 ? undefined : keyOf(range_end))
}

/** Throws TypeError, and never says what was given. */
function checkPassword(password: unknown): void {
  if (typeof password !== 'string') throw new TypeError(`the password must be a string, not ${kind(password)}`)
}

function checked(call: CallOptions | undefined): CallOptions {
  checkFields(call, CALL_FIELDS, 'a call of auth')
  return call ?? {}
}
