/** Each check of the replicated state, reads, watches, leases and bounds is shown to fail on a planted fault. */
import { describe, expect, test } from 'vitest'
import { EMPTY_DIGEST } from '../../../src/base/checksum.js'
import { LIMITS } from '../../../src/base/limits.js'
import type { MemberEvent } from '../../../src/member/event.js'
import { entry, ForgedCluster, put, settled } from './forged.js'

const ONE = entry(1, 1)
const TWO = entry(2, 1)
const FIRST = { proposal: { member: 9, incarnation: 1, sequence: 1 } }

const NOTHING = {
  ...{ proposals: 0, proposalBytes: 0, reads: 0, calls: 0, forwardedBytes: 0, watches: 0, watchBufferBytes: 0 },
  ...{ logBytes: 0, appliedLogBytes: 0, stagedBytes: 0 },
}

describe('applying', () => {
  test('R5: another entry than the committed one', () => {
    const cluster = settled([ONE]).apply('b', entry(1, 2))
    expect(cluster.violation).toBe('R5 violated: b applies 1@2, committed is 1@1 of another term')
    const content = settled([ONE]).apply('b', entry(1, 1, 'other'))
    expect(content.violation).toBe('R5 violated: b applies 1@1, committed is 1@1 with another content')
  })

  test('R10: an entry that is not durable in the own log', () => {
    const cluster = new ForgedCluster().elect('a', 1).write('a', [ONE]).write('b', [ONE]).commit('a', 1)
    cluster.begin('c', [ONE]).commit('c', 1).apply('c', ONE)
    expect(cluster.violation).toBe('R10 violated: c applies 1@1, which is not durable in its own log')
  })

  test('R11: out of order, twice, or before it is committed', () => {
    expect(settled([ONE, TWO]).apply('b', TWO).violation).toBe('R11 violated: b applies 2 after 0')
    expect(settled([ONE, TWO]).apply('b', ONE).apply('b', ONE).violation).toBe('R11 violated: b applies 1 after 1')
    const early = new ForgedCluster().elect('a', 1).write('a', [ONE]).apply('a', ONE)
    expect(early.violation).toBe('R11 violated: a applies 1, it knows of commits up to 0')
  })

  test('R11: a state on disk that is not the state at its index', () => {
    const begun: MemberEvent = {
      type: 'state-write-begun',
      position: { index: 2, term: 1 },
      revision: 1,
      digest: EMPTY_DIGEST,
    }
    expect(settled([ONE, TWO]).apply('b', ONE).tell('b', begun).violation).toBe(
      'R11 violated: b writes its state as that of 2, applied is 1',
    )
    const back = settled([ONE, TWO]).apply('b', ONE).recover('b', { applied: 1 })
    expect(back.violation).toBe('R11 violated: b comes back with the state at 1, written was the one at 0')
  })

  test('R11: a log that is trimmed before the state is durable', () => {
    const cluster = settled([ONE])
      .apply('b', ONE)
      .tell('b', { type: 'log-trimmed', to: { index: 1, term: 1 } })
    expect(cluster.violation).toBe('R11 violated: b trims its log up to 1, its state is durable up to 0')
  })

  test('R18: two members that come to different states', () => {
    const revision = settled([ONE])
      .apply('a', ONE, { ...FIRST, events: [put('k', 2)] })
      .apply('b', ONE, FIRST)
    expect(revision.violation).toMatch(/^R18 violated: at entry 1 b comes to revision 1 .* a came to 2/)
    const changes = settled([ONE])
    changes.apply('a', ONE, { ...FIRST, events: [put('k', 2)] }).apply('b', ONE, { ...FIRST, events: [put('l', 2)] })
    expect(changes.violation).toBe('R18 violated: at entry 1 the changes that b makes are not those that a made')
    const outcome = settled([ONE]).apply('a', ONE, FIRST)
    outcome.apply('b', ONE, { ...FIRST, outcome: { ok: false, code: 'LEASE_NOT_FOUND', message: '' } })
    expect(outcome.violation).toBe("R18 violated: at entry 1 the outcome is 'LEASE_NOT_FOUND' for b, 'compact' for a")
  })

  test('R18: a digest that differs', () => {
    const cluster = settled([ONE]).apply('a', ONE, FIRST)
    cluster.tell('b', {
      type: 'applied',
      entry: ONE,
      applied: { ...FIRST, outcome: { ok: true, response: { type: 'compact' } }, revision: 1, events: [] },
      revision: 1,
      compactRevision: 0,
      digest: () => ({ high: 1, low: 1 }),
    })
    expect(cluster.violation).toMatch(/^R18 violated: states differ at applied index 1: a has revision 1/)
  })

  test('R18: a revision that jumps', () => {
    const cluster = settled([ONE]).apply('a', ONE, { events: [put('k', 3)], revision: 3 })
    expect(cluster.violation).toBe('R18 violated: a goes from revision 1 to 3 with 1 changes at entry 1')
  })

  test('R22: a proposal that takes effect twice', () => {
    const cluster = settled([ONE, TWO]).apply('a', ONE, FIRST).apply('a', TWO, FIRST)
    expect(cluster.violation).toBe(
      'R22 violated: proposal 1 of life 1 of member 9 takes effect a second time at entry 2 (a)',
    )
    expect(
      settled([ONE, TWO])
        .apply('a', ONE, FIRST)
        .apply('a', TWO, { ...FIRST, outcome: undefined }).violation,
    ).toBe('')
  })

  test('R22: an answer to what was not done', () => {
    const answered = { type: 'answered', proposal: FIRST.proposal, ok: true, revision: 1 } as const
    expect(settled([ONE]).tell('a', answered).violation).toMatch(/^R22 violated: a answers .* not what it applied last/)
    const cluster = settled([ONE]).apply('a', ONE, FIRST).tell('a', answered)
    expect(cluster.violation).toBe('')
    expect(cluster.tell('a', answered).violation).toMatch(/answers proposal 1 of life 1 of member 9 twice/)
  })
})

