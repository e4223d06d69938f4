/**
 * Users, roles and the state of authorization as records of the state store.
 *
 *     'a'          enabled or not, the revision
 *     'r' | name   a role
 *     'u' | name   a user
 *
 * The keys stand behind a prefix that their owner gives (machine/state-records.ts). Roles sort before users, so that one
 * pass in key order meets a role before those who have it.
 *
 * Always: one state has one form in bytes. The digest is made of them.
 */
import { keyOf, type Key } from '../base/bytes.js'
import { decodeStored, Writer, type Reader } from '../base/codec.js'
import { StoreError } from '../base/errors.js'
import { PasswordHash } from '../base/password-hash.js'
import { comparePermissions } from './permission.js'
import type { AuthStatus, Permission, PermissionType, Role, User } from './types.js'

export const STATUS_KEY: Key = 'a'
const ROLE_PREFIX = 'r'
const USER_PREFIX = 'u'

/** Raised when an older version could no longer read what is written. */
const FORMAT = 1

/** Numbers on disk: never reuse one. */
const PERMISSION_TYPES: readonly PermissionType[] = ['read', 'write', 'readwrite']

export function roleKey(name: string): Key {
  return ROLE_PREFIX + keyOf(name)
}

export function userKey(name: string): Key {
  return USER_PREFIX + keyOf(name)
}

/** What a record is about, told by its key. */
export function recordKind(key: Key): 'status' | 'role' | 'user' | undefined {
  if (key === STATUS_KEY) return 'status'
  if (key.startsWith(ROLE_PREFIX)) return 'role'
  return key.startsWith(USER_PREFIX) ? 'user' : undefined
}

export function encodeStatus({ enabled, revision, since }: AuthStatus): Uint8Array {
  return new Writer(18).uint8(FORMAT).boolean(enabled).uint53(revision).uint53(since).finish()
}

/** Throws `DATA_DAMAGED`, `FORMAT_TOO_NEW`. */
export function decodeStatus(record: Uint8Array): AuthStatus {
  return decode(record, 'the record of authorization', (reader) => ({
    enabled: reader.boolean(),
    revision: reader.uint53(),
    since: reader.uint53(),
  }))
}

export function encodeRole({ name, permissions }: Role): Uint8Array {
  const writer = new Writer(64 + permissions.length * 32).uint8(FORMAT).text(name).uint32(permissions.length)
  for (const permission of permissions) writePermission(writer, permission)
  return writer.finish()
}

/** Throws `DATA_DAMAGED`, `FORMAT_TOO_NEW`. */
export function decodeRole(record: Uint8Array): Role {
  return decode(record, 'the record of a role', (reader) => {
    const name = reader.text()
    const count = reader.count(LEAST_PERMISSION_BYTES)
    const permissions = Array.from({ length: count }, () => readPermission(reader))
    checkAscending(reader, permissions, comparePermissions)
    return { name, permissions }
  })
}

export function encodeUser({ name, since, password, roles }: User): Uint8Array {
  const writer = new Writer(256).uint8(FORMAT).text(name).uint53(since)
  writePassword(writer, password)
  writer.uint32(roles.length)
  for (const role of roles) writer.text(role)
  return writer.finish()
}

/** Throws `DATA_DAMAGED`, `FORMAT_TOO_NEW`. */
export function decodeUser(record: Uint8Array): User {
  return decode(record, 'the record of a user', (reader) => {
    const name = reader.text()
    const since = reader.uint53()
    const password = readPassword(reader)
    const roles = Array.from({ length: reader.count(LEAST_TEXT_BYTES) }, () => reader.text())
    checkAscending(reader, roles, compareNames)
    return { name, since, password, roles }
  })
}

export function writePassword(writer: Writer, password: PasswordHash | undefined): void {
  writer.boolean(password !== undefined)
  if (password !== undefined) writer.text(password.reveal())
}

export function readPassword(reader: Reader): PasswordHash | undefined {
  return reader.boolean() ? PasswordHash.parse(reader.text()) : undefined
}

export function writePermission(writer: Writer, { type, key, rangeEnd }: Permission): void {
  writer
    .uint8(PERMISSION_TYPES.indexOf(type))
    .latin1(key)
    .boolean(rangeEnd !== undefined)
  if (rangeEnd !== undefined) writer.latin1(rangeEnd)
}

export function readPermission(reader: Reader): Permission {
  const type = PERMISSION_TYPES[reader.uint8()]
  if (type === undefined) throw reader.malformed('a permission of unknown type')
  return { type, key: reader.latin1(), rangeEnd: reader.boolean() ? reader.latin1() : undefined }
}

/** By their bytes, as keys are; the order of JavaScript differs for rare characters. */
export function compareNames(a: string, b: string): number {
  const [left, right] = [keyOf(a), keyOf(b)]
  return left < right ? -1 : left > right ? 1 : 0
}

/** Type, length of the key, whether there is a range end. */
const LEAST_PERMISSION_BYTES = 1 + 4 + 1
const LEAST_TEXT_BYTES = 4

function decode<T>(record: Uint8Array, what: string, read: (reader: Reader) => T): T {
  return decodeStored(record, what, (reader) => {
    const format = reader.uint8()
    if (format > FORMAT) {
      throw new StoreError('FORMAT_TOO_NEW', `${what} has format ${format}; this version reads up to ${FORMAT}.`)
    }
    if (format === 0) throw reader.malformed('format 0')
    return read(reader)
  })
}

function checkAscending<T>(reader: Reader, items: readonly T[], compare: (a: T, b: T) => number): void {
  for (let at = 1; at < items.length; at++) {
    if (compare(items[at - 1] as T, items[at] as T) >= 0) throw reader.malformed('a list out of order')
  }
}
