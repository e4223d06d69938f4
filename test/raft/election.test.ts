/** Elections: thesis 3.4, 3.6.1; and what must be on the disk first. */
import { describe, expect, it } from 'vitest'
import { Script, storedLog } from './script.js'

const vote = { type: 'vote', from: 2, to: 1, term: 5, lastIndex: 9, lastTerm: 4 } as const

describe('an election', () => {
  it('makes the one whose timer runs out first the leader, and the others follow', () => {
    const script = new Script([1, 2, 3])
    script.elect(2)
    expect([1, 2, 3].map((id) => script.node(id).role)).toEqual(['follower', 'leader', 'follower'])
    expect([1, 2, 3].map((id) => script.node(id).leader)).toEqual([2, 2, 2])
    expect([1, 2, 3].map((id) => script.node(id).term)).toEqual([1, 1, 1])
  })

  it('begins a term with an empty entry, which is committed at once', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    expect(script.terms(1)).toEqual([1])
    expect([1, 2, 3].map((id) => script.node(id).commitIndex)).toEqual([1, 1, 1])
  })

  it('is lost by one that misses a committed entry', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.cut(3)
    script.propose(1, 'a')
    script.settle()
    script.heal()
    script.cut(1)
    script.elect(3)
    expect(script.node(3).role).not.toBe('leader')
    script.elect(2)
    expect(script.node(2).role).toBe('leader')
    expect(script.applied(3)).toEqual(['a'])
  })

  it("asks for votes only once the candidate's own vote is durable", () => {
    const script = new Script([1, 2, 3], { preVote: false })
    script.holdDisk(1)
    script.timeOut(1)
    script.perform(1)
    expect(script.node(1).role).toBe('candidate')
    expect(script.sent).toEqual([])
    script.releaseDisk(1)
    script.perform(1)
    expect(script.sent.map(({ type }) => type)).toEqual(['vote', 'vote'])
  })

  it('is repeated when the votes are split', () => {
    const script = new Script([1, 2, 3], { preVote: false })
    script.cut(3)
    script.nowMs = 3000
    script.node(1).tick(3000)
    script.node(2).tick(3000)
    script.settle()
    expect([script.node(1).role, script.node(2).role]).toEqual(['candidate', 'candidate'])
    script.pass(6000)
    expect([script.node(1), script.node(2)].filter(({ role }) => role === 'leader')).toHaveLength(1)
  })
})

describe('a vote', () => {
  it('is given to one candidate of a term only', () => {
    const script = new Script([1, 2, 3])
    const node = script.node(1)
    node.step(vote, 0)
    node.step({ ...vote, from: 3 }, 0)
    script.perform(1)
    expect(script.sent).toEqual([
      { type: 'vote-reply', from: 1, to: 2, term: 5, granted: true },
      { type: 'vote-reply', from: 1, to: 3, term: 5, granted: false },
    ])
  })

  it('is told only when it is durable', () => {
    const script = new Script([1, 2, 3])
    script.holdDisk(1)
    script.node(1).step(vote, 0)
    script.perform(1)
    expect(script.sent).toEqual([])
    script.releaseDisk(1)
    expect(script.stored.get(1)?.hardState).toEqual({ term: 5, vote: 2 })
    script.perform(1)
    expect(script.sent).toHaveLength(1)
  })

  it('is told to nobody when the term was left before it was durable', () => {
    const script = new Script([1, 2, 3])
    script.holdDisk(1)
    script.node(1).step(vote, 0)
    script.perform(1)
    script.node(1).step({ type: 'heartbeat', from: 3, to: 1, term: 6, commit: 0, round: 1 }, 0)
    script.releaseDisk(1)
    script.settle()
    expect(script.sent.map(({ type, term }) => `${type} ${term}`)).toEqual(['heartbeat-reply 6'])
  })

  it('is remembered over a restart', () => {
    const script = new Script([1, 2, 3])
    script.node(1).step(vote, 0)
    script.perform(1)
    script.crash(1)
    script.start(1)
    script.clear()
    script.node(1).step({ ...vote, from: 3 }, 2000)
    script.perform(1)
    expect(script.sent).toMatchObject([{ type: 'vote-reply', to: 3, granted: false }])
  })

  it.each([
    ['ends in an older term', { lastTerm: 3, lastIndex: 100 }, false],
    ['ends in the same term, but earlier', { lastTerm: 4, lastIndex: 2 }, false],
    ['is the same', { lastTerm: 4, lastIndex: 3 }, true],
    ['ends in a newer term, though it is shorter', { lastTerm: 5, lastIndex: 1 }, true],
  ])('for a candidate whose log %s', (_what, last, granted) => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog([2, 4, 4]) })
    script.node(1).step({ ...vote, ...last, term: 6 }, 2000)
    script.perform(1)
    expect(script.sent).toMatchObject([{ type: 'vote-reply', granted }])
  })

  it('is refused in a term that is over, and the candidate learns the new one', () => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog([], 8) })
    script.node(1).step(vote, 2000)
    script.perform(1)
    expect(script.sent).toEqual([{ type: 'vote-reply', from: 1, to: 2, term: 8, granted: false }])
  })

  it('restarts the timer when it is given, and not when it is refused', () => {
    const script = new Script([1, 2, 3], { preVote: false }, { 1: storedLog([4]) })
    const node = script.node(1)
    const before = node.nextDeadlineMs()
    node.step({ ...vote, term: 5, lastTerm: 1 }, 1000)
    expect(node.nextDeadlineMs()).toBe(before)
    node.step({ ...vote, term: 6 }, 1000)
    expect(node.nextDeadlineMs()).toBeGreaterThanOrEqual(2000)
  })
})

describe('a member', () => {
  it('does not hear answers of those who do not belong to the cluster', () => {
    const script = new Script([1, 2, 3])
    script.node(1).step({ type: 'heartbeat-reply', from: 9, to: 1, term: 50, round: 0 }, 0)
    expect(script.node(1).term).toBe(0)
    expect(script.eventsOf('message-ignored')).toMatchObject([{ from: 9, reason: 'unknown-sender' }])
  })

  it('that is not in the configuration does not campaign', () => {
    const script = new Script([1, 2, 3], { configuration: { voters: [2, 3] } })
    script.timeOut(1)
    expect(script.node(1).role).toBe('follower')
  })
})
