/** Who may ask what, by example: the advisories of etcd first, by their numbers. */
import { beforeEach, describe, expect, test } from 'vitest'
import { ANONYMOUS, authorize } from '../../src/auth/authorize.js'
import type { Permission } from '../../src/auth/types.js'
import { prefixEnd } from '../../src/base/bytes.js'
import { EMPTY_DIGEST } from '../../src/base/checksum.js'
import { Lessor } from '../../src/lease/lessor.js'
import { accessesOf, type Question } from '../../src/machine/accesses.js'
import type { Request } from '../../src/machine/command.js'
import type { Compare, Operation } from '../../src/mvcc/types.js'
import { codeOf } from '../code-of.js'
import { always, del, get, prefix, put, txn } from '../mvcc/requests.js'
import { NO_LEASE_KEYS, Permitted } from './permitted.js'

const may = (type: Permission['type'], key: string, rangeEnd?: string): Permission => ({ type, key, rangeEnd })
const user = (...permissions: readonly Permission[]): Permitted => new Permitted([permissions])
const watch = (key: string, rangeEnd?: string): Question => ({ type: 'watch', key, rangeEnd })
const exists = (key: string, rangeEnd?: string): Compare => ({
  key,
  rangeEnd,
  target: 'create-revision',
  relation: '>',
  createRevision: 0,
})

describe('GHSA-xg4h-6gfc-h4m8: a watch from a key on', () => {
  test('is not allowed to who may read that one key', () => {
    const reader = user(may('read', 'a'))
    expect(reader.allows(watch('a'))).toBe(true)
    expect(reader.allows(watch('a', '\0'))).toBe(false)
    expect(reader.allows(watch('a', 'a\0'))).toBe(true)
    expect(reader.allows(watch('a', 'a\0\0'))).toBe(false)
  })

  test('is not allowed to who may read a long range, nor is everything', () => {
    const reader = user(may('read', 'a', '\xff'))
    expect(reader.allows(watch('a', '\xff'))).toBe(true)
    expect(reader.allows(watch('a', '\0'))).toBe(false)
    expect(reader.allows(watch('\0', '\0'))).toBe(false)
    expect(user(may('read', 'b', '\0')).allows(watch('b', '\0'))).toBe(true)
    expect(user(may('read', 'b', '\0')).allows(watch('a', '\0'))).toBe(false)
    expect(user(may('read', '\0', '\0')).allows(watch('\0', '\0'))).toBe(true)
  })

  test('with the range of a prefix is allowed by the permission for it, and not by that to write', () => {
    expect(user(may('read', 'job/', prefixEnd('job/'))).allows(watch('job/', prefixEnd('job/')))).toBe(true)
    expect(user(may('write', 'job/', prefixEnd('job/'))).allows(watch('job/1'))).toBe(false)
  })
})

describe('CVE-2026-44283, GHSA-x35m-3gp4-4fh5: inside a transaction as outside', () => {
  const wrap: readonly (readonly [string, (operation: Operation) => Request])[] = [
    ['in a transaction', (operation) => always(operation)],
    ['in the branch that is not taken', (operation) => txn([], [], [operation])],
    ['in a transaction within a transaction', (operation) => always(always(operation))],
  ]

  test.each(wrap)('a previous value needs permission to read, %s', (_where, wrapped) => {
    const writer = user(may('write', 'a', 'c'))
    const both = user(may('readwrite', 'a', 'c'))
    for (const operation of [put('a'), del('a'), del('a', 'c')]) {
      expect(writer.allows(wrapped(operation))).toBe(true)
      expect(writer.allows(wrapped({ ...operation, previousKeyValue: true }))).toBe(false)
      expect(both.allows(wrapped({ ...operation, previousKeyValue: true }))).toBe(true)
    }
  })

  test.each(wrap)('a put under a lease needs permission to write all keys on it, %s', (_where, wrapped) => {
    const lessor = new Lessor()
    lessor.grant(7n, 10)
    const writer = user(may('write', 'a'))
    const request = wrapped(put('a', '', { lease: 7n }))
    expect(writer.allows(request, lessor)).toBe(true)
    lessor.attach('b', 7n)
    expect(writer.refusalOf(request, lessor)).toBe('PERMISSION_DENIED')
    expect(user(may('write', 'a', 'c')).allows(request, lessor)).toBe(true)
    expect(user(may('write', 'a'), may('read', 'b')).allows(request, lessor)).toBe(false)
  })
})

