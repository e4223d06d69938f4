/**
 * What an administrator of a run does, and how its users come in.
 *
 * Passwords are told by the user's name: nobody guesses in a simulation. One that is changed is changed to itself, which
 * voids every token of the user all the same.
 */
import { isStoreError, StoreError, type ErrorCode } from '../../base/errors.js'
import type { CallOptions, Store } from '../../api/store.js'
import { assertNever } from '../../base/assert.js'
import { USERS } from './draw-administration.js'
import type { AuthStep, Operation, RoleGrant } from './operation.js'

/** How a user is known to one client, from one of its operations to the next. */
export interface Login {
  readonly user: string
  readonly token: string
}

export function passwordOf(user: string): string {
  return `password of ${user}`
}

/** The handle on which an operation asks. `remember` is told of a new login. */
export async function handleFor(
  store: Store,
  { as, token }: Pick<Operation, 'as' | 'token'>,
  call: CallOptions,
  login: Login | undefined,
  remember: (login: Login) => void,
): Promise<Store> {
  if (as === undefined) return store
  if (token === undefined) return store.as({ user: as })
  if (login?.user === as) return store.as({ token: login.token })
  try {
    const given = await store.auth.login(as, passwordOf(as), call)
    remember({ user: as, token: given })
    return store.as({ token: given })
  } catch (error) {
    if (isStoreError(error, 'AUTH_NOT_ENABLED')) return store.as({ user: as })
    // Whatever became of the login: of what was to be done with it nothing was begun.
    if (isStoreError(error)) throw new StoreError(error.code, error.message, { outcome: 'refused' })
    throw error
  }
}

/** Whether a token that was refused so is of no more use. */
export function isTokenVoid(error: unknown): boolean {
  return isStoreError(error, 'AUTH_TOKEN_INVALID') || isStoreError(error, 'AUTH_REVISION_OLD')
}

export async function administer({ auth }: Store, step: AuthStep, call: CallOptions): Promise<void> {
  const { users, roles } = auth
  switch (step.step) {
    case 'set-up':
      return setUp(auth, step.grants, call)
    case 'grant':
      return roles.grant(step.role, permissionOf(step), call)
    case 'revoke':
      return roles.revoke(step.role, { from: step.from, to: step.to }, call)
    case 'give-role':
      return users.grantRole(step.user, step.role, call)
    case 'take-role':
      return users.revokeRole(step.user, step.role, call)
    case 'change-password':
      return users.changePassword(step.user, passwordOf(step.user), call)
    case 'delete-user':
      return users.delete(step.user, call)
    case 'delete-role':
      return roles.delete(step.role, call)
    case 'disable':
      return auth.disable(call)
    default:
      return assertNever(step, 'step')
  }
}

async function setUp(auth: Store['auth'], grants: readonly RoleGrant[], call: CallOptions): Promise<void> {
  const { users, roles } = auth
  for (const user of ['root', ...USERS]) {
    await unless('USER_EXISTS', users.add(user, { password: passwordOf(user) }, call))
    await unless('ROLE_EXISTS', roles.add(user, call))
    await users.grantRole(user, user, call)
  }
  for (const grant of grants) await roles.grant(grant.role, permissionOf(grant), call)
  await auth.enable(call)
}

function permissionOf({ allow, from, to }: RoleGrant): { type: RoleGrant['allow']; from: string; to: string } {
  return { type: allow, from, to }
}

async function unless(code: ErrorCode, done: Promise<void>): Promise<void> {
  try {
    await done
  } catch (error) {
    if (!isStoreError(error, code)) throw error
  }
}
