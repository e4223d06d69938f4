import { beforeEach, describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { isStoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import { encodeCommand } from '../../src/machine/command-codec.js'
import type { Request } from '../../src/machine/command.js'
import { MEMBER } from '../../src/machine/identity.js'
import { Machine, NO_PROPOSAL } from '../../src/machine/machine.js'
import type { Applied } from '../../src/machine/outcome.js'
import { recordKey } from '../../src/mvcc/record.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { always, del, describeAll, get, put } from '../mvcc/requests.js'

const grant = (id: bigint, ttlSeconds = 10): Request => ({ type: 'lease-grant', id, ttlSeconds })
const revoke = (id: bigint): Request => ({ type: 'lease-revoke', id })
const compact = (revision: number): Request => ({ type: 'compact', revision })

describe('the machine', () => {
  let backend: MemoryBackend
  let machine: Machine
  let sequence: number

  beforeEach(() => {
    backend = new MemoryBackend()
    machine = new Machine({ backend })
    machine.finishLoading()
    sequence = 0
  })

  function apply(request: Request, proposal = { member: 1, incarnation: 1, sequence: ++sequence }): Applied {
    return machine.apply(machine.appliedIndex + 1, 3, encodeCommand({ proposal, identity: MEMBER, request }))
  }

  function codeOf(applied: Applied): string | undefined {
    return applied.outcome?.ok === false ? applied.outcome.code : undefined
  }

  const all = () => describeAll(machine.store.range(get('\0', '\0')).keyValues)

  test('an applied put gives its outcome, its events and the revision', () => {
    const applied = apply(put('a', '1'))
    expect(applied).toMatchObject({
      proposal: { member: 1, incarnation: 1, sequence: 1 },
      outcome: { ok: true, response: { type: 'put', previous: undefined } },
      revision: 2,
      events: [{ type: 'put', keyValue: { key: 'a' }, previous: undefined }],
    })
    expect([machine.appliedIndex, machine.appliedTerm, machine.revision]).toEqual([1, 3, 2])
  })

  test('a proposal that stands in the log twice has its effect once', () => {
    const proposal = { member: 1, incarnation: 1, sequence: 9 }
    apply(put('a', '1'), proposal)
    const again = apply(put('a', '1'), proposal)
    expect(again).toEqual({ proposal, outcome: undefined, revision: 2, events: [] })
  })

  test('behind the last revision every change is refused, and nothing else', () => {
    apply(grant(5n))
    apply(put('a', '1', { lease: 5n }))
    apply(put('b', '1'))
    machine.store.compactAll(LIMITS.revisionMax - 1)
    expect(apply(put('b', '2')).revision).toBe(LIMITS.revisionMax)
    const { digest } = machine.store
    const changes = [put('b', '3'), put('new', '1'), del('b'), always(put('n', '1'), put('b', '3')), revoke(5n)]
    expect(changes.map((request) => codeOf(apply(request)))).toEqual(changes.map(() => 'LIMIT_EXCEEDED'))
    for (const request of [del('missing'), always(get('b')), grant(6n), revoke(6n)]) {
      expect(apply(request).outcome).toMatchObject({ ok: true })
    }
    expect([machine.revision, machine.store.digest, machine.store.size]).toEqual([LIMITS.revisionMax, digest, 2])
    expect(machine.lessor.keysOf(5n)).toEqual(['a'])
  })

  test('a refusal uses up its proposal: what comes again is not tried again', () => {
    const proposal = { member: 1, incarnation: 1, sequence: 9 }
    expect(codeOf(apply(put('a', '1', { lease: 5n }), proposal))).toBe('LEASE_NOT_FOUND')
    apply(grant(5n))
    expect(apply(put('a', '1', { lease: 5n }), proposal).outcome).toBeUndefined()
    expect(all()).toBe('')
  })

  test('a proposal of an earlier run of its member is refused', () => {
    apply(put('a', '1'), { member: 1, incarnation: 2, sequence: 1 })
    expect(codeOf(apply(put('a', '2'), { member: 1, incarnation: 1, sequence: 5 }))).toBe('PROPOSAL_EXPIRED')
    expect(all()).toBe('a=1@2')
  })

  test('a request that cannot be read is refused to whoever proposed it', () => {
    const bytes = encodeCommand({
      proposal: { member: 4, incarnation: 1, sequence: 2 },
      identity: MEMBER,
      request: put('a', '1'),
    })
    const applied = machine.apply(1, 3, bytes.subarray(0, bytes.length - 1))
    expect(applied.proposal).toEqual({ member: 4, incarnation: 1, sequence: 2 })
    expect(codeOf(applied)).toBe('MALFORMED')
    expect(machine.apply(2, 3, bytes).outcome).toBeUndefined()
  })

  test('a command of which not even the proposal can be read is refused to nobody', () => {
    const applied = machine.apply(1, 3, Uint8Array.of(250, 1, 2))
    expect(applied.proposal).toEqual(NO_PROPOSAL)
    expect(codeOf(applied)).toBe('MALFORMED')
    expect(machine.appliedIndex).toBe(1)
  })

  test('an invalid request from another member is a refusal, not a crash', () => {
    expect(codeOf(apply(put('')))).toBe('EMPTY_KEY')
    expect(codeOf(apply(always(put('a'), put('a'))))).toBe('DUPLICATE_KEY')
    expect(codeOf(apply(put('a', 'v', { ignoreValue: true })))).toBe('VALUE_PROVIDED')
    expect(machine.revision).toBe(1)
  })

  test('a compaction tells what is too old and what is too new', () => {
    for (const value of ['1', '2', '3']) apply(put('a', value))
    expect(codeOf(apply(compact(5)))).toBe('FUTURE_REVISION')
    expect(apply(compact(3)).outcome).toEqual({ ok: true, response: { type: 'compact' } })
    expect(apply(compact(3)).outcome).toMatchObject({ ok: false, code: 'COMPACTED', compactRevision: 3 })
    expect(backend.get(recordKey({ main: 2, sub: 0 }))).toBeUndefined()
  })

  test('a grant is for the TTL in the command, at least a second, and refuses an id in use and a TTL too large', () => {
    expect(apply(grant(-5n, 0)).outcome).toEqual({
      ok: true,
      response: { type: 'lease-grant', id: -5n, ttlSeconds: 1 },
    })
    expect(codeOf(apply(grant(-5n)))).toBe('LEASE_EXISTS')
    expect(codeOf(apply(grant(6n, 9_000_000_001)))).toBe('LEASE_TTL_TOO_LARGE')
  })

  test('a revocation deletes the keys of the lease, sorted and in one revision', () => {
    apply(grant(5n))
    for (const key of ['c', 'a', 'b']) apply(put(key, key, { lease: 5n }))
    apply(put('d', 'd'))
    const { events, revision } = apply(revoke(5n))
    expect(events.map(({ type, keyValue }) => `${type} ${keyValue.key}@${keyValue.modRevision}`)).toEqual([
      'delete a@6',
      'delete b@6',
      'delete c@6',
    ])
    expect([revision, all(), machine.lessor.size]).toEqual([6, 'd=d@5', 0])
  })

  test('a revocation of a lease without keys makes no revision; of none, it is refused', () => {
    apply(grant(5n))
    expect(apply(revoke(5n))).toMatchObject({ outcome: { ok: true }, revision: 1, events: [] })
    expect(codeOf(apply(revoke(5n)))).toBe('LEASE_NOT_FOUND')
  })

  test('a key that was moved to another lease, or off its lease, outlives the first', () => {
    apply(grant(5n))
    apply(grant(6n))
    apply(put('moved', '1', { lease: 5n }))
    apply(put('freed', '1', { lease: 5n }))
    apply(put('moved', '2', { lease: 6n }))
    apply(put('freed', '2'))
    expect(apply(revoke(5n)).events).toEqual([])
    expect(all()).toBe('freed=2@5 moved=2@4')
  })

  test('a key that was moved to another lease outlives the first also after a restart', () => {
    apply(grant(5n))
    apply(grant(6n))
    apply(put('moved', '1', { lease: 5n }))
    apply(put('moved', '2', { lease: 6n }))
    machine.checkpoint()
    const restarted = new Machine({ backend })
    for (const [key, record] of backend.sorted()) restarted.load(key, record)
    restarted.finishLoading()
    const { appliedIndex } = machine
    machine = restarted
    expect(machine.appliedIndex).toBe(appliedIndex)
    expect(apply(revoke(5n)).events).toEqual([])
    expect(apply(revoke(6n)).events.map(({ keyValue }) => keyValue.key)).toEqual(['moved'])
  })

  test('what is left of leases is noted where they are there, and tells which', () => {
    apply(grant(5n))
    apply(grant(6n))
    const left = (id: bigint) => ({ id, remainingMs: 4_000 })
    const request: Request = { type: 'lease-checkpoint', grantedUpTo: 1, checkpoints: [left(5n), left(6n), left(7n)] }
    expect(apply(request)).toMatchObject({
      outcome: { ok: true, response: { type: 'lease-checkpoint', checkpoints: [left(5n)] } },
      revision: 1,
      events: [],
    })
    expect(machine.lessor.leases().map(({ remainingMs }) => remainingMs)).toEqual([4_000, undefined])
  })

  test('a leader that ends a lease does not end one that was granted anew meanwhile', () => {
    apply(grant(5n))
    apply(revoke(5n))
    apply(grant(5n))
    apply(put('a', '1', { lease: 5n }))
    expect(codeOf(apply({ type: 'lease-revoke', id: 5n, grantedUpTo: 2 }))).toBe('LEASE_NOT_FOUND')
    expect(all()).toBe('a=1@2')
    expect(apply({ type: 'lease-revoke', id: 5n, grantedUpTo: 3 }).events).toHaveLength(1)
  })

  test('entries come one after the other, in terms that do not fall', () => {
    machine.skip(1, 3)
    expect(machine.appliedIndex).toBe(1)
    expect(() => machine.skip(3, 3)).toThrow(AssertionError)
    expect(() => machine.skip(1, 3)).toThrow(AssertionError)
    expect(() => machine.skip(2, 2)).toThrow(AssertionError)
  })

  test('after a failure in the middle of a write it neither goes on nor lets itself be written', () => {
    apply(put('a', '1'))
    backend.delete(recordKey({ main: 2, sub: 0 }))
    const failure = catchError(() => apply(always(put('b'), put('a', '', { ignoreValue: true }))))
    expect(isStoreError(failure, 'DATA_DAMAGED')).toBe(true)
    expect(() => apply(put('c'))).toThrow(AssertionError)
    expect(() => machine.checkpoint()).toThrow(AssertionError)
  })

  test('no value is read for an answer: what it would show is named', () => {
    apply(put('a', '1'))
    backend.reads = []
    const previous = { previousKeyValue: true }
    const ranges = Array.from({ length: 100 }, () => get('\0', '\0'))
    const applied = apply(always(...ranges, put('a', '2', previous), always(get('a')), put('b')))
    expect(backend.reads).toEqual([])
    const [id, own] = [
      { main: 2, sub: 0 },
      { main: 3, sub: 0 },
    ]
    const responses = [
      ...ranges.map(() => ({ type: 'range', records: [id], count: 1 })),
      { type: 'put', previous: id },
      { type: 'transaction', responses: [{ records: [own] }] },
      { type: 'put', previous: undefined },
    ]
    expect(applied.outcome).toMatchObject({ ok: true, response: { type: 'transaction', succeeded: true, responses } })
  })

  test('what a compaction leaves is removed with the entries that follow, or when the member is idle', () => {
    for (let round = 0; round < 3; round++) for (let key = 0; key < 1000; key++) apply(put(`k${key}`, String(round)))
    const records = () => backend.records.size
    apply(compact(machine.revision))
    expect(records()).toBeLessThan(3000)
    expect(records()).toBeGreaterThan(2000)
    apply(put('x'))
    expect(records()).toBeGreaterThan(1001)
    while (machine.sweep(100));
    expect(records()).toBe(1001)
  })
})

function catchError(action: () => unknown): unknown {
  try {
    action()
  } catch (error) {
    return error
  }
  return undefined
}
