/** Handing leadership over: thesis 3.10, and the ways in which it has got stuck (hashicorp 493, 487, 581; tikv 4045). */
import { describe, expect, it } from 'vitest'
import type { RaftOptions } from '../../src/raft/options.js'
import { describeTransferRefusal } from '../../src/raft/transfer-result.js'
import type { NodeId } from '../../src/raft/types.js'
import { Script } from './script.js'

function led(options: Partial<RaftOptions> = {}, ids: readonly NodeId[] = [1, 2, 3]): Script {
  const script = new Script(ids, options)
  script.elect(1)
  return script
}

function transfer(script: Script, to: NodeId | 'best', id = 1): string {
  const result = script.node(id).transferLeadership(to, script.nowMs)
  return result.accepted ? `to ${result.to}` : result.reason
}

describe('leadership', () => {
  it('is handed over at once, without asking first, although the leader is heard', () => {
    const script = led()
    script.clear()
    expect(transfer(script, 3)).toBe('to 3')
    script.settle()
    expect(script.node(3).role).toBe('leader')
    expect(script.node(1).leader).toBe(3)
    expect(script.eventsOf('became-pre-candidate')).toEqual([])
    expect(script.sent.filter(({ type }) => type === 'vote')).toMatchObject([{ forced: true }, { forced: true }])
  })

  it('goes to a member only after it has everything', () => {
    const script = led()
    script.cut(3)
    script.propose(1, 'a', 'b')
    script.settle()
    expect(transfer(script, 3)).toBe('to 3')
    script.settle()
    expect(script.eventsOf('told-to-campaign')).toEqual([])
    script.heal()
    script.pass(200)
    expect(script.node(3).role).toBe('leader')
    expect(script.applied(3)).toEqual(['a', 'b'])
  })

  it('that is being handed over takes no proposals and no changes', () => {
    const script = led()
    script.cut(3)
    transfer(script, 3)
    expect(script.propose(1, 'a')).toEqual({ accepted: false, reason: 'transferring', leader: 1 })
    const change = { type: 'change', members: [{ type: 'remove', id: 2 }] } as const
    expect(script.node(1).proposeConfiguration(change, script.nowMs)).toMatchObject({ reason: 'transferring' })
    expect(script.node(1).status().transferringTo).toBe(3)
  })

  it('stays where it is when the target does not make it within an election timeout', () => {
    const script = led()
    script.cut(3)
    transfer(script, 3)
    script.pass(990)
    expect(script.propose(1, 'a').accepted).toBe(false)
    script.pass(20)
    expect(script.propose(1, 'a').accepted).toBe(true)
    expect(script.eventsOf('transfer-aborted')).toMatchObject([{ to: 3 }])
    expect(script.node(1).role).toBe('leader')
  })

  it('that is given up is noticed without a tick in between', () => {
    const script = led({ checkQuorum: false })
    script.cut(3)
    transfer(script, 3)
    script.nowMs += 1000
    expect(script.propose(1, 'a').accepted).toBe(true)
  })

  it('is handed over although the word to campaign is lost once', () => {
    const script = led()
    let lost = 0
    script.loses = ({ type }) => type === 'timeout-now' && lost++ === 0
    transfer(script, 2)
    script.pass(300)
    expect(script.node(2).role).toBe('leader')
    expect(script.eventsOf('told-to-campaign')).toHaveLength(2)
  })

  it('goes, where anybody will do, to the voter with the longest log', () => {
    const script = led()
    script.cut(2)
    script.propose(1, 'a')
    script.settle()
    script.heal()
    expect(transfer(script, 'best')).toBe('to 3')
  })

  it('goes, among those that have the same, to the one of the highest priority', () => {
    const script = led({ priority: (id) => (id === 3 ? 5 : 1) })
    expect(transfer(script, 'best')).toBe('to 3')
  })

  it('does not go to one that has not been heard of', () => {
    const script = led({ checkQuorum: false })
    script.cut(2, 3)
    script.pass(1500)
    expect(transfer(script, 'best')).toBe('no-candidate')
  })

  it('does not go to one that is named and has fallen silent, which takes proposals all the time', () => {
    const script = led()
    script.cut(2)
    script.pass(1500)
    expect(transfer(script, 2)).toBe('silent')
    expect(describeTransferRefusal('silent')).toMatch(/does not answer/)
    expect(script.propose(1, 'a').accepted).toBe(true)
    script.heal()
    script.pass(200)
    expect(transfer(script, 2)).toBe('to 2')
  })

  it.each<[NodeId, string]>([
    [1, 'already-leader'],
    [4, 'no-candidate'],
    [9, 'no-candidate'],
  ])('does not go to %i: %s', (to, reason) => {
    const script = led()
    script.node(1).proposeConfiguration({ type: 'change', members: [{ type: 'learner', id: 4 }] }, script.nowMs)
    script.settle()
    expect(transfer(script, to)).toBe(reason)
    expect(describeTransferRefusal(reason as 'no-candidate')).not.toBe('')
  })

  it('goes to one at a time', () => {
    const script = led()
    script.cut(2, 3)
    expect(transfer(script, 2)).toBe('to 2')
    expect(transfer(script, 2)).toBe('to 2')
    expect(transfer(script, 3)).toBe('transferring')
  })

  it('is not handed over by one that has none', () => {
    const script = led()
    expect(transfer(script, 3, 2)).toBe('not-leader')
  })
})

