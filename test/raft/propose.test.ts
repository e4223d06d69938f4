/** Proposals: taken whole or refused whole. */
import { describe, expect, it } from 'vitest'
import { Script } from './script.js'

describe('a proposal', () => {
  it('is taken by the leader, at consecutive indexes', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    expect(script.propose(1, 'a', 'b')).toEqual({ accepted: true, index: 2, term: 1 })
    expect(script.propose(1, 'c')).toEqual({ accepted: true, index: 4, term: 1 })
    script.settle()
    expect(script.applied(3)).toEqual(['a', 'b', 'c'])
  })

  it('is refused by others, who name the leader', () => {
    const script = new Script([1, 2, 3])
    expect(script.propose(2, 'a')).toEqual({ accepted: false, reason: 'not-leader', leader: 0 })
    script.elect(1)
    expect(script.propose(2, 'a')).toEqual({ accepted: false, reason: 'not-leader', leader: 1 })
  })

  it('of nothing is a mistake', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    expect(() => script.propose(1)).toThrow(RangeError)
  })

  it('is refused while too much is uncommitted, and taken again when it is not', () => {
    const script = new Script([1, 2, 3], { uncommittedBytesMax: 500 })
    script.elect(1)
    script.cut(2, 3)
    expect(script.propose(1, 'x'.repeat(200)).accepted).toBe(true)
    expect(script.propose(1, 'x'.repeat(200))).toEqual({ accepted: false, reason: 'too-much-uncommitted', leader: 1 })
    expect(script.propose(1, 'x', 'x'.repeat(500)).accepted).toBe(false)
    expect(script.node(1).lastIndex).toBe(2)
    script.heal()
    script.pass(300)
    expect(script.propose(1, 'x'.repeat(200)).accepted).toBe(true)
  })

  it('larger than the limit is taken when nothing is uncommitted', () => {
    const script = new Script([1, 2, 3], { uncommittedBytesMax: 500 })
    script.elect(1)
    expect(script.propose(1, 'x'.repeat(5000)).accepted).toBe(true)
    expect(script.propose(1, 'x').accepted).toBe(false)
    script.settle()
    expect(script.propose(1, 'x').accepted).toBe(true)
  })
})
