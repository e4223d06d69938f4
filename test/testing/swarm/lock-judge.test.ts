/** R25, with holds and writes spelled out: each promise of a lock is shown to be looked at. */
import { describe, expect, test } from 'vitest'
import { Disturbances } from '../../../src/testing/faults/disturbances.js'
import type { Change } from '../../../src/testing/swarm/ledger.js'
import { LockJudge, type Holder } from '../../../src/testing/swarm/lock-judge.js'

function holder(id: number, token: number, { alive = true, signal = new AbortController().signal } = {}): Holder {
  return { id, token, name: 'lock/x', signal, member: 'a', process: { alive }, sinceMs: 100 }
}

function write(id: number, revision: number): Change {
  const keyValue = { key: 'held/lock/x', value: Buffer.from(`v${id}.1`), modRevision: revision }
  return { revision, event: { type: 'put', keyValue }, previous: undefined } as unknown as Change
}

describe('the judge of locks', () => {
  test('finds a holder that was not told before the next one holds', () => {
    const judge = new LockJudge(() => true)
    judge.held(holder(1, 7))
    expect(() => {
      judge.held(holder(2, 9))
    }).toThrow(
      /R25 violated: v2 on a holds lock\/x with token 9, and the signal of v1 on a, which held it with token 7/,
    )
  })

  test('asks nothing of who was told, gave the lock back, died, or was disturbed', () => {
    const judge = new LockJudge(() => true)
    judge.held(holder(1, 7, { signal: AbortSignal.abort() }))
    judge.held(holder(2, 9))
    judge.ended({ id: 2 })
    judge.held(holder(3, 11, { alive: false }))
    judge.held(holder(4, 13))
    const disturbed = new LockJudge(() => false)
    disturbed.held(holder(1, 7))
    disturbed.held(holder(2, 9))
  })

  test('finds a write by an earlier holder, also one whose writer was told nothing', () => {
    const judge = new LockJudge(() => false)
    judge.held(holder(1, 7))
    judge.held(holder(2, 9))
    judge.applied(write(1, 20))
    judge.applied(write(2, 21))
    expect(() => {
      judge.applied(write(1, 22))
    }).toThrow(
      /R25 violated: v1 wrote held\/lock\/x under the guard of token 7 at revision 22, after v2 had with token 9 at 21/,
    )
  })
})

describe('disturbances', () => {
  test('last from the beginning of a fault to its end, for the member or, with a wrong clock, for all', () => {
    const disturbances = new Disturbances()
    const pause = { atMs: 10, type: 'pause', member: 'a', forMs: 20 } as const
    disturbances.begin(pause)
    expect([disturbances.noneSince('a', 10), disturbances.noneSince('b', 10)]).toEqual([false, true])
    disturbances.end(pause, 30)
    expect([disturbances.noneSince('a', 30), disturbances.noneSince('a', 31)]).toEqual([false, true])
    disturbances.begin({ atMs: 40, type: 'clock-drift', member: 'a', perMillion: 150_000, forMs: 10 })
    expect(disturbances.noneSince('b', 31)).toBe(false)
  })
})
