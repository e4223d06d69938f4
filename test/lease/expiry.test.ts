import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EXPIRY_RETRY_MS, Expiry } from '../../src/lease/expiry.js'

function leading(...ttls: readonly number[]): Expiry {
  const expiry = new Expiry()
  expiry.promote([], 0, 0)
  ttls.forEach((ttlSeconds, at) => expiry.grant({ id: BigInt(at + 1), ttlSeconds }, 0))
  return expiry
}

describe('when leases end', () => {
  test('not before the TTL has passed, and then in the order of their deadlines', () => {
    const expiry = leading(3, 2, 3)
    expect(expiry.nextDeadlineMs).toBe(2000)
    expect(expiry.expired(1999.9, 10)).toEqual([])
    expect(expiry.expired(2000, 10)).toEqual([2n])
    expiry.revoke(2n)
    expect(expiry.expired(3000, 10)).toEqual([1n, 3n])
  })

  test('a renewal gives the full TTL again', () => {
    const expiry = leading(5)
    expect(expiry.renew(1n, 3000)).toBe(5000)
    expect(expiry.expired(7999, 10)).toEqual([])
    expect(expiry.remaining(1n, 7999)).toBe(1)
    expect(expiry.expired(8000, 10)).toEqual([1n])
  })

  test('a lease that is due, or unknown, is not renewed', () => {
    const expiry = leading(5)
    expect(expiry.renew(1n, 5000)).toBeUndefined()
    expect(expiry.remaining(1n, 6000)).toBe(0)
    expect(expiry.renew(9n, 0)).toBeUndefined()
    expect(expiry.remaining(9n, 0)).toBeUndefined()
  })

  test('one that was handed out is handed out again after a while, until it is revoked', () => {
    const expiry = leading(1)
    expect(expiry.expired(1000, 10)).toEqual([1n])
    expect(expiry.expired(1000 + EXPIRY_RETRY_MS - 1, 10)).toEqual([])
    expect(expiry.renew(1n, 1500)).toBeUndefined()
    expect(expiry.expired(1000 + EXPIRY_RETRY_MS, 10)).toEqual([1n])
    expiry.revoke(1n)
    expect([expiry.nextDeadlineMs, expiry.expired(99_999, 10)]).toEqual([undefined, []])
  })

  test('no more than the limit at once', () => {
    const expiry = leading(1, 1, 1)
    expect(expiry.expired(1000, 2)).toEqual([1n, 2n])
    expect(expiry.expired(1000, 2)).toEqual([3n])
  })

  test('a new leader gives every lease its full TTL and the extension', () => {
    const expiry = new Expiry()
    expiry.promote([{ id: 1n, ttlSeconds: 2 }], 10_000, 1000)
    expect(expiry.expired(12_999, 10)).toEqual([])
    expect(expiry.expired(13_000, 10)).toEqual([1n])
  })

  test('a renewal never takes back what the extension gave', () => {
    const expiry = new Expiry()
    expiry.promote([{ id: 1n, ttlSeconds: 2 }], 10_000, 1000)
    expect(expiry.renew(1n, 10_100)).toBe(2900)
    expect(expiry.renew(1n, 12_000)).toBe(2000)
  })

  test('whoever does not lead decides nothing', () => {
    const expiry = leading(1)
    expiry.demote()
    expiry.grant({ id: 2n, ttlSeconds: 1 }, 0)
    expiry.revoke(7n)
    expect([expiry.leading, expiry.nextDeadlineMs, expiry.expired(9999, 10), expiry.renew(1n, 0)]).toEqual([
      false,
      undefined,
      [],
      undefined,
    ])
  })

  test('agrees with a twin that looks at every lease', () => {
    const id = fc.bigInt({ min: -3n, max: 12n })
    const step = fc.oneof(
      fc.record({ do: fc.constant('grant' as const), id, ttlSeconds: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ do: fc.constant('renew' as const), id }),
      fc.record({ do: fc.constant('revoke' as const), id }),
      fc.record({ do: fc.constant('pass' as const), ms: fc.nat(4000), limit: fc.integer({ min: 1, max: 5 }) }),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
        const expiry = leading()
        const twin = new Map<bigint, { ttlMs: number; deadline: number; due: number }>()
        let now = 0
        for (const drawn of steps) {
          switch (drawn.do) {
            case 'grant':
              if (twin.has(drawn.id)) break
              expiry.grant(drawn, now)
              twin.set(drawn.id, {
                ttlMs: drawn.ttlSeconds * 1000,
                deadline: now + drawn.ttlSeconds * 1000,
                due: now + drawn.ttlSeconds * 1000,
              })
              break
            case 'renew': {
              const found = twin.get(drawn.id)
              const live = found !== undefined && found.deadline > now
              expect(expiry.renew(drawn.id, now)).toBe(live ? found.ttlMs : undefined)
              if (live) found.deadline = found.due = now + found.ttlMs
              break
            }
            case 'revoke':
              expiry.revoke(drawn.id)
              twin.delete(drawn.id)
              break
            case 'pass': {
              now += drawn.ms
              const due = [...twin]
                .filter(([, lease]) => lease.due <= now)
                .sort(([a, { due: first }], [b, { due: second }]) => first - second || Number(a - b))
                .slice(0, drawn.limit)
              expect(expiry.expired(now, drawn.limit)).toEqual(due.map(([leaseId]) => leaseId))
              for (const [, lease] of due) lease.due = now + EXPIRY_RETRY_MS
            }
          }
          const dues = [...twin.values()].map(({ due }) => due)
          expect(expiry.nextDeadlineMs).toBe(dues.length === 0 ? undefined : Math.min(...dues))
        }
      }),
      { numRuns: 200 },
    )
  })
})
