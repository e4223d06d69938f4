/** Forgetting the beginning of the log, and followers that still need it. */
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { Script } from './script.js'

/** Three members, led by 1, with `count` entries committed by 1 and 2 while 3 is cut off. */
function withLaggard(count: number): Script {
  const script = new Script([1, 2, 3])
  script.elect(1)
  script.cut(3)
  for (let at = 0; at < count; at++) script.propose(1, `${at}`)
  script.settle()
  return script
}

describe('compaction', () => {
  it('forgets entries and their bytes, and keeps the term of the last one', () => {
    const script = withLaggard(9)
    const node = script.node(1)
    const before = node.logBytes
    node.compact(6)
    expect([node.firstIndex, node.lastIndex]).toEqual([7, 10])
    expect(node.termAt(6)).toBe(1)
    expect(node.termAt(5)).toBeUndefined()
    expect(node.logBytes).toBeLessThan(before / 2)
    node.checkInvariants({ thorough: true })
  })

  it('goes on when asked again, and does nothing when asked for less', () => {
    const script = withLaggard(9)
    script.node(1).compact(6)
    script.node(1).compact(3)
    script.node(1).compact(8)
    expect(script.node(1).firstIndex).toBe(9)
    expect(script.eventsOf('log-compacted').map(({ index }) => index)).toEqual([6, 8])
  })

  it('is refused for what was not handed out to be applied', () => {
    const script = withLaggard(2)
    script.propose(1, 'uncommitted')
    expect(() => script.node(1).compact(4)).toThrow(AssertionError)
  })

  it('of everything leaves a log that goes on', () => {
    const script = withLaggard(3)
    script.node(1).compact(4)
    script.propose(1, 'next')
    script.settle()
    expect(script.applied(2).at(-1)).toBe('next')
  })
})

describe('the position to trim the log to', () => {
  it('leaves about as many bytes as are to be retained', () => {
    const script = withLaggard(99)
    const node = script.node(1)
    const position = node.trimPosition(node.logBytes / 2, 100)
    node.compact(position?.index ?? 0)
    expect(position).toMatchObject({ term: 1 })
    expect(node.firstIndex).toBeGreaterThan(45)
    expect(node.firstIndex).toBeLessThan(55)
  })

  it('does not pass what it is told, nor what was handed out to be applied', () => {
    const node = withLaggard(99).node(1)
    expect(node.trimPosition(1, 70)).toEqual({ index: 70, term: 1 })
    expect(node.trimPosition(0, 1000)).toEqual({ index: 100, term: 1 })
  })

  it('is none while there is little to forget', () => {
    const node = withLaggard(99).node(1)
    expect(node.trimPosition(node.logBytes, 100)).toBeUndefined()
    expect(node.trimPosition(node.logBytes * 0.9, 100)).toBeUndefined()
  })
})

describe('a follower that needs compacted entries', () => {
  it('is reported, gets heartbeats, and holds up nobody', () => {
    const script = withLaggard(9)
    script.node(1).compact(10)
    script.heal()
    script.clear()
    script.pass(1000)
    expect(script.eventsOf('progress-snapshot')).toMatchObject([{ follower: 3, compactedIndex: 10 }])
    expect(script.node(1).status().followers[1]).toMatchObject({ id: 3, state: 'snapshot' })
    script.clear()
    script.pass(1000)
    const received = script.sent.filter(({ to }) => to === 3).map(({ type }) => type)
    expect(received).toContain('heartbeat')
    expect(received.length).toBeLessThanOrEqual(22)
    expect(script.node(3).leader).toBe(1)
    script.propose(1, 'more')
    script.settle()
    expect(script.applied(2)).toContain('more')
  })

  it('is streamed to again when it turns out to have them', () => {
    // The entries had arrived and been written; only the answer was lost, and meanwhile the leader compacted.
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.loses = ({ type, from }) => type === 'append-accepted' && from === 3
    script.propose(1, 'a', 'b')
    script.settle()
    script.propose(1, 'c')
    script.loses = ({ type, to, from }) => (type === 'append' && to === 3) || (type === 'append-accepted' && from === 3)
    script.settle()
    script.node(1).compact(3)
    // An old rejection, from before, that only now arrives.
    script
      .node(1)
      .step(
        { type: 'append-rejected', from: 3, to: 1, term: 1, previousIndex: 3, hintIndex: 1, hintTerm: 1 },
        script.nowMs,
      )
    script.settle()
    expect(script.node(1).status().followers[1]).toMatchObject({ state: 'snapshot' })
    script.heal()
    script.pass(300)
    expect(script.node(1).status().followers[1]).toMatchObject({ state: 'replicate' })
    expect(script.applied(3)).toEqual(['a', 'b', 'c'])
  })
})
