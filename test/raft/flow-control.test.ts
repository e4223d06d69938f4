/** What one follower may cost the others and the leader, and what a leader may tell a follower. */
import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/raft/message.js'
import { Script, storedLog } from './script.js'

function entriesTo(script: Script, id: number): number {
  let count = 0
  for (const message of script.sent) if (message.type === 'append' && message.to === id) count += message.entries.length
  return count
}

describe('a follower that has stalled', () => {
  it.each([
    ['by messages', { inflightAppendsMax: 4 }],
    ['by bytes', { inflightAppendBytesMax: 400 }],
  ])('costs its window, bounded %s, and the others nothing', (_what, options) => {
    const script = new Script([1, 2, 3], options)
    script.elect(1)
    script.cut(3)
    script.clear()
    for (let at = 0; at < 100; at++) {
      script.propose(1, `${at}`)
      script.settle()
      // Each is committed at once: nothing waits for the stalled one.
      expect(script.node(2).commitIndex).toBe(at + 2)
    }
    expect(entriesTo(script, 3)).toBeLessThanOrEqual(7)
    expect(entriesTo(script, 2)).toBe(100)
  })

  it('that only writes slowly gets each entry once, and all of them', () => {
    const script = new Script([1, 2, 3], { inflightAppendsMax: 2 })
    script.elect(1)
    script.holdDisk(3)
    script.clear()
    for (let at = 0; at < 20; at++) {
      script.propose(1, `${at}`)
      script.settle()
    }
    script.pass(1000)
    script.releaseDisk(3)
    script.settle()
    expect(script.applied(3)).toHaveLength(20)
    expect(entriesTo(script, 3)).toBe(20)
  })
})

describe('a follower whose log has gone another way', () => {
  it('is found out in as many questions as there are terms that differ, however many entries those have', () => {
    const many = (term: number): number[] => Array<number>(200).fill(term)
    const ours = [1, ...many(3), ...many(6), ...many(9)]
    const theirs = [1, ...many(2), ...many(4), ...many(5), ...many(8)]
    const script = new Script([1, 2, 3], {}, { 1: storedLog(ours, 9), 2: storedLog(theirs, 9), 3: storedLog(ours, 9) })
    script.elect(1)
    expect(script.terms(2)).toEqual([...ours, 10])
    expect(script.eventsOf('append-rejected').length).toBeLessThanOrEqual(4)
  })
})

describe('a heartbeat', () => {
  const heartbeatsTo = (script: Script, id: number): (Message & { type: 'heartbeat' })[] =>
    script.sent.filter((message): message is Message & { type: 'heartbeat' } => {
      return message.type === 'heartbeat' && message.to === id
    })

  it('names as committed no more than its receiver has acknowledged', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.loses = ({ type, to }) => type === 'append' && to === 3
    script.propose(1, 'a', 'b')
    script.settle()
    script.clear()
    script.pass(100)
    expect(heartbeatsTo(script, 2)[0]?.commit).toBe(3)
    expect(heartbeatsTo(script, 3)[0]?.commit).toBe(1)
  })

  it('commits, where the news that came with appends was lost', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.loses = (message) => message.type === 'append' && message.to === 3 && message.entries.length === 0
    script.propose(1, 'a')
    script.settle()
    expect(script.node(3).commitIndex).toBe(1)
    script.pass(100)
    expect(script.node(3).commitIndex).toBe(2)
  })

  it('that comes late commits what it says, and takes nothing back', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.propose(1, 'a', 'b')
    script.settle()
    script.node(3).step({ type: 'heartbeat', from: 1, to: 3, term: 1, commit: 1, round: 1 }, script.nowMs)
    expect(script.node(3).commitIndex).toBe(3)
  })
})
