/**
 * Who logged in with a simple token: a random text, of which this book knows the hash alone.
 *
 * Each member takes note of a login when it applies it, so that the token counts on all of them; how long it counts is
 * each member's own affair, by its own monotonic clock, and begins anew with each use. So the book is no part of the
 * state: a member that restarts knows none of the tokens before, and who has one logs in again.
 *
 * Always: a token ends with the password it was got for, with its user, and with authorization being disabled: it is looked
 * up against users as they are now. Always: bounded; the one that was not used for longest makes room.
 */
import { createHash } from 'node:crypto'
import { LIMITS } from '../base/limits.js'
import type { Identity } from '../machine/identity.js'
import type { Machine } from '../machine/machine.js'
import type { Applied } from '../machine/outcome.js'
import type { Index } from '../raft/types.js'

interface Token {
  readonly name: string
  /** Of users and roles when it was issued. */
  readonly authRevision: number
  readonly expiresMs: number
}

/** SHA-256: what is looked up is nothing that a caller chose, so the time that takes tells nothing of any token. */
export function hashOfToken(token: string): Uint8Array {
  return createHash('sha256').update(token, 'utf8').digest()
}

export class TokenBook {
  readonly #machine: Pick<Machine, 'auth'>
  readonly #ttlMs: number
  readonly #from: Index
  /** By the hash, that which was used longest ago first; so they also expire in this order. */
  readonly #tokens = new Map<string, Token>()

  /** `from`: entries before it were in the log when the member started; their logins are of an earlier life. */
  constructor(machine: Pick<Machine, 'auth'>, ttlMs: number, from: Index) {
    this.#machine = machine
    this.#ttlMs = ttlMs
    this.#from = from
  }

  get size(): number {
    return this.#tokens.size
  }

  applied(index: Index, { outcome }: Applied, nowMs: number): void {
    if (outcome?.ok !== true || index < this.#from) return
    const { response } = outcome
    if (response.type === 'auth' && !this.#machine.auth.enabled) this.#tokens.clear()
    if (response.type !== 'login' || response.tokenHash === undefined) return
    this.#forgetExpired(nowMs)
    const { name, authRevision, tokenHash } = response
    this.#note(keyOfHash(tokenHash), { name, authRevision, expiresMs: nowMs + this.#ttlMs })
    if (this.#tokens.size > LIMITS.authTokensMax) this.#forgetOldest()
  }

  /** Of whoever logged in with this token, known to be them now; undefined where it does not count, or not any more. */
  identityOf(token: string, nowMs: number): Identity | undefined {
    if (token.length > LIMITS.authTokenBytesMax) return undefined
    const key = keyOfHash(hashOfToken(token))
    const found = this.#tokens.get(key)
    if (found === undefined) return undefined
    const { name, authRevision, expiresMs } = found
    const user = this.#machine.auth.user(name)
    const stands = user !== undefined && authRevision >= Math.max(user.since, this.#machine.auth.enabledSince)
    if (expiresMs <= nowMs || !stands) {
      this.#tokens.delete(key)
      return undefined
    }
    this.#note(key, { name, authRevision, expiresMs: nowMs + this.#ttlMs })
    return { type: 'user', name, authRevision: this.#machine.auth.revision }
  }

  #note(key: string, token: Token): void {
    this.#tokens.delete(key)
    this.#tokens.set(key, token)
  }

  #forgetExpired(nowMs: number): void {
    for (const [key, { expiresMs }] of this.#tokens) {
      if (expiresMs > nowMs) return
      this.#tokens.delete(key)
    }
  }

  #forgetOldest(): void {
    const { value: oldest } = this.#tokens.keys().next()
    if (oldest !== undefined) this.#tokens.delete(oldest)
  }
}

function keyOfHash(hash: Uint8Array): string {
  return Buffer.from(hash).toString('base64')
}
