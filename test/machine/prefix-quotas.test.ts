/** Quotas of prefixes as replicated configuration: counted bit by bit, and in force from the same entry on everywhere. */
import { expect, test } from 'vitest'
import { LIMITS } from '../../src/base/limits.js'
import { encodeCommand } from '../../src/machine/command-codec.js'
import type { Request } from '../../src/machine/command.js'
import { MEMBER } from '../../src/machine/identity.js'
import { Machine } from '../../src/machine/machine.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { always, del, get, put } from '../mvcc/requests.js'

const KEYS = 6_000

class Member {
  readonly backend: MemoryBackend
  readonly machine: Machine

  constructor(backend = new MemoryBackend()) {
    this.backend = backend
    this.machine = new Machine({ backend })
    for (const [key, record] of backend.sorted()) this.machine.load(key, record)
    this.machine.finishLoading()
  }

  apply(request: Request): string {
    const index = this.machine.appliedIndex + 1
    const proposal = { member: 1, incarnation: 1, sequence: index }
    const { outcome } = this.machine.apply(index, 1, encodeCommand({ proposal, identity: MEMBER, request }))
    return outcome?.ok === false ? outcome.code : 'ok'
  }

  /** As after a crash right behind a write of the state. */
  restarted(): Member {
    this.machine.checkpoint()
    return new Member(this.backend.copy())
  }
}

test('the quota of a prefix with many keys holds from one entry on, however far members are with a compaction, and when they restart', () => {
  let [one, other] = [new Member(), new Member()]
  const key = (nth: number) => `k${String(nth).padStart(5, '0')}`
  const both = (request: Request): string => {
    const outcomes = [one.apply(request), other.apply(request)]
    expect(outcomes[1]).toBe(outcomes[0])
    expect(other.machine.digest).toEqual(one.machine.digest)
    return outcomes[0] as string
  }
  for (let nth = 0; nth < KEYS; nth += 100) {
    both(always(...Array.from({ length: 100 }, (_, at) => put(key(nth + at), 'x'))))
  }
  both(del(key(0), key(1_000)))
  both(put('z', ''))
  both({ type: 'compact', revision: one.machine.revision })
  both(del(key(1_000), key(2_000)))
  while (one.machine.sweep(10_000));
  expect(one.machine.store.size).toBeLessThan(other.machine.store.size)

  both({ type: 'prefix-quota', prefix: 'k', limits: { keysMax: 10, bytesMax: undefined } })
  const outcomes: string[] = []
  for (let entry = 0; entry < 5; entry++) {
    outcomes.push(both(put(key(10_000 + entry), '')))
    if (entry === 0) one = one.restarted()
    if (entry === 1) other = other.restarted()
  }
  expect(outcomes).toEqual(['ok', 'ok', 'PREFIX_QUOTA_EXCEEDED', 'PREFIX_QUOTA_EXCEEDED', 'PREFIX_QUOTA_EXCEEDED'])
  expect(one.machine.store.prefixQuotas).toMatchObject([{ keys: KEYS - 2_000 + 2, countedTo: undefined }])
  expect(both(always(get('k'), del(key(5_000)), put(key(5_001), 'x')))).toBe('ok')
})

test('there are no more than a limited number of quotas, and those that there are can be changed and ended', () => {
  const member = new Member()
  const limits = { keysMax: 1, bytesMax: undefined }
  for (let nth = 0; nth < LIMITS.prefixQuotasMax; nth++) {
    expect(member.apply({ type: 'prefix-quota', prefix: `${nth}/`, limits })).toBe('ok')
  }
  expect(member.apply({ type: 'prefix-quota', prefix: 'more', limits })).toBe('LIMIT_EXCEEDED')
  expect(member.apply({ type: 'prefix-quota', prefix: '7/', limits: { ...limits, bytesMax: 9 } })).toBe('ok')
  expect(member.apply({ type: 'prefix-quota', prefix: '7/', limits: undefined })).toBe('ok')
  expect(member.apply({ type: 'prefix-quota', prefix: '7/', limits: undefined })).toBe('ok')
  expect(member.apply({ type: 'prefix-quota', prefix: 'more', limits })).toBe('ok')
  const long = { type: 'prefix-quota', prefix: 'x'.repeat(LIMITS.keyBytesMax + 1), limits } as const
  expect(member.apply(long)).toBe('REQUEST_TOO_LARGE')
})
