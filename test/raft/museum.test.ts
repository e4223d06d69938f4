/**
 * A museum of bugs: what other implementations of Raft got wrong, found in their issue trackers, each as the shortest
 * run that shows it. The number is the row of our list of known bugs; test/raft/mutants.ts plants the same bugs to see that the
 * simulation would find them.
 *
 * In rows that are about the whole system the test here is about the core's part in it.
 */
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import type { Message } from '../../src/raft/message.js'
import { entriesOfTerms, EMPTY, Script, storedLog } from './script.js'

const THREE = [1, 2, 3]
const FIVE = [1, 2, 3, 4, 5]

function leaders(script: Script): number[] {
  return [...script.nodes.values()].filter(({ role }) => role === 'leader').map(({ id }) => id)
}

/** Whether members in `ids` all have the same log and follow the same leader. */
function agree(script: Script, ids: readonly number[]): boolean {
  const seen = new Set(ids.map((id) => `${script.terms(id).join()} ${script.node(id).leader} ${script.node(id).term}`))
  return seen.size === 1
}

describe('1: entries of earlier terms committed by counting (LogCabin 44, canonical/raft 220)', () => {
  it('an entry of term 2 on three of five is not committed by the leader of term 4, and a later leader may replace it', () => {
    const script = new Script(
      FIVE,
      { appendBytesMax: 1 },
      { 1: storedLog([1, 2], 3), 2: storedLog([1, 2], 3), 3: storedLog([1]), 4: storedLog([1]), 5: storedLog([1, 3]) },
    )
    script.cut(4, 5)
    script.loses = (message) => message.type === 'append' && message.entries.some(({ term }) => term === 4)
    script.elect(1)
    script.pass(500)
    expect([1, 2, 3].map((id) => script.node(id).termAt(2))).toEqual([2, 2, 2])
    expect(script.node(1).commitIndex).toBe(0)
    script.heal()
    script.cut(1, 2)
    script.elect(5)
    script.elect(5)
    script.heal()
    script.pass(3000)
    expect(script.terms(1).slice(0, 2)).toEqual([1, 3])
    expect(agree(script, FIVE)).toBe(true)
  })
})

describe('2: two votes in one term (camunda 5356 and 1068, canonical/raft 386)', () => {
  it('a vote that was given is on the disk, and a restart does not give another', () => {
    const script = new Script(THREE, { preVote: false })
    script.loses = ({ type, to }) => type === 'append' || (type === 'vote' && to === 2)
    script.elect(1)
    expect(leaders(script)).toEqual([1])
    script.crash(3)
    script.start(3)
    script.heal()
    script.cut(1)
    script.pass(1000)
    const asked = { type: 'vote', from: 2, to: 3, term: 1, lastIndex: 9, lastTerm: 1 } as const
    script.clear()
    script.node(3).step(asked, script.nowMs + 2000)
    expect(script.eventsOf('vote-refused')).toMatchObject([{ reason: 'voted-already' }])
  })

  it('a vote that was not yet on the disk was told to nobody, so it may be given to another', () => {
    const script = new Script(THREE, { preVote: false })
    script.cut(3)
    script.holdDisk(2)
    script.elect(1)
    expect(leaders(script)).toEqual([])
    script.crash(2)
    script.releaseDisk(2)
    script.start(2)
    script.heal()
    script.cut(1)
    script.timeOut(3)
    script.settle()
    expect(leaders(script)).toEqual([3])
    expect(script.node(3).term).toBe(1)
  })

  it('no leader comes of a vote that was not given in its term', () => {
    const script = new Script(THREE, { preVote: false })
    script.cut(1)
    script.timeOut(1)
    script.perform(1)
    script.timeOut(1)
    script.perform(1)
    script.node(1).step({ type: 'vote-reply', from: 2, to: 1, term: 1, granted: true }, script.nowMs)
    expect([script.node(1).role, script.node(1).term]).toEqual(['candidate', 2])
  })
})

