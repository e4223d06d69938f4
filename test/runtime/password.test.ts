import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { PasswordHash } from '../../src/base/password-hash.js'
import { Passwords } from '../../src/runtime/password.js'
import { SYSTEM_SECRETS } from '../../src/runtime/secrets.js'

/** As cheap as is allowed: what is tested does not depend on the cost. */
const parameters = { costLog2: 10, blockSize: 8, parallelization: 1 }
const cheap = (): Passwords => new Passwords({ parameters })

describe('passwords', () => {
  test('are found right against their hash, and no other is', async () => {
    const passwords = cheap()
    const hash = await passwords.hash('correct horse')
    expect(await passwords.verify('correct horse', hash)).toBe(true)
    for (const wrong of ['correct hors', 'correct horse ', '', '\ud800']) {
      expect(await passwords.verify(wrong, hash)).toBe(false)
    }
  })

  test('are checked with the parameters in the hash, whatever is chosen for new ones', async () => {
    const hash = await cheap().hash('x')
    const costly = new Passwords({ parameters: { costLog2: 11, blockSize: 4, parallelization: 2 } })
    expect(await costly.verify('x', PasswordHash.parse(hash.reveal()))).toBe(true)
    expect((await costly.hash('x')).reveal()).toMatch(/^\$scrypt\$ln=11,r=4,p=2\$/)
  })

  test('give the key that RFC 7914 says', async () => {
    const text = Buffer.from('pleaseletmein')
    const key = Buffer.from(
      '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
        'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887',
      'hex',
    )
    // The RFC's salt is shorter than any of ours; its bytes are given as they stand.
    const hash = {
      parameters: { costLog2: 14, blockSize: 8, parallelization: 1 },
      salt: Buffer.from('SodiumChloride'),
      key,
    }
    expect(await cheap().verify(text.toString(), hash as unknown as PasswordHash)).toBe(true)
  })

  test('have another salt each time', async () => {
    const passwords = cheap()
    expect((await passwords.hash('x')).reveal()).not.toBe((await passwords.hash('x')).reveal())
  })

  test('of a user who does not exist are wrong, after as much work', async () => {
    expect(await cheap().verify('', undefined)).toBe(false)
    expect(await cheap().verify('x', undefined)).toBe(false)
  })

  test.each(['', 'x'.repeat(LIMITS.passwordBytesMax + 1), 'é'.repeat(LIMITS.passwordBytesMax), '\ud800'])(
    'that are empty, too long or no text are refused before anything is computed',
    async (password) => {
      const failure: unknown = await cheap()
        .hash(password)
        .catch((error: unknown) => error)
      expect(failure).toMatchObject({ code: 'PASSWORD_INVALID' })
      if (password.length > 1) expect(inspect(failure)).not.toContain(password)
    },
  )

  test('wait for each other, and no more than the limit', async () => {
    const passwords = cheap()
    const calls = Array.from({ length: LIMITS.passwordsWaitingMax + 1 }, () => passwords.hash('x'))
    const settled = await Promise.allSettled(calls)
    expect(settled.filter(({ status }) => status === 'fulfilled').length).toBe(LIMITS.passwordsWaitingMax)
    expect(settled.at(-1)).toMatchObject({ reason: { code: 'TOO_MANY_REQUESTS' } })
    expect(await passwords.verify('x', await passwords.hash('x'))).toBe(true)
  })

  test('that cannot be hashed hold up nobody', async () => {
    let salts = 0
    const passwords = new Passwords({
      parameters,
      secrets: {
        ...SYSTEM_SECRETS,
        randomBytes: (count) => (salts++ === 0 ? (undefined as unknown as Uint8Array) : new Uint8Array(count)),
      },
    })
    await expect(passwords.hash('x')).rejects.toThrow(TypeError)
    expect(await passwords.verify('x', await passwords.hash('x'))).toBe(true)
  })
})