describe('reads', () => {
  test('R16: a read index below what was committed before it was asked for', () => {
    const cluster = settled([ONE, TWO]).tell('b', { type: 'read-asked', requestId: 1 })
    cluster.tell('b', { type: 'read-confirmed', requestId: 1, index: 1 })
    expect(cluster.violation).toBe('R16 violated: read 1 of b is confirmed at 1, 2 was committed before it was asked')
  })

  test('R16: a read that is confirmed twice, or under an id that was used before', () => {
    const asked = { type: 'read-asked', requestId: 1 } as const
    const confirmed = { type: 'read-confirmed', requestId: 1, index: 1 } as const
    expect(settled([ONE]).tell('b', asked, confirmed).violation).toBe('')
    expect(settled([ONE]).tell('b', asked, confirmed, confirmed).violation).toMatch(/^R16 .* was answered before/)
    expect(settled([ONE]).tell('b', asked, asked).violation).toMatch(/^R16 .* asks twice under the id 1/)
  })

  test('R19: a read of what is compacted', () => {
    const cluster = settled([ONE, TWO]).apply('a', ONE, { ...FIRST, events: [put('k', 2)] })
    cluster.tell('a', {
      type: 'applied',
      entry: TWO,
      applied: undefined,
      revision: 2,
      compactRevision: 2,
      digest: () => EMPTY_DIGEST,
    })
    const ranged = { type: 'ranged', revision: 1, currentRevision: 2, refused: undefined } as const
    expect(cluster.tell('a', { ...ranged, refused: 'COMPACTED' }, { ...ranged, revision: 2 }).violation).toBe('')
    expect(cluster.tell('a', ranged).violation).toBe('R19 violated: a reads at 1, compacted is everything before 2')
  })
})

