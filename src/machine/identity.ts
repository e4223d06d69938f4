/**
 * Who asks, as it travels with a command in the log and with a question between members.
 *
 * Whoever reads it believes it: it was written by a member, which had it proved by a token or a certificate. That a
 * member is one is the business of the connection between members.
 */
import { ANONYMOUS, MEMBER, type Identity } from '../auth/authorize.js'
import { assertNever } from '../base/assert.js'
import type { Reader, Writer } from '../base/codec.js'

export { ANONYMOUS, MEMBER, type Identity } from '../auth/authorize.js'

/** Numbers on disk and on the wire: never reuse one. */
const NOBODY = 0
const USER = 1
const OF_MEMBER = 2

export function writeIdentity(writer: Writer, identity: Identity): void {
  switch (identity.type) {
    case 'anonymous':
      writer.uint8(NOBODY)
      return
    case 'user':
      writer.uint8(USER).text(identity.name).uint53(identity.authRevision)
      return
    case 'member':
      writer.uint8(OF_MEMBER)
      return
    default:
      assertNever(identity, 'identity')
  }
}

/** Throws `MALFORMED`. */
export function readIdentity(reader: Reader): Identity {
  const kind = reader.uint8()
  switch (kind) {
    case NOBODY:
      return ANONYMOUS
    case USER:
      return { type: 'user', name: reader.text(), authRevision: reader.uint53() }
    case OF_MEMBER:
      return MEMBER
    default:
      throw reader.malformed(`a caller of kind ${kind}`)
  }
}
