/** The state written and loaded again: the same machine, or the damage is seen. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { AuthStore } from '../../src/auth/auth-store.js'
import { isStoreError } from '../../src/base/errors.js'
import { decodeLease } from '../../src/lease/record.js'
import { encodeCommand } from '../../src/machine/command-codec.js'
import type { Request } from '../../src/machine/command.js'
import { MEMBER } from '../../src/machine/identity.js'
import { Machine } from '../../src/machine/machine.js'
import {
  AUTH_PREFIX,
  decodeMeta,
  LEASE_PREFIX,
  META_KEY,
  ORIGIN_PREFIX,
  STATE_FORMAT,
  STATE_FORMAT_WITHOUT_MEMBERS,
} from '../../src/machine/state-records.js'
import { Origins } from '../../src/machine/origins.js'
import { isRecordKey } from '../../src/mvcc/record.js'
import { command as authCommand } from '../auth/arbitraries.js'
import { deletion, LEASES, put, transaction } from '../mvcc/arbitraries.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { describeAll, get, put as putOf } from '../mvcc/requests.js'

const request: fc.Arbitrary<Request> = fc.oneof(
  { weight: 4, arbitrary: put },
  { weight: 2, arbitrary: deletion },
  { weight: 3, arbitrary: transaction },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('compact' as const), revision: fc.nat(30) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('lease-grant' as const),
      id: fc.constantFrom(...LEASES),
      ttlSeconds: fc.nat(50),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('lease-revoke' as const), id: fc.constantFrom(...LEASES) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('alarm' as const),
      action: fc.constantFrom('activate' as const, 'deactivate' as const, 'deactivate' as const),
      alarm: fc.constantFrom('no-space' as const, 'corrupt' as const),
      member: fc.integer({ min: 1, max: 2 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('prefix-quota' as const),
      prefix: fc.constantFrom('', 'a', 'b'),
      limits: fc.option(fc.record({ keysMax: fc.nat(4), bytesMax: fc.constantFrom(undefined, 9) }), { nil: undefined }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('auth' as const), command: authCommand }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('lease-checkpoint' as const),
      grantedUpTo: fc.nat(60),
      checkpoints: fc.array(fc.record({ id: fc.constantFrom(...LEASES), remainingMs: fc.nat(50_000) }), {
        maxLength: 3,
      }),
    }),
  },
)
const entry = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      request,
      member: fc.integer({ min: 1, max: 3 }),
      sequence: fc.integer({ min: 1, max: 30 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant(undefined) },
)
const entries = fc.array(entry, { maxLength: 60, size: 'max' })
type Entry = typeof entry extends fc.Arbitrary<infer T> ? T : never

function machineOn(backend: MemoryBackend): Machine {
  const machine = new Machine({ backend })
  for (const [key, record] of backend.sorted()) machine.load(key, record)
  machine.finishLoading()
  return machine
}

function applyAll(machine: Machine, drawn: readonly Entry[]): unknown[] {
  return drawn.map((one) => {
    const index = machine.appliedIndex + 1
    if (one === undefined) return machine.skip(index, 1)
    const { member, sequence } = one
    return machine.apply(
      index,
      1,
      encodeCommand({ proposal: { member, incarnation: 1, sequence }, identity: MEMBER, request: one.request }),
    )
  })
}

function stateOf(machine: Machine): unknown {
  const { appliedIndex, appliedTerm, revision, compactRevision, digest, store, lessor } = machine
  return {
    ...{ appliedIndex, appliedTerm, revision, compactRevision, digest },
    quotas: store.prefixQuotas,
    keys: describeAll(store.range(get('\0', '\0')).keyValues),
    leases: lessor.leases().map((lease) => ({ ...lease, keys: lessor.keysOf(lease.id) })),
    auth: authOf(machine.auth),
  }
}

function authOf(auth: AuthStore): unknown {
  const listed = auth.answer({ type: 'user-list' })
  const users = listed.type === 'user-list' ? listed.users.map((name) => auth.user(name)) : []
  return [
    auth.enabled,
    auth.revision,
    auth.enabledSince,
    users.map((user) => user && { ...user, reach: auth.reachOf(user) }),
  ]
}

/** What the digest covers: all but the applied position and history. */
function latestOf(machine: Machine): unknown {
  return { ...(stateOf(machine) as object), appliedIndex: undefined, appliedTerm: undefined }
}

