/** The vocabulary of authorization: users, roles, permissions. Words and rules are etcd's. */
import type { Key } from '../base/bytes.js'
import type { PasswordHash } from '../base/password-hash.js'

/** The user without which authorization cannot be enabled, and the role that may do everything. */
export const ROOT = 'root'

/** Counts the changes of users, roles and permissions; 1 before the first. */
export type AuthRevision = number

export type PermissionType = 'read' | 'write' | 'readwrite'

/** What a role allows. Key and range end name keys as in a request: one key, a range, or from a key on. */
export interface Permission {
  readonly type: PermissionType
  readonly key: Key
  readonly rangeEnd?: Key | undefined
}

export interface Role {
  readonly name: string
  /** In the order of key and range end, each pair once. */
  readonly permissions: readonly Permission[]
}

export interface User {
  readonly name: string
  /** Undefined: cannot log in with a password. */
  readonly password: PasswordHash | undefined
  /** Sorted, each once. */
  readonly roles: readonly string[]
  /** The revision that created the user or changed the password: who proved to be this user before it proved nothing. */
  readonly since: AuthRevision
}

export interface AuthStatus {
  readonly enabled: boolean
  readonly revision: AuthRevision
  /** The revision at which it was last enabled; who was identified before it was identified in another era. */
  readonly since: AuthRevision
}
