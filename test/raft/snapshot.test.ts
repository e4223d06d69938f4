/** Whole states in place of entries: thesis chapter 5, and what went wrong with it elsewhere. */
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import type { Append } from '../../src/raft/message.js'
import type { Entry } from '../../src/raft/types.js'
import { bytes, EMPTY, Script, storedLog } from './script.js'

/** Three members, led by 1, which has compacted what 3, now connected again, still needs: 10 entries of term 1. */
function withLaggard(options = {}): Script {
  const script = new Script([1, 2, 3], options)
  script.elect(1)
  script.cut(3)
  for (let at = 0; at < 9; at++) script.propose(1, `${at}`)
  script.settle()
  script.node(1).compact(10)
  script.heal()
  script.pass(200)
  return script
}

function stateOf3(script: Script): string {
  const follower = script
    .node(1)
    .status()
    .followers.find(({ id }) => id === 3)
  return `${follower?.state} ${follower?.matchIndex} ${follower?.nextIndex}`
}

function entry(index: number, term: number): Entry {
  return { index, term, kind: 'normal', data: bytes(`${index}@${term}`) }
}

function append(term: number, previous: readonly [number, number], entries: Entry[]): Append {
  const [previousIndex, previousTerm] = previous
  return { type: 'append', from: 1, to: 3, term, previousIndex, previousTerm, commit: 0, entries }
}

describe('a leader', () => {
  it('asks once for a snapshot for a follower whose entries are compacted', () => {
    const script = withLaggard()
    expect(script.snapshots).toEqual([{ from: 1, to: 3, minimumIndex: 10 }])
    script.pass(5000)
    expect(script.snapshots).toHaveLength(1)
  })

  it('streams to it again as soon as it has the state, with what was proposed meanwhile', () => {
    const script = withLaggard()
    script.deliverSnapshot(1, 3)
    script.propose(1, 'meanwhile')
    script.settle()
    script.node(1).snapshotSent(3, { index: 10, term: 1 }, script.nowMs)
    script.pass(200)
    expect(stateOf3(script)).toBe('replicate 11 12')
    expect(script.applied(3)).toEqual(['meanwhile'])
  })

  it('needs no report for that', () => {
    const script = withLaggard()
    script.deliverSnapshot(1, 3)
    script.settle()
    expect(stateOf3(script)).toBe('replicate 10 11')
  })

  it('does not keep the others waiting: they get everything, and commit it', () => {
    const script = withLaggard()
    script.clear()
    for (let at = 0; at < 20; at++) {
      script.propose(1, `more ${at}`)
      script.settle()
    }
    expect(script.node(2).commitIndex).toBe(30)
    expect(script.sent.filter(({ type, to }) => type === 'append' && to === 3)).toEqual([])
  })

  it('tries again when the follower answers a heartbeat after a failure, not before', () => {
    const script = withLaggard()
    script.cut(3)
    script.node(1).snapshotFailed(3, script.nowMs)
    script.pass(1000)
    expect(script.snapshots).toHaveLength(1)
    script.heal()
    script.pass(200)
    expect(script.snapshots).toHaveLength(2)
  })

  it('tries again when nothing is reported for too long', () => {
    const script = withLaggard({ snapshotTimeoutMs: 3000 })
    script.pass(2500)
    expect(script.snapshots).toHaveLength(1)
    script.pass(1000)
    expect(script.snapshots).toHaveLength(2)
  })

  it('tries again when what was sent is not to be seen for too long', () => {
    const script = withLaggard({ snapshotTimeoutMs: 3000 })
    script.pass(2000)
    script.node(1).snapshotSent(3, { index: 10, term: 1 }, script.nowMs)
    script.loses = ({ type }) => type === 'append-rejected'
    script.pass(2500)
    expect(script.snapshots).toHaveLength(1)
    script.pass(1000)
    expect(script.snapshots).toHaveLength(2)
  })

  it('tries again without waiting for that when the member says that it does not have it: it fell while installing', () => {
    const script = withLaggard()
    script.pass(2000)
    script.node(1).snapshotSent(3, { index: 10, term: 1 }, script.nowMs)
    script.pass(900)
    expect(script.snapshots).toHaveLength(1)
    script.pass(600)
    expect(script.snapshots).toHaveLength(2)
  })

  it('asks for a newer one where it has compacted further while the first was on its way', () => {
    const script = withLaggard()
    script.propose(1, 'a', 'b')
    script.settle()
    script.node(1).compact(12)
    script.node(1).snapshotSent(3, { index: 10, term: 1 }, script.nowMs)
    script.settle()
    expect(script.snapshots.at(-1)).toEqual({ from: 1, to: 3, minimumIndex: 12 })
    // Both arrive, one right after the other.
    script.deliverSnapshot(1, 3, { position: { index: 10, term: 1 } })
    script.deliverSnapshot(1, 3)
    script.settle()
    expect(stateOf3(script)).toBe('replicate 12 13')
  })

  it('asks for a newer one where it compacts further while the first is being written', () => {
    const script = withLaggard()
    script.holdDisk(3)
    script.deliverSnapshot(1, 3)
    script.settle()
    script.node(1).snapshotSent(3, { index: 10, term: 1 }, script.nowMs)
    script.propose(1, 'a', 'b')
    script.settle()
    script.node(1).compact(12)
    script.releaseDisk(3)
    script.settle()
    expect(script.snapshots.at(-1)).toEqual({ from: 1, to: 3, minimumIndex: 12 })
  })

  it('does not mind reports about followers that need none', () => {
    const script = withLaggard()
    script.node(1).snapshotSent(2, { index: 10, term: 1 }, script.nowMs)
    script.node(1).snapshotFailed(2, script.nowMs)
    script.node(2).snapshotFailed(1, script.nowMs)
    script.settle()
    expect(script.snapshots).toHaveLength(1)
  })

  it('takes a stale snapshot back up where the follower has got further than it', () => {
    const script = withLaggard()
    script.deliverSnapshot(1, 3)
    script.propose(1, 'a')
    script.settle()
    script.deliverSnapshot(1, 3, { position: { index: 10, term: 1 } })
    script.settle()
    expect(script.refusedSnapshots.get(3)).toEqual([{ index: 10, term: 1 }])
    expect(stateOf3(script)).toBe('replicate 11 12')
  })
})

