/** Users, roles and permissions of our store, and who asks. */
import { assertNever } from '../../src/base/assert.js'
import { permissionRequest } from '../../src/api/auth.js'
import type { Permission as StorePermission, Store } from '../../src/index.js'
import type { SeenAuth } from './observation.js'
import type { AuthOperation, Permission, PermissionType } from './operation.js'
import { bytesOf, selectionOf } from './our-values.js'

const NOBODY = ''

export class OurAuth {
  readonly #owner: Store
  readonly #handles = new Map<string, Store>()
  #name = NOBODY

  constructor(owner: Store) {
    this.#owner = owner
    this.#handles.set(NOBODY, owner.as('anonymous'))
  }

  /** The store as who asks. */
  get store(): Store {
    return this.#handles.get(this.#name) ?? (this.#handles.get(NOBODY) as Store)
  }

  async perform(operation: AuthOperation): Promise<SeenAuth> {
    const { auth } = this.store
    switch (operation.type) {
      case 'login': {
        const token = await auth.login(operation.name, operation.password)
        this.#handles.set(operation.name, this.#owner.as({ token }))
        this.#name = operation.name
        return DONE
      }
      case 'become':
        this.#name = operation.name
        return DONE
      case 'auth-enable':
        await auth.enable()
        return DONE
      case 'auth-disable':
        await auth.disable()
        return DONE
      case 'user-list':
        return { type: 'user-list', users: await auth.users.list() }
      case 'role-list':
        return { type: 'role-list', roles: await auth.roles.list() }
      case 'user-add': {
        const { name, password } = operation
        await auth.users.add(name, password === undefined ? { noPassword: true } : { password })
        return DONE
      }
      case 'user-password':
        await auth.users.changePassword(operation.name, operation.password)
        return DONE
      case 'user-delete':
        await auth.users.delete(operation.name)
        return DONE
      case 'user-get':
        return { type: 'user-get', roles: (await auth.users.get(operation.name)).roles }
      case 'user-grant':
        await auth.users.grantRole(operation.name, operation.role)
        return DONE
      case 'user-revoke':
        await auth.users.revokeRole(operation.name, operation.role)
        return DONE
      case 'role-add':
        await auth.roles.add(operation.role)
        return DONE
      case 'role-delete':
        await auth.roles.delete(operation.role)
        return DONE
      case 'role-get': {
        const { permissions } = await auth.roles.get(operation.role)
        return { type: 'role-get', permissions: permissions.map(seenPermission) }
      }
      case 'role-grant':
        await auth.roles.grant(operation.role, permissionOf(operation))
        return DONE
      case 'role-revoke':
        await auth.roles.revoke(operation.role, selectionOf(operation.key, operation.rangeEnd))
        return DONE
      default:
        return assertNever(operation, 'operation')
    }
  }

  /** Disables it, whoever asks, and takes all users and roles away. */
  async clean(): Promise<void> {
    const { auth } = this.#owner
    const nobody = this.#handles.get(NOBODY) as Store
    this.#handles.clear()
    this.#handles.set(NOBODY, nobody)
    this.#name = NOBODY
    await auth.disable()
    for (const name of await auth.users.list()) await auth.users.delete(name)
    for (const role of await auth.roles.list()) await auth.roles.delete(role)
  }
}

const DONE: SeenAuth = { type: 'auth' }

const TYPES = { READ: 'read', WRITE: 'write', READWRITE: 'readwrite' } as const

function permissionOf({ permission, key, rangeEnd }: Permission): StorePermission {
  const type = TYPES[permission]
  if (key === '' || rangeEnd === '') return { type, key: bytesOf(key) }
  return rangeEnd === '\0' ? { type, from: bytesOf(key) } : { type, from: bytesOf(key), to: bytesOf(rangeEnd) }
}

function seenPermission(permission: StorePermission): Permission {
  const { type, key, rangeEnd } = permissionRequest(permission)
  return { permission: type.toUpperCase() as PermissionType, key, rangeEnd: rangeEnd ?? '' }
}
