/**
 * What a request would touch, in the few words in which it is decided on.
 *
 * Requests are many and grow; each is first expanded, whole, into accesses: with both branches of a transaction and those
 * nested in them, its compares, previous values and the keys of leases (machine/accesses.ts). Then one function looks at
 * nothing else (authorize.ts). Etcd checked request by request, and forgot, in turn, nested transactions
 * (CVE-2026-33343), previous values and leases inside transactions (CVE-2026-44283) and whole calls (GHSA-q8m4-xhhv-38mg).
 */
import { assertNever } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import type { LeaseId } from '../base/lease-id.js'
import type { AuthCommand, AuthQuery } from './command.js'
import type { KeyRange } from './key-range.js'

export type Access =
  | { readonly kind: 'read'; readonly range: KeyRange }
  | { readonly kind: 'write'; readonly range: KeyRange }
  /**
   * To read or write each key that hangs on a lease. Who asked did not name those keys, and a refusal must not tell them.
   * Read once and at once: it may be a view of what changes later.
   */
  | { readonly kind: 'read-lease' | 'write-lease'; readonly lease: LeaseId; readonly keys: Iterable<Key> }
  /** To see a user: allowed to that user. */
  | { readonly kind: 'see-user'; readonly name: string }
  /** To see a role: allowed to those who have it. */
  | { readonly kind: 'see-role'; readonly name: string }
  /** Allowed to those with the role `root` alone. */
  | { readonly kind: 'administer' }
  /** Allowed to every user. */
  | { readonly kind: 'be-known' }
  /** Allowed to those who are not logged in too. */
  | { readonly kind: 'ask' }

/** For commands and questions of this folder. */
export function accessOfAuth(request: AuthCommand | AuthQuery): Access {
  switch (request.type) {
    case 'auth-status':
      return { kind: 'ask' }
    case 'user-get':
      return { kind: 'see-user', name: request.name }
    case 'role-get':
      return { kind: 'see-role', name: request.name }
    case 'auth-enable':
    case 'auth-disable':
    case 'user-add':
    case 'user-delete':
    case 'user-change-password':
    case 'user-grant-role':
    case 'user-revoke-role':
    case 'user-list':
    case 'role-add':
    case 'role-delete':
    case 'role-grant-permission':
    case 'role-revoke-permission':
    case 'role-list':
      return { kind: 'administer' }
    default:
      return assertNever(request, 'request')
  }
}