describe('a follower', () => {
  it('says that it has the state when that is durable, not before', () => {
    const script = withLaggard()
    script.holdDisk(3)
    script.clear()
    script.deliverSnapshot(1, 3)
    script.settle()
    script.pass(300)
    expect(script.sent.some(({ type }) => type === 'append-accepted')).toBe(false)
    script.releaseDisk(3)
    script.settle()
    expect(script.sent.find(({ type }) => type === 'append-accepted')).toMatchObject({ matchIndex: 10 })
    expect(script.node(3).firstIndex).toBe(11)
  })

  it('takes in what continues the state while it is being written, and acknowledges both when both are durable', () => {
    const script = withLaggard()
    script.holdDisk(3)
    script.deliverSnapshot(1, 3)
    script.perform(3)
    script.node(3).step(append(1, [10, 1], [entry(11, 1)]), script.nowMs)
    script.perform(3)
    script.clear()
    script.completeWrite(3)
    script.perform(3)
    expect(script.sent.find(({ type }) => type === 'append-accepted')).toMatchObject({ matchIndex: 10 })
    script.completeWrite(3)
    script.perform(3)
    expect(script.sent.findLast(({ type }) => type === 'append-accepted')).toMatchObject({ matchIndex: 11 })
  })

  it('does not take entries of a write that completes meanwhile for entries of the state', () => {
    const script = new Script([1, 2, 3])
    script.holdDisk(3)
    script.node(3).step(append(1, [0, 0], [entry(1, 1), entry(2, 1), entry(3, 1)]), 0)
    script.perform(3)
    // While 1 to 3 are being written, a state comes from another leader whose 3 is another one.
    script.node(3).step(
      {
        type: 'snapshot',
        from: 2,
        to: 3,
        term: 2,
        position: { index: 3, term: 2 },
        configuration: { voters: [1, 2, 3] },
      },
      0,
    )
    script.node(3).step({ ...append(2, [3, 2], [entry(4, 2)]), from: 2 }, 0)
    script.clear()
    script.completeWrite(3)
    script.perform(3)
    // On the disk are entries of term 1: nothing of term 2 is acknowledged, nor handed out.
    expect(script.sent).toEqual([])
    expect(script.applied(3)).toEqual([])
    script.completeWrite(3)
    script.completeWrite(3)
    script.perform(3)
    script.completeWrite(3)
    script.perform(3)
    expect(script.sent.findLast(({ type }) => type === 'append-accepted')).toMatchObject({ term: 2, matchIndex: 4 })
  })

  it('keeps its term and its vote', () => {
    const script = withLaggard()
    const before = script.stored.get(3)?.hardState
    script.deliverSnapshot(1, 3)
    script.settle()
    expect(script.stored.get(3)).toMatchObject({ hardState: before, compacted: { index: 10, term: 1 }, entries: [] })
  })

  it('whose log holds the position commits up to there, and restores nothing', () => {
    const script = new Script([1, 2, 3], {}, { 3: storedLog([1, 1, 1, 1]) })
    script.node(3).step(
      {
        type: 'snapshot',
        from: 1,
        to: 3,
        term: 2,
        position: { index: 3, term: 1 },
        configuration: { voters: [1, 2, 3] },
      },
      0,
    )
    script.settle()
    expect(script.node(3).status()).toMatchObject({ firstIndex: 1, lastIndex: 4, commitIndex: 3 })
    expect(script.applied(3)).toHaveLength(3)
    expect(script.eventsOf('snapshot-refused')).toMatchObject([{ reason: 'log-has-it' }])
  })

  it('that has committed as much refuses it, and says how far it is', () => {
    const script = withLaggard()
    script.clear()
    script.deliverSnapshot(1, 2, { position: { index: 4, term: 1 } })
    script.settle()
    expect(script.eventsOf('snapshot-refused')).toMatchObject([{ reason: 'already-committed' }])
    expect(script.sent).toMatchObject([{ type: 'append-accepted', matchIndex: 10 }])
  })

  it('that gets two in a short time restores the second, and reports the first as not needed', () => {
    const script = withLaggard()
    script.propose(1, 'a')
    script.settle()
    script.deliverSnapshot(1, 3, { position: { index: 10, term: 1 } })
    script.deliverSnapshot(1, 3)
    script.settle()
    expect(script.refusedSnapshots.get(3)).toEqual([{ index: 10, term: 1 }])
    expect(script.stored.get(3)?.compacted).toEqual({ index: 11, term: 1 })
  })

  it('that gets a second while the first is being written restores one after the other', () => {
    const script = withLaggard()
    script.propose(1, 'a')
    script.settle()
    script.holdDisk(3)
    script.deliverSnapshot(1, 3, { position: { index: 10, term: 1 } })
    script.perform(3)
    script.deliverSnapshot(1, 3)
    script.clear()
    script.completeWrite(3)
    script.perform(3)
    expect(script.stored.get(3)?.compacted.index).toBe(10)
    expect(script.sent).toEqual([])
    script.releaseDisk(3)
    script.settle()
    expect(script.stored.get(3)?.compacted.index).toBe(11)
    expect(stateOf3(script)).toBe('replicate 11 12')
  })

  it('that campaigns when it comes follows its sender', () => {
    const script = withLaggard()
    script.cut(3)
    script.timeOut(3)
    script.perform(3)
    expect(script.node(3).role).toBe('pre-candidate')
    script.heal()
    script.deliverSnapshot(1, 3)
    script.settle()
    expect(script.node(3)).toMatchObject({ role: 'follower', leader: 1, commitIndex: 10 })
  })

  it('does not take one of a leader whose term is over, and tells it so', () => {
    const script = new Script([1, 2, 3], {}, { 3: storedLog([1], 4) })
    const position = { index: 9, term: 3 }
    script.deliverSnapshot(1, 3, { term: 3, position })
    script.perform(3)
    expect(script.node(3).lastIndex).toBe(1)
    expect(script.refusedSnapshots.get(3)).toEqual([position])
    expect(script.eventsOf('snapshot-refused')).toMatchObject([{ reason: 'not-followed' }])
    expect(script.sent).toMatchObject([{ type: 'heartbeat-reply', to: 1, term: 4 }])
  })

  it('enters the term of one of a later leader', () => {
    const script = new Script([1, 2, 3], {}, { 3: storedLog([1], 4) })
    script.deliverSnapshot(1, 3, { term: 6, position: { index: 9, term: 5 } })
    script.settle()
    expect(script.node(3).status()).toMatchObject({ term: 6, leader: 1, firstIndex: 10, commitIndex: 9 })
  })

  it('stops where one contradicts its own position: it cannot be of a later term than its sender', () => {
    const script = new Script([1, 2, 3])
    expect(() => script.deliverSnapshot(1, 3, { term: 2, position: { index: 9, term: 5 } })).toThrow(AssertionError)
  })

  it('that falls while it restores begins again with what its disk holds', () => {
    const script = withLaggard()
    script.holdDisk(3)
    script.deliverSnapshot(1, 3)
    script.settle()
    script.crash(3)
    script.start(3)
    expect(script.node(3).lastIndex).toBe(1)
    script.releaseDisk(3)
    script.node(1).snapshotFailed(3, script.nowMs)
    script.pass(300)
    expect(script.snapshots).toHaveLength(2)
    script.deliverSnapshot(1, 3)
    script.settle()
    expect(stateOf3(script)).toBe('replicate 10 11')
  })

  it('leads and compacts after it, like any other', () => {
    const script = withLaggard()
    script.deliverSnapshot(1, 3)
    script.settle()
    script.cut(1)
    script.pass(1000)
    script.elect(3)
    script.propose(3, 'a')
    script.settle()
    expect(script.node(3).role).toBe('leader')
    expect(script.applied(2)).toContain('a')
    script.node(3).compact(script.node(3).commitIndex)
    script.node(3).checkInvariants({ thorough: true })
  })
})

