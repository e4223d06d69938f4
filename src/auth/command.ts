/**
 * Commands and questions about users, roles and permissions, as data, and their answers.
 *
 * Always: passwords come hashed. A command stands in the log of every member and in its backups.
 */
import type { Key } from '../base/bytes.js'
import type { PasswordHash } from '../base/password-hash.js'
import type { AuthRevision, Permission } from './types.js'

/** What changes the state, and so goes through the log. */
export type AuthCommand =
  | { readonly type: 'auth-enable' }
  | { readonly type: 'auth-disable' }
  | {
      readonly type: 'user-add'
      readonly name: string
      /** Undefined: a user who cannot log in with a password, only by a certificate. */
      readonly password: PasswordHash | undefined
    }
  | { readonly type: 'user-delete'; readonly name: string }
  | { readonly type: 'user-change-password'; readonly name: string; readonly password: PasswordHash }
  | { readonly type: 'user-grant-role'; readonly name: string; readonly role: string }
  | { readonly type: 'user-revoke-role'; readonly name: string; readonly role: string }
  | { readonly type: 'role-add'; readonly name: string }
  | { readonly type: 'role-delete'; readonly name: string }
  | {
      readonly type: 'role-grant-permission'
      readonly name: string
      /** Undefined, as a remote caller may leave it: refused. */
      readonly permission: Permission | undefined
    }
  | {
      readonly type: 'role-revoke-permission'
      readonly name: string
      readonly key: Key
      readonly rangeEnd?: Key | undefined
    }

/** What only reads it. */
export type AuthQuery =
  | { readonly type: 'auth-status' }
  | { readonly type: 'user-get'; readonly name: string }
  | { readonly type: 'user-list' }
  | { readonly type: 'role-get'; readonly name: string }
  | { readonly type: 'role-list' }

/** Of a change: nothing to tell. */
export interface AuthDone {
  readonly type: AuthCommand['type']
}

export type AuthAnswer =
  | { readonly type: 'auth-status'; readonly enabled: boolean; readonly authRevision: AuthRevision }
  | { readonly type: 'user-get'; readonly roles: readonly string[] }
  | { readonly type: 'user-list'; readonly users: readonly string[] }
  | { readonly type: 'role-get'; readonly permissions: readonly Permission[] }
  | { readonly type: 'role-list'; readonly roles: readonly string[] }