describe('watches', () => {
  const FILTER = { key: 'k', rangeEnd: 'l' }
  const opened = { type: 'watch-opened', watch: 1, filter: FILTER, startRevision: 2, currentRevision: 1 } as const
  const delivered = (...events: ReturnType<typeof put>[]): MemberEvent => ({
    type: 'watch-delivered',
    watch: 1,
    batch: { revision: events[0]?.keyValue.modRevision ?? 0, events },
  })
  const three = (): ForgedCluster => {
    const entries = [ONE, TWO, entry(3, 1)]
    const cluster = settled(entries)
    for (const [at, each] of entries.entries()) {
      const changes = [put('k', at + 2), put('k2', at + 2), put('z', at + 2)]
      cluster.apply('a', each, { events: changes })
    }
    return cluster.tell('a', opened)
  }
  const of = (revision: number): ReturnType<typeof put>[] => [put('k', revision), put('k2', revision)]

  test('that are right violate nothing', () => {
    const cluster = three().tell('a', delivered(...of(2)), delivered(...of(3)))
    expect(cluster.tell('a', { type: 'watch-ended', watch: 1, revision: 3, failure: undefined }).violation).toBe('')
  })

  test('R20: a revision that is left out', () => {
    const cluster = three().tell('a', delivered(...of(2)), delivered(...of(4)))
    expect(cluster.violation).toBe('R20 violated: watch 1 of a leaves out revision 3, it is at 3 now')
  })

  test('R20: an event that is left out, or of another key', () => {
    expect(three().tell('a', delivered(put('k', 2))).violation).toBe(
      'R20 violated: watch 1 of a delivers [put k] of revision 2, it changed [put k, put k2]',
    )
    expect(three().tell('a', delivered(...of(2), put('z', 2))).violation).toMatch(
      /^R20 .* it changed \[put k, put k2\]/,
    )
  })

  test('R20: a revision that comes twice, or before it was applied', () => {
    expect(three().tell('a', delivered(...of(2)), delivered(...of(2))).violation).toMatch(/^R20 .* it was at 2 before/)
    expect(three().tell('a', delivered(...of(9))).violation).toMatch(/^R20 .* delivers revision 9, applied is 4/)
  })

  test('R20: a notice of progress that is ahead of an event, of what is applied or of the start, or goes back', () => {
    const progress = (revision: number): MemberEvent => ({
      type: 'watch-progress',
      watch: 1,
      revision,
      requested: true,
    })
    expect(three().tell('a', delivered(...of(2)), progress(2), delivered(...of(3)), progress(3)).violation).toBe('')
    expect(three().tell('a', delivered(...of(2)), progress(3)).violation).toBe(
      'R20 violated: watch 1 of a leaves out revision 3, it is at 3 now',
    )
    const tells = /^R20 violated: watch 1 of a tells of progress to/
    expect(three().tell('a', progress(9)).violation).toMatch(tells)
    expect(three().tell('a', progress(1)).violation).toMatch(tells)
    expect(three().tell('a', delivered(...of(2)), delivered(...of(3)), progress(2)).violation).toMatch(tells)
  })

  test('R20: a watch that says it has come further than it has', () => {
    const cluster = three().tell('a', { type: 'watch-ended', watch: 1, revision: 3, failure: undefined })
    expect(cluster.violation).toBe('R20 violated: watch 1 of a leaves out revision 2, it is at 3 now')
  })
})