describe('3: no empty entry, so stale reads after an election (redisraft 22)', () => {
  it('a new leader that does not know of a commit learns of it before it answers', () => {
    const script = new Script(THREE)
    script.elect(1)
    // Entry 2 is committed by 1, which falls before it has told anybody.
    script.loses = (message) => message.type === 'append' && message.commit === 2
    script.propose(1, 'a')
    script.settle()
    expect([script.node(1).commitIndex, script.node(2).commitIndex]).toEqual([2, 1])
    script.crash(1)
    script.heal()
    script.elect(2)
    script.node(2).readIndex(1, script.nowMs)
    script.settle()
    expect(script.reads.get(2)?.[0]?.index).toBeGreaterThanOrEqual(2)
  })
})

describe('4: a read index before an entry of the own term is committed (tikv 1634, 6340, 9239)', () => {
  it('neither its own caller nor a follower is answered before', () => {
    const script = new Script(THREE)
    script.loses = ({ type }) => type === 'append-accepted'
    script.elect(1)
    script.node(1).readIndex(1, script.nowMs)
    script.node(2).readIndex(2, script.nowMs)
    script.pass(600)
    expect([script.reads.get(1), script.reads.get(2)]).toEqual([[], []])
    script.heal()
    script.pass(300)
    expect([script.reads.get(1), script.reads.get(2)]).toEqual([
      [{ requestId: 1, index: 1 }],
      [{ requestId: 2, index: 1 }],
    ])
  })
})

describe('5: the id of a read used again for the next try (etcd 20418)', () => {
  it('an answer to the first try, late, does not answer the second', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.loses = ({ type }) => type === 'read-index-reply'
    script.node(3).readIndex(7, script.nowMs)
    script.settle()
    const late = script.sent.find(({ type }) => type === 'read-index-reply') as Message
    script.pass(1000)
    expect(script.droppedReads.get(3)).toEqual([7])
    script.propose(1, 'in between')
    script.settle()
    script.node(3).readIndex(7, script.nowMs)
    script.node(3).step(late, script.nowMs)
    expect(script.node(3).ready().reads).toEqual([])
  })

  it('nor does an answer to the round before confirm the next, on a leader that was paused', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.loses = ({ type }) => type === 'heartbeat-reply'
    script.node(1).readIndex(1, script.nowMs)
    script.settle()
    script.pass(200)
    script.clear()
    script.node(1).readIndex(2, script.nowMs)
    script.node(1).step({ type: 'heartbeat-reply', from: 2, to: 1, term: 1, round: 1 }, script.nowMs)
    expect(script.node(1).ready().reads).toEqual([{ requestId: 1, index: 1 }])
  })
})

describe('6: a read by a leader whose process stood still (tikv 964)', () => {
  it('is not answered: the time that went by is looked at first', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.node(1).readIndex(1, script.nowMs)
    script.perform(1)
    // Both answers were on their way when the process stopped; it wakes to them.
    const wakesMs = script.nowMs + 60_000
    for (const from of [2, 3]) script.node(1).step({ type: 'heartbeat-reply', from, to: 1, term: 1, round: 1 }, wakesMs)
    const { reads, droppedReads } = script.node(1).ready()
    expect([reads, droppedReads]).toEqual([[], [1]])
  })
})

describe('7: pre-vote and check-quorum in each other’s way (etcd 8501, 8243, 10355; openraft 1800; redpanda 2071)', () => {
  it.each([
    { preVote: true, checkQuorum: true },
    { preVote: true, checkQuorum: false },
    { preVote: false, checkQuorum: true },
    { preVote: false, checkQuorum: false },
  ])('with %j, a longer log in a lower term and a shorter one in a higher find a leader', (options) => {
    const script = new Script(THREE, options, { 1: storedLog([1, 1, 1], 1), 2: storedLog([1], 9) })
    script.cut(3)
    script.pass(12_000)
    expect(leaders(script)).toEqual([1])
    expect(script.terms(2)).toEqual(script.terms(1))
  })

  it.each([true, false])('a member in a higher term than the leader’s comes back (pre-vote: %s)', (preVote) => {
    const script = new Script(THREE, { preVote }, { 3: storedLog([], 12) })
    script.cut(3)
    script.elect(1)
    script.heal()
    script.pass(8000)
    expect(leaders(script)).toHaveLength(1)
    expect(agree(script, THREE)).toBe(true)
  })
})