describe('CVE-2026-33343: nested transactions', () => {
  const reader = user(may('read', 'a'))

  test.each([
    ['a range', get('secret')],
    ['a range within two', always(get('secret'))],
    ['a put', put('a')],
    ['a compare', txn([exists('secret')], [])],
    ['a compare of a range', txn([exists('a', '\0')], [])],
    ['the failure branch', txn([exists('a')], [], [get('secret')])],
  ])('are looked into: %s', (_what, operation) => {
    expect(reader.allows(always(get('a'), always(operation)))).toBe(false)
    expect(reader.allows(txn([exists('a')], [get('a')], [always(operation)]))).toBe(false)
  })

  test('are allowed where everything in them is', () => {
    expect(reader.allows(txn([exists('a')], [always(get('a'))], [txn([exists('a')], [get('a')], [])]))).toBe(true)
  })
})

describe('CVE-2023-32082: the keys of a lease', () => {
  const lessor = new Lessor()
  lessor.grant(7n, 10)
  lessor.grant(8n, 10)
  for (const key of ['a', 'secret']) lessor.attach(key, 7n)

  test('are told to who may read all of them, its time to every user', () => {
    const reader = user(may('read', 'a'))
    expect(reader.allows({ type: 'lease-time-to-live', id: 7n, keys: false }, lessor)).toBe(true)
    expect(reader.allows({ type: 'lease-time-to-live', id: 7n, keys: true }, lessor)).toBe(false)
    expect(reader.allows({ type: 'lease-time-to-live', id: 8n, keys: true }, lessor)).toBe(true)
    expect(user(may('read', 'a', '\xff')).allows({ type: 'lease-time-to-live', id: 7n, keys: true }, lessor)).toBe(true)
    expect(user(may('write', 'a', '\xff')).allows({ type: 'lease-time-to-live', id: 7n, keys: true }, lessor)).toBe(
      false,
    )
  })

  test('stand in no refusal', () => {
    const reader = user(may('read', 'a'))
    for (const request of [
      { type: 'lease-time-to-live', id: 7n, keys: true },
      { type: 'lease-list' },
      { type: 'lease-revoke', id: 7n },
      { type: 'lease-keep-alive', id: 7n },
      put('a', '', { lease: 7n }),
    ] satisfies (Request | Question)[]) {
      const identity = { type: 'user' as const, name: 'ann', authRevision: reader.auth.revision }
      expect(() => authorize(reader.auth, identity, accessesOf(request, lessor))).toThrow(/^(?!.*secret).*may not/)
    }
  })

  test('let nobody list, renew or revoke who may not reach all of them', () => {
    const writer = user(may('write', 'a', '\xff'))
    const reader = user(may('read', 'a', '\xff'))
    for (const type of ['lease-revoke', 'lease-keep-alive'] as const) {
      expect([writer.allows({ type, id: 7n }, lessor), reader.allows({ type, id: 7n }, lessor)]).toEqual([true, false])
    }
    expect([writer, reader].map((each) => each.allows({ type: 'lease-list' }, lessor))).toEqual([false, true])
  })
})

