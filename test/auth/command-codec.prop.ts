import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readAuthCommand, writeAuthCommand } from '../../src/auth/command-codec.js'
import type { AuthCommand } from '../../src/auth/command.js'
import { Reader, Writer } from '../../src/base/codec.js'
import type { PasswordHash } from '../../src/base/password-hash.js'
import { codeOf } from '../code-of.js'
import { command } from './arbitraries.js'

describe('commands about users and roles as bytes', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(command, (written) => {
        const reader = new Reader(encode(written), 'a command')
        const read = readAuthCommand(reader)
        reader.end()
        expect(revealed(read)).toEqual(revealed(written))
      }),
    )
  })

  test('that were altered are another command or malformed, never a failure of another kind', () => {
    fc.assert(
      fc.property(command, fc.nat(), fc.nat(255), fc.nat(), (written, at, byte, length) => {
        const bytes = Uint8Array.from(encode(written))
        bytes[at % bytes.length] = byte
        const cut = bytes.subarray(0, length % (bytes.length + 1))
        for (const altered of [bytes, cut]) {
          expect([undefined, 'MALFORMED']).toContain(codeOf(() => readAuthCommand(new Reader(altered, 'a command'))))
        }
      }),
      { numRuns: 1000 },
    )
  })
})

function encode(command: AuthCommand): Uint8Array {
  const writer = new Writer()
  writeAuthCommand(writer, command)
  return writer.finish()
}

/** Hashes hide what they hold from comparisons too. */
function revealed(command: AuthCommand): unknown {
  const { password } = command as { readonly password?: PasswordHash }
  return { ...command, password: password?.reveal() }
}
