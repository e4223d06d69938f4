/** The follower's side of replication: thesis 3.5. */
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import type { Append, Message } from '../../src/raft/message.js'
import type { Entry } from '../../src/raft/types.js'
import { bytes, entriesOfTerms, Script, storedLog } from './script.js'

function entriesAt(first: number, ...terms: number[]): Entry[] {
  return terms.map((term, at) => ({ index: first + at, term, kind: 'normal', data: bytes(`${first + at}@${term}`) }))
}

/** An append of member 2, as leader of `term`. */
function append(term: number, previous: readonly [number, number], entries: Entry[], commit = 0): Append {
  return {
    type: 'append',
    from: 2,
    to: 1,
    term,
    previousIndex: previous[0],
    previousTerm: previous[1],
    commit,
    entries,
  }
}

function answers(script: Script): Message[] {
  script.perform(1)
  return script.sent.splice(0)
}

describe('a follower', () => {
  it('takes what continues its log, and says so when it is durable', () => {
    const script = new Script([1, 2, 3])
    script.holdDisk(1)
    script.node(1).step(append(1, [0, 0], entriesAt(1, 1, 1)), 0)
    expect(answers(script)).toEqual([])
    script.releaseDisk(1)
    expect(answers(script)).toEqual([{ type: 'append-accepted', from: 1, to: 2, term: 1, matchIndex: 2 }])
  })

  it('answers several appends with one acceptance, of the last', () => {
    const script = new Script([1, 2, 3])
    script.node(1).step(append(1, [0, 0], entriesAt(1, 1)), 0)
    script.node(1).step(append(1, [1, 1], entriesAt(2, 1)), 0)
    script.node(1).step(append(1, [2, 1], entriesAt(3, 1)), 0)
    expect(answers(script)).toMatchObject([{ type: 'append-accepted', matchIndex: 3 }])
  })

  it('replaces entries that conflict, and those behind them', () => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog([1, 2, 2, 2]) })
    script.node(1).step(append(3, [1, 1], entriesAt(2, 3)), 0)
    expect(script.terms(1)).toEqual([1, 3])
    expect(script.eventsOf('log-truncated')).toMatchObject([{ from: 2, lastIndex: 4 }])
    expect(answers(script)).toMatchObject([{ type: 'append-accepted', matchIndex: 2 }])
    expect(script.stored.get(1)?.entries.map(({ term }) => term)).toEqual([1, 3])
  })

  it('keeps what it has when an old append comes late', () => {
    const script = new Script([1, 2, 3])
    script.node(1).step(append(1, [0, 0], entriesAt(1, 1, 1, 1)), 0)
    answers(script)
    script.node(1).step(append(1, [0, 0], entriesAt(1, 1)), 0)
    expect(script.terms(1)).toEqual([1, 1, 1])
    // And names all it has: what an answer that was lost would have said.
    expect(answers(script)).toMatchObject([{ matchIndex: 3 }])
  })

  it('commits no further than it is known to agree with the leader', () => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog([1, 1, 1]) })
    script.node(1).step(append(2, [1, 1], [], 3), 0)
    expect(script.node(1).commitIndex).toBe(1)
  })

  it('refuses what does not continue its log, with a hint that skips whole terms', () => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog([1, 1, 3, 3, 3, 5]) })
    script.node(1).step(append(6, [6, 4], entriesAt(7, 6)), 0)
    expect(answers(script)).toMatchObject([{ type: 'append-rejected', previousIndex: 6, hintIndex: 5, hintTerm: 3 }])
    script.node(1).step(append(6, [5, 2], entriesAt(6, 6)), 0)
    expect(answers(script)).toMatchObject([{ type: 'append-rejected', previousIndex: 5, hintIndex: 2, hintTerm: 1 }])
    script.node(1).step(append(6, [20, 5], []), 0)
    expect(answers(script)).toMatchObject([{ type: 'append-rejected', previousIndex: 20, hintIndex: 6, hintTerm: 5 }])
  })

  it('answers the leader of an older term in its own', () => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog([], 4) })
    script.node(1).step(append(3, [0, 0], entriesAt(1, 3)), 0)
    expect(script.terms(1)).toEqual([])
    expect(answers(script)).toMatchObject([{ type: 'heartbeat-reply', to: 2, term: 4 }])
  })

  it('stops rather than replace a committed entry', () => {
    const script = new Script([1, 2, 3])
    script.node(1).step(append(1, [0, 0], entriesAt(1, 1, 1), 2), 0)
    expect(() => script.node(1).step(append(2, [0, 0], entriesAt(1, 2)), 0)).toThrow(AssertionError)
  })

  it('stops rather than follow two leaders in one term', () => {
    const script = new Script([1, 2, 3])
    script.node(1).step(append(1, [0, 0], []), 0)
    expect(() => script.node(1).step({ ...append(1, [0, 0], []), from: 3 }, 0)).toThrow(
      'two leaders in term 1: 2 and 3',
    )
  })

  it('stops when the leader counts on entries that it no longer has', () => {
    const script = new Script([1, 2, 3])
    expect(() => script.node(1).step({ type: 'heartbeat', from: 2, to: 1, term: 1, commit: 5, round: 1 }, 0)).toThrow(
      'its data directory was lost',
    )
  })
})

describe('a write that completes after its entries were replaced', () => {
  it('makes durable only those that are still there', () => {
    const script = new Script([1, 2, 3])
    script.holdDisk(1)
    script.node(1).step(append(1, [0, 0], entriesAt(1, 1, 1, 1)), 0)
    script.perform(1)
    // While 1..3 are being written, a new leader replaces 2 and 3.
    script.node(1).step(append(2, [1, 1], entriesAt(2, 2, 2)), 0)
    script.perform(1)
    script.completeWrite(1)
    expect(script.node(1).durableIndex).toBe(1)
    // Nothing of term 2 is acknowledged: neither that term nor its entries are on the disk.
    expect(answers(script)).toEqual([])
    script.completeWrite(1)
    expect(script.node(1).durableIndex).toBe(3)
    expect(answers(script)).toMatchObject([{ type: 'append-accepted', term: 2, matchIndex: 3 }])
  })

  it('makes nothing durable that was put back in the same place since', () => {
    const script = new Script([1, 2, 3])
    script.holdDisk(1)
    script.node(1).step(append(1, [0, 0], entriesAt(1, 1, 1)), 0)
    script.perform(1)
    script.node(1).step(append(2, [0, 0], entriesAt(1, 2)), 0)
    script.node(1).step({ ...append(3, [0, 0], entriesOfTerms(1, 1)), from: 3 }, 0)
    script.completeWrite(1)
    expect(script.node(1).durableIndex).toBe(0)
  })
})
