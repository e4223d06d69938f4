import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { EMPTY_DIGEST } from '../../src/base/checksum.js'
import { LIMITS } from '../../src/base/limits.js'
import { Lessor } from '../../src/lease/lessor.js'
import { decodeLease, encodeLease } from '../../src/lease/record.js'
import { codeOf } from '../code-of.js'

describe('the replicated book of leases', () => {
  test('a TTL below a second is raised to one, zero and negative ones too', () => {
    const lessor = new Lessor()
    expect(lessor.grant(1n, 1)).toEqual({ id: 1n, ttlSeconds: 1 })
    expect(lessor.grant(2n, 0)).toEqual({ id: 2n, ttlSeconds: 1 })
    expect(lessor.grant(3n, -5)).toEqual({ id: 3n, ttlSeconds: 1 })
    expect(lessor.grant(-4n, 3)).toEqual({ id: -4n, ttlSeconds: 3 })
  })

  test('a TTL above the maximum, an id in use and an unknown id are refused', () => {
    const lessor = new Lessor()
    lessor.grant(1n, 10)
    expect(codeOf(() => lessor.grant(2n, LIMITS.leaseTtlSecondsMax + 1))).toBe('LEASE_TTL_TOO_LARGE')
    expect(codeOf(() => lessor.grant(2n, LIMITS.leaseTtlSecondsMax))).toBeUndefined()
    expect(codeOf(() => lessor.grant(1n, 10))).toBe('LEASE_EXISTS')
    expect(codeOf(() => lessor.revoke(3n))).toBe('LEASE_NOT_FOUND')
    expect(codeOf(() => lessor.keysOf(3n))).toBe('LEASE_NOT_FOUND')
    lessor.revoke(1n)
    expect(codeOf(() => lessor.grant(1n, 10))).toBeUndefined()
  })

  test('a key hangs on one lease at most, and its keys are given in order', () => {
    const lessor = new Lessor()
    lessor.grant(1n, 10)
    lessor.grant(2n, 10)
    for (const key of ['b', 'a', 'c']) lessor.attach(key, 1n)
    lessor.attach('b', 2n)
    expect([lessor.keysOf(1n), lessor.keysOf(2n)]).toEqual([['a', 'c'], ['b']])
    expect([lessor.leaseOf('a'), lessor.leaseOf('b'), lessor.leaseOf('z')]).toEqual([1n, 2n, 0n])
    lessor.detach('a')
    lessor.detach('z')
    expect([lessor.keysOf(1n), lessor.leaseOf('a')]).toEqual([['c'], 0n])
  })

  test('a lease with keys does not end, and nothing hangs on one that does not exist', () => {
    const lessor = new Lessor()
    lessor.grant(1n, 10)
    lessor.attach('a', 1n)
    expect(() => lessor.revoke(1n)).toThrow(AssertionError)
    expect(() => lessor.attach('a', 2n)).toThrow(AssertionError)
  })

  test('the digest follows from the leases alone, in whatever order they came', () => {
    const [one, other] = [new Lessor(), new Lessor()]
    one.grant(1n, 10)
    one.grant(2n, 20)
    other.grant(3n, 5)
    other.grant(2n, 20)
    other.grant(1n, 10)
    expect(one.digest).not.toEqual(other.digest)
    other.revoke(3n)
    expect(one.digest).toEqual(other.digest)
    expect(one.leases()).toEqual(other.leases())
    one.revoke(1n)
    one.grant(1n, 11)
    expect(one.digest).not.toEqual(other.digest)
    one.revoke(1n)
    one.revoke(2n)
    expect(one.digest).toEqual(EMPTY_DIGEST)
  })

  test('what is left of a lease is noted until it is all of it, and counts in the digest', () => {
    const lessor = new Lessor()
    lessor.grant(1n, 10, 4)
    const whole = lessor.digest
    expect(lessor.checkpoint({ id: 1n, remainingMs: 2500 }, 4)?.remainingMs).toBe(2500)
    expect(lessor.get(1n)).toMatchObject({ ttlSeconds: 10, remainingMs: 2500 })
    expect(lessor.digest).not.toEqual(whole)
    expect(lessor.checkpoint({ id: 1n, remainingMs: 10_000 }, 4)?.remainingMs).toBeUndefined()
    expect(lessor.digest).toEqual(whole)
    lessor.checkpoint({ id: 1n, remainingMs: 1 }, 4)
    lessor.revoke(1n)
    expect(lessor.digest).toEqual(EMPTY_DIGEST)
  })

  test('what was meant for a lease does not hit a later one of the same id', () => {
    const lessor = new Lessor()
    lessor.grant(1n, 10, 4)
    lessor.revoke(1n)
    lessor.grant(1n, 10, 7)
    expect(lessor.checkpoint({ id: 1n, remainingMs: 1 }, 6)).toBeUndefined()
    expect(lessor.get(1n)?.remainingMs).toBeUndefined()
    expect(codeOf(() => lessor.requireGranted(1n, 6))).toBe('LEASE_NOT_FOUND')
    expect(codeOf(() => lessor.requireGranted(1n, 7))).toBeUndefined()
    expect(lessor.checkpoint({ id: 2n, remainingMs: 1 }, 9)).toBeUndefined()
  })

  test('the ids are given in order, negative ones first', () => {
    const lessor = new Lessor()
    for (const id of [5n, -2n, 2n ** 62n, 1n]) lessor.grant(id, 10)
    expect([...lessor.ids()]).toEqual([-2n, 1n, 5n, 2n ** 62n])
  })

  test('a lease is read as it was written, also as formats 1 and 2 had it', () => {
    const old = Buffer.from('0000000000000007000000000000003c', 'hex')
    expect(decodeLease(old)).toEqual({ id: 7n, ttlSeconds: 60 })
    expect(Buffer.from(encodeLease(decodeLease(old)))).toEqual(old)
    for (const lease of [
      { id: -1n, ttlSeconds: 1, grantIndex: 9, remainingMs: undefined },
      { id: 1n, ttlSeconds: 9, grantIndex: 9, remainingMs: 1 },
      { id: 1n, ttlSeconds: 9, grantIndex: undefined, remainingMs: 1 },
    ]) {
      expect(decodeLease(encodeLease(lease))).toEqual(lease)
    }
  })
})