describe('leases', () => {
  const granted = (): ForgedCluster => {
    const cluster = settled([ONE, TWO, entry(3, 1)]).tell('a', {
      type: 'leases-taken-over',
      atMs: 0,
      extensionMs: 1000,
    })
    const response = { type: 'lease-grant', id: 7n, ttlSeconds: 5 } as const
    cluster.apply('a', ONE, { outcome: { ok: true, response } })
    return cluster.apply('a', TWO, { events: [put('k', 2, 7n)] })
  }
  const grantedAt = { type: 'lease-granted', lease: 7n, atMs: 100, ttlMs: 5000 } as const

  test('R21: a key that outlives its lease', () => {
    const cluster = granted().apply('a', entry(3, 1), {
      outcome: { ok: true, response: { type: 'lease-revoke', id: 7n } },
    })
    expect(cluster.violation).toBe('R21 violated: key k outlives lease 7, which ends at entry 3 (a)')
  })

  test('R21: a lease that ends before its time', () => {
    const cluster = granted().tell('a', grantedAt, { type: 'leases-expired', atMs: 5099, leases: [7n] })
    expect(cluster.violation).toBe('R21 violated: a ends lease 7 1 ms before its time has passed')
    expect(granted().tell('a', grantedAt, { type: 'leases-expired', atMs: 5100, leases: [7n] }).violation).toBe('')
  })

  test('R21: a lease that ends though it was renewed', () => {
    const renewed = {
      type: 'lease-renewed',
      question: 1,
      lease: 7n,
      atMs: 3000,
      ttlMs: 5000,
      remainingMs: 5000,
    } as const
    const cluster = granted().tell('a', grantedAt, renewed, { type: 'leases-expired', atMs: 5100, leases: [7n] })
    expect(cluster.violation).toBe('R21 violated: a ends lease 7 2900 ms before its time has passed')
  })

  test('R21: a new leader that does not give leases their time anew', () => {
    const cluster = granted().elect('b', 2, ['b', 'c'])
    cluster.tell('b', { type: 'leases-taken-over', atMs: 0, extensionMs: 1000 })
    cluster.tell('b', { type: 'leases-expired', atMs: 5999, leases: [7n] })
    expect(cluster.violation).toBe('R21 violated: b ends lease 7 1 ms before its time has passed')
  })

  test('R21: a renewal by a leader that was replaced by one who has ended the lease', () => {
    const cluster = granted().elect('b', 2, ['b', 'c'])
    cluster.tell('b', { type: 'leases-taken-over', atMs: 0, extensionMs: 1000 })
    cluster.tell('b', { type: 'leases-expired', atMs: 6000, leases: [7n] })
    const renewed = {
      type: 'lease-renewed',
      question: 1,
      lease: 7n,
      atMs: 5000,
      ttlMs: 5000,
      remainingMs: 5000,
    } as const
    cluster.tell('a', { type: 'lease-asked', question: 1, lease: 7n }, renewed)
    expect(cluster.violation).toMatch(/^R21 violated: a tells in term 1 that lease 7 lives for 5000 ms/)
  })

  const said = (atMs: number, remainingMs: number): MemberEvent => {
    return { type: 'leases-checkpointed', atMs, checkpoints: [{ id: 7n, remainingMs }] }
  }
  const renewed = (atMs: number): MemberEvent => {
    return { type: 'lease-renewed', question: 1, lease: 7n, atMs, ttlMs: 5000, remainingMs: 5000 }
  }
  const committed = (cluster: ForgedCluster, remainingMs: number): ForgedCluster => {
    const response = { type: 'lease-checkpoint', checkpoints: [{ id: 7n, remainingMs }] } as const
    return cluster.apply('a', entry(3, 1), { outcome: { ok: true, response } })
  }

  test('R21: a leader that says in the log that less is left of a lease than there is', () => {
    expect(granted().tell('a', grantedAt, said(2100, 3000)).violation).toBe('')
    expect(granted().tell('a', grantedAt, said(2100, 2999)).violation).toBe(
      'R21 violated: a says that 2999 ms are left of lease 7, it is 3000 ms',
    )
  })

  test('R21: a renewal that is told while the log says, or may come to say, that less is left', () => {
    const told =
      'R21 violated: a tells that lease 7 lives for 5000 ms, whoever leads next may find that 3000 ms are left of it'
    expect(granted().tell('a', grantedAt, said(2100, 3000), renewed(3000)).violation).toBe(told)
    const known = granted().tell('a', grantedAt, said(2100, 3000))
    expect(committed(known, 3000).tell('a', renewed(3000)).violation).toBe(told)
    const restoring = granted().tell('a', grantedAt, said(2100, 3000))
    expect(committed(restoring, 3000).tell('a', said(3000, 5000), renewed(3000)).violation).toBe(told)
    const restored = granted().tell('a', grantedAt, said(2100, 5000))
    expect(committed(restored, 5000).tell('a', renewed(3000)).violation).toBe('')
  })

  test('R21: a new leader that gives less than the log says is left', () => {
    const takenOver = (atMs: number): ForgedCluster => {
      const cluster = committed(granted().tell('a', grantedAt, said(2100, 3000)), 3000).elect('b', 2, ['b', 'c'])
      cluster.tell('b', { type: 'leases-taken-over', atMs: 0, extensionMs: 1000 })
      return cluster.tell('b', { type: 'leases-expired', atMs, leases: [7n] })
    }
    expect(takenOver(4000).violation).toBe('')
    expect(takenOver(3999).violation).toBe('R21 violated: b ends lease 7 1 ms before its time has passed')
  })

  test('R21: a change of leader that lengthens a lease beyond its bound', () => {
    const lengthened = (leaseLengthenedMsMax: number): string => {
      const cluster = settled([ONE, TWO, entry(3, 1)], { leaseLengthenedMsMax })
      cluster.tell('a', { type: 'leases-taken-over', atMs: 0, extensionMs: 1000 })
      const response = { type: 'lease-grant', id: 7n, ttlSeconds: 5 } as const
      cluster.apply('a', ONE, { outcome: { ok: true, response } }).tell('a', grantedAt)
      cluster.tell('a', { type: 'turned', atMs: 4100, ...NOTHING }).elect('b', 2, ['b', 'c'])
      return cluster.tell('b', { type: 'leases-taken-over', atMs: 0, extensionMs: 1000 }).violation
    }
    expect(lengthened(4000)).toBe('')
    expect(lengthened(3999)).toBe('R21 violated: b comes to lead and lengthens lease 7 by 4000 ms')
  })
})

describe('bounds', () => {
  test.each([
    ['proposals', LIMITS.pendingProposalsMax + 1],
    ['proposalBytes', 2 * LIMITS.pendingProposalBytesMax],
    ['reads', LIMITS.pendingReadsMax + 1],
    ['calls', LIMITS.pendingReadsMax + 1],
    ['forwardedBytes', LIMITS.uncommittedBytesMax + 1],
    ['appliedLogBytes', 1e9],
    ['stagedBytes', 1e9],
    ['watches', LIMITS.watchesMax + 1],
    ['watchBufferBytes', 2 * LIMITS.watchBuffersBytesMax],
  ])('R23: %s', (what, amount) => {
    const cluster = new ForgedCluster().tell('a', { type: 'turned', atMs: 0, ...NOTHING })
    expect(cluster.violation).toBe('')
    expect(cluster.tell('a', { type: 'turned', atMs: 0, ...NOTHING, [what]: amount }).violation).toMatch(
      `R23 violated: ${amount} ${what} wait in a`,
    )
  })
})
