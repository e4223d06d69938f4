/**
 * The replicated book of users and roles, and what each user may reach.
 *
 * What users may reach is asked with every request and changes rarely: it is merged once, into one set of ranges to read
 * and one to write, and kept until a role of the user changes. A permission that is only added is added to it.
 *
 * Always: every role of a user exists, but for `root`, which needs no record to be had (as with etcd).
 * Always: the digest is the sum over the records as they would be written now.
 * Not here: what may be done (auth-store.ts); this book writes down what it is told.
 */
import { assert, assertNever, present } from '../base/assert.js'
import { keyOf, type Key } from '../base/bytes.js'
import { addDigest, EMPTY_DIGEST, hash64, removeDigest, type Digest } from '../base/checksum.js'
import { Writer } from '../base/codec.js'
import { damaged } from '../base/damaged-state.js'
import { quote } from '../base/quote.js'
import { mayRead, mayWrite, rangeOfPermission } from './permission.js'
import { RangeSet } from './range-set.js'
import {
  compareNames,
  decodeRole,
  decodeStatus,
  decodeUser,
  encodeRole,
  encodeStatus,
  encodeUser,
  recordKind,
  roleKey,
  STATUS_KEY,
  userKey,
} from './records.js'
import { ROOT, type AuthStatus, type Permission, type Role, type User } from './types.js'

/** What one user may reach. */
export interface Reach {
  readonly read: RangeSet
  readonly write: RangeSet
}

/** A record that changed; without one it was deleted. */
export interface AuthRecord {
  readonly key: Key
  readonly record: Uint8Array | undefined
}

const FIRST_STATUS: AuthStatus = { enabled: false, revision: 1, since: 0 }

export class AuthBook {
  #status = FIRST_STATUS
  readonly #users = new Map<string, User>()
  readonly #roles = new Map<string, Role>()
  /** Names of the users of each role that anybody has. */
  readonly #usersOf = new Map<string, Set<string>>()
  readonly #reaches = new Map<string, Reach>()
  /** Of each record, for taking it out of the digest. */
  readonly #hashes = new Map<Key, Digest>()
  readonly #dirty = new Map<Key, Uint8Array | undefined>()
  #digest = EMPTY_DIGEST

  get status(): AuthStatus {
    return this.#status
  }

  /** The sum over all records; 0 while nothing was ever changed. */
  get digest(): Digest {
    return this.#digest
  }

  get users(): ReadonlyMap<string, User> {
    return this.#users
  }

  get roles(): ReadonlyMap<string, Role> {
    return this.#roles
  }

  /** In the order of their names. */
  usersOf(role: string): readonly User[] {
    const names = [...(this.#usersOf.get(role) ?? [])].sort(compareNames)
    return names.map((name) => present(this.#users.get(name), `user ${name}`))
  }

  reachOf(user: User): Reach {
    const known = this.#reaches.get(user.name)
    if (known !== undefined) return known
    const permissions = user.roles.flatMap((role) => this.#roles.get(role)?.permissions ?? [])
    const reach = {
      read: new RangeSet(permissions.filter(mayRead).map(rangeOfPermission)),
      write: new RangeSet(permissions.filter(mayWrite).map(rangeOfPermission)),
    }
    this.#reaches.set(user.name, reach)
    return reach
  }

  setStatus(status: AuthStatus): void {
    this.#status = status
    this.#write(STATUS_KEY, encodeStatus(status))
  }

  setUser(user: User): void {
    this.#write(userKey(user.name), encodeUser(user))
    this.#takeUser(user)
  }

  deleteUser(name: string): void {
    const user = present(this.#users.get(name), `user ${name}`)
    for (const role of user.roles) this.#usersOf.get(role)?.delete(name)
    this.#users.delete(name)
    this.#reaches.delete(name)
    this.#write(userKey(name), undefined)
  }

  setRole(role: Role): void {
    this.#write(roleKey(role.name), encodeRole(role))
    this.#roles.set(role.name, role)
    for (const name of this.#usersOf.get(role.name) ?? []) this.#reaches.delete(name)
  }

  /** As {@link setRole}, for a role that allows all that it did and also `added`. */
  widenRole(role: Role, added: Permission): void {
    this.#write(roleKey(role.name), encodeRole(role))
    this.#roles.set(role.name, role)
    const range = rangeOfPermission(added)
    for (const name of this.#usersOf.get(role.name) ?? []) {
      const reach = this.#reaches.get(name)
      if (mayRead(added)) reach?.read.add(range)
      if (mayWrite(added)) reach?.write.add(range)
    }
  }

  /** Of a role that nobody has any more. */
  deleteRole(name: string): void {
    assert(!this.#usersOf.get(name)?.size, () => `role ${name} is deleted while somebody has it`)
    this.#usersOf.delete(name)
    this.#roles.delete(name)
    this.#write(roleKey(name), undefined)
  }

  /** The records that changed since this was last called, in the order of their keys. */
  takeChanges(): readonly AuthRecord[] {
    const changes = [...this.#dirty].map(([key, record]) => ({ key, record }))
    this.#dirty.clear()
    return changes.sort((a, b) => (a.key < b.key ? -1 : 1))
  }

  /** Takes up a record written before; they come in the order of their keys. Throws `DATA_DAMAGED`, `FORMAT_TOO_NEW`. */
  load(key: Key, record: Uint8Array): void {
    const kind = recordKind(key)
    switch (kind) {
      case 'status':
        this.#status = decodeStatus(record)
        break
      case 'role':
        this.#loadRole(key, decodeRole(record))
        break
      case 'user':
        this.#loadUser(key, decodeUser(record))
        break
      case undefined:
        throw damaged('there is a record of unknown kind')
      default:
        assertNever(kind, 'record')
    }
    this.#count(key, record)
  }

  #loadRole(key: Key, role: Role): void {
    if (roleKey(role.name) !== key) throw damaged('a role stands under the name of another')
    this.#roles.set(role.name, role)
  }

  #loadUser(key: Key, user: User): void {
    if (userKey(user.name) !== key) throw damaged('a user stands under the name of another')
    const missing = user.roles.find((role) => role !== ROOT && !this.#roles.has(role))
    if (missing !== undefined)
      throw damaged(`user ${quote(user.name)} has the role ${quote(missing)}, which is missing`)
    this.#takeUser(user)
  }

  #takeUser(user: User): void {
    for (const role of this.#users.get(user.name)?.roles ?? []) this.#usersOf.get(role)?.delete(user.name)
    for (const role of user.roles) {
      const users = this.#usersOf.get(role) ?? new Set()
      this.#usersOf.set(role, users.add(user.name))
    }
    this.#users.set(user.name, user)
    this.#reaches.delete(user.name)
  }

  #write(key: Key, record: Uint8Array | undefined): void {
    this.#dirty.set(key, record)
    this.#count(key, record)
  }

  #count(key: Key, record: Uint8Array | undefined): void {
    this.#digest = removeDigest(this.#digest, this.#hashes.get(key) ?? EMPTY_DIGEST)
    this.#hashes.delete(key)
    if (record === undefined) return
    const hash = hash64(new Writer(8 + key.length + record.byteLength).latin1(key).raw(record).finish())
    this.#hashes.set(key, hash)
    this.#digest = addDigest(this.#digest, hash)
  }
}

/** Names in the order of their bytes. */
export function sortedNames(names: Iterable<string>): readonly string[] {
  return [...names]
    .map((name) => ({ name, key: keyOf(name) }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ name }) => name)
}
