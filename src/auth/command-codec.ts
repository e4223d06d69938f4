/**
 * Commands about users and roles as bytes, for the log: a number for the kind, then its fields.
 *
 * Like machine/command-codec.ts, whose requests they are to become: bounded, and every member must read the same bytes
 * alike. A new kind gets a new number.
 */
import { assertNever } from '../base/assert.js'
import type { Reader, Writer } from '../base/codec.js'
import type { AuthCommand } from './command.js'
import { readPassword, readPermission, writePassword, writePermission } from './records.js'

/** Numbers in the log: never reuse one. */
const ENABLE = 1
const DISABLE = 2
const USER_ADD = 3
const USER_DELETE = 4
const USER_CHANGE_PASSWORD = 5
const USER_GRANT_ROLE = 6
const USER_REVOKE_ROLE = 7
const ROLE_ADD = 8
const ROLE_DELETE = 9
const ROLE_GRANT_PERMISSION = 10
const ROLE_REVOKE_PERMISSION = 11

export function writeAuthCommand(writer: Writer, command: AuthCommand): void {
  switch (command.type) {
    case 'auth-enable':
      writer.uint8(ENABLE)
      return
    case 'auth-disable':
      writer.uint8(DISABLE)
      return
    case 'user-add':
      writePassword(writer.uint8(USER_ADD).text(command.name), command.password)
      return
    case 'user-delete':
      writer.uint8(USER_DELETE).text(command.name)
      return
    case 'user-change-password':
      writePassword(writer.uint8(USER_CHANGE_PASSWORD).text(command.name), command.password)
      return
    case 'user-grant-role':
      writer.uint8(USER_GRANT_ROLE).text(command.name).text(command.role)
      return
    case 'user-revoke-role':
      writer.uint8(USER_REVOKE_ROLE).text(command.name).text(command.role)
      return
    case 'role-add':
      writer.uint8(ROLE_ADD).text(command.name)
      return
    case 'role-delete':
      writer.uint8(ROLE_DELETE).text(command.name)
      return
    case 'role-grant-permission':
      writer.uint8(ROLE_GRANT_PERMISSION).text(command.name)
      writer.boolean(command.permission !== undefined)
      if (command.permission !== undefined) writePermission(writer, command.permission)
      return
    case 'role-revoke-permission':
      writer.uint8(ROLE_REVOKE_PERMISSION).text(command.name).latin1(command.key)
      writer.boolean(command.rangeEnd !== undefined)
      if (command.rangeEnd !== undefined) writer.latin1(command.rangeEnd)
      return
    default:
      assertNever(command, 'command')
  }
}

/** Throws `MALFORMED`. */
export function readAuthCommand(reader: Reader): AuthCommand {
  const kind = reader.uint8()
  switch (kind) {
    case ENABLE:
      return { type: 'auth-enable' }
    case DISABLE:
      return { type: 'auth-disable' }
    case USER_ADD:
      return { type: 'user-add', name: reader.text(), password: readPassword(reader) }
    case USER_DELETE:
      return { type: 'user-delete', name: reader.text() }
    case USER_CHANGE_PASSWORD:
      return readPasswordChange(reader)
    case USER_GRANT_ROLE:
      return { type: 'user-grant-role', name: reader.text(), role: reader.text() }
    case USER_REVOKE_ROLE:
      return { type: 'user-revoke-role', name: reader.text(), role: reader.text() }
    case ROLE_ADD:
      return { type: 'role-add', name: reader.text() }
    case ROLE_DELETE:
      return { type: 'role-delete', name: reader.text() }
    case ROLE_GRANT_PERMISSION: {
      const name = reader.text()
      return { type: 'role-grant-permission', name, permission: reader.boolean() ? readPermission(reader) : undefined }
    }
    case ROLE_REVOKE_PERMISSION: {
      const [name, key] = [reader.text(), reader.latin1()]
      return { type: 'role-revoke-permission', name, key, rangeEnd: reader.boolean() ? reader.latin1() : undefined }
    }
    default:
      throw reader.malformed(`a command about users and roles of kind ${kind}`)
  }
}

function readPasswordChange(reader: Reader): AuthCommand {
  const name = reader.text()
  const password = readPassword(reader)
  if (password === undefined) throw reader.malformed('a change of password without a password')
  return { type: 'user-change-password', name, password }
}
