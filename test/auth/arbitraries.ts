/** What commands about users and roles are drawn from: few names and keys, so that they meet often. */
import fc from 'fast-check'
import type { AuthCommand } from '../../src/auth/command.js'
import type { Permission } from '../../src/auth/types.js'
import { PasswordHash } from '../../src/base/password-hash.js'

/** Cheap ones; nobody checks a password with them. */
export function passwordHash(nth: number): PasswordHash {
  const parameters = { costLog2: 10, blockSize: 8, parallelization: 1 }
  return PasswordHash.of(parameters, new Uint8Array(16).fill(nth), new Uint8Array(32).fill(nth))
}

export const key = fc.constantFrom('a', 'a\0', 'aa', 'ab', 'b', 'b\0', 'c', '\xff', '\xff\xff')
export const rangeEnd = fc.constantFrom(undefined, undefined, '\0', 'a', 'ab', 'b', 'c', 'd', '\xff')

/**
 * Every boundary between two ranges of these keys and ends: a range begins and ends at one of them, so that what holds for
 * them holds for every key between.
 */
export const UNIVERSE: readonly string[] = [
  ...new Set(
    ['\0', 'a', 'a\0', 'aa', 'ab', 'b', 'b\0', 'c', 'd', '\xff', '\xff\xff'].flatMap((each) => [each, each + '\0']),
  ),
].sort()

/** Few, so that a permission is granted again or taken away. */
const place = fc.constantFrom<readonly [string, string | undefined]>(['a', 'c'], ['a', undefined], ['b', '\0'])

export const permission: fc.Arbitrary<Permission> = fc.record({
  type: fc.constantFrom('read' as const, 'write' as const, 'readwrite' as const),
  key: fc.oneof({ weight: 20, arbitrary: key }, { weight: 1, arbitrary: fc.constant('') }),
  rangeEnd,
})

const user = fc.constantFrom('root', 'ann', 'bob', 'bob', '')
const role = fc.constantFrom('root', 'reader', 'writer', 'writer', 'writer', '')
const password = fc.nat(3).map(passwordHash)

export const command: fc.Arbitrary<AuthCommand> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({ type: 'auth-enable' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'auth-disable' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant('user-add' as const),
      name: user,
      password: fc.option(password, { nil: undefined }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('user-delete' as const), name: user }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('user-change-password' as const), name: user, password }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant('user-grant-role' as const), name: user, role }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('user-revoke-role' as const), name: user, role }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('role-add' as const), name: role }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('role-delete' as const), name: role }) },
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant('role-grant-permission' as const),
      name: role,
      permission: fc.option(permission, { nil: undefined, freq: 20 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('role-revoke-permission' as const), name: role, key, rangeEnd }),
  },
  {
    weight: 4,
    arbitrary: fc
      .tuple(role, place)
      .map(([name, [key, rangeEnd]]) => ({ type: 'role-revoke-permission' as const, name, key, rangeEnd })),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(role, place, permission).map(([name, [key, rangeEnd], { type }]) => ({
      type: 'role-grant-permission' as const,
      name,
      permission: { type, key, rangeEnd },
    })),
  },
)

/** Often from where much can happen: users who have roles. */
export const commands: fc.Arbitrary<readonly AuthCommand[]> = fc
  .tuple(fc.boolean(), fc.array(command, { maxLength: 40, size: 'max' }))
  .map(([furnished, drawn]) => (furnished ? [...FURNISHED, ...drawn] : drawn))

const FURNISHED: readonly AuthCommand[] = [
  ...['root', 'ann', 'bob'].map((name, nth) => ({ type: 'user-add' as const, name, password: passwordHash(nth) })),
  ...['reader', 'writer'].map((name) => ({ type: 'role-add' as const, name })),
  { type: 'user-grant-role', name: 'root', role: 'root' },
  { type: 'user-grant-role', name: 'ann', role: 'reader' },
  { type: 'user-grant-role', name: 'ann', role: 'writer' },
  { type: 'user-grant-role', name: 'bob', role: 'writer' },
]
