/**
 * Where snapshots, lost promises, leader leases, changes of the membership and handing over meet: each has its own file of
 * tests, here is what one must know of the other.
 */
import { describe, expect, it } from 'vitest'
import type { MemberChange } from '../../src/raft/confchange/change.js'
import { describeConfiguration } from '../../src/raft/configuration.js'
import type { RaftOptions } from '../../src/raft/options.js'
import type { NodeId } from '../../src/raft/types.js'
import { EMPTY, Script, storedLog } from './script.js'

/** Voters 1, 2, 3, led by 1, and others that know of no cluster. */
function led(others: readonly NodeId[] = [], options: Partial<RaftOptions> = {}): Script {
  const script = new Script([1, 2, 3, ...others], { ...options, configuration: { voters: [1, 2, 3] } })
  script.elect(1)
  return script
}

function change(script: Script, type: MemberChange['type'], id: NodeId, leader = 1): string {
  const result = script.node(leader).proposeConfiguration({ type: 'change', members: [{ type, id }] }, script.nowMs)
  return result.accepted ? 'accepted' : result.reason
}

function transfer(script: Script, to: NodeId | 'best'): string {
  const result = script.node(1).transferLeadership(to, script.nowMs)
  return result.accepted ? `to ${result.to}` : result.reason
}

function configured(script: Script, id: NodeId): string {
  return describeConfiguration(script.node(id).configuration)
}

/** Member `id` falls and forgets everything; it comes back, and the leader has heard so, but nothing more. */
function forget(script: Script, id: NodeId): void {
  script.crash(id)
  script.stored.set(id, { ...EMPTY, promisesLost: true })
  script.loses = ({ type, to }) => type === 'recovered' || (type === 'append' && to === id)
  script.start(id)
  script.pass(200)
  expect(script.node(1).status().followers).toContainEqual(expect.objectContaining({ id, recovering: true }))
}

describe('a snapshot in a cluster that changes', () => {
  /** Ten entries, compacted to the eighth; 4 is a learner from then on, which has nothing. */
  function withNewLearner(): Script {
    const script = led([4])
    for (let at = 2; at <= 10; at++) script.propose(1, `${at}`)
    script.settle()
    script.node(1).compact(8)
    expect(change(script, 'learner', 4)).toBe('accepted')
    script.settle()
    return script
  }

  it('is asked for at once for a member that is new and has nothing', () => {
    const script = withNewLearner()
    expect(script.snapshots).toMatchObject([{ from: 1, to: 4, minimumIndex: 8 }])
  })

  it('is taken from a leader that the member has never heard of, and says who belongs to the cluster', () => {
    const script = withNewLearner()
    script.deliverSnapshot(1, 4, { configuration: script.node(1).configurationAt(script.node(1).commitIndex) })
    script.pass(200)
    expect(configured(script, 4)).toBe('voters 1 2 3, learners 4')
    expect(script.node(4).status()).toMatchObject({ leader: 1, commitIndex: 11 })
  })

  it('of a time before the member was added is followed by the entry that adds it', () => {
    const script = withNewLearner()
    const position = { index: 10, term: 1 }
    script.deliverSnapshot(1, 4, { position, configuration: script.node(1).configurationAt(10) })
    expect(configured(script, 4)).toBe('voters 1 2 3')
    script.pass(200)
    expect(configured(script, 4)).toBe('voters 1 2 3, learners 4')
    expect(script.node(4).configurationIndex).toBe(11)
  })

  it('that is under way keeps its receiver from being promoted', () => {
    const script = withNewLearner()
    expect(change(script, 'voter', 4)).toBe('learner-not-caught-up')
    script.deliverSnapshot(1, 4, { configuration: script.node(1).configuration })
    script.pass(200)
    expect(change(script, 'voter', 4)).toBe('accepted')
    script.pass(200)
    expect(script.node(1).commitIndex).toBe(12)
  })

  it('replaces an uncommitted change, so that its receiver campaigns among those that count', () => {
    // 3 led, removed 2, and told nobody; 1 and 2 went on without it, added 4, and compacted.
    const script = new Script([1, 2, 3, 4], { configuration: { voters: [1, 2, 3] } })
    script.elect(3)
    script.cut(3)
    expect(change(script, 'remove', 2, 3)).toBe('accepted')
    script.settle()
    expect(configured(script, 3)).toBe('voters 1 3')
    script.pass(3000)
    script.elect(1)
    expect(change(script, 'voter', 4)).toBe('accepted')
    script.pass(200)
    const { commitIndex } = script.node(1)
    script.node(1).compact(commitIndex)
    script.heal()
    script.deliverSnapshot(1, 3, { configuration: script.node(1).configurationAt(commitIndex) })
    expect(configured(script, 3)).toBe('voters 1 2 3 4')
    expect(script.node(3).configurationIndex).toBe(commitIndex)
    script.pass(300)
    expect(script.node(3).status()).toMatchObject({ leader: 1, commitIndex })
  })
})

