/** etcd's Auth, as functions: names, numbers and ranges as its clients send them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../../../src/api/store.js'
import { SILENT } from '../../../src/base/logger.js'
import { Permission_Type } from '../../../src/etcd/generated/rpc.js'
import { authService } from '../../../src/etcd/server/services/auth.js'
import { systemEnvironment } from '../../../src/runtime/system.js'
import { open } from '../../../src/store/open.js'
import { callOf, faceOver, refused } from './called.js'

const scrypt = { costLog2: 10, blockSize: 8, parallelization: 1 }
const NO_HASH = { hashedPassword: '' }

let store: Store
let auth: ReturnType<typeof authService>
const said: string[] = []

function hear(level: string): (message: string, fields?: object) => void {
  return (message, fields) => said.push(`${level} ${message} ${JSON.stringify(fields)}`)
}

beforeAll(async () => {
  const logger = { ...SILENT, debug: hear('debug'), info: hear('info'), warn: hear('warn'), error: hear('error') }
  store = await open({ auth: { scrypt }, environment: { ...systemEnvironment(), logger } })
  auth = authService(faceOver(store))
})

afterAll(() => store.close())

function user(name: string, password: string) {
  return { name, password, options: undefined, ...NO_HASH }
}

function permission(key: string, rangeEnd = '', permType: number = Permission_Type.READ) {
  return {
    permType: permType as Permission_Type,
    key: Buffer.from(key, 'latin1'),
    range_end: Buffer.from(rangeEnd, 'latin1'),
  }
}

describe('permissions', () => {
  beforeAll(async () => {
    await auth.roleAdd({ name: 'some' }, callOf(store))
  })

  async function granted(...[key, rangeEnd, type]: Parameters<typeof permission>): Promise<unknown> {
    const perm = permission(key, rangeEnd, type)
    await auth.roleGrantPermission({ name: 'some', perm }, callOf(store))
    const answer = await auth.roleGet({ role: 'some' }, callOf(store))
    await auth.roleRevokePermission({ role: 'some', key: perm.key, range_end: perm.range_end }, callOf(store))
    expect((await auth.roleGet({ role: 'some' }, callOf(store))).perm).toEqual([])
    return answer.perm
  }

  test.each([
    ['one key', 'a', ''],
    ['a prefix', 'a', 'b'],
    ['a prefix without an end', '\xff', '\0'],
    ['some keys', 'a', 'x\0\xff'],
    ['everything from a key on', 'a', '\0'],
    ['all keys', '\0', '\0'],
    ['a key that is no text', '\xff\xfe', '\xff\xff'],
  ])('for %s are told as they were granted, and revoked by the same', async (_, key, rangeEnd) => {
    expect(await granted(key, rangeEnd)).toEqual([permission(key, rangeEnd)])
  })

  test('are of one of three types', async () => {
    for (const type of [Permission_Type.READ, Permission_Type.WRITE, Permission_Type.READWRITE]) {
      expect(await granted('a', '', type)).toEqual([permission('a', '', type)])
    }
    const perm = permission('a', '', 7)
    expect(await refused(auth.roleGrantPermission({ name: 'some', perm }, callOf(store)))).toBe(
      'AUTH_MANAGEMENT_INVALID',
    )
  })

  test.each([
    ['an empty key', '', ''],
    ['an empty key with a range end', '', 'b'],
    ['an empty key and everything behind it', '', '\0'],
    ['a range end that is the key', 'a', 'a'],
    ['a range end before the key', 'b', 'a'],
  ])('for %s are refused', async (_, key, rangeEnd) => {
    const perm = permission(key, rangeEnd)
    expect(await refused(auth.roleGrantPermission({ name: 'some', perm }, callOf(store)))).toBe(
      'AUTH_MANAGEMENT_INVALID',
    )
    const revoke = { role: 'some', key: perm.key, range_end: perm.range_end }
    expect(await refused(auth.roleRevokePermission(revoke, callOf(store)))).toBe('PERMISSION_NOT_GRANTED')
  })

  test('are refused where there is none, or no such role', async () => {
    expect(await refused(auth.roleGrantPermission({ name: 'some', perm: undefined }, callOf(store)))).toBe(
      'PERMISSION_NOT_GIVEN',
    )
    expect(await refused(auth.roleGrantPermission({ name: 'none', perm: permission('a') }, callOf(store)))).toBe(
      'ROLE_NOT_FOUND',
    )
  })

  test('of the role root are shown as etcd shows them', async () => {
    await auth.roleAdd({ name: 'root' }, callOf(store))
    const { perm } = await auth.roleGet({ role: 'root' }, callOf(store))
    expect(perm).toEqual([permission('', '\0', Permission_Type.READWRITE)])
  })
})

describe('users and roles', () => {
  test("are added, listed, changed and deleted, and each refusal is the store's own", async () => {
    const call = callOf(store)
    await auth.userAdd(user('ann', 'secret-of-ann'), call)
    await auth.userAdd({ ...user('cert', 'ignored'), options: { no_password: true } }, call)
    expect((await auth.userList({}, call)).users).toEqual(['ann', 'cert'])
    expect(await refused(auth.userAdd(user('ann', 'x'), call))).toBe('USER_EXISTS')
    expect(await refused(auth.userAdd(user('', 'x'), call))).toBe('USER_EMPTY')
    expect(await refused(auth.userAdd(user('bob', ''), call))).toBe('PASSWORD_INVALID')
    await auth.roleAdd({ name: 'writer' }, call)
    expect(await refused(auth.roleAdd({ name: 'writer' }, call))).toBe('ROLE_EXISTS')
    expect(await refused(auth.roleAdd({ name: '' }, call))).toBe('ROLE_EMPTY')
    await auth.userGrantRole({ user: 'ann', role: 'writer' }, call)
    expect((await auth.userGet({ name: 'ann' }, call)).roles).toEqual(['writer'])
    expect((await auth.roleList({}, call)).roles).toContain('writer')
    await auth.userRevokeRole({ name: 'ann', role: 'writer' }, call)
    expect(await refused(auth.userRevokeRole({ name: 'ann', role: 'writer' }, call))).toBe('ROLE_NOT_GRANTED')
    await auth.userChangePassword({ name: 'ann', password: 'new-secret-of-ann', ...NO_HASH }, call)
    await auth.roleDelete({ role: 'writer' }, call)
    expect(await refused(auth.roleDelete({ role: 'writer' }, call))).toBe('ROLE_NOT_FOUND')
    await auth.userDelete({ name: 'cert' }, call)
    expect(await refused(auth.userDelete({ name: 'cert' }, call))).toBe('USER_NOT_FOUND')
  })
})

describe('once it is enabled', () => {
  const nobody = (): ReturnType<typeof callOf> => callOf(store.as('anonymous'))
  const asToken = (token: string): ReturnType<typeof callOf> => callOf(store.as({ token }))

  async function login(name: string, password: string): Promise<string> {
    return (await auth.authenticate({ name, password }, nobody())).token
  }

  beforeAll(async () => {
    expect(await refused(auth.authenticate({ name: 'ann', password: 'x' }, nobody()))).toBe('AUTH_NOT_ENABLED')
    expect(await refused(auth.authEnable({}, callOf(store)))).toBe('ROOT_USER_MISSING')
    await auth.userAdd(user('root', 'secret-of-root'), callOf(store))
    expect(await refused(auth.authEnable({}, callOf(store)))).toBe('ROOT_ROLE_MISSING')
    await auth.userGrantRole({ user: 'root', role: 'root' }, callOf(store))
    await auth.authEnable({}, callOf(store))
    await auth.authEnable({}, callOf(store))
  })

  test('its status is told to everybody, whatever token comes along', async () => {
    for (const call of [nobody(), asToken('void')]) {
      const { enabled, authRevision } = await auth.authStatus({}, call)
      expect([enabled, authRevision > 1n]).toEqual([true, true])
    }
  })

  test('who logs in gets a token, also with one that is void', async () => {
    const { token } = await auth.authenticate({ name: 'ann', password: 'new-secret-of-ann' }, asToken('void'))
    expect((await auth.userGet({ name: 'ann' }, asToken(token))).roles).toEqual([])
    expect(await refused(login('ann', 'secret-of-ann'))).toBe('AUTH_FAILED')
    expect(await refused(login('nobody', 'x'))).toBe('AUTH_FAILED')
  })

  test('all that administers is for root, also what is refused for another reason', async () => {
    const ann = asToken(await login('ann', 'new-secret-of-ann'))
    const calls = (call: ReturnType<typeof callOf>): Promise<unknown>[] => [
      auth.userAdd(user('x', 'y'), call),
      auth.userList({}, call),
      auth.roleList({}, call),
      auth.roleGrantPermission({ name: 'some', perm: undefined }, call),
      auth.roleGrantPermission({ name: 'some', perm: permission('a', '', 9) }, call),
      auth.roleGrantPermission({ name: 'some', perm: permission('a') }, call),
      auth.authDisable({}, call),
    ]
    expect(new Set(await Promise.all(calls(ann).map(refused)))).toEqual(new Set(['PERMISSION_DENIED']))
    expect(new Set(await Promise.all(calls(nobody()).map(refused)))).toEqual(new Set(['USER_EMPTY']))
    expect(new Set(await Promise.all(calls(asToken('void')).map(refused)))).toEqual(new Set(['AUTH_TOKEN_INVALID']))
    const root = asToken(await login('root', 'secret-of-root'))
    expect(await refused(auth.userDelete({ name: 'root' }, root))).toBe('AUTH_MANAGEMENT_INVALID')
    await auth.authDisable({}, root)
    expect((await auth.authStatus({}, nobody())).enabled).toBe(false)
  })

  test('no password was told to the log', () => {
    expect(said.filter((line) => line.includes('secret-of'))).toEqual([])
  })
})