describe('8: elections without end, under a partition of some links only (etcd 9241, 14893)', () => {
  it('a member that hears nothing but is heard does not depose the leader', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.loses = ({ to }) => to === 3
    script.clear()
    script.pass(20_000)
    expect(script.node(1).role).toBe('leader')
    expect(script.eventsOf('became-leader')).toEqual([])
  })

  it('two that do not hear each other follow the one that both hear, without a change of leader', () => {
    const script = new Script(THREE)
    script.loses = ({ from, to }) => (from === 1 && to === 3) || (from === 3 && to === 1)
    script.elect(1)
    script.pass(5000)
    script.clear()
    script.pass(20_000)
    expect(leaders(script)).toHaveLength(1)
    expect(script.eventsOf('became-leader').length).toBeLessThanOrEqual(1)
  })

  it('a leader that is heard but hears nobody makes room for one that does', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.loses = ({ to }) => to === 1
    script.pass(6000)
    expect(leaders(script)).toHaveLength(1)
    expect(leaders(script)).not.toEqual([1])
  })
})

describe('9: a candidate that tries again in the same term; entries not replaced on stepping down (nebula 2419)', () => {
  it('each campaign is of a term of its own', () => {
    const script = new Script(THREE, { preVote: false })
    script.cut(1)
    for (let time = 0; time < 5; time++) script.elect(1)
    const terms = script.eventsOf('became-candidate').map(({ term }) => term)
    expect(terms).toEqual([1, 2, 3, 4, 5])
  })

  it('a leader that stepped down gives its uncommitted entries up when the next one has others', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.cut(1)
    script.propose(1, 'x', 'y')
    script.pass(4000)
    const [leader = 0] = leaders(script)
    script.propose(leader, 'z')
    script.settle()
    script.heal()
    script.pass(3000)
    expect(agree(script, THREE)).toBe(true)
    expect(script.applied(1)).toEqual(['z'])
  })
})

describe('10: a leader drops what may be committed when it steps down (CCF 5674)', () => {
  it('an entry that a majority has, and nobody knows to be committed, outlives the change', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.loses = ({ type }) => type === 'append-accepted'
    script.propose(1, 'a')
    script.settle()
    script.cut(1)
    script.pass(1100)
    expect(script.node(1).role).toBe('follower')
    expect(script.node(1).lastIndex).toBe(2)
    script.heal()
    script.pass(4000)
    expect(THREE.map((id) => script.applied(id))).toEqual([['a'], ['a'], ['a']])
  })
})

describe('11: committed entries rolled back (NuRaft 185, camunda 14509)', () => {
  it('a follower stops rather than replace what it knows to be committed', () => {
    const script = new Script(THREE)
    const append = { type: 'append', from: 2, to: 1, previousIndex: 0, previousTerm: 0 } as const
    script.node(1).step({ ...append, term: 1, commit: 2, entries: entriesOfTerms(1, 1) }, 0)
    expect(() => script.node(1).step({ ...append, term: 2, commit: 0, entries: entriesOfTerms(2) }, 0)).toThrow(
      AssertionError,
    )
  })

  it('a late append from before does not shorten a log', () => {
    const script = new Script(THREE)
    const append = { type: 'append', from: 2, to: 1, term: 1, commit: 0, previousIndex: 0, previousTerm: 0 } as const
    script.node(1).step({ ...append, entries: entriesOfTerms(1, 1, 1) }, 0)
    script.node(1).step({ ...append, entries: entriesOfTerms(1) }, 0)
    expect(script.node(1).lastIndex).toBe(3)
  })
})