describe('a member without promises', () => {
  it('does not campaign when it is told to', () => {
    const script = new Script([1, 2, 3], {}, { 3: { ...storedLog([1], 2), promisesLost: true } })
    script.node(3).step({ type: 'timeout-now', from: 1, to: 3, term: 2 }, script.nowMs)
    script.perform(3)
    expect(script.node(3)).toMatchObject({ role: 'follower', term: 2 })
    expect(script.sent).toEqual([])
    expect(script.eventsOf('message-ignored')).toMatchObject([{ message: 'timeout-now', reason: 'not-awaited' }])
  })

  it('gives no vote to one that was told to campaign either', () => {
    const script = new Script([1, 2, 3], {}, { 3: { ...storedLog([1], 2), promisesLost: true } })
    script.nowMs = 5000
    const vote = { type: 'vote', from: 1, to: 3, lastIndex: 9, lastTerm: 8, forced: true } as const
    for (const term of [2, 3]) script.node(3).step({ ...vote, term }, script.nowMs)
    script.perform(3)
    expect(script.node(3).status()).toMatchObject({ term: 2, vote: 0 })
    expect(script.sent).toMatchObject([{ type: 'vote-reply', granted: false }])
  })

  it('is not who leadership is handed to', () => {
    const script = led()
    forget(script, 3)
    expect(transfer(script, 3)).toBe('no-candidate')
    expect(transfer(script, 'best')).toBe('to 2')
  })

  it('is not told to campaign, if it lost them on the way', () => {
    const script = led()
    script.cut(3)
    script.propose(1, 'a')
    script.settle()
    expect(transfer(script, 3)).toBe('to 3')
    script.crash(3)
    script.stored.set(3, { ...EMPTY, promisesLost: true })
    script.heal()
    script.loses = ({ type }) => type === 'recovered'
    script.start(3)
    script.pass(900)
    // Everything is there again.
    expect(script.node(3).durableIndex).toBe(script.node(1).lastIndex)
    expect(script.node(3).promises).toBe('lost')
    script.nowMs += 10
    script.pass(200)
    expect(script.eventsOf('transfer-aborted')).toMatchObject([{ to: 3 }])
    expect(script.node(1).role).toBe('leader')
  })

  it('is not promoted', () => {
    const script = led([4])
    change(script, 'learner', 4)
    script.pass(200)
    forget(script, 4)
    expect(change(script, 'voter', 4)).toBe('learner-not-caught-up')
    script.loses = () => false
    script.pass(300)
    expect(script.node(4).promises).toBe('kept')
    expect(change(script, 'voter', 4)).toBe('accepted')
  })

  it('is not what a change may depend on: without it there would be no quorum, with it none either', () => {
    const script = led()
    forget(script, 3)
    expect(change(script, 'remove', 2)).toBe('promises-lost')
    // It may go itself.
    expect(change(script, 'remove', 3)).toBe('accepted')
    script.settle()
    expect(script.node(1).commitIndex).toBe(script.node(1).lastIndex)
  })

  it('is brought back by a leader that hands over, before it does', () => {
    const script = led()
    forget(script, 3)
    script.loses = () => false
    expect(transfer(script, 2)).toBe('to 2')
    script.pass(2000)
    expect(script.node(2).role).toBe('leader')
    script.pass(2000)
    expect(script.node(3).promises).toBe('kept')
  })

  it('that was removed meanwhile and is added again gets its promises back', () => {
    const script = led()
    script.crash(3)
    script.stored.set(3, { ...EMPTY, promisesLost: true })
    expect(change(script, 'remove', 3)).toBe('accepted')
    script.pass(200)
    script.start(3)
    script.pass(500)
    expect(script.node(3).promises).toBe('lost')
    expect(change(script, 'learner', 3)).toBe('accepted')
    script.pass(500)
    expect(script.node(3).promises).toBe('kept')
    expect(change(script, 'voter', 3)).toBe('accepted')
    script.pass(500)
    expect(configured(script, 3)).toBe('voters 1 2 3')
  })
})

