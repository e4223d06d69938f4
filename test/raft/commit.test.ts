/** What may be called committed: thesis 3.5, 3.6.2. */
import { describe, expect, it } from 'vitest'
import { entriesOfTerms, Script, storedLog } from './script.js'

describe('an entry', () => {
  it('is committed when a majority has it on disk', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.cut(3)
    script.propose(1, 'a')
    script.settle()
    expect(script.applied(1)).toEqual(['a'])
    script.cut(2)
    script.propose(1, 'b')
    script.settle()
    expect(script.applied(1)).toEqual(['a'])
  })

  it('is committed by others while the leader still writes it, and applied by it only then', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.holdDisk(1)
    script.propose(1, 'a')
    script.settle()
    expect(script.node(1).commitIndex).toBe(2)
    expect(script.applied(2)).toEqual(['a'])
    expect(script.applied(1)).toEqual([])
    script.releaseDisk(1)
    script.settle()
    expect(script.applied(1)).toEqual(['a'])
  })

  it('on the leader counts only once it is durable there', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.cut(3)
    script.holdDisk(1)
    script.propose(1, 'a')
    script.settle()
    expect(script.node(1).commitIndex).toBe(1)
    script.releaseDisk(1)
    expect(script.node(1).commitIndex).toBe(2)
  })

  it('on a follower counts only once it is durable there', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.cut(3)
    script.holdDisk(2)
    script.propose(1, 'a')
    script.settle()
    expect(script.node(1).commitIndex).toBe(1)
    script.releaseDisk(2)
    script.settle()
    expect(script.node(1).commitIndex).toBe(2)
  })

  it('is handed out once, in order, in batches of bounded size', () => {
    const script = new Script([1], { applyBatchBytesMax: 1 })
    script.elect(1)
    script.propose(1, 'a', 'b', 'c')
    const node = script.node(1)
    const write = node.ready().write
    node.advance(write?.id ?? 0, script.nowMs)
    expect(node.ready().committed.map(({ index }) => index)).toEqual([2])
    expect(node.ready().committed.map(({ index }) => index)).toEqual([3])
    expect(node.ready().committed.map(({ index }) => index)).toEqual([4])
    expect(node.hasReady()).toBe(false)
  })
})

describe('a state machine that cannot take more', () => {
  it('is handed nothing, while everything else goes on', () => {
    const script = new Script([1])
    script.elect(1)
    script.propose(1, 'a')
    const node = script.node(1)
    node.advance(node.ready(false).write?.id ?? 0, script.nowMs)
    expect([node.hasReady(false), node.hasReady()]).toEqual([false, true])
    expect(node.ready(false).committed).toEqual([])
    expect(node.ready().committed).toHaveLength(1)
  })
})

describe('an entry of an older term (figure 3.7 of the thesis)', () => {
  // Of five members, 1 and 2 have an entry of term 2 at index 2, and 5 one of term 3. In term 4, member 1 leads again.
  const logs = {
    1: storedLog([1, 2], 3),
    2: storedLog([1, 2], 2),
    3: storedLog([1]),
    4: storedLog([1]),
    5: storedLog([1, 3]),
  }

  it('is not committed although a majority has it', () => {
    const script = new Script([1, 2, 3, 4, 5], { appendBytesMax: 1 }, logs)
    script.cut(4, 5)
    // The own entry of term 4, at index 3, gets to nobody.
    script.loses = ({ type, ...message }) =>
      type === 'append' && 'entries' in message && message.entries.some(({ index }) => index === 3)
    script.elect(1)
    script.pass(500)
    expect(script.node(1).role).toBe('leader')
    expect([1, 2, 3].map((id) => script.node(id).termAt(2))).toEqual([2, 2, 2])
    expect([1, 2, 3].map((id) => script.node(id).commitIndex)).toEqual([0, 0, 0])

    // So 5 may still be elected, by 4 and by 3, and replace it.
    script.heal()
    script.cut(1, 2)
    script.elect(5)
    script.elect(5)
    expect(script.node(5).role).toBe('leader')
    expect(script.node(3).termAt(2)).toBe(3)
  })

  it("is committed with the first entry of the leader's own term behind it", () => {
    const script = new Script([1, 2, 3, 4, 5], {}, logs)
    script.cut(4, 5)
    script.elect(1)
    expect(script.node(1).commitIndex).toBe(3)
    expect(script.applied(3)).toEqual(entriesOfTerms(1, 2).map(({ data }) => Buffer.from(data).toString()))
  })
})
