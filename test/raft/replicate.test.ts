/** The leader's side of replication: streaming, its window, and what recovers a lost message. */
import { describe, expect, it } from 'vitest'
import type { Append, Message } from '../../src/raft/message.js'
import { Script, storedLog } from './script.js'

function appendsTo(script: Script, id: number): Append[] {
  return script.sent.filter((message): message is Append => message.type === 'append' && message.to === id)
}

function withEntries(appends: readonly Append[]): Append[] {
  return appends.filter(({ entries }) => entries.length > 0)
}

function progressOf(script: Script, leader: number, follower: number): string {
  const status = script
    .node(leader)
    .status()
    .followers.find(({ id }) => id === follower)
  return `${status?.state} ${status?.matchIndex} ${status?.nextIndex}`
}

function isAppend(message: Message): boolean {
  return message.type === 'append'
}

describe('a leader', () => {
  it('sends what was proposed since the last output in one message', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.clear()
    script.propose(1, 'a')
    script.propose(1, 'b', 'c')
    script.perform(1)
    expect(appendsTo(script, 2).map(({ entries }) => entries.length)).toEqual([3])
  })

  it('streams: it does not wait for one append to be answered before it sends the next', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.clear()
    for (const text of ['a', 'b', 'c']) {
      script.propose(1, text)
      script.perform(1)
    }
    expect(appendsTo(script, 2).map(({ previousIndex }) => previousIndex)).toEqual([1, 2, 3])
  })

  it('sends while it writes, but not before its own term is durable', () => {
    const script = new Script([1, 2, 3], { preVote: false })
    script.elect(1)
    script.clear()
    script.holdDisk(1)
    script.propose(1, 'a')
    script.perform(1)
    expect(appendsTo(script, 2)).toHaveLength(1)
    expect(script.node(1).durableIndex).toBe(1)
  })

  it('has at most so many appends on the way to one follower', () => {
    const script = new Script([1, 2, 3], { inflightAppendsMax: 2 })
    script.elect(1)
    script.cut(2)
    script.clear()
    for (const text of ['a', 'b', 'c', 'd']) {
      script.propose(1, text)
      script.settle()
    }
    expect(withEntries(appendsTo(script, 2))).toHaveLength(2)
    expect(appendsTo(script, 3).flatMap(({ entries }) => entries)).toHaveLength(4)
  })

  it('has at most so many bytes on the way to one follower', () => {
    const script = new Script([1, 2, 3], { inflightAppendBytesMax: 1000 })
    script.elect(1)
    script.cut(2)
    script.clear()
    for (let count = 0; count < 5; count++) {
      script.propose(1, 'x'.repeat(500))
      script.settle()
    }
    expect(withEntries(appendsTo(script, 2))).toHaveLength(2)
  })

  it('puts at most so many bytes into an append, but always one entry', () => {
    const script = new Script([1, 2, 3], { appendBytesMax: 1000 })
    script.elect(1)
    script.clear()
    script.propose(1, 'x'.repeat(300), 'x'.repeat(300), 'x'.repeat(300), 'x'.repeat(5000))
    script.perform(1)
    expect(appendsTo(script, 2).map(({ entries }) => entries.length)).toEqual([2, 1, 1])
  })

  it('tells a follower that has everything of a commit at once', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.propose(1, 'a')
    script.settle()
    expect([1, 2, 3].map((id) => script.applied(id))).toEqual([['a'], ['a'], ['a']])
  })

  it('is at rest when all is done', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.propose(1, 'a')
    script.settle()
    script.clear()
    script.pass(5000)
    // A heartbeat each way for each follower and interval, and nothing else; nothing is written.
    expect(new Set(script.sent.map(({ type }) => type))).toEqual(new Set(['heartbeat', 'heartbeat-reply']))
    expect(script.sent.length).toBeLessThanOrEqual(4 * 51)
  })
})

describe('a follower whose log differs', () => {
  it('is found out with one rejection for each term, and streamed to from there', () => {
    const ours = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
    const theirs = [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3, 3]
    const script = new Script([1, 2, 3], {}, { 1: storedLog(ours, 7), 2: storedLog(theirs, 7) })
    script.cut(3)
    script.elect(1)
    script.settle()
    expect(script.terms(2)).toEqual([...ours, 8])
    expect(script.eventsOf('append-rejected').length).toBeLessThanOrEqual(2)
    expect(progressOf(script, 1, 2)).toBe('replicate 11 12')
  })

  it('that is far behind is found out with one rejection', () => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog(Array<number>(500).fill(1), 2), 2: storedLog([1], 2) })
    script.cut(3)
    script.elect(1)
    expect(script.eventsOf('append-rejected')).toHaveLength(1)
    expect(script.terms(2)).toHaveLength(501)
  })
})

describe('a lost append', () => {
  it('is noticed by the follower when the next one arrives', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.loses = (message) => isAppend(message) && message.to === 2
    script.propose(1, 'a')
    script.settle()
    script.heal()
    script.propose(1, 'b')
    script.settle()
    expect(script.applied(2)).toEqual(['a', 'b'])
  })

  it('with nothing behind it is noticed within two heartbeats, without an election', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.loses = (message) => isAppend(message) && message.to === 2
    script.propose(1, 'a')
    script.settle()
    script.heal()
    script.clear()
    script.pass(220)
    expect(script.applied(2)).toEqual(['a'])
    expect(script.eventsOf('follower-asked-again')).toHaveLength(1)
    expect(script.node(1).term).toBe(1)
  })

  it('of a probe is noticed likewise', () => {
    const script = new Script([1, 2, 3])
    script.loses = (message) => isAppend(message) && message.to === 2
    script.elect(1)
    expect(progressOf(script, 1, 2)).toBe('probe 0 1')
    script.heal()
    script.pass(220)
    expect(progressOf(script, 1, 2)).toBe('replicate 1 2')
  })

  it('or a lost answer, costs no entry a second way when it had arrived', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.loses = (message) => message.type === 'append-accepted' && message.from === 2
    script.propose(1, 'a')
    script.settle()
    script.heal()
    script.clear()
    script.pass(220)
    expect(progressOf(script, 1, 2)).toBe('replicate 2 3')
    expect(appendsTo(script, 2).flatMap(({ entries }) => entries)).toEqual([])
  })

  it('is not suspected of a follower that is only slow to write, beyond an empty question now and then', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.holdDisk(2)
    script.propose(1, 'a')
    script.settle()
    script.clear()
    script.pass(3000)
    expect(appendsTo(script, 2).flatMap(({ entries }) => entries)).toEqual([])
    expect(appendsTo(script, 2).length).toBeLessThanOrEqual(30)
    script.releaseDisk(2)
    script.settle()
    expect(progressOf(script, 1, 2)).toBe('replicate 2 3')
  })

  it('does not have a follower that is gone sent anything but heartbeats', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.cut(2)
    script.propose(1, 'a')
    script.settle()
    script.clear()
    script.pass(3000)
    expect(new Set(script.sent.filter(({ to }) => to === 2).map(({ type }) => type))).toEqual(new Set(['heartbeat']))
  })
})
