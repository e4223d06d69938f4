/**
 * Users and roles over a member: changed through the log, asked of a state that is current.
 *
 * Always: a password ends here. It is hashed, or checked, before anything is proposed; what goes on is the hash, and of a
 * token its SHA-256.
 */
import { assert, AssertionError } from '../base/assert.js'
import { isStoreError, StoreError } from '../base/errors.js'
import type { Secrets } from '../base/secrets.js'
import { checkName, type Auth, type AuthStatus, type Roles, type Users, type Whoami } from '../api/auth.js'
import type { CallOptions } from '../api/call-options.js'
import { isName } from '../auth/name.js'
import type { CallLimits } from '../member/deadlines.js'
import type { Member } from '../member/member.js'
import { hashOfToken } from '../member/token-book.js'
import type { JwtTokens } from '../runtime/jwt.js'
import type { Passwords } from '../runtime/password.js'
import { AuthCalls, checkText } from './auth-calls.js'
import type { Caller } from './caller.js'
import { EmbeddedRoles } from './embedded-roles.js'
import { EmbeddedUsers } from './embedded-users.js'

export interface AuthParts {
  readonly member: Member
  readonly passwords: Passwords
  readonly secrets: Secrets
  /** Undefined: tokens are simple ones. */
  readonly jwt: JwtTokens | undefined
}

/** 192 bits. */
const TOKEN_BYTES = 24

export class EmbeddedAuth implements Auth {
  readonly users: Users
  readonly roles: Roles
  readonly #parts: AuthParts
  readonly #caller: Caller
  readonly #calls: AuthCalls
  readonly #limits: (call: CallOptions | undefined) => CallLimits

  constructor(parts: AuthParts, caller: Caller, limits: (call: CallOptions | undefined) => CallLimits) {
    this.#parts = parts
    this.#caller = caller
    this.#limits = limits
    this.#calls = new AuthCalls(parts, caller, limits)
    this.users = new EmbeddedUsers(this.#calls)
    this.roles = new EmbeddedRoles(this.#calls)
  }

  enable(call?: CallOptions): Promise<void> {
    return this.#calls.change({ type: 'auth-enable' }, call)
  }

  disable(call?: CallOptions): Promise<void> {
    return this.#calls.change({ type: 'auth-disable' }, call)
  }

  async status(call?: CallOptions): Promise<AuthStatus> {
    const answer = await this.#calls.ask({ type: 'auth-status' }, call)
    return { enabled: answer.enabled, authRevision: answer.authRevision }
  }

  async login(name: string, password: string, call?: CallOptions): Promise<string> {
    checkName(name, 'the name')
    checkText(password, 'the password')
    const limits = this.#limits(call)
    try {
      return await this.#login(name, password, limits)
    } catch (error) {
      // The password, or the user, changed while it was checked: what counts is how it is now.
      if (!isStoreError(error, 'AUTH_REVISION_OLD')) throw error
      return this.#login(name, password, limits)
    }
  }

  async whoami(call?: CallOptions): Promise<Whoami> {
    this.#limits(call)
    return this.#caller.whoami()
  }

  async #login(name: string, password: string, limits: CallLimits): Promise<string> {
    const { member, passwords, secrets, jwt } = this.#parts
    await member.confirmRead(limits)
    const { password: hash, authRevision: checkedAt } = member.auth.credentials(name)
    // Whom nobody can be named is known to everybody, so no time need be spent on hiding it.
    const right =
      isName(name) && (await member.within(passwords.verify(password, hash), limits, 'the password was checked'))
    if (!right) throw new StoreError('AUTH_FAILED', 'The user does not exist, or the password is wrong.')
    const token = jwt === undefined ? Buffer.from(secrets.randomBytes(TOKEN_BYTES)).toString('base64url') : undefined
    const tokenHash = token === undefined ? undefined : hashOfToken(token)
    const request = { type: 'login', name, checkedAt, tokenHash } as const
    const { response } = await this.#caller.perform(limits, (identity) => member.propose(request, identity, limits))
    if (response.type !== 'login') throw new AssertionError(`a login was answered with a ${response.type}`)
    if (token !== undefined) return token
    assert(jwt !== undefined, 'there is neither a simple nor a signed token')
    return member.within(jwt.sign(name, response.authRevision), limits, 'the token was signed')
  }
}
