/**
 * The museum of bugs (museum.test.ts), the rooms of snapshots, durability and lost disks: each by the number it has in our
 * list of known bugs.
 */
import { describe, expect, it } from 'vitest'
import { encodeConfiguration } from '../../src/raft/confchange/codec.js'
import { completeConfiguration } from '../../src/raft/configuration.js'
import { bytes, EMPTY, Script } from './script.js'

/** Led by 1, which has committed 1 to 10 and compacted to 8; member 3 has only the first. */
function withLaggard(): Script {
  const script = new Script([1, 2, 3])
  script.elect(1)
  script.cut(3)
  for (let at = 2; at <= 10; at++) script.propose(1, `${at}`)
  script.settle()
  script.node(1).compact(8)
  script.heal()
  script.pass(200)
  return script
}

describe('12: snapshots', () => {
  it('and the log behind them leave no gap: a state older than the log goes on is asked for anew', () => {
    const script = withLaggard()
    // The driver sent one that is older than asked for: from its end, the log does not go on.
    script.deliverSnapshot(1, 3, { position: { index: 5, term: 1 } })
    script.settle()
    script.node(1).snapshotSent(3, { index: 5, term: 1 }, script.nowMs)
    script.settle()
    expect(script.snapshots.at(-1)).toMatchObject({ to: 3, minimumIndex: 8 })
    script.deliverSnapshot(1, 3)
    script.propose(1, '11')
    script.pass(200)
    expect(script.applied(3)).toEqual(['11'])
    expect(script.node(3).status()).toMatchObject({ firstIndex: 11, commitIndex: 11 })
  })

  it('make a candidate of the same term follow their sender', () => {
    const script = withLaggard()
    script.crash(2)
    script.stored.set(3, { ...EMPTY, hardState: { term: 4, vote: 0 } })
    script.crash(3)
    script.start(3)
    script.loses = () => true
    script.timeOut(3)
    script.settle()
    expect(script.node(3).role).toBe('pre-candidate')
    const configuration = { voters: [1, 2, 3] }
    const position = { index: 8, term: 1 }
    script.node(3).step({ type: 'snapshot', from: 1, to: 3, term: 4, position, configuration }, script.nowMs)
    script.settle()
    expect(script.node(3).status()).toMatchObject({ role: 'follower', leader: 1, term: 4, commitIndex: 8 })
  })

  it('of a leader whose term is over are not restored, even when their end comes after the next leader', () => {
    const script = withLaggard()
    script.cut(1)
    script.pass(1000)
    script.elect(2)
    script.settle()
    expect(script.node(3).term).toBe(2)
    const before = script.node(3).status()
    script.deliverSnapshot(1, 3, { term: 1 })
    script.settle()
    expect(script.node(3).status()).toMatchObject({ firstIndex: before.firstIndex, leader: 2 })
    expect(script.eventsOf('snapshot-refused').at(-1)).toMatchObject({ reason: 'not-followed' })
  })
})

describe('13: two snapshots in a short time', () => {
  it.each([
    ['the same twice', [10, 10]],
    ['a newer one after an older one', [9, 10]],
    ['an older one after a newer one', [10, 9]],
    ['five of them', [6, 10, 7, 9, 10]],
  ])('%s: the newest stays', (_what, indexes) => {
    for (const betweenWrites of [true, false]) {
      const script = withLaggard()
      script.holdDisk(3)
      for (const index of indexes) {
        script.deliverSnapshot(1, 3, { position: { index, term: 1 } })
        if (betweenWrites) script.perform(3)
      }
      script.releaseDisk(3)
      script.pass(300)
      expect(script.stored.get(3)?.compacted).toEqual({ index: 10, term: 1 })
      expect(script.node(3).status()).toMatchObject({ firstIndex: 11, durableIndex: 10, commitIndex: 10 })
      script.node(3).checkInvariants({ thorough: true })
    }
  })
})

