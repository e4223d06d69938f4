/** Who may what is decided when a command is applied, by the users and roles as the log before it has left them. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { AuthCommand } from '../../src/auth/command.js'
import type { Permission } from '../../src/auth/types.js'
import { encodeCommand } from '../../src/machine/command-codec.js'
import type { Request } from '../../src/machine/command.js'
import { ANONYMOUS, MEMBER, type Identity } from '../../src/machine/identity.js'
import { Machine } from '../../src/machine/machine.js'
import type { Applied } from '../../src/machine/outcome.js'
import { passwordHash } from '../auth/arbitraries.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { always, del, describeAll, get, put } from '../mvcc/requests.js'

let backend: MemoryBackend
let machine: Machine
let sequence: number

beforeEach(() => {
  backend = new MemoryBackend()
  machine = new Machine({ backend })
  machine.finishLoading()
  sequence = 0
})

function apply(request: Request, identity: Identity = MEMBER): Applied {
  const proposal = { member: 1, incarnation: 1, sequence: ++sequence }
  return machine.apply(machine.appliedIndex + 1, 3, encodeCommand({ proposal, identity, request }))
}

/** The code of the refusal, or undefined. */
function refused(request: Request, identity: Identity): string | undefined {
  const { outcome } = apply(request, identity)
  return outcome?.ok === false ? outcome.code : undefined
}

function auth(...commands: readonly AuthCommand[]): void {
  for (const command of commands) expect(apply({ type: 'auth', command }).outcome).toMatchObject({ ok: true })
}

function enable(...permissions: readonly Permission[]): void {
  auth(
    { type: 'user-add', name: 'root', password: passwordHash(1) },
    { type: 'user-grant-role', name: 'root', role: 'root' },
    { type: 'user-add', name: 'ann', password: passwordHash(2) },
    { type: 'role-add', name: 'some' },
    { type: 'user-grant-role', name: 'ann', role: 'some' },
    ...permissions.map((permission) => ({ type: 'role-grant-permission' as const, name: 'some', permission })),
    { type: 'auth-enable' },
  )
}

const user = (name: string): Identity => ({ type: 'user', name, authRevision: machine.auth.revision })
const all = () => describeAll(machine.store.range(get('\0', '\0')).keyValues)

describe('while authorization is enabled', () => {
  test('a command is performed if its caller may, and refused with nothing changed if not', () => {
    enable({ type: 'write', key: 'a' })
    expect(refused(put('a', '1'), user('ann'))).toBeUndefined()
    const { revision } = machine
    for (const identity of [user('ann'), user('nobody'), ANONYMOUS]) {
      expect(refused(put('b', '1'), identity)).toMatch(/PERMISSION_DENIED|USER_EMPTY/)
      expect(refused(always(put('a', '2'), del('b')), identity)).toMatch(/PERMISSION_DENIED|USER_EMPTY/)
    }
    expect([all(), machine.revision]).toEqual(['a=1@2', revision])
  })

  test('a permission counts from its entry on, and no longer from that on which takes it away', () => {
    enable({ type: 'write', key: 'a' })
    const before = user('ann')
    auth({ type: 'role-revoke-permission', name: 'some', key: 'a' })
    expect(refused(put('a', 'late'), before)).toBe('AUTH_REVISION_OLD')
    expect(refused(put('a', 'late'), user('ann'))).toBe('PERMISSION_DENIED')
    auth({ type: 'role-grant-permission', name: 'some', permission: { type: 'write', key: 'a' } })
    expect(refused(put('a', '1'), user('ann'))).toBeUndefined()
    expect(all()).toBe('a=1@2')
  })

  test('what is wrong whatever the state holds is told first; what the state holds only to who may know', () => {
    enable({ type: 'write', key: 'a' })
    expect(refused(put('', '1'), user('ann'))).toBe('EMPTY_KEY')
    expect(refused(put('b', '1', { lease: 9n }), user('ann'))).toBe('PERMISSION_DENIED')
    expect(refused(put('b', '', { ignoreValue: true }), user('ann'))).toBe('PERMISSION_DENIED')
    expect(refused(put('a', '1', { lease: 9n }), user('ann'))).toBe('LEASE_NOT_FOUND')
  })

  test('users and roles are administered, and history is compacted, by the role root and the member alone', () => {
    enable({ type: 'readwrite', key: '\0', rangeEnd: '\0' })
    apply(put('a', '1'))
    const administering: Request[] = [
      { type: 'auth', command: { type: 'user-grant-role', name: 'ann', role: 'root' } },
      { type: 'auth', command: { type: 'user-delete', name: 'missing' } },
      { type: 'auth', command: { type: 'auth-disable' } },
      { type: 'compact', revision: 2 },
    ]
    expect(administering.map((request) => refused(request, user('ann')))).toEqual(Array(4).fill('PERMISSION_DENIED'))
    expect(administering.map((request) => refused(request, ANONYMOUS))).toEqual(Array(4).fill('USER_EMPTY'))
    expect(refused({ type: 'compact', revision: 2 }, user('root'))).toBeUndefined()
    expect(refused({ type: 'auth', command: { type: 'auth-disable' } }, user('root'))).toBeUndefined()
    expect(refused(put('a', '2'), ANONYMOUS)).toBeUndefined()
  })

  test('a login of a user ends with the revision and the hash of the token, on every member alike', () => {
    enable()
    const tokenHash = new Uint8Array(32).fill(7)
    const login = { type: 'login', name: 'ann', checkedAt: machine.auth.revision, tokenHash } as const
    expect(apply(login, ANONYMOUS).outcome).toEqual({
      ok: true,
      response: { type: 'login', name: 'ann', authRevision: machine.auth.revision, tokenHash },
    })
    auth({ type: 'user-change-password', name: 'ann', password: passwordHash(3) })
    expect(refused(login, ANONYMOUS)).toBe('AUTH_REVISION_OLD')
    auth({ type: 'auth-disable' })
    expect(refused(login, ANONYMOUS)).toBe('AUTH_NOT_ENABLED')
  })

  test('users and roles are part of the digest, and are there again after a restart', () => {
    const before = machine.digest
    enable({ type: 'write', key: 'a' })
    expect(machine.digest).not.toEqual(before)
    machine.checkpoint()
    const loaded = new Machine({ backend })
    for (const [key, record] of backend.sorted()) loaded.load(key, record)
    loaded.finishLoading()
    machine = loaded
    expect(machine.auth.enabled).toBe(true)
    expect(refused(put('b', '1'), user('ann'))).toBe('PERMISSION_DENIED')
    expect(refused(put('a', '1'), user('ann'))).toBeUndefined()
  })
})
