import { inspect } from 'node:util'
import { beforeEach, describe, expect, test } from 'vitest'
import { AuthStore } from '../../src/auth/auth-store.js'
import type { AuthCommand } from '../../src/auth/command.js'
import type { PermissionType } from '../../src/auth/types.js'
import { LIMITS } from '../../src/base/limits.js'
import { codeOf } from '../code-of.js'
import { passwordHash } from './arbitraries.js'

describe('users, roles and permissions', () => {
  let store: AuthStore

  beforeEach(() => {
    store = new AuthStore()
  })

  const apply = (...commands: readonly AuthCommand[]): void => {
    for (const command of commands) store.apply(command)
  }
  const refusalOf = (command: AuthCommand): string | undefined => {
    const before = [store.revision, store.digest]
    const code = codeOf(() => store.apply(command))
    if (code !== undefined) expect([store.revision, store.digest]).toEqual(before)
    return code
  }
  const addUser = (name: string): AuthCommand => ({ type: 'user-add', name, password: passwordHash(1) })
  const addRole = (name: string): AuthCommand => ({ type: 'role-add', name })
  const grant = (name: string, role: string): AuthCommand => ({ type: 'user-grant-role', name, role })
  const permit = (name: string, key: string, rangeEnd?: string, type: PermissionType = 'readwrite'): AuthCommand => ({
    type: 'role-grant-permission',
    name,
    permission: { type, key, rangeEnd },
  })
  const enable: AuthCommand = { type: 'auth-enable' }
  const enabled = (): void => {
    apply(addUser('root'), grant('root', 'root'), enable)
  }

  test('enabling needs the user root with the role root, and says which of them is missing', () => {
    expect(refusalOf(enable)).toBe('ROOT_USER_MISSING')
    apply(addUser('root'))
    expect(refusalOf(enable)).toBe('ROOT_ROLE_MISSING')
    apply(grant('root', 'root'), enable)
    expect(store.enabled).toBe(true)
    expect(refusalOf(enable)).toBeUndefined()
  })

  test('while it is enabled root stays what it is; disabled, it may go', () => {
    apply(addRole('root'))
    enabled()
    const attacks: readonly AuthCommand[] = [
      { type: 'user-delete', name: 'root' },
      { type: 'user-revoke-role', name: 'root', role: 'root' },
      { type: 'role-delete', name: 'root' },
    ]
    for (const attack of attacks) expect(refusalOf(attack)).toBe('AUTH_MANAGEMENT_INVALID')
    apply({ type: 'auth-disable' })
    expect(refusalOf({ type: 'role-delete', name: 'root' })).toBeUndefined()
    expect(store.user('root')?.roles).toEqual([])
    expect(refusalOf(enable)).toBe('ROOT_ROLE_MISSING')
  })

  test('the revision starts at 1 and rises with each change, but not by enabling or by what changes nothing', () => {
    const revisions = [store.revision]
    const steps: readonly AuthCommand[] = [
      addUser('root'),
      grant('root', 'root'),
      grant('root', 'root'),
      enable,
      enable,
      addRole('r'),
      permit('r', 'a'),
      permit('r', 'a'),
      { type: 'role-revoke-permission', name: 'r', key: 'a' },
      { type: 'auth-disable' },
      { type: 'auth-disable' },
    ]
    for (const step of steps) {
      apply(step)
      revisions.push(store.revision)
    }
    expect(revisions).toEqual([1, 2, 3, 3, 3, 3, 4, 5, 6, 7, 8, 8])
    expect(store.answer({ type: 'auth-status' })).toEqual({ type: 'auth-status', enabled: false, authRevision: 8 })
  })

  test('a user who is added twice, has no name, or does not exist is refused', () => {
    apply(addUser('ann'))
    expect(refusalOf(addUser('ann'))).toBe('USER_EXISTS')
    expect(refusalOf(addUser(''))).toBe('USER_EMPTY')
    expect(refusalOf({ type: 'user-delete', name: 'bob' })).toBe('USER_NOT_FOUND')
    expect(refusalOf({ type: 'user-change-password', name: 'bob', password: passwordHash(1) })).toBe('USER_NOT_FOUND')
    expect(refusalOf(grant('bob', 'root'))).toBe('USER_NOT_FOUND')
    expect(codeOf(() => store.answer({ type: 'user-get', name: 'bob' }))).toBe('USER_NOT_FOUND')
  })

  test('a role that is added twice, has no name, does not exist, or was not granted is refused', () => {
    apply(addUser('ann'), addRole('r'))
    expect(refusalOf(addRole('r'))).toBe('ROLE_EXISTS')
    expect(refusalOf(addRole(''))).toBe('ROLE_EMPTY')
    expect(refusalOf(grant('ann', 's'))).toBe('ROLE_NOT_FOUND')
    expect(refusalOf({ type: 'role-delete', name: 's' })).toBe('ROLE_NOT_FOUND')
    expect(refusalOf({ type: 'user-revoke-role', name: 'ann', role: 'r' })).toBe('ROLE_NOT_GRANTED')
    expect(refusalOf({ type: 'role-revoke-permission', name: 'r', key: 'a' })).toBe('PERMISSION_NOT_GRANTED')
    expect(refusalOf({ type: 'role-grant-permission', name: 'r', permission: undefined })).toBe('PERMISSION_NOT_GIVEN')
    expect(codeOf(() => store.answer({ type: 'role-get', name: 's' }))).toBe('ROLE_NOT_FOUND')
  })

  test.each([
    ['', undefined],
    ['', '\0'],
    ['b', 'b'],
    ['b', 'a'],
  ])('a permission for %j to %j, which holds no key, is refused', (key, rangeEnd) => {
    apply(addRole('r'))
    expect(refusalOf(permit('r', key, rangeEnd))).toBe('AUTH_MANAGEMENT_INVALID')
  })

  test('a permission granted again changes its type in place, whatever else the key has', () => {
    apply(addRole('r'))
    apply(permit('r', 'b', 'd', 'read'), permit('r', 'b', 'c'), permit('r', 'b'), permit('r', 'a'))
    apply(permit('r', 'b', 'd', 'write'), permit('r', 'b', '', 'read'))
    expect(store.answer({ type: 'role-get', name: 'r' })).toEqual({
      type: 'role-get',
      permissions: [
        { type: 'readwrite', key: 'a', rangeEnd: undefined },
        { type: 'read', key: 'b', rangeEnd: undefined },
        { type: 'readwrite', key: 'b', rangeEnd: 'c' },
        { type: 'write', key: 'b', rangeEnd: 'd' },
      ],
    })
  })

  test('the role root shows everything, whatever was granted to it', () => {
    apply(addRole('root'), permit('root', 'a', undefined, 'read'))
    expect(store.answer({ type: 'role-get', name: 'root' })).toEqual({
      type: 'role-get',
      permissions: [{ type: 'readwrite', key: '', rangeEnd: '\0' }],
    })
  })

  test('a role that is deleted is taken from its users, who keep the rest of what they are', () => {
    apply(addRole('r'), addRole('s'), { type: 'user-add', name: 'cert', password: undefined })
    apply(addUser('ann'), grant('ann', 's'), grant('ann', 'r'), grant('cert', 'r'))
    expect(store.answer({ type: 'user-get', name: 'ann' })).toEqual({ type: 'user-get', roles: ['r', 's'] })
    apply({ type: 'role-delete', name: 'r' })
    expect(store.user('ann')?.roles).toEqual(['s'])
    enabled()
    expect(codeOf(() => store.credentials('cert'))).toBe('NO_PASSWORD_USER')
  })

  test('a role that is added anew is not had by those who had its namesake', () => {
    apply(addRole('r'), addUser('ann'), grant('ann', 'r'), { type: 'role-delete', name: 'r' }, addRole('r'))
    expect(store.user('ann')?.roles).toEqual([])
  })

  test('names come in the order of their bytes', () => {
    for (const name of ['b', '\u{1f600}', '\uff5e', 'a']) apply(addUser(name))
    expect(store.answer({ type: 'user-list' })).toEqual({ type: 'user-list', users: ['a', 'b', '\uff5e', '\u{1f600}'] })
  })

  test('a login is checked against the hash; that of a user who does not exist against none', () => {
    expect(codeOf(() => store.credentials('root'))).toBe('AUTH_NOT_ENABLED')
    enabled()
    expect(store.credentials('root').password?.reveal()).toBe(passwordHash(1).reveal())
    expect(store.credentials('nobody')).toEqual({ password: undefined, authRevision: store.revision })
    expect(codeOf(() => store.login('nobody', store.revision))).toBe('AUTH_FAILED')
  })

  test('a login does not end with a password that was changed, or a user that was replaced, while it was checked', () => {
    enabled()
    apply(addUser('ann'))
    const { authRevision } = store.credentials('ann')
    apply(addUser('bob'))
    expect(store.login('ann', authRevision)).toBe(store.revision)
    apply({ type: 'user-change-password', name: 'ann', password: passwordHash(2) })
    expect(codeOf(() => store.login('ann', authRevision))).toBe('AUTH_REVISION_OLD')
    const again = store.credentials('ann').authRevision
    apply({ type: 'user-delete', name: 'ann' })
    expect(codeOf(() => store.login('ann', again))).toBe('AUTH_FAILED')
    apply(addUser('ann'))
    expect(codeOf(() => store.login('ann', again))).toBe('AUTH_REVISION_OLD')
  })

  test('who has no password gets none by a change, as with etcd', () => {
    enabled()
    apply({ type: 'user-add', name: 'cert', password: undefined })
    apply({ type: 'user-change-password', name: 'cert', password: passwordHash(1) })
    expect(codeOf(() => store.credentials('cert'))).toBe('NO_PASSWORD_USER')
  })

  test('names, roles and permissions have limits', () => {
    const name = 'é'.repeat(LIMITS.authNameBytesMax / 2)
    apply(addUser(name), addRole(name))
    expect(refusalOf(addUser(`${name}x`))).toBe('REQUEST_TOO_LARGE')
    expect(refusalOf(addRole(`${name}x`))).toBe('REQUEST_TOO_LARGE')
    expect(refusalOf(addUser('\ud800'))).toBe('MALFORMED')
    expect(refusalOf(permit(name, 'k'.repeat(LIMITS.keyBytesMax + 1)))).toBe('REQUEST_TOO_LARGE')

    for (let nth = 0; nth < LIMITS.authPermissionsPerRoleMax; nth++) apply(permit(name, `k${nth}`))
    expect(refusalOf(permit(name, 'more'))).toBe('AUTH_LIMIT_EXCEEDED')
    expect(refusalOf(permit(name, 'k0', undefined, 'read'))).toBeUndefined()

    apply(addRole('wide'))
    const long = 'k'.repeat(LIMITS.keyBytesMax - 1)
    for (let nth = 1; nth <= LIMITS.authPermissionBytesPerRoleMax / LIMITS.keyBytesMax; nth++) {
      apply(permit('wide', long + String.fromCharCode(nth)))
    }
    expect(refusalOf(permit('wide', 'more'))).toBe('AUTH_LIMIT_EXCEEDED')

    for (let nth = 0; nth < LIMITS.authRolesPerUserMax; nth++) apply(addRole(`r${nth}`), grant(name, `r${nth}`))
    expect(refusalOf(grant(name, 'wide'))).toBe('AUTH_LIMIT_EXCEEDED')
    for (let nth = LIMITS.authRolesPerUserMax + 2; nth < LIMITS.authRolesMax; nth++) apply(addRole(`r${nth}`))
    expect(refusalOf(addRole('more'))).toBe('AUTH_LIMIT_EXCEEDED')
  })

  test('no hash comes out by printing what holds it', () => {
    apply(addUser('ann'))
    const secret = passwordHash(1).reveal().slice(-20)
    const holders: readonly unknown[] = [store, store.user('ann'), addUser('ann'), passwordHash(1)]
    for (const holder of holders) {
      for (const shown of [JSON.stringify(holder), inspect(holder, { depth: 9, showHidden: true }), String(holder)]) {
        expect(shown).not.toContain(secret)
      }
    }
    expect(JSON.stringify(addUser('ann'))).toContain('[password hash]')
    expect(Object.values(passwordHash(1)).map(String).join()).not.toContain(secret)
  })
})