describe('14: a restored state', () => {
  it('brings its configuration with it, whatever the one before was (openraft 1808)', () => {
    const script = withLaggard()
    const position = { index: 10, term: 1 }
    const configuration = { voters: [1, 3, 4], outgoing: [], learners: [5], learnersNext: [], autoLeave: false }
    script.node(3).step({ type: 'snapshot', from: 1, to: 3, term: 1, position, configuration }, script.nowMs)
    const { restore } = script.node(3).ready()
    expect(restore).toMatchObject({ position, configuration })
    script.node(3).advance(restore?.writeId ?? 0, script.nowMs)
    expect(script.node(3)).toMatchObject({ configuration, configurationIndex: 10 })
    // 2 is no member any more, 4 is one: so is who gets asked when 3 campaigns.
    script.clear()
    script.timeOut(3)
    script.perform(3)
    expect(script.sent.map(({ type, to }) => `${type} ${to}`)).toEqual(['pre-vote 1', 'pre-vote 4'])
  })

  it('takes the place of a configuration that was only in the log it replaces', () => {
    const script = withLaggard()
    // 3 was told of a change, by a leader that is gone, which was never committed.
    const data = encodeConfiguration({ configuration: completeConfiguration({ voters: [1, 2] }), data: bytes('') })
    const entries = [{ index: 2, term: 1, kind: 'configuration', data }] as const
    const append = { type: 'append', from: 1, to: 3, term: 1, previousIndex: 1, previousTerm: 1, commit: 1 } as const
    script.node(3).step({ ...append, entries }, script.nowMs)
    expect(script.node(3).configuration.voters).toEqual([1, 2])
    script.deliverSnapshot(1, 3, { term: 2, from: 2, position: { index: 10, term: 2 } })
    expect(script.node(3)).toMatchObject({ configuration: { voters: [1, 2, 3] }, configurationIndex: 10 })
    expect(script.node(3).configurationAt(10).voters).toEqual([1, 2, 3])
  })

  it('is sent with the configuration of its position, not with that in force', () => {
    const script = withLaggard()
    script.cut(2, 3)
    script.node(1).proposeConfiguration({ type: 'change', members: [{ type: 'remove', id: 2 }] }, script.nowMs)
    expect(script.node(1).configuration.voters).toEqual([1, 3])
    expect(script.node(1).configurationAt(10).voters).toEqual([1, 2, 3])
  })
})

describe('17: a cluster of one', () => {
  it('commits, and hands out, only what is on its disk', () => {
    const script = new Script([1])
    script.elect(1)
    script.holdDisk(1)
    script.propose(1, 'a')
    script.settle()
    expect([script.node(1).commitIndex, script.applied(1)]).toEqual([1, []])
    script.releaseDisk(1)
    script.settle()
    expect([script.node(1).commitIndex, script.applied(1)]).toEqual([2, ['a']])
  })

  it('is not elected on a vote that is not on its disk', () => {
    const script = new Script([1])
    script.holdDisk(1)
    script.timeOut(1)
    script.settle()
    expect(script.node(1).role).toBe('candidate')
    script.releaseDisk(1)
    script.settle()
    expect(script.node(1).role).toBe('leader')
  })
})

describe('20: a member whose disk lost what it had acknowledged', () => {
  it('does not help an old leader to answer a read of what is over', () => {
    const script = new Script([1, 2, 3], { checkQuorum: false })
    script.elect(1)
    script.propose(1, 'old')
    script.settle()
    // 2 leads, with 3, and commits more; 1 does not know.
    script.cut(1)
    script.elect(2)
    script.propose(2, 'new')
    script.settle()
    expect(script.node(2).commitIndex).toBe(4)
    // 3 forgets it all, and hears the old leader.
    script.crash(3)
    script.stored.set(3, { ...EMPTY, promisesLost: true })
    script.heal()
    script.cut(2)
    script.start(3)
    script.node(1).readIndex(7, script.nowMs)
    script.settle()
    expect(script.node(3).leader).toBe(1)
    expect(script.reads.get(1)).toEqual([])
    expect(script.node(1).commitIndex).toBe(2)
  })

  it('does not elect somebody who lacks it', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.cut(2)
    script.propose(1, 'acknowledged by 1 and 3')
    script.settle()
    expect(script.node(1).commitIndex).toBe(2)
    script.crash(3)
    script.stored.set(3, { ...EMPTY, promisesLost: true })
    script.start(3)
    script.heal()
    script.cut(1)
    for (let round = 0; round < 5; round++) script.pass(1000)
    expect([script.node(2).role, script.node(3).role]).not.toContain('leader')
    script.heal()
    script.pass(6000)
    expect(script.applied(2)).toEqual(['acknowledged by 1 and 3'])
    expect(script.node(3).promises).toBe('kept')
  })
})