describe('a member that is told to campaign', () => {
  const now = { type: 'timeout-now', from: 1, to: 2, term: 1 } as const

  it('does so in the term after that of the leader that told it, once', () => {
    const script = led()
    script.node(2).step(now, script.nowMs)
    script.node(2).step(now, script.nowMs)
    expect(script.node(2).role).toBe('candidate')
    expect(script.node(2).term).toBe(2)
  })

  it('does not where it is a learner, or the term is over', () => {
    const script = led()
    script.node(2).step({ ...now, term: 0 }, script.nowMs)
    expect(script.node(2).role).toBe('follower')
    script.node(1).proposeConfiguration({ type: 'change', members: [{ type: 'learner', id: 2 }] }, script.nowMs)
    script.settle()
    script.node(2).step(now, script.nowMs)
    expect(script.node(2).role).toBe('follower')
    expect(script.eventsOf('message-ignored')).toMatchObject([{ reason: 'old-term' }, { reason: 'not-awaited' }])
  })

  it('knows of its own promotion, since it has the whole log', () => {
    const script = led()
    script.node(1).proposeConfiguration({ type: 'change', members: [{ type: 'learner', id: 3 }] }, script.nowMs)
    script.settle()
    script.node(1).proposeConfiguration({ type: 'change', members: [{ type: 'voter', id: 3 }] }, script.nowMs)
    transfer(script, 3)
    script.settle()
    expect(script.node(3).role).toBe('leader')
  })
})

describe('a member that resigns', () => {
  it('hands over what it leads, and campaigns no more', () => {
    const script = led()
    expect(script.node(1).resign(script.nowMs)).toMatchObject({ accepted: true })
    script.settle()
    expect(script.node(1).role).toBe('follower')
    script.cut(2, 3)
    script.pass(20_000)
    expect(script.node(1).role).toBe('follower')
  })

  it('steps down even if nobody takes over in time', () => {
    const script = led({ checkQuorum: false })
    script.cut(2, 3)
    expect(script.node(1).resign(script.nowMs)).toMatchObject({ accepted: true })
    script.pass(1000)
    expect(script.node(1).role).toBe('follower')
  })

  it('does not campaign for another one either', () => {
    const script = led()
    script.node(2).resign(script.nowMs)
    expect(transfer(script, 2)).toBe('to 2')
    script.pass(1100)
    expect(script.node(1).role).toBe('leader')
    expect(script.propose(1, 'a').accepted).toBe(true)
  })
})

describe('a voter that is outranked', () => {
  it('waits an election timeout longer before it campaigns', () => {
    const script = new Script([1, 2, 3], { priority: (id) => id })
    for (const [id, least] of [
      [1, 2000],
      [2, 2000],
      [3, 1000],
    ] as const) {
      expect(script.node(id).nextDeadlineMs()).toBeGreaterThanOrEqual(least)
      expect(script.node(id).nextDeadlineMs()).toBeLessThan(least + 1000)
    }
  })

  it('leads all the same when nobody else can', () => {
    const script = new Script([1, 2, 3], { priority: (id) => id })
    script.cut(3)
    script.pass(10_000)
    expect([script.node(1).role, script.node(2).role]).toContain('leader')
  })
})