describe('a state machine that applies in its own time', () => {
  it('needs to report nothing: reads name an index to wait for, and compaction is its own affair', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.propose(1, 'a')
    script.settle()
    // Committed entries are held back for a while; reads are confirmed meanwhile, at an index that is not applied yet.
    script.propose(1, 'b')
    script.node(1).readIndex(7, script.nowMs)
    for (let round = 0; round < 4; round++) {
      const ready = script.node(1).ready(false)
      expect(ready.committed).toEqual([])
      if (ready.write !== undefined) script.node(1).advance(ready.write.id, script.nowMs)
      for (const message of ready.messages) script.node(message.to).step(message, script.nowMs)
      for (const id of [2, 3]) {
        const other = script.node(id).ready()
        if (other.write !== undefined) script.node(id).advance(other.write.id, script.nowMs)
        const answers = [...other.messages, ...script.node(id).ready().messages]
        for (const message of answers) script.node(message.to).step(message, script.nowMs)
      }
    }
    expect(script.node(1).commitIndex).toBe(3)
    expect(() => {
      script.node(1).compact(3)
    }).toThrow(AssertionError)
    const late = script.node(1).ready()
    expect(late.committed.map(({ index }) => index)).toEqual([3])
    script.node(1).compact(3)
  })

  it('is never given entries that the restored state contains', () => {
    const script = new Script([1, 2, 3], {}, { 3: { ...EMPTY } })
    script.elect(1)
    script.propose(1, 'a', 'b')
    script.settle()
    script.deliverSnapshot(1, 3)
    script.settle()
    expect(script.applied(3)).toEqual(['a', 'b'])
  })
})
