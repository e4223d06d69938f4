import { describe, expect, test } from 'vitest'
import { PasswordHash } from '../../src/base/password-hash.js'

const SALT = Buffer.alloc(16, 1).toString('base64').replace(/=+$/, '')
const KEY = Buffer.alloc(32, 2).toString('base64').replace(/=+$/, '')

describe('the text of a password hash', () => {
  test('holds parameters, salt and key', () => {
    const hash = PasswordHash.parse(`$scrypt$ln=15,r=8,p=3$${SALT}$${KEY}`)
    expect(hash.parameters).toEqual({ costLog2: 15, blockSize: 8, parallelization: 3 })
    expect([Buffer.from(hash.salt), Buffer.from(hash.key)]).toEqual([Buffer.alloc(16, 1), Buffer.alloc(32, 2)])
    expect(PasswordHash.of(hash.parameters, hash.salt, hash.key).reveal()).toBe(hash.reveal())
  })

  test.each([
    ['a password as it is', 'hunter2hunter2'],
    ['a hash of another kind', '$2a$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy'],
    ['a salt too short', `$scrypt$ln=15,r=8,p=3$AAAA$${KEY}`],
    ['a key too short', `$scrypt$ln=15,r=8,p=3$${SALT}$AAAA`],
    ['so few rounds that guessing is cheap', `$scrypt$ln=9,r=8,p=3$${SALT}$${KEY}`],
    ['so many that checking one takes all memory', `$scrypt$ln=20,r=8,p=1$${SALT}$${KEY}`],
    ['more rounds than a number holds', `$scrypt$ln=99,r=99,p=99$${SALT}$${KEY}`],
    ['something behind it', `$scrypt$ln=15,r=8,p=3$${SALT}$${KEY}\n`],
  ])('is refused for %s, without being repeated in the refusal', (_what, text) => {
    let failure: unknown
    try {
      PasswordHash.parse(text)
    } catch (error) {
      failure = error
    }
    expect(failure).toMatchObject({ code: 'MALFORMED' })
    expect((failure as Error).stack).not.toContain(text.slice(-12))
  })
})
