/** What a member is after it fell: what its disk says, and nothing else. */
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { EMPTY, Script, storedLog } from './script.js'

describe('a restarted member', () => {
  it('is a follower with its log, term and vote, and knows as committed what is applied', () => {
    const script = new Script(
      [1, 2, 3],
      {},
      { 1: { ...storedLog([1, 1, 2], 3), hardState: { term: 3, vote: 2 }, applied: 2 } },
    )
    expect(script.node(1).status()).toMatchObject({
      role: 'follower',
      term: 3,
      vote: 2,
      leader: 0,
      lastIndex: 3,
      durableIndex: 3,
      commitIndex: 2,
    })
    expect(script.node(1).hasReady()).toBe(false)
  })

  it('is handed what is committed behind its applied state, not what is in it', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.propose(1, 'a', 'b', 'c')
    script.settle()
    script.crash(3)
    script.stored.set(3, { ...(script.stored.get(3) ?? EMPTY), applied: 2 })
    script.start(3)
    script.pass(300)
    expect(script.applied(3)).toEqual(['b', 'c'])
  })

  it('loses a write that was under way, and gets the entries again', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.holdDisk(3)
    script.propose(1, 'a')
    script.settle()
    script.crash(3)
    script.releaseDisk(3)
    script.start(3)
    expect(script.node(3).lastIndex).toBe(1)
    script.pass(300)
    expect(script.applied(3)).toEqual(['a'])
  })

  it('goes on from a compacted log', () => {
    const stored = { ...EMPTY, hardState: { term: 4, vote: 0 }, compacted: { index: 50, term: 3 }, applied: 50 }
    const script = new Script([1, 2, 3], {}, { 1: stored, 2: stored, 3: stored })
    script.elect(1)
    script.elect(1)
    script.propose(1, 'a')
    script.settle()
    expect(script.node(1).firstIndex).toBe(51)
    expect(script.applied(3)).toEqual(['a'])
  })

  it('refuses a stored state that contradicts itself', () => {
    const start = (stored: object): Script => new Script([1], {}, { 1: { ...EMPTY, ...stored } })
    expect(() => start({ applied: 1 })).toThrow(AssertionError)
    expect(() => start({ ...storedLog([1, 2]), hardState: { term: 1, vote: 0 } })).toThrow('the log ends in term 2')
    expect(() => start({ ...storedLog([2, 1]) })).toThrow('cannot follow')
  })
})

describe('options', () => {
  it.each([
    [{ heartbeatIntervalMs: 1000 }, 'must be less than electionTimeoutMs'],
    [{ electionTimeoutMs: 0 }, 'electionTimeoutMs'],
    [{ inflightAppendsMax: 1.5 }, 'whole number'],
    [{ uncommittedBytesMax: NaN }, 'uncommittedBytesMax'],
    [{ configuration: { voters: [] } }, 'must not be empty'],
    [{ configuration: { voters: [1, 1] } }, 'must not repeat'],
    [{ configuration: { voters: [0] } }, 'positive safe integer'],
  ])('%j are a mistake', (options, message) => {
    expect(() => new Script([1], options)).toThrow(RangeError)
    expect(() => new Script([1], options)).toThrow(message)
  })
})