describe('16: entries applied twice after a restart (etcd 13766)', () => {
  it('what the stored state has applied is not handed out again, what it has not is handed out once', () => {
    const script = new Script(THREE, {}, { 1: { ...storedLog([1, 1, 1]), applied: 2 } })
    script.elect(1)
    expect(script.applied(1)).toEqual(['3@1'])
  })

  it('a stored state that is ahead of its log is refused', () => {
    expect(() => new Script([1], {}, { 1: { ...storedLog([1]), applied: 2 } })).toThrow(AssertionError)
  })
})

describe('17: a cluster of one acknowledges before it has written (etcd 14370)', () => {
  it('nothing is handed out to be applied before its write is done', () => {
    const script = new Script([1])
    script.elect(1)
    script.holdDisk(1)
    script.propose(1, 'a')
    script.settle()
    expect([script.node(1).commitIndex, script.applied(1)]).toEqual([1, []])
    script.releaseDisk(1)
    script.settle()
    expect(script.applied(1)).toEqual(['a'])
  })
})

describe('20: what was not synced is lost, and was acknowledged (etcd 14140)', () => {
  it('a follower that falls while it writes had acknowledged none of it', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.cut(3)
    script.holdDisk(2)
    script.propose(1, 'a')
    script.settle()
    script.crash(2)
    script.releaseDisk(2)
    expect(script.node(1).commitIndex).toBe(1)
    script.start(2)
    script.pass(400)
    expect(script.node(1).commitIndex).toBe(2)
  })

  it('a write that is done acknowledges what was in it, and nothing that came meanwhile', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.cut(3)
    script.holdDisk(2)
    script.propose(1, 'a')
    script.settle()
    script.propose(1, 'b')
    script.settle()
    script.completeWrite(2)
    script.settle()
    expect([script.node(2).lastIndex, script.node(1).commitIndex]).toEqual([3, 2])
  })
})

describe('22: a follower taken to have what the leader has (async-raft 113)', () => {
  it('a new leader commits nothing by what it assumes of followers that are gone', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1, 1]), 2: storedLog([1, 1]), 3: storedLog([1, 1]) })
    script.loses = ({ type }) => type === 'append'
    script.elect(1)
    script.propose(1, 'a')
    script.settle()
    expect(
      script
        .node(1)
        .status()
        .followers.map(({ matchIndex }) => matchIndex),
    ).toEqual([0, 0])
    expect(script.node(1).commitIndex).toBe(0)
  })
})

describe('23: a damaged log taken for a shorter one (PAR and CTRL, FAST 2018)', () => {
  it.each([
    ['with a hole', entriesOfTerms(1, 1, 1).filter(({ index }) => index !== 2)],
    ['that does not begin behind what was compacted', entriesOfTerms(1, 1).slice(1)],
    ['whose terms fall', entriesOfTerms(2, 1)],
    ['of a later term than the stored one', entriesOfTerms(1, 7)],
  ])('a stored log %s is refused', (_what, entries) => {
    expect(() => new Script([1], {}, { 1: { ...EMPTY, hardState: { term: 2, vote: 0 }, entries } })).toThrow(
      AssertionError,
    )
  })

  it('a follower that lost what it acknowledged stops as soon as it is told of it', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.propose(1, 'a')
    script.settle()
    script.crash(3)
    script.stored.set(3, { ...EMPTY, hardState: { term: 1, vote: 1 }, entries: entriesOfTerms(1) })
    script.start(3)
    expect(() => script.pass(200)).toThrow('its data directory was lost, or an older copy took its place')
  })
})

/*
 * Rows that are not here:
 *
 *   12, 13, 14   snapshots, and what concerns lost disks: museum-snapshots.test.ts
 *   15           membership: membership.test.ts and membership-mutants.test.ts
 *   21           leadership transfer: transfer.test.ts
 *   18, 19, 24   storage, watches and backups: the tests of those parts
 *   25           locks: test/recipes
 */
