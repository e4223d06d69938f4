/**
 * Users, roles and permissions, as users of a store see them. Words and rules are etcd's (docs/OPERATING.md has the steps).
 *
 * Authorization is disabled at first: everybody may do everything. Once it is enabled, what is called on a handle that
 * {@link Store.as} made is refused unless the roles of its user allow all of it.
 */
import { FROM_KEY_ON, keyBytes, keyOf, keyText, prefixEnd, type BytesLike, type Key } from '../base/bytes.js'
import type { CallOptions } from './call-options.js'
import { checkFields, kind } from './check-fields.js'
import { rangeOf, type KeyRange, type Selection } from './key-value.js'

/** On whose behalf a handle of the store calls: see {@link Store.as}. */
export type Caller =
  /** Whoever logged in and got this token. */
  | { readonly token: string }
  /** A user who was proved to be it elsewhere: by a client certificate, say. */
  | { readonly user: string }
  | 'anonymous'

export interface AuthStatus {
  readonly enabled: boolean
  /** Counts the changes of users, roles and permissions. */
  readonly authRevision: number
}

/** Whom a handle stands for: the process that holds the data, a user, or nobody. */
export type Whoami =
  { readonly type: 'owner' } | { readonly type: 'user'; readonly name: string } | { readonly type: 'anonymous' }

export interface Auth {
  readonly users: Users
  readonly roles: Roles
  /**
   * From now on permissions count. Rejects with `ROOT_USER_MISSING`, `ROOT_ROLE_MISSING` unless there is a user `root`
   * with the role `root`. Nothing happens where it is enabled already.
   */
  enable(call?: CallOptions): Promise<void>
  /** Everybody may do everything again, and every token is void. */
  disable(call?: CallOptions): Promise<void>
  /** Told to everybody. */
  status(call?: CallOptions): Promise<AuthStatus>
  /**
   * A token for {@link Store.as}. Rejects with `AUTH_FAILED` where there is no such user or the password is wrong,
   * `NO_PASSWORD_USER`, `AUTH_NOT_ENABLED`. Checking a password takes a tenth of a second or more, on purpose, and a member
   * checks one at a time.
   */
  login(name: string, password: string, call?: CallOptions): Promise<string>
  /** Whom this handle stands for, as this member knows; needs no other member. Rejects with `AUTH_TOKEN_INVALID`. */
  whoami(call?: CallOptions): Promise<Whoami>
}

/** All but `get` of oneself is for the role `root`. */
export interface Users {
  /** `noPassword`: a user who cannot log in, and is known by a certificate. Rejects with `USER_EXISTS`. */
  add(
    name: string,
    options: { readonly password: string } | { readonly noPassword: true },
    call?: CallOptions,
  ): Promise<void>
  /** Voids the tokens of the user. Rejects with `USER_NOT_FOUND`. */
  delete(name: string, call?: CallOptions): Promise<void>
  /** Voids the tokens of the user. A user without a password stays without one. */
  changePassword(name: string, password: string, call?: CallOptions): Promise<void>
  /** Their names, in order. */
  list(call?: CallOptions): Promise<readonly string[]>
  /** The roles of a user, in order. */
  get(name: string, call?: CallOptions): Promise<{ readonly name: string; readonly roles: readonly string[] }>
  /** Nothing happens where the user has it. Rejects with `ROLE_NOT_FOUND`, `USER_NOT_FOUND`. */
  grantRole(name: string, role: string, call?: CallOptions): Promise<void>
  /** Rejects with `ROLE_NOT_GRANTED`. */
  revokeRole(name: string, role: string, call?: CallOptions): Promise<void>
}

/** All but `get` of a role that one has is for the role `root`. */
export interface Roles {
  /** Rejects with `ROLE_EXISTS`. */
  add(name: string, call?: CallOptions): Promise<void>
  /** Takes it from all who have it. Rejects with `ROLE_NOT_FOUND`. */
  delete(name: string, call?: CallOptions): Promise<void>
  /** Their names, in order. */
  list(call?: CallOptions): Promise<readonly string[]>
  get(name: string, call?: CallOptions): Promise<{ readonly name: string; readonly permissions: readonly Permission[] }>
  /**
   * Allows it to all who have the role; what the role allows of exactly the same keys is replaced.
   *
   * @example
   * await store.auth.roles.grant('reader', { type: 'read', prefix: 'config/' })
   */
  grant(role: string, permission: Permission, call?: CallOptions): Promise<void>
  /** Takes away the permission for exactly these keys. Rejects with `PERMISSION_NOT_GRANTED`. */
  revoke(role: string, selection: Selection, call?: CallOptions): Promise<void>
}

export type PermissionType = 'read' | 'write' | 'readwrite'

/** What a role allows, of which keys: one key, or as in a {@link Selection}. */
export type Permission =
  | { readonly type: PermissionType; readonly key: BytesLike }
  | { readonly type: PermissionType; readonly prefix: BytesLike }
  | { readonly type: PermissionType; readonly from: BytesLike; readonly to?: BytesLike }
  | { readonly type: PermissionType; readonly all: true }

const TYPES: Readonly<Record<PermissionType, true>> = { read: true, write: true, readwrite: true }
const PERMISSION_FIELDS = { type: true, key: true, prefix: true, from: true, to: true, all: true } as const

/**
 * @internal Throws TypeError for what is no text that has bytes: all halves of surrogate pairs would become one name.
 *
 * @param what 'the name', say.
 */
export function checkName(name: unknown, what: string): void {
  if (typeof name !== 'string') throw new TypeError(`${what} must be a string, not ${kind(name)}`)
  if (!name.isWellFormed()) throw new TypeError(`${what} must be well-formed text, it holds half of a surrogate pair`)
}

/** @internal The type and the keys. Throws TypeError for what is no permission. */
export function permissionRequest(permission: Permission): { readonly type: PermissionType } & KeyRange {
  if (permission === undefined) throw new TypeError('a permission is missing: { type, prefix }, say')
  checkFields(permission, PERMISSION_FIELDS, 'a permission')
  const { type, ...keys } = permission
  if (typeof type !== 'string' || !Object.hasOwn(TYPES, type)) {
    throw new TypeError(`the type of a permission must be 'read', 'write' or 'readwrite', not ${String(type)}`)
  }
  if (!('key' in keys)) return { type, ...rangeOf(keys) }
  if (Object.keys(keys).length > 1) throw new TypeError('a permission for one key has no other keys')
  return { type, key: keyOf(keys.key), rangeEnd: undefined }
}

/** @internal The other way round. */
export function permissionOf(type: PermissionType, key: Key, rangeEnd: Key | undefined): Permission {
  if (rangeEnd === undefined) return { type, key: bytesLike(key) }
  if (rangeEnd === FROM_KEY_ON) return key === '' || key === '\0' ? { type, all: true } : { type, from: bytesLike(key) }
  if (rangeEnd === prefixEnd(key)) return { type, prefix: bytesLike(key) }
  return { type, from: bytesLike(key), to: bytesLike(rangeEnd) }
}

/** Text where it is one. */
function bytesLike(key: Key): BytesLike {
  const text = keyText(key)
  return keyOf(text) === key ? text : keyBytes(key)
}
