/**
 * The one decision: may this caller do all of this?
 *
 * Always: whatever is not allowed is refused. A request without a single access still needs a user, and one that was
 * forgotten in the expansion cannot come here, since expanding is exhaustive.
 * Always: a refusal tells nothing that the caller did not say: above all not the keys of a lease (CVE-2023-32082).
 *
 * Decided where the request is answered: a write when it is applied, against the state it is applied to, so that a
 * permission taken away before it in the log is gone for it.
 */
import { assertNever } from '../base/assert.js'
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import type { Access } from './access.js'
import type { Reach } from './auth-book.js'
import type { AuthStore } from './auth-store.js'
import { describeRange, oneKey } from './key-range.js'
import { ROOT, type AuthRevision, type User } from './types.js'

export type Identity =
  /** Nobody: without a token and without a certificate. */
  | { readonly type: 'anonymous' }
  | {
      readonly type: 'user'
      readonly name: string
      /** At which the caller was identified, or the token was issued. */
      readonly authRevision: AuthRevision
    }
  /**
   * The cluster itself, for what nobody asked for (leases that end, checks of the state), and the process that holds a
   * member in itself. Never made from what came over a network.
   */
  | { readonly type: 'member' }

export const ANONYMOUS: Identity = Object.freeze({ type: 'anonymous' })
export const MEMBER: Identity = Object.freeze({ type: 'member' })

/**
 * Returns if it is allowed. Throws `USER_EMPTY`, `AUTH_REVISION_OLD`, `PERMISSION_DENIED`.
 *
 * `accesses` is read only as far as needed, and not at all where authorization is disabled or everything is allowed.
 */
export function authorize(auth: AuthStore, identity: Identity, accesses: Iterable<Access>): void {
  if (!auth.enabled) return
  switch (identity.type) {
    case 'member':
      return
    case 'anonymous':
      return authorizeAnonymous(accesses)
    case 'user':
      return authorizeUser(auth, identity, accesses)
    default:
      return assertNever(identity, 'identity')
  }
}

/**
 * The same caller now, for what goes on after it was allowed: other permissions may have changed since, but who it is
 * need not be proved again, unless the proof is void.
 */
export function stillIdentified(auth: AuthStore, identity: Identity): Identity {
  if (identity.type !== 'user') return identity
  const voidBefore = Math.max(auth.user(identity.name)?.since ?? 0, auth.enabledSince)
  return identity.authRevision < voidBefore ? identity : { ...identity, authRevision: auth.revision }
}

function authorizeAnonymous(accesses: Iterable<Access>): void {
  let any = false
  for (const { kind } of accesses) {
    if (kind !== 'ask') throw notLoggedIn()
    any = true
  }
  if (!any) throw notLoggedIn()
}

function authorizeUser(
  auth: AuthStore,
  { name, authRevision }: Extract<Identity, { readonly type: 'user' }>,
  accesses: Iterable<Access>,
): void {
  const user = auth.user(name)
  if (user === undefined) throw denied(name, 'do anything: there is no such user')
  if (authRevision < Math.max(user.since, auth.enabledSince)) throw outdated(name, authRevision, auth.revision)
  if (user.roles.includes(ROOT) && authRevision >= auth.revision) return
  const reach = auth.reachOf(user)
  for (const access of accesses) {
    if (touchesKeys(access) && authRevision < auth.revision) throw outdated(name, authRevision, auth.revision)
    const refused = user.roles.includes(ROOT) ? undefined : refusalOf(user, reach, access)
    if (refused !== undefined) throw denied(name, refused)
  }
}

/**
 * Etcd's rule: whoever reads or writes keys must have been identified since the last change of any permission. Users and
 * roles are looked up anew each time, so who administers them need not log in again after each step.
 */
function touchesKeys({ kind }: Access): boolean {
  return kind === 'read' || kind === 'write' || kind === 'read-lease' || kind === 'write-lease'
}

/** What the user may not do, for the message; undefined where it is allowed. */
function refusalOf(user: User, reach: Reach, access: Access): string | undefined {
  switch (access.kind) {
    case 'read':
      return reach.read.covers(access.range) ? undefined : `read ${describeRange(access.range)}`
    case 'write':
      return reach.write.covers(access.range) ? undefined : `write ${describeRange(access.range)}`
    case 'read-lease':
    case 'write-lease': {
      const set = access.kind === 'read-lease' ? reach.read : reach.write
      const verb = access.kind === 'read-lease' ? 'read' : 'write'
      for (const key of access.keys) if (!set.covers(oneKey(key))) return `${verb} every key of lease ${access.lease}`
      return undefined
    }
    case 'see-user':
      return access.name === user.name ? undefined : `see the user ${quote(access.name)}`
    case 'see-role':
      return user.roles.includes(access.name) ? undefined : `see the role ${quote(access.name)}`
    case 'administer':
      return "do this without the role 'root'"
    case 'be-known':
    case 'ask':
      return undefined
    default:
      return assertNever(access, 'access')
  }
}

function notLoggedIn(): StoreError {
  return new StoreError('USER_EMPTY', 'Authorization is enabled and the call names no user; log in first.')
}

function outdated(name: string, authRevision: AuthRevision, current: AuthRevision): StoreError {
  return new StoreError(
    'AUTH_REVISION_OLD',
    `The user ${quote(name)} was identified at revision ${authRevision} of users and roles, which are at ${current} now.`,
  )
}

function denied(name: string, what: string): StoreError {
  return new StoreError('PERMISSION_DENIED', `The user ${quote(name)} may not ${what}.`)
}
