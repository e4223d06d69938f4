/** What is loaded is not trusted: a state that does not fit together is damage, not a crash or an open door. */
import { describe, expect, test } from 'vitest'
import { AuthStore } from '../../src/auth/auth-store.js'
import { encodeRole, encodeStatus, encodeUser, roleKey, STATUS_KEY, userKey } from '../../src/auth/records.js'
import type { User } from '../../src/auth/types.js'
import { codeOf } from '../code-of.js'
import { passwordHash } from './arbitraries.js'

const user = (more: Partial<User> = {}): User => ({
  name: 'ann',
  password: passwordHash(1),
  roles: [],
  since: 2,
  ...more,
})
const loading = (...records: readonly (readonly [string, Uint8Array])[]): string | undefined =>
  codeOf(() => {
    const store = new AuthStore()
    for (const [key, record] of records) store.load(key, record)
  })

describe('records of users and roles', () => {
  const status = encodeStatus({ enabled: true, revision: 7, since: 3 })
  const role = encodeRole({ name: 'r', permissions: [{ type: 'read', key: 'a', rangeEnd: 'b' }] })

  test('that fit together are loaded', () => {
    const ann = encodeUser(user({ roles: ['r', 'root'] }))
    expect(loading([STATUS_KEY, status], [roleKey('r'), role], [userKey('ann'), ann])).toBeUndefined()
  })

  test.each([
    ['a user with a role that is missing', userKey('ann'), encodeUser(user({ roles: ['r'] }))],
    ['a user under the name of another', userKey('bob'), encodeUser(user())],
    ['a role under the name of another', roleKey('s'), role],
    ['a record of unknown kind', 'x', role],
    ['a list of roles out of order', userKey('ann'), encodeUser(user({ roles: ['root', 'root'] }))],
    ['half of a record', STATUS_KEY, status.subarray(0, 9)],
    ['a record with more behind it', STATUS_KEY, Buffer.concat([status, Buffer.of(0)])],
    ['a hash that is none', userKey('ann'), Buffer.from(encodeUser(user())).fill(0x24, 20, 40)],
  ])('%s is damage', (_what, key, record) => {
    expect(loading([key, record])).toBe('DATA_DAMAGED')
  })

  test('of a later format are refused as such', () => {
    expect(loading([STATUS_KEY, Buffer.from(status).fill(2, 0, 1)])).toBe('FORMAT_TOO_NEW')
  })
})