describe('the state on disk', () => {
  test('loads as the machine that wrote it, which goes on as if it had never stopped', () => {
    fc.assert(
      fc.property(entries, entries, (before, after) => {
        const backend = new MemoryBackend()
        const machine = machineOn(backend)
        applyAll(machine, before)
        machine.checkpoint()
        const loaded = machineOn(backend.copy())
        expect(stateOf(loaded)).toEqual(stateOf(machine))
        const counted = backend.copy()
        for (const [key] of backend.sorted()) if (key.startsWith(AUTH_PREFIX)) counted.delete(key)
        expect([loaded.bytesInUse, machine.bytesInUse]).toEqual([counted.bytes, counted.bytes])
        expect(applyAll(loaded, after)).toEqual(applyAll(machine, after))
        expect(stateOf(loaded)).toEqual(stateOf(machine))
      }),
      { numRuns: 200 },
    )
  })

  test('entries applied in one go or with loads in between make the same records', () => {
    fc.assert(
      fc.property(entries, entries, (before, after) => {
        const [once, twice] = [new MemoryBackend(), new MemoryBackend()]
        const straight = machineOn(once)
        applyAll(straight, [...before, ...after])
        while (straight.sweep(10));
        straight.checkpoint()
        const first = machineOn(twice)
        applyAll(first, before)
        first.checkpoint()
        const second = machineOn(twice)
        applyAll(second, after)
        while (second.sweep(10));
        second.checkpoint()
        expect(inHex(twice)).toEqual(inHex(once))
      }),
      { numRuns: 200 },
    )
  })

  test('every record that is lost is seen, and a flipped bit is or does not touch the latest state', () => {
    fc.assert(
      fc.property(entries, fc.nat(), fc.nat(), (drawn, pick, bit) => {
        const backend = new MemoryBackend()
        const machine = machineOn(backend)
        applyAll(machine, drawn)
        machine.checkpoint()
        const keys = backend.sorted().map(([key]) => key)
        const key = keys[pick % keys.length] as string
        const flipped = backend.copy()
        const record = Uint8Array.from(flipped.get(key) as Uint8Array)
        record[(bit >>> 3) % record.length] = (record[(bit >>> 3) % record.length] as number) ^ (1 << (bit & 7))
        flipped.set(key, record)
        // What the digest leaves out, history and the applied position, is for the checksums of storage.
        if (!isDamaged(flipped)) {
          expect(key === META_KEY || isRecordKey(key)).toBe(true)
          expect(latestOf(machineOn(flipped))).toEqual(latestOf(machine))
        }

        const lost = backend.copy()
        lost.delete(key)
        // Without any record it is an empty disk: that this one is in use, storage knows.
        if (keys.length > 1) expect(isDamaged(lost)).toBe(true)
      }),
      { numRuns: 400 },
    )
  })

  test('each record that is lost is seen: of a latest version, of history, a tombstone, a lease, an alarm, a window, a role, a user, the meta', () => {
    const backend = new MemoryBackend()
    const machine = machineOn(backend)
    const drawn: Request[] = [
      { type: 'lease-grant', id: 5n, ttlSeconds: 9 },
      { type: 'lease-grant', id: 6n, ttlSeconds: 9 },
      putOf('a', '1'),
      putOf('a', '2'),
      putOf('b', '1', { lease: 6n }),
      putOf('c', '1'),
      { type: 'delete', key: 'c' },
      { type: 'alarm', action: 'activate', alarm: 'no-space', member: 1 },
      { type: 'auth', command: { type: 'role-add', name: 'reader' } },
      { type: 'auth', command: { type: 'user-add', name: 'ann', password: undefined } },
    ]
    applyAll(
      machine,
      drawn.map((one, at) => ({ request: one, member: 1, sequence: at + 1 })),
    )
    machine.checkpoint()
    const kinds = backend.sorted().map(([key]) => {
      const lost = backend.copy()
      lost.delete(key)
      expect(isDamaged(lost)).toBe(true)
      return key.charAt(0)
    })
    expect(kinds.join('')).toBe('allmorrrrruuu')
  })

  test('a state of format 1, which does not tell what history there is, is read and goes on as the present one', () => {
    const backend = new MemoryBackend()
    const machine = machineOn(backend)
    applyAll(
      machine,
      [putOf('a', '1'), putOf('a', '2')].map((request, at) => ({ request, member: 1, sequence: at + 1 })),
    )
    machine.checkpoint()
    const meta = Buffer.from(backend.get(META_KEY) as Uint8Array)
    meta.writeUInt16BE(1, 0)
    const older = backend.copy()
    older.set(META_KEY, meta.subarray(0, -8))
    const upgraded = machineOn(older)
    expect(stateOf(upgraded)).toEqual(stateOf(machine))
    upgraded.checkpoint()
    expect(inHex(older)).toEqual(inHex(backend))
  })

  test('each single bit of a latest version, a lease, a window, the revisions and the digest is seen', () => {
    const backend = new MemoryBackend()
    const machine = machineOn(backend)
    const drawn: Request[] = [
      { type: 'lease-grant', id: 5n, ttlSeconds: 9 },
      putOf('a', 'value', { lease: 5n }),
      putOf('b', 'value'),
    ]
    applyAll(
      machine,
      drawn.map((one, at) => ({ request: one, member: 1, sequence: at + 1 })),
    )
    machine.checkpoint()
    for (const [key, record] of backend.sorted()) {
      // Before it stand the format and the applied position.
      for (let bit = key === META_KEY ? 8 * (2 + 16) : 0; bit < record.length * 8; bit++) {
        const flipped = Uint8Array.from(record)
        flipped[bit >>> 3] = (flipped[bit >>> 3] as number) ^ (1 << (bit & 7))
        const copy = backend.copy()
        copy.set(key, flipped)
        expect(codeOf(copy)).toBe('DATA_DAMAGED')
      }
    }
  })

  test('a record that stands under another key of its kind is seen', () => {
    const backend = new MemoryBackend()
    const machine = machineOn(backend)
    const drawn: Request[] = [
      { type: 'lease-grant', id: 5n, ttlSeconds: 9 },
      { type: 'lease-grant', id: 6n, ttlSeconds: 9 },
      putOf('a', 'value'),
      putOf('a', 'value'),
    ]
    applyAll(
      machine,
      drawn.map((one, at) => ({ request: one, member: 1 + (at & 1), sequence: at + 1 })),
    )
    machine.checkpoint()
    for (const prefix of [LEASE_PREFIX, ORIGIN_PREFIX, 'r']) {
      const [one, other] = backend.sorted().filter(([key]) => key.startsWith(prefix))
      const swapped = backend.copy()
      swapped.set((one as [string, Uint8Array])[0], (other as [string, Uint8Array])[1])
      expect(codeOf(swapped)).toBe('DATA_DAMAGED')
    }
  })

  test.each([
    ['the applied position', decodeMeta],
    ['a lease', decodeLease],
    ['proposals', (record: Uint8Array) => new Origins().load(record)],
  ])('random bytes for the record of %s decode or are damaged', (_name, decode) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60, size: 'max' }), (record) => {
        try {
          decode(record)
        } catch (error) {
          expect(isStoreError(error, 'DATA_DAMAGED') || isStoreError(error, 'FORMAT_TOO_NEW')).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test('a state of a newer format is not touched', () => {
    const backend = new MemoryBackend()
    machineOn(backend).checkpoint()
    const record = Buffer.from(backend.get(META_KEY) as Uint8Array)
    expect(record.readUInt16BE(0)).toBe(STATE_FORMAT_WITHOUT_MEMBERS)
    record.writeUInt16BE(STATE_FORMAT + 1, 0)
    backend.set(META_KEY, record)
    expect(codeOf(backend)).toBe('FORMAT_TOO_NEW')
  })

  test('an empty disk is a new machine at revision 1', () => {
    const machine = machineOn(new MemoryBackend())
    expect([machine.appliedIndex, machine.appliedTerm, machine.revision, machine.compactRevision]).toEqual([0, 0, 1, 0])
  })
})

describe('the digest of the machine', () => {
  test('is equal on two members that applied the same entries, however far each has swept', () => {
    fc.assert(
      fc.property(entries, (drawn) => {
        const [one, other] = [machineOn(new MemoryBackend()), machineOn(new MemoryBackend())]
        for (const single of drawn) {
          applyAll(one, [single])
          while (one.sweep(5));
          applyAll(other, [single])
          expect(one.digest).toEqual(other.digest)
        }
      }),
      { numRuns: 100 },
    )
  })

  test('changes with every entry that changes a key, a lease or the compact revision', () => {
    const machine = machineOn(new MemoryBackend())
    const digests = new Set<string>([JSON.stringify(machine.digest)])
    const drawn: Request[] = [
      putOf('a', '1'),
      putOf('a', '1'),
      { type: 'delete', key: 'a' },
      { type: 'lease-grant', id: 5n, ttlSeconds: 9 },
      { type: 'compact', revision: 3 },
      { type: 'lease-revoke', id: 5n },
    ]
    drawn.forEach((one, at) => {
      applyAll(machine, [{ request: one, member: 1, sequence: at + 1 }])
      digests.add(JSON.stringify(machine.digest))
    })
    expect(digests.size).toBe(drawn.length + 1)
  })
})

function inHex(backend: MemoryBackend): string[] {
  return backend
    .sorted()
    .map(([key, record]) => `${Buffer.from(key, 'latin1').toString('hex')} ${Buffer.from(record).toString('hex')}`)
}

function codeOf(backend: MemoryBackend): string | undefined {
  try {
    machineOn(backend)
    return undefined
  } catch (error) {
    if (isStoreError(error)) return error.code
    throw error
  }
}

function isDamaged(backend: MemoryBackend): boolean {
  const code = codeOf(backend)
  return code === 'DATA_DAMAGED' || code === 'FORMAT_TOO_NEW'
}
