import { beforeEach, describe, expect, test } from 'vitest'
import { accessOfAuth, type Access } from '../../src/auth/access.js'
import { AuthStore } from '../../src/auth/auth-store.js'
import { ANONYMOUS, authorize, MEMBER, type Identity } from '../../src/auth/authorize.js'
import type { AuthCommand } from '../../src/auth/command.js'
import { rangeOf } from '../../src/auth/key-range.js'
import { codeOf } from '../code-of.js'
import { passwordHash } from './arbitraries.js'

describe('authorizing', () => {
  let auth: AuthStore

  beforeEach(() => {
    auth = new AuthStore()
    apply(
      ...['root', 'ann'].map((name): AuthCommand => ({ type: 'user-add', name, password: passwordHash(1) })),
      { type: 'user-grant-role', name: 'root', role: 'root' },
      { type: 'role-add', name: 'jobs' },
      { type: 'role-grant-permission', name: 'jobs', permission: { type: 'read', key: 'job/', rangeEnd: 'job0' } },
      { type: 'role-grant-permission', name: 'jobs', permission: { type: 'write', key: 'job/1' } },
      { type: 'user-grant-role', name: 'ann', role: 'jobs' },
      { type: 'auth-enable' },
    )
  })

  function apply(...commands: readonly AuthCommand[]): void {
    for (const command of commands) auth.apply(command)
  }
  const as = (name: string, authRevision = auth.revision): Identity => ({ type: 'user', name, authRevision })
  const decide = (identity: Identity, ...accesses: readonly Access[]): string | undefined =>
    codeOf(() => authorize(auth, identity, accesses))
  const read = (key: string, rangeEnd?: string): Access => ({ kind: 'read', range: rangeOf(key, rangeEnd) })
  const write = (key: string, rangeEnd?: string): Access => ({ kind: 'write', range: rangeOf(key, rangeEnd) })
  const EVERY: readonly Access[] = [
    read('\0', '\0'),
    write('\0', '\0'),
    { kind: 'read-lease', lease: 1n, keys: ['x'] },
    { kind: 'write-lease', lease: 1n, keys: ['x'] },
    { kind: 'see-user', name: 'ann' },
    { kind: 'see-role', name: 'jobs' },
    { kind: 'administer' },
    { kind: 'be-known' },
    { kind: 'ask' },
  ]

  test('while it is disabled allows everything to everybody, and does not even look', () => {
    apply({ type: 'auth-disable' })
    const unread: Iterable<Access> = {
      [Symbol.iterator]: () => {
        throw new Error('looked')
      },
    }
    for (const identity of [ANONYMOUS, MEMBER, as('nobody', 0)]) authorize(auth, identity, unread)
  })

  test('allows everything to root and to the cluster itself', () => {
    expect(decide(as('root'), ...EVERY)).toBeUndefined()
    expect(decide(MEMBER, ...EVERY)).toBeUndefined()
  })

  test('allows a user what the roles cover together, and one access too many refuses all', () => {
    expect(decide(as('ann'), read('job/', 'job0'), write('job/1'))).toBeUndefined()
    expect(decide(as('ann'), read('job/', 'job0'), write('job/2'))).toBe('PERMISSION_DENIED')
    expect(decide(as('ann'), read('job/', '\0'))).toBe('PERMISSION_DENIED')
    expect(decide(as('ann'), write('job/1', 'job/2'))).toBe('PERMISSION_DENIED')
  })

  test('allows nobody without a name anything but to ask whether it is enabled', () => {
    for (const access of EVERY) {
      expect(decide(ANONYMOUS, access)).toBe(access.kind === 'ask' ? undefined : 'USER_EMPTY')
    }
    expect(decide(ANONYMOUS, { kind: 'ask' }, { kind: 'be-known' })).toBe('USER_EMPTY')
    expect(decide(ANONYMOUS)).toBe('USER_EMPTY')
  })

  test('allows every user what concerns no key, and to see oneself and the own roles, no others', () => {
    expect(decide(as('ann'), { kind: 'be-known' }, { kind: 'ask' })).toBeUndefined()
    expect(decide(as('ann'), accessOfAuth({ type: 'user-get', name: 'ann' }))).toBeUndefined()
    expect(decide(as('ann'), accessOfAuth({ type: 'role-get', name: 'jobs' }))).toBeUndefined()
    expect(decide(as('ann'), accessOfAuth({ type: 'user-get', name: 'root' }))).toBe('PERMISSION_DENIED')
    expect(decide(as('ann'), accessOfAuth({ type: 'role-get', name: 'root' }))).toBe('PERMISSION_DENIED')
    for (const type of ['user-list', 'role-list', 'auth-enable', 'auth-disable'] as const) {
      expect(decide(as('ann'), accessOfAuth({ type }))).toBe('PERMISSION_DENIED')
    }
  })

  test('allows nothing to a user who does not exist', () => {
    expect(decide(as('bob'), { kind: 'be-known' })).toBe('PERMISSION_DENIED')
  })

  test('lets no key be touched by who was identified before the last change, also not by root', () => {
    const before = auth.revision
    apply({ type: 'role-add', name: 'other' })
    for (const name of ['ann', 'root']) {
      for (const access of EVERY.slice(0, 4)) expect(decide(as(name, before), access)).toBe('AUTH_REVISION_OLD')
      expect(decide(as(name, before), { kind: 'be-known' })).toBeUndefined()
    }
    expect(decide(as('root', before), { kind: 'administer' })).toBeUndefined()
    expect(decide(as('ann'), read('job/1'))).toBeUndefined()
  })

  test('allows nothing by a password that is no more, or from before it was last enabled', () => {
    const before = auth.revision
    apply({ type: 'user-change-password', name: 'root', password: passwordHash(2) })
    expect(decide(as('root', before), { kind: 'administer' })).toBe('AUTH_REVISION_OLD')
    expect(decide(as('ann', before), { kind: 'be-known' })).toBeUndefined()
    apply({ type: 'auth-disable' }, { type: 'auth-enable' })
    expect(decide(as('ann', before), { kind: 'be-known' })).toBe('AUTH_REVISION_OLD')
    expect(decide(as('root'), { kind: 'administer' })).toBeUndefined()
  })

  test('goes by the roles as they are now', () => {
    apply({ type: 'user-revoke-role', name: 'ann', role: 'jobs' })
    expect(decide(as('ann'), read('job/1'))).toBe('PERMISSION_DENIED')
    expect(decide(as('ann'), accessOfAuth({ type: 'role-get', name: 'jobs' }))).toBe('PERMISSION_DENIED')
  })

  test('does not tell by a refusal which keys hang on a lease (CVE-2023-32082)', () => {
    const access: Access = { kind: 'read-lease', lease: 7n, keys: ['job/1', 'secret/plan'] }
    expect(() => authorize(auth, as('ann'), [access])).toThrow("The user 'ann' may not read every key of lease 7.")
  })

  test('tells by a refusal what was asked and not allowed', () => {
    expect(() => authorize(auth, as('ann'), [read('job/1'), write('a', 'b')])).toThrow(
      "The user 'ann' may not write 'a' to before 'b'.",
    )
    expect(() => authorize(auth, as('ann'), [read('x', '\0')])).toThrow("read everything from 'x' on")
    expect(() => authorize(auth, as('ann'), [read('\0', '\0')])).toThrow('read all keys')
    const long = `a\n\x1b${'x'.repeat(60_000)}`
    const onOneLine = `read 'a\\x0a\\x1b${'x'.repeat(61)}…' (60003 bytes).`
    expect(() => authorize(auth, as('ann'), [read(long, undefined)])).toThrow(onOneLine)
  })
})
