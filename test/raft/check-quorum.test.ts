/** A leader that hears no quorum is none: thesis 6.2; and nobody deposes one that is heard: 4.2.3. */
import { describe, expect, it } from 'vitest'
import { Script, storedLog } from './script.js'

describe('a leader', () => {
  it('that hears no quorum for an election timeout steps down', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.cut(1)
    script.pass(900)
    expect(script.node(1).role).toBe('leader')
    script.pass(300)
    expect(script.node(1).role).not.toBe('leader')
    expect(script.eventsOf('quorum-lost')).toHaveLength(1)
  })

  it('stays while it hears a quorum, even if not everybody', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.cut(3)
    script.pass(10_000)
    expect(script.node(1).role).toBe('leader')
  })

  it('that was paused judges by the time that went by, before it does anything else', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    // Nothing came, nothing was asked; the first thing after the pause is a proposal.
    script.nowMs += 1000
    expect(script.propose(1, 'a')).toEqual({ accepted: false, reason: 'not-leader', leader: 0 })
    expect(script.node(1).role).toBe('follower')
  })

  it('that was paused does not take what waited for it as news', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    const reply = { type: 'heartbeat-reply', from: 2, to: 1, term: 1, round: 1 } as const
    script.node(1).step(reply, script.nowMs + 1500)
    expect(script.node(1).role).toBe('follower')
  })

  it('stays whatever it hears where the check is turned off', () => {
    const script = new Script([1, 2, 3], { checkQuorum: false })
    script.elect(1)
    script.cut(1, 2, 3)
    script.nowMs += 60_000
    script.node(1).tick(script.nowMs)
    expect(script.node(1).role).toBe('leader')
    expect(Number.isFinite(script.node(1).nextDeadlineMs())).toBe(true)
  })

  it('is not deposed by a vote request, as long as it is heard', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    const vote = { type: 'vote', from: 3, term: 9, lastIndex: 9, lastTerm: 9 } as const
    for (const to of [1, 2]) script.node(to).step({ ...vote, to }, script.nowMs)
    expect([script.node(1).term, script.node(2).term]).toEqual([1, 1])
    expect(script.eventsOf('vote-refused')).toMatchObject([
      { node: 1, reason: 'leader-is-heard' },
      { node: 2, reason: 'leader-is-heard' },
    ])
  })
})

describe('a member that restarted', () => {
  it('gives no vote for an election timeout: it may just have supported a leader', () => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog([1], 1) })
    const vote = { type: 'vote', from: 2, to: 1, term: 2, lastIndex: 1, lastTerm: 1 } as const
    script.node(1).step(vote, 999)
    expect(script.node(1).term).toBe(1)
    script.node(1).step({ ...vote, type: 'pre-vote' }, 999)
    script.node(1).step(vote, 1000)
    expect(script.node(1).term).toBe(2)
    expect(script.eventsOf('pre-vote-refused')).toMatchObject([{ reason: 'restarted-lately' }])
    expect(script.eventsOf('vote-granted')).toHaveLength(1)
  })

  it('for the first time votes at once', () => {
    const script = new Script([1, 2, 3])
    script.node(1).step({ type: 'vote', from: 2, to: 1, term: 1, lastIndex: 0, lastTerm: 0 }, 0)
    expect(script.eventsOf('vote-granted')).toHaveLength(1)
  })
})
