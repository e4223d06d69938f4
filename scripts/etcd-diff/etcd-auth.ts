/** Users, roles and permissions of a real etcd, and who asks. */
import { assertNever } from '../../src/base/assert.js'
import { EtcdRefusal, type EtcdClient, type Message } from './etcd-client.js'
import { bytesOf, rangeFields, revisionOf } from './etcd-fields.js'
import type { Observation, SeenAuth } from './observation.js'
import { ROOT, type AuthOperation, type Bearings, type Permission, type PermissionType } from './operation.js'

export class EtcdAuth {
  readonly #client: EtcdClient
  readonly #tokens = new Map<string, string>()
  #name = ''

  constructor(client: EtcdClient) {
    this.#client = client
  }

  /** Of who asks. */
  get token(): string | undefined {
    return this.#tokens.get(this.#name)
  }

  async perform(operation: AuthOperation, { revision }: Bearings): Promise<Observation> {
    if (operation.type === 'become') {
      this.#name = operation.name
      return { revision, response: { type: 'auth' } }
    }
    const [method, request] = requestOf(operation)
    const body = await this.#call(method, request)
    if (operation.type === 'login') {
      this.#tokens.set(operation.name, String(body['token']))
      this.#name = operation.name
    }
    return { revision: revisionOf(body), response: responseOf(operation.type, body) }
  }

  /** Disables it, whoever asks, and takes all users and roles away. */
  async clean(): Promise<void> {
    this.#name = ''
    this.#tokens.clear()
    try {
      await this.#call('AuthDisable', {})
    } catch (error) {
      if (!(error instanceof EtcdRefusal)) throw error
      const { token } = await this.#client.call('Auth', 'Authenticate', ROOT)
      await this.#client.call('Auth', 'AuthDisable', {}, String(token))
    }
    const { users } = await this.#call('UserList', {})
    for (const name of users as string[]) await this.#call('UserDelete', { name })
    const { roles } = await this.#call('RoleList', {})
    for (const role of roles as string[]) await this.#call('RoleDelete', { role })
  }

  #call(method: string, request: Message): Promise<Message> {
    return this.#client.call('Auth', method, request, this.token)
  }
}

function requestOf(operation: Exclude<AuthOperation, { type: 'become' }>): [method: string, request: Message] {
  switch (operation.type) {
    case 'login':
      return ['Authenticate', { name: operation.name, password: operation.password }]
    case 'auth-enable':
      return ['AuthEnable', {}]
    case 'auth-disable':
      return ['AuthDisable', {}]
    case 'user-list':
      return ['UserList', {}]
    case 'role-list':
      return ['RoleList', {}]
    case 'user-add': {
      const { name, password } = operation
      return [
        'UserAdd',
        password === undefined ? { name, options: { noPassword: true } } : { name, password, options: {} },
      ]
    }
    case 'user-password':
      return ['UserChangePassword', { name: operation.name, password: operation.password }]
    case 'user-delete':
      return ['UserDelete', { name: operation.name }]
    case 'user-get':
      return ['UserGet', { name: operation.name }]
    case 'user-grant':
      return ['UserGrantRole', { user: operation.name, role: operation.role }]
    case 'user-revoke':
      return ['UserRevokeRole', { name: operation.name, role: operation.role }]
    case 'role-add':
      return ['RoleAdd', { name: operation.role }]
    case 'role-delete':
      return ['RoleDelete', { role: operation.role }]
    case 'role-get':
      return ['RoleGet', { role: operation.role }]
    case 'role-grant': {
      const { role, permission, key, rangeEnd } = operation
      return ['RoleGrantPermission', { name: role, perm: { permType: permission, ...rangeFields(key, rangeEnd) } }]
    }
    case 'role-revoke':
      return ['RoleRevokePermission', { role: operation.role, ...rangeFields(operation.key, operation.rangeEnd) }]
    default:
      return assertNever(operation, 'operation')
  }
}

function responseOf(type: AuthOperation['type'], body: Message): SeenAuth {
  if (type === 'user-list') return { type, users: body['users'] as string[] }
  if (type === 'user-get' || type === 'role-list') return { type, roles: body['roles'] as string[] }
  if (type === 'role-get') return { type, permissions: (body['perm'] as Message[]).map(permissionOf) }
  return { type: 'auth' }
}

function permissionOf(perm: Message): Permission {
  return {
    permission: perm['permType'] as PermissionType,
    key: bytesOf(perm['key'] as Buffer),
    rangeEnd: bytesOf(perm['rangeEnd'] as Buffer),
  }
}