describe('GHSA-q8m4-xhhv-38mg: calls without a user', () => {
  const everyCall: readonly (Request | Question)[] = [
    get('a'),
    put('a'),
    del('a'),
    always(),
    always(get('a')),
    watch('a'),
    { type: 'compact', revision: 1 },
    { type: 'lease-grant', id: 1n, ttlSeconds: 5 },
    { type: 'lease-revoke', id: 1n },
    { type: 'lease-keep-alive', id: 1n },
    { type: 'lease-time-to-live', id: 1n, keys: false },
    { type: 'lease-time-to-live', id: 1n, keys: true },
    { type: 'lease-list' },
    { type: 'member-list' },
    { type: 'member-change' },
    { type: 'alarm-list' },
    { type: 'alarm', action: 'deactivate', alarm: 'no-space', member: 1 },
    { type: 'check' },
    { type: 'prefix-quota', prefix: 'a', limits: undefined },
    { type: 'prefix-quota-list' },
    { type: 'verify', index: 1, digest: EMPTY_DIGEST },
    { type: 'status' },
    { type: 'move-leader' },
    { type: 'defragment' },
    { type: 'snapshot' },
    { type: 'hash' },
  ]

  test.each(everyCall.map((request) => [request.type, request] as const))('%s is refused', (_type, request) => {
    const { auth } = user(may('readwrite', '\0', '\0'))
    expect(codeOf(() => authorize(auth, ANONYMOUS, accessesOf(request, NO_LEASE_KEYS)))).toBe('USER_EMPTY')
  })

  test('a user without the role root reaches what concerns keys and leases, and sees members, alarms and status', () => {
    const ann = user(may('readwrite', '\0', '\0'))
    const refused = everyCall.filter((request) => !ann.allows(request)).map(({ type }) => type)
    expect(refused).toEqual([
      'compact',
      'member-change',
      'alarm',
      'check',
      'prefix-quota',
      'prefix-quota-list',
      'verify',
      'move-leader',
      'defragment',
      'snapshot',
      'hash',
    ])
  })

  test('the role root reaches all of it', () => {
    const ann = user()
    ann.do({ type: 'user-grant-role', name: 'ann', role: 'root' })
    expect(everyCall.filter((request) => !ann.allows(request))).toEqual([])
  })
})

describe('permissions', () => {
  let ann: Permitted

  beforeEach(() => {
    ann = new Permitted([
      [may('read', 'a', 'c'), may('write', 'b')],
      [may('read', 'c', 'e'), may('readwrite', 'x', '\0')],
    ])
  })

  test('of all roles count together: a range may lie across several', () => {
    expect(ann.allows(get('a', 'e'))).toBe(true)
    expect(ann.allows(get('a', 'e\0'))).toBe(false)
    expect(ann.allows(get('a', 'y'))).toBe(false)
    expect(ann.allows(get('x', '\0'))).toBe(true)
    expect(ann.allows(prefix('b'))).toBe(true)
  })

  test('a limit, an old revision, counting or keys alone need the same permission as the values', () => {
    for (const more of [{ limit: 1 }, { revision: 2 }, { countOnly: true }, { keysOnly: true }]) {
      expect([ann.allows(get('a', 'e', more)), ann.allows(get('a', 'f', more))]).toEqual([true, false])
    }
  })

  test('to keep the value or the lease of a key needs permission to write it, no other', () => {
    expect(ann.allows(put('b', '', { ignoreValue: true, ignoreLease: true }))).toBe(true)
    expect(ann.allows(put('a', '', { ignoreValue: true }))).toBe(false)
  })

  test('a range that holds no key is allowed to who may reach the key it begins with', () => {
    expect([ann.allows(get('b', 'a')), ann.allows(get('f', 'a'))]).toEqual([true, false])
    expect([ann.allows(del('b', 'a')), ann.allows(del('c', 'a'))]).toEqual([true, false])
  })

  test('taken away are gone for the next request', () => {
    expect(ann.allows(put('x'))).toBe(true)
    ann.do({ type: 'role-revoke-permission', name: 'role 1', key: 'x', rangeEnd: '\0' })
    expect(ann.allows(put('x'))).toBe(false)
    expect(ann.allows(get('c'))).toBe(true)
    ann.do({ type: 'role-delete', name: 'role 1' })
    expect(ann.allows(get('c'))).toBe(false)
  })

  test('a lease is looked at once, however many puts of a transaction stand under it', () => {
    let looks = 0
    const counting = {
      leases: () => [],
      attachedTo: () => {
        looks++
        return []
      },
    }
    expect(ann.allows(always(put('x1', '', { lease: 7n }), put('x2', '', { lease: 7n })), counting)).toBe(true)
    expect(looks).toBe(1)
  })
})
