/** Linearizable reads without a log entry: thesis 6.4. */
import { describe, expect, it } from 'vitest'
import { Script } from './script.js'

describe('a read', () => {
  it('on the leader is answered with the commit index, after a quorum confirmed that it leads', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.propose(1, 'a')
    script.settle()
    expect(script.node(1).readIndex(7, script.nowMs)).toBe(true)
    script.perform(1)
    expect(script.reads.get(1)).toEqual([])
    script.settle()
    expect(script.reads.get(1)).toEqual([{ requestId: 7, index: 2 }])
  })

  it('on a follower is answered by way of the leader', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.propose(1, 'a')
    script.settle()
    expect(script.node(3).readIndex(7, script.nowMs)).toBe(true)
    script.settle()
    expect(script.reads.get(3)).toEqual([{ requestId: 7, index: 2 }])
  })

  it('is refused where no leader is known', () => {
    const script = new Script([1, 2, 3])
    expect(script.node(1).readIndex(7, 0)).toBe(false)
  })

  it("waits until an entry of the leader's own term is committed", () => {
    const script = new Script([1, 2, 3])
    script.loses = ({ type }) => type === 'append-accepted'
    script.elect(1)
    script.node(1).readIndex(7, script.nowMs)
    script.pass(500)
    expect(script.reads.get(1)).toEqual([])
    script.heal()
    script.pass(300)
    expect(script.reads.get(1)).toEqual([{ requestId: 7, index: 1 }])
  })

  it('is not answered by a leader that was deposed without knowing', () => {
    const script = new Script([1, 2, 3], { checkQuorum: false })
    script.elect(1)
    script.cut(1)
    script.elect(2)
    script.propose(2, 'a')
    script.settle()
    expect(script.node(1).role).toBe('leader')
    script.node(1).readIndex(7, script.nowMs)
    script.settle()
    expect(script.reads.get(1)).toEqual([])
    script.heal()
    script.pass(500)
    expect(script.reads.get(1)).toEqual([])
    expect(script.droppedReads.get(1)).toEqual([7])
  })

  it('is not confirmed by an answer to a round that began before it', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.node(1).readIndex(1, script.nowMs)
    script.perform(1)
    script.node(1).readIndex(2, script.nowMs)
    script.node(1).step({ type: 'heartbeat-reply', from: 2, to: 1, term: 1, round: 1 }, script.nowMs)
    expect(script.node(1).ready().reads).toEqual([{ requestId: 1, index: 1 }])
  })

  it('shares its round with all that wait', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.clear()
    for (let requestId = 1; requestId <= 100; requestId++) script.node(1).readIndex(requestId, script.nowMs)
    script.settle()
    expect(script.reads.get(1)).toHaveLength(100)
    expect(script.sent.filter(({ type }) => type === 'heartbeat')).toHaveLength(2)
  })

  it('is dropped when its leader is lost', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.cut(1)
    script.node(3).readIndex(7, script.nowMs)
    script.settle()
    script.elect(2)
    script.settle()
    expect(script.droppedReads.get(3)).toEqual([7])
  })

  it('is dropped when no answer comes for an election timeout under a leader that stays', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.loses = ({ type }) => type === 'read-index-reply'
    script.node(3).readIndex(7, script.nowMs)
    script.pass(990)
    expect(script.droppedReads.get(3)).toEqual([])
    script.pass(20)
    expect(script.droppedReads.get(3)).toEqual([7])
    expect(script.node(1).term).toBe(1)
  })

  it('does not take an answer to an earlier try for its own, even under the same id', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.loses = ({ type }) => type === 'read-index-reply'
    script.node(3).readIndex(7, script.nowMs)
    script.settle()
    const late = script.sent.find(({ type }) => type === 'read-index-reply')
    script.pass(1000)
    script.node(3).readIndex(7, script.nowMs)
    if (late !== undefined) script.node(3).step(late, script.nowMs)
    expect(script.node(3).ready().reads).toEqual([])
    expect(late).toBeDefined()
  })

  it('does not take an answer to its life before a restart for its own', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.loses = ({ type }) => type === 'read-index-reply'
    script.node(3).readIndex(1, script.nowMs)
    script.settle()
    const late = script.sent.find(({ type }) => type === 'read-index-reply')
    script.crash(3)
    script.start(3)
    script.pass(100)
    expect(script.node(3).readIndex(1, script.nowMs)).toBe(true)
    if (late !== undefined) script.node(3).step(late, script.nowMs)
    expect(script.node(3).ready().reads).toEqual([])
    expect(late).toBeDefined()
  })
})
