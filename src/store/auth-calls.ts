/** What calls about users and roles have in common: changes go through the log, questions to a state that is current. */
import { assert } from '../base/assert.js'
import type { PasswordHash } from '../base/password-hash.js'
import type { CallOptions } from '../api/call-options.js'
import { kind } from '../api/check-fields.js'
import type { AuthAnswer, AuthCommand, AuthQuery } from '../auth/command.js'
import type { CallLimits } from '../member/deadlines.js'
import type { Member } from '../member/member.js'
import type { Passwords } from '../runtime/password.js'
import type { Caller } from './caller.js'

export interface AuthCallsParts {
  readonly member: Member
  readonly passwords: Passwords
}

/** A change that a password belongs to. */
export interface PasswordChange {
  /** Throws what it is refused with as far as that is known before the password is hashed. */
  readonly check: (auth: Member['auth']) => void
  readonly commandOf: (hash: PasswordHash) => AuthCommand
}

export class AuthCalls {
  readonly #parts: AuthCallsParts
  readonly #caller: Caller
  readonly #limits: (call: CallOptions | undefined) => CallLimits

  constructor(parts: AuthCallsParts, caller: Caller, limits: (call: CallOptions | undefined) => CallLimits) {
    this.#parts = parts
    this.#caller = caller
    this.#limits = limits
  }

  async change(command: AuthCommand, call: CallOptions | undefined): Promise<void> {
    await this.#propose(command, this.#limits(call))
  }

  /** Hashing takes long, on purpose: so who may not, or asks for what cannot be, hears of it before; it counts when it is applied. */
  async changeWithPassword(
    password: string,
    call: CallOptions | undefined,
    { check, commandOf }: PasswordChange,
  ): Promise<void> {
    checkText(password, 'the password')
    const limits = this.#limits(call)
    const { member, passwords } = this.#parts
    await this.#caller.perform(limits, async (identity) => {
      await member.confirmRead(limits)
      member.authorize(identity, { type: 'set-password' })
      check(member.auth)
    })
    const hash = await member.within(passwords.hash(password), limits, 'the password was hashed')
    await this.#propose(commandOf(hash), limits)
  }

  async ask<Type extends AuthQuery['type']>(
    query: Extract<AuthQuery, { readonly type: Type }>,
    call: CallOptions | undefined,
  ): Promise<Extract<AuthAnswer, { readonly type: Type }>> {
    const limits = this.#limits(call)
    const { member } = this.#parts
    const answer = await this.#caller.perform(limits, async (identity) => {
      await member.confirmRead(limits)
      member.authorize(identity, query)
      return member.auth.answer(query)
    })
    assert(answer.type === query.type, () => `${query.type} was answered with ${answer.type}`)
    return answer as Extract<AuthAnswer, { readonly type: Type }>
  }

  async #propose(command: AuthCommand, limits: CallLimits): Promise<void> {
    const { member } = this.#parts
    await this.#caller.perform(limits, (identity) => member.propose({ type: 'auth', command }, identity, limits))
  }
}

/** Throws TypeError, and never says what was given: it may be a password. */
export function checkText(text: unknown, what: string): void {
  if (typeof text !== 'string') throw new TypeError(`${what} must be a string, not ${kind(text)}`)
}
