/** Simple tokens in the book of one member. */
import { beforeEach, describe, expect, test } from 'vitest'
import { AuthStore } from '../../src/auth/auth-store.js'
import { LIMITS } from '../../src/base/limits.js'
import { NO_PROPOSAL } from '../../src/machine/machine.js'
import type { Applied, Response } from '../../src/machine/outcome.js'
import { hashOfToken, TokenBook } from '../../src/member/token-book.js'

const TTL_MS = 1000
let auth: AuthStore
let book: TokenBook

beforeEach(() => {
  auth = new AuthStore()
  auth.apply({ type: 'user-add', name: 'root', password: undefined })
  auth.apply({ type: 'user-grant-role', name: 'root', role: 'root' })
  auth.apply({ type: 'user-add', name: 'ann', password: undefined })
  auth.apply({ type: 'auth-enable' })
  book = new TokenBook({ auth }, TTL_MS, 10)
})

function applied(response: Response): Applied {
  return { proposal: NO_PROPOSAL, outcome: { ok: true, response }, revision: 1, events: [] }
}

function login(token: string, nowMs: number, index = 10): void {
  const authRevision = auth.login('ann', auth.revision)
  book.applied(index, applied({ type: 'login', name: 'ann', authRevision, tokenHash: hashOfToken(token) }), nowMs)
}

describe('the book of tokens', () => {
  test('knows who logged in, by the revision of now', () => {
    login('t', 0)
    auth.apply({ type: 'role-add', name: 'r' })
    expect(book.identityOf('t', 1)).toEqual({ type: 'user', name: 'ann', authRevision: auth.revision })
    expect(book.identityOf('u', 1)).toBeUndefined()
  })

  test('knows nothing of logins in the log of an earlier life', () => {
    login('t', 0, 9)
    expect(book.identityOf('t', 1)).toBeUndefined()
  })

  test('forgets who did not come for their time, and begins it anew with each use', () => {
    login('t', 0)
    expect(book.identityOf('t', 999)).toBeDefined()
    expect(book.identityOf('t', 1998)).toBeDefined()
    expect(book.identityOf('t', 2998)).toBeUndefined()
    login('a', 3000)
    login('b', 5000)
    expect(book.size).toBe(1)
  })

  test('forgets everybody when authorization is disabled', () => {
    login('t', 0)
    auth.apply({ type: 'auth-disable' })
    book.applied(11, applied({ type: 'auth' }), 1)
    expect(book.size).toBe(0)
  })

  test('is bounded: the one not used for longest makes room', () => {
    for (let nth = 0; nth < LIMITS.authTokensMax; nth++) login(String(nth), 0)
    expect(book.identityOf('0', 1)).toBeDefined()
    login('one more', 1)
    expect(book.size).toBe(LIMITS.authTokensMax)
    expect(book.identityOf('1', 1)).toBeUndefined()
    expect([book.identityOf('0', 1), book.identityOf('one more', 1)]).not.toContain(undefined)
  })
})
