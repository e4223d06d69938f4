/**
 * etcd's Auth: users, roles and permissions as they are here (api/auth.ts), under etcd's names.
 *
 * Always: a password goes to the store as it came, and nowhere else: none is in an error or in what is logged.
 * Always: what is refused without asking the store is refused to administrators only, so that a refusal tells nobody else
 * anything. Logging in and the status are for everybody, whatever token came with the call: who logs in again sends the
 * token that is no good any more, too.
 */
import { permissionRequest, type Permission as StorePermission, type PermissionType } from '../../../api/auth.js'
import type { Selection } from '../../../api/key-value.js'
import { FROM_KEY_ON, keyBytes } from '../../../base/bytes.js'
import { StoreError } from '../../../base/errors.js'
import { Permission_Type, type AuthService, type Permission } from '../../generated/rpc.js'
import { requireRoot } from '../administrator.js'
import type { Face } from '../face.js'
import type { Service } from '../service.js'

/** The role that may do everything: etcd shows it with a permission that cannot be granted. */
const ROOT = 'root'
const ROOT_PERMISSION: Permission = {
  permType: Permission_Type.READWRITE,
  key: Buffer.alloc(0),
  range_end: Buffer.from(FROM_KEY_ON, 'latin1'),
}

export function authService(face: Face): Service<typeof AuthService> {
  const everybody = face.store.as('anonymous')
  const done = (): { header: ReturnType<Face['header']> } => ({ header: face.header() })
  return {
    async authEnable(_, { store, signal }) {
      await store.auth.enable({ signal })
      return done()
    },
    async authDisable(_, { store, signal }) {
      await store.auth.disable({ signal })
      return done()
    },
    async authStatus(_, { signal }) {
      const { enabled, authRevision } = await everybody.auth.status({ signal })
      return { ...done(), enabled, authRevision: BigInt(authRevision) }
    },
    async authenticate({ name, password }, { signal }) {
      const token = await everybody.auth.login(name, password, { signal })
      return { ...done(), token }
    },

    async userAdd({ name, password, options }, { store, signal }) {
      const identification = options?.no_password === true ? ({ noPassword: true } as const) : { password }
      await store.auth.users.add(name, identification, { signal })
      return done()
    },
    async userGet({ name }, { store, signal }) {
      const { roles } = await store.auth.users.get(name, { signal })
      return { ...done(), roles: [...roles] }
    },
    async userList(_, { store, signal }) {
      const users = await store.auth.users.list({ signal })
      return { ...done(), users: [...users] }
    },
    async userDelete({ name }, { store, signal }) {
      await store.auth.users.delete(name, { signal })
      return done()
    },
    async userChangePassword({ name, password }, { store, signal }) {
      await store.auth.users.changePassword(name, password, { signal })
      return done()
    },
    async userGrantRole({ user, role }, { store, signal }) {
      await store.auth.users.grantRole(user, role, { signal })
      return done()
    },
    async userRevokeRole({ name, role }, { store, signal }) {
      await store.auth.users.revokeRole(name, role, { signal })
      return done()
    },

    async roleAdd({ name }, { store, signal }) {
      await store.auth.roles.add(name, { signal })
      return done()
    },
    async roleGet({ role }, { store, signal }) {
      const { permissions } = await store.auth.roles.get(role, { signal })
      return { ...done(), perm: role === ROOT ? [ROOT_PERMISSION] : permissions.map(messageOf) }
    },
    async roleList(_, { store, signal }) {
      const roles = await store.auth.roles.list({ signal })
      return { ...done(), roles: [...roles] }
    },
    async roleDelete({ role }, { store, signal }) {
      await store.auth.roles.delete(role, { signal })
      return done()
    },
    async roleGrantPermission({ name, perm }, call) {
      const permission = perm === undefined ? undefined : permissionOf(perm)
      if (permission === undefined) {
        await requireRoot(call)
        if (perm === undefined) throw new StoreError('PERMISSION_NOT_GIVEN', 'No permission to grant is named.')
        throw new StoreError('AUTH_MANAGEMENT_INVALID', `There is no type ${perm.permType} of permissions.`)
      }
      await call.store.auth.roles.grant(name, permission, { signal: call.signal })
      return done()
    },
    async roleRevokePermission({ role, key, range_end: rangeEnd }, { store, signal }) {
      await store.auth.roles.revoke(role, selectionOf(key, rangeEnd), { signal })
      return done()
    },
  }
}

/** Undefined where its type is none. */
function permissionOf({ permType, key, range_end: rangeEnd }: Permission): StorePermission | undefined {
  const type = TYPES[permType]
  if (type === undefined) return undefined
  const selection = selectionOf(key, rangeEnd)
  return ArrayBuffer.isView(selection) ? { type, key: selection } : { type, ...selection }
}

/** An empty key stays one, whatever the range end: the store would begin at the least key there, and etcd has no such permission. */
function selectionOf(key: Buffer, rangeEnd: Buffer): Extract<Selection, Uint8Array | { from: unknown }> {
  if (key.length === 0 || rangeEnd.length === 0) return key
  return rangeEnd.length === 1 && rangeEnd[0] === 0 ? { from: key } : { from: key, to: rangeEnd }
}

/** Numbers that nobody has named come as they are. */
const TYPES: Readonly<Partial<Record<number, PermissionType>>> = {
  [Permission_Type.READ]: 'read',
  [Permission_Type.WRITE]: 'write',
  [Permission_Type.READWRITE]: 'readwrite',
}

const PERMISSION_TYPES: Readonly<Record<PermissionType, Permission_Type>> = {
  read: Permission_Type.READ,
  write: Permission_Type.WRITE,
  readwrite: Permission_Type.READWRITE,
}

function messageOf(permission: StorePermission): Permission {
  const { type, key, rangeEnd = '' } = permissionRequest(permission)
  return {
    permType: PERMISSION_TYPES[type],
    key: Buffer.from(keyBytes(key)),
    range_end: Buffer.from(keyBytes(rangeEnd)),
  }
}
