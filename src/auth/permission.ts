/** Permissions of one role: their order, their bounds, and what they come to. */
import { FROM_KEY_ON, type Key } from '../base/bytes.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { rangeOf, type KeyRange } from './key-range.js'
import type { Permission } from './types.js'

/** Throws `AUTH_MANAGEMENT_INVALID` for a range without keys, `REQUEST_TOO_LARGE` for a key over its limit. */
export function checkPermission({ key, rangeEnd }: Permission): void {
  const bounded = rangeEnd !== undefined && rangeEnd !== '' && rangeEnd !== FROM_KEY_ON
  if (key.length === 0 || (bounded && rangeEnd <= key)) {
    throw new StoreError(
      'AUTH_MANAGEMENT_INVALID',
      'A permission needs a key of at least one byte, and a range end behind it where it has one.',
    )
  }
  const bytes = Math.max(key.length, rangeEnd?.length ?? 0)
  if (bytes <= LIMITS.keyBytesMax) return
  throw new StoreError(
    'REQUEST_TOO_LARGE',
    `A key of the permission has ${bytes} bytes; at most ${LIMITS.keyBytesMax} are allowed.`,
  )
}

export function rangeOfPermission({ key, rangeEnd }: Permission): KeyRange {
  return rangeOf(key, rangeEnd)
}

export function mayRead({ type }: Permission): boolean {
  return type === 'read' || type === 'readwrite'
}

export function mayWrite({ type }: Permission): boolean {
  return type === 'write' || type === 'readwrite'
}

/** By key, then by range end, one without an end first. */
export function comparePermissions(a: PermissionPlace, b: PermissionPlace): number {
  return compareKeys(a.key, b.key) || compareKeys(a.rangeEnd ?? '', b.rangeEnd ?? '')
}

/** What tells one permission of a role from another: granting it again changes its type. */
export type PermissionPlace = Pick<Permission, 'key' | 'rangeEnd'>

/** `permissions` with `added` in its place, instead of one that was there. Throws `AUTH_LIMIT_EXCEEDED`. */
export function withPermission(permissions: readonly Permission[], added: Permission): readonly Permission[] {
  const rest = withoutPermission(permissions, added)
  const { type, key } = added
  // An empty end says the same as none: two ways to write one permission would make two permissions.
  const next = [...rest, { type, key, rangeEnd: added.rangeEnd === '' ? undefined : added.rangeEnd }]
  const bytes = next.reduce((sum, each) => sum + each.key.length + (each.rangeEnd?.length ?? 0), 0)
  if (next.length > LIMITS.authPermissionsPerRoleMax || bytes > LIMITS.authPermissionBytesPerRoleMax) {
    throw new StoreError(
      'AUTH_LIMIT_EXCEEDED',
      `The role would have ${next.length} permissions with ${bytes} bytes of keys; at most ` +
        `${LIMITS.authPermissionsPerRoleMax} with ${LIMITS.authPermissionBytesPerRoleMax} bytes are allowed.`,
    )
  }
  return next.sort(comparePermissions)
}

/** `permissions` without the one at this place; as many as before if there is none. */
export function withoutPermission(permissions: readonly Permission[], place: PermissionPlace): readonly Permission[] {
  return permissions.filter((each) => comparePermissions(each, place) !== 0)
}

function compareKeys(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0
}