describe('a lease', () => {
  function leaseOf(script: Script, id: NodeId = 1): number | undefined {
    return script.node(id).leaseRead(script.nowMs)
  }

  it('is void while leadership is handed over, and holds again if nobody was told to campaign', () => {
    const script = led()
    script.pass(200)
    expect(leaseOf(script)).toBe(1)
    script.cut(3)
    script.propose(1, 'a')
    script.settle()
    expect(transfer(script, 3)).toBe('to 3')
    expect(leaseOf(script)).toBeUndefined()
    script.pass(1100)
    expect(script.eventsOf('transfer-aborted')).toHaveLength(1)
    expect(script.eventsOf('told-to-campaign')).toEqual([])
    expect(leaseOf(script)).toBe(2)
  })

  it('stays void for the rest of the term once anybody was told, whatever is answered since', () => {
    const script = led()
    script.pass(200)
    script.loses = ({ type }) => type === 'timeout-now'
    expect(transfer(script, 3)).toBe('to 3')
    script.pass(3000)
    expect(script.node(1)).toMatchObject({ role: 'leader', term: 1 })
    expect(script.eventsOf('transfer-aborted')).toHaveLength(1)
    expect(script.propose(1, 'a').accepted).toBe(true)
    script.pass(300)
    expect(leaseOf(script)).toBeUndefined()
    // The next term begins anew.
    script.heal()
    expect(transfer(script, 2)).toBe('to 2')
    script.pass(300)
    expect(leaseOf(script, 2)).toBe(script.node(2).commitIndex)
  })

  it('that would still run is not used when the word to campaign comes late and another leads already', () => {
    const script = led()
    script.pass(200)
    script.loses = ({ type }) => type === 'timeout-now'
    expect(transfer(script, 3)).toBe('to 3')
    script.pass(1200)
    const told = script.sent.find(({ type }) => type === 'timeout-now')
    expect(told).toBeDefined()
    // 1 has just been answered by all, and hears no more of what 2 and 3 do now.
    script.cut(1)
    script.loses = () => false
    if (told !== undefined) script.node(3).step(told, script.nowMs)
    script.settle()
    script.propose(3, 'b')
    script.settle()
    expect(script.node(3).role).toBe('leader')
    expect(script.node(3).commitIndex).toBeGreaterThan(script.node(1).commitIndex)
    expect(script.node(1).role).toBe('leader')
    expect(leaseOf(script)).toBeUndefined()
  })

  it('rests on the voters of the configuration in force, not on learners', () => {
    const script = led([4, 5])
    change(script, 'learner', 4)
    script.settle()
    change(script, 'learner', 5)
    script.pass(300)
    script.cut(2, 3)
    script.pass(950)
    expect(leaseOf(script)).toBeUndefined()
  })

  it('rests on both sides of a joint configuration', () => {
    const script = led([4, 5])
    const members = [2, 3]
      .map((id): MemberChange => ({ type: 'remove', id }))
      .concat([4, 5].map((id) => ({ type: 'voter', id })))
    const result = script
      .node(1)
      .proposeConfiguration({ type: 'change', members, transition: 'joint-explicit' }, script.nowMs)
    expect(result.accepted).toBe(true)
    script.pass(300)
    expect(leaseOf(script)).toBe(2)
    script.cut(2, 3)
    script.pass(950)
    expect(script.node(1).role).toBe('leader')
    expect(leaseOf(script)).toBeUndefined()
  })

  it('rests on no answer of a member without promises', () => {
    const script = led()
    script.pass(200)
    script.cut(2)
    forget(script, 3)
    script.pass(750)
    expect(script.node(1).role).toBe('leader')
    expect(leaseOf(script)).toBeUndefined()
  })
})
