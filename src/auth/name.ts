/** Names of users and roles: well-formed text of 1 byte to a limit. */
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'

/** Throws `USER_EMPTY`, `REQUEST_TOO_LARGE`, `MALFORMED` for what no user can be named. */
export function checkUserName(name: string): void {
  checkName(name, 'USER_EMPTY', 'user')
}

/** Throws `ROLE_EMPTY`, `REQUEST_TOO_LARGE`, `MALFORMED` for what no role can be named. */
export function checkRoleName(name: string): void {
  checkName(name, 'ROLE_EMPTY', 'role')
}

/** Whether somebody can be named so. */
export function isName(name: string): boolean {
  return name.length > 0 && name.isWellFormed() && Buffer.byteLength(name, 'utf8') <= LIMITS.authNameBytesMax
}

function checkName(name: string, empty: 'USER_EMPTY' | 'ROLE_EMPTY', what: string): void {
  if (isName(name)) return
  if (name.length === 0) throw new StoreError(empty, `The name of the ${what} is empty.`)
  if (!name.isWellFormed()) throw new StoreError('MALFORMED', `The name of the ${what} holds half of a surrogate pair.`)
  throw new StoreError(
    'REQUEST_TOO_LARGE',
    `The name of the ${what} has ${Buffer.byteLength(name, 'utf8')} bytes; at most ${LIMITS.authNameBytesMax} are allowed.`,
  )
}
