/**
 * On whose behalf a handle calls: who that is is found out anew for each call, since tokens expire and users change.
 *
 * The handle that `open()` returns acts as the member itself: whoever has it has the data too (docs/decisions/0008). Every
 * other one has a proof, which this member may judge by users as they were: a refusal of who calls is looked at once more
 * after this member has caught up, if the answer then is another one. So a token counts on every member as soon as its
 * owner has it (etcd's issue 18437: "invalid auth token" from a member that is a step behind).
 */
import { assertNever } from '../base/assert.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { kind } from '../api/check-fields.js'
import { checkName, type Caller as Given, type Whoami } from '../api/auth.js'
import { Closing } from '../api/closing.js'
import type { Question } from '../machine/accesses.js'
import { ANONYMOUS, MEMBER, type Identity } from '../machine/identity.js'
import type { CallLimits } from '../member/deadlines.js'
import type { Member } from '../member/member.js'
import type { JwtIdentity, JwtTokens } from '../runtime/jwt.js'

type Proof =
  | { readonly type: 'owner' | 'anonymous' }
  | { readonly type: 'user'; readonly name: string }
  | { readonly type: 'token'; readonly token: string }

export interface CallerParts {
  readonly member: Member
  /** Undefined: tokens are simple ones. */
  readonly jwt: JwtTokens | undefined
  readonly wallMs: () => number
}

export class Caller {
  readonly #parts: CallerParts
  readonly #proof: Proof
  /** Whom the signed token named when it was last checked. */
  #verified: JwtIdentity | undefined
  /** Of the handle, where it is not the member's own: that one ends with the member. */
  readonly closing: Closing

  private constructor(parts: CallerParts, proof: Proof, beside?: Closing) {
    this.#parts = parts
    this.#proof = proof
    this.closing = new Closing(undefined, beside)
  }

  /** The process that holds the member. */
  static owner(parts: CallerParts): Caller {
    return new Caller(parts, { type: 'owner' })
  }

  get isOwner(): boolean {
    return this.#proof.type === 'owner'
  }

  /** Somebody else. Throws TypeError for what names nobody, `PERMISSION_DENIED` where it takes a proof. */
  as(given: Given): Caller {
    const proof = proofOf(given)
    if (proof.type === 'user' && !this.isOwner) {
      throw new StoreError(
        'PERMISSION_DENIED',
        'Only the handle that open() returned takes a user at their word: say as({ token }) here.',
      )
    }
    return new Caller(this.#parts, proof, this.closing)
  }

  /** `call` on behalf of whoever this is. It may be made several times, each after the one before was refused. */
  perform<T>(limits: CallLimits, call: (identity: Identity) => Promise<T>): Promise<T> {
    return this.#parts.member.admit(() => (this.isOwner ? call(MEMBER) : this.#perform(limits, call)))
  }

  /** Returns if this is allowed by what this member knows, for what is asked of this member alone. Throws as {@link Member.authorize}. */
  async checkHere(question: Question): Promise<void> {
    if (!this.isOwner) this.#parts.member.authorize(await this.#identified(), question)
  }

  /** Who this is, by what is known without waiting. Throws `AUTH_TOKEN_INVALID`, also for a signed token not checked yet. */
  get known(): Identity {
    this.closing.check()
    if (this.#proof.type !== 'token' || this.#parts.jwt === undefined) return this.#identify(undefined)
    return this.#identify(this.#verified)
  }

  /**
   * What a call would be refused with, for what goes on since it was allowed and is refused now: where its token does not
   * count any more, that comes first.
   */
  refusalOf(refusal: unknown): unknown {
    const { member, jwt } = this.#parts
    if (this.#proof.type !== 'token' || jwt !== undefined) return refusal
    return member.identityOfToken(this.#proof.token) === undefined ? tokenInvalid() : refusal
  }

  async whoami(): Promise<Whoami> {
    const identity = await this.#identified()
    switch (identity.type) {
      case 'member':
        return { type: 'owner' }
      case 'user':
        return { type: 'user', name: identity.name }
      case 'anonymous':
        return { type: 'anonymous' }
      default:
        return assertNever(identity, 'identity')
    }
  }

  async #perform<T>(limits: CallLimits, call: (identity: Identity) => Promise<T>): Promise<T> {
    let identity: Identity | undefined
    // Ends: another identity of the same proof comes of another change of users and roles, and waiting has a deadline.
    for (;;) {
      try {
        identity ??= await this.#identified()
        return await call(identity)
      } catch (error) {
        if (!concernsWhoCalls(error)) throw error
        await this.#parts.member.confirmRead(limits)
        const again = await this.#identified()
        if (identity !== undefined && isSame(identity, again)) throw error
        identity = again
      }
    }
  }

  async #identified(): Promise<Identity> {
    this.closing.check()
    const { jwt } = this.#parts
    if (this.#proof.type !== 'token' || jwt === undefined) return this.#identify(undefined)
    this.#verified ??= await jwt.verify(this.#proof.token)
    return this.#identify(this.#verified)
  }

  /** While authorization is disabled a token is not looked at, as with etcd. */
  #identify(verified: JwtIdentity | undefined): Identity {
    const { member, jwt, wallMs } = this.#parts
    switch (this.#proof.type) {
      case 'owner':
        return MEMBER
      case 'anonymous':
        return ANONYMOUS
      case 'user':
        return { type: 'user', name: this.#proof.name, authRevision: member.auth.revision }
      case 'token': {
        if (!member.auth.enabled) return ANONYMOUS
        const found = jwt === undefined ? member.identityOfToken(this.#proof.token) : identityOf(verified, wallMs())
        if (found === undefined) throw tokenInvalid()
        return found
      }
      default:
        return assertNever(this.#proof, 'proof')
    }
  }
}

function identityOf(verified: JwtIdentity | undefined, wallMs: number): Identity | undefined {
  if (verified === undefined || verified.expiresAtMs <= wallMs) return undefined
  return { type: 'user', name: verified.name, authRevision: verified.authRevision }
}

function proofOf(given: Given): Proof {
  if (given === 'anonymous') return { type: 'anonymous' }
  if (typeof given === 'object' && given !== null && Object.keys(given).length === 1) {
    if ('token' in given && typeof given.token === 'string') return { type: 'token', token: given.token }
    if ('user' in given && typeof given.user === 'string' && given.user !== '') {
      checkName(given.user, 'user')
      return { type: 'user', name: given.user }
    }
  }
  const what = typeof given === 'object' && given !== null ? 'an object of other fields' : kind(given)
  throw new TypeError(`as() takes { token }, { user } or 'anonymous', not ${what}`)
}

function concernsWhoCalls(error: unknown): boolean {
  return (
    isStoreError(error, 'AUTH_TOKEN_INVALID') ||
    isStoreError(error, 'AUTH_REVISION_OLD') ||
    isStoreError(error, 'USER_EMPTY')
  )
}

function isSame(one: Identity, other: Identity): boolean {
  if (one.type !== 'user' || other.type !== 'user') return one.type === other.type
  return one.name === other.name && one.authRevision === other.authRevision
}

function tokenInvalid(): StoreError {
  return new StoreError('AUTH_TOKEN_INVALID', 'The token is unknown here, or does not count any more; log in again.')
}
