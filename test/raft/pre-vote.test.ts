/** Asking before campaigning: thesis 9.6, and the ways in which it has got clusters stuck. */
import { describe, expect, it } from 'vitest'
import { Script, storedLog } from './script.js'

describe('a pre-vote', () => {
  it('changes nothing for anybody while there is no quorum', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.cut(3)
    script.pass(20_000)
    expect(script.node(3).role).toBe('pre-candidate')
    expect(script.node(3).term).toBe(1)
    expect(script.node(1).role).toBe('leader')
    script.heal()
    script.pass(3000)
    expect(script.node(3).leader).toBe(1)
    expect(script.node(1).term).toBe(1)
  })

  it('needs no write: it is asked and answered at once', () => {
    const script = new Script([1, 2, 3])
    for (const id of [1, 2, 3]) script.holdDisk(id)
    script.elect(1)
    expect(script.sent.map(({ type }) => type)).toEqual(['pre-vote', 'pre-vote', 'pre-vote-reply', 'pre-vote-reply'])
    expect(script.node(1).role).toBe('candidate')
  })

  it('is refused by those who hear a leader', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.clear()
    const preVote = { type: 'pre-vote', from: 3, to: 2, term: 2, lastIndex: 9, lastTerm: 1 } as const
    script.node(2).step(preVote, script.nowMs + 999)
    expect(script.eventsOf('pre-vote-refused')).toMatchObject([{ node: 2, reason: 'leader-is-heard' }])
    script.node(2).step(preVote, script.nowMs + 1000)
    expect(script.eventsOf('pre-vote-granted')).toMatchObject([{ node: 2, to: 3 }])
  })

  it('granted for an earlier campaign does not count in a later one', () => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog([], 4) })
    script.timeOut(1)
    const reply = { type: 'pre-vote-reply', from: 2, to: 1, granted: true } as const
    script.node(1).step({ ...reply, term: 4 }, script.nowMs)
    expect(script.node(1).role).toBe('pre-candidate')
    script.node(1).step({ ...reply, term: 5 }, script.nowMs)
    expect(script.node(1).role).toBe('candidate')
  })

  it('gets a member out whose term is behind while its log is ahead', () => {
    // Neither of the two may win as it is: 1 has the longer log, 2 the higher term; 3 is gone (etcd issue 8501).
    const script = new Script([1, 2, 3], {}, { 1: storedLog([1, 1, 1], 1), 2: storedLog([1], 4) })
    script.cut(3)
    script.pass(8000)
    expect(script.node(1).role).toBe('leader')
    expect(script.terms(2)).toEqual(script.terms(1))
  })

  it('is not asked where it is turned off', () => {
    const script = new Script([1, 2, 3], { preVote: false })
    script.elect(1)
    expect(script.sent.some(({ type }) => type === 'pre-vote')).toBe(false)
    expect(script.node(1).role).toBe('leader')
  })
})

describe('a member whose term is ahead', () => {
  it('makes the leader of a lower term step down, so that it can join again', () => {
    const script = new Script([1, 2, 3], {}, { 3: storedLog([], 7) })
    script.cut(3)
    script.elect(1)
    script.heal()
    script.pass(6000)
    const leader = [1, 2, 3].map((id) => script.node(id)).find(({ role }) => role === 'leader')
    expect(leader?.term).toBeGreaterThan(7)
    expect([1, 2, 3].map((id) => script.node(id).leader)).toEqual([leader?.id, leader?.id, leader?.id])
  })
})
