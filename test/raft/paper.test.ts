/**
 * The rules of Raft in the order in which Diego Ongaro's thesis gives them ("Consensus: Bridging Theory and Practice",
 * 2014), one test each, the section first. To be read beside it. Variants, edge cases and what the thesis leaves open are
 * in the tests named after the files of src/raft.
 */
import { describe, expect, it } from 'vitest'
import type { MemberChange } from '../../src/raft/confchange/change.js'
import { describeConfiguration } from '../../src/raft/configuration.js'
import type { Append, Message, Snapshot, Vote } from '../../src/raft/message.js'
import type { RaftOptions } from '../../src/raft/options.js'
import type { Entry, NodeId, Term } from '../../src/raft/types.js'
import { entriesOfTerms, Script, storedLog } from './script.js'

const THREE = [1, 2, 3]
const FIVE = [1, 2, 3, 4, 5]

/** A request of member 2 for the vote of member 1, with a log no worse than any. */
function vote(term: Term, change: Partial<Vote> = {}): Vote {
  return { type: 'vote', from: 2, to: 1, term, lastIndex: 99, lastTerm: term - 1, ...change }
}

/** An append of member 2, which leads in `term`, to member 1. */
function append(
  term: Term,
  previous: { index: number; term: Term },
  entries: readonly Entry[] = [],
  commit = 0,
): Append {
  return {
    type: 'append',
    from: 2,
    to: 1,
    term,
    previousIndex: previous.index,
    previousTerm: previous.term,
    commit,
    entries,
  }
}

/** What member 1 answers. */
function answers(script: Script): Message[] {
  script.perform(1)
  return script.sent.splice(0)
}

function leadersOf(script: Script): string[] {
  return script.eventsOf('became-leader').map(({ node, term }) => `${node} in ${term}`)
}

/** Voters, led by 1, and more servers that belong to nothing yet. */
function led(voters: readonly NodeId[], others: readonly NodeId[] = [], options: Partial<RaftOptions> = {}): Script {
  const script = new Script([...voters, ...others], { ...options, configuration: { voters } })
  script.elect(1)
  return script
}

/** Asks 1, or another one, for a change; `accepted`, or why not. */
function change(script: Script, members: readonly MemberChange[], by: NodeId = 1): string {
  const result = script.node(by).proposeConfiguration({ type: 'change', members }, script.nowMs)
  return result.accepted ? 'accepted' : result.reason
}

function add(id: NodeId): MemberChange {
  return { type: 'voter', id }
}

function learn(id: NodeId): MemberChange {
  return { type: 'learner', id }
}

function remove(id: NodeId): MemberChange {
  return { type: 'remove', id }
}

function configured(script: Script, id: NodeId): string {
  return describeConfiguration(script.node(id).configuration)
}

/** Member 3 of three needs entries that 1, which leads, has compacted: 2 to 4, all of term 1. */
function withLaggard(): Script {
  const script = new Script(THREE)
  script.elect(1)
  script.cut(3)
  script.propose(1, 'a', 'b', 'c')
  script.settle()
  script.node(1).compact(4)
  script.heal()
  script.pass(200)
  return script
}

/** A snapshot of member 2, which leads in `term`, for member 1. */
function snapshot(term: Term, index: number, entryTerm: Term): Snapshot {
  return {
    type: 'snapshot',
    from: 2,
    to: 1,
    term,
    position: { index, term: entryTerm },
    configuration: { voters: THREE },
  }
}

describe('3.3 Raft basics', () => {
  it('3.3: a server is a follower at first, and a follower only answers', () => {
    const script = new Script(THREE)
    expect(THREE.map((id) => script.node(id).role)).toEqual(['follower', 'follower', 'follower'])
    expect(THREE.map((id) => script.node(id).hasReady())).toEqual([false, false, false])
  })

  it('3.3: terms are numbered with consecutive integers, and each begins with an election', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.pass(900)
    script.cut(1)
    script.pass(3000)
    script.heal()
    const terms = script.eventsOf('became-candidate').map(({ term }) => term)
    expect(terms).toEqual(terms.map((_, at) => at + 1))
    expect(terms.length).toBeGreaterThanOrEqual(2)
  })

  it('3.3: a server whose term is smaller than that of a message takes the larger one', () => {
    const script = new Script(THREE)
    script.node(1).step(append(7, { index: 0, term: 0 }), 0)
    expect(script.node(1).term).toBe(7)
  })

  it.each(['candidate', 'leader'] as const)('3.3: a %s that finds its term stale becomes a follower', (role) => {
    const script = new Script(THREE, { preVote: false })
    if (role === 'candidate') script.cut(1)
    script.elect(1)
    expect(script.node(1).role).toBe(role)
    script.node(1).step({ type: 'heartbeat', from: 2, to: 1, term: 5, commit: 0, round: 1 }, script.nowMs)
    expect([script.node(1).role, script.node(1).term]).toEqual(['follower', 5])
  })

  it('3.3: a request with a stale term is rejected', () => {
    const script = new Script(THREE, {}, { 1: storedLog([], 4) })
    script.node(1).step(append(3, { index: 0, term: 0 }, entriesOfTerms(3)), 0)
    expect(script.node(1).lastIndex).toBe(0)
    expect(answers(script)).toMatchObject([{ to: 2, term: 4 }])
  })
})

describe('3.4 Leader election', () => {
  it('3.4: a server stays follower as long as it hears its leader', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.clear()
    script.pass(20_000)
    expect(script.events.filter(({ type }) => type.startsWith('became'))).toEqual([])
  })

  it('3.4: a follower that hears nothing for an election timeout begins an election', () => {
    const script = new Script(THREE, { preVote: false })
    const deadlineMs = script.node(1).nextDeadlineMs()
    script.node(1).tick(deadlineMs - 1)
    expect(script.node(1).role).toBe('follower')
    script.node(1).tick(deadlineMs)
    expect(script.node(1).role).toBe('candidate')
  })

  it('3.4: a candidate raises its term, votes for itself and asks all others at once', () => {
    const script = new Script(FIVE, { preVote: false })
    script.timeOut(1)
    script.perform(1)
    expect(script.node(1).status()).toMatchObject({ role: 'candidate', term: 1, vote: 1 })
    expect(script.sent.map(({ type, to }) => `${type} ${to}`)).toEqual(['vote 2', 'vote 3', 'vote 4', 'vote 5'])
  })

  it.each([
    [1, 0, 'leader'],
    [3, 0, 'candidate'],
    [3, 1, 'leader'],
    [5, 1, 'candidate'],
    [5, 2, 'leader'],
    [4, 1, 'candidate'],
    [4, 2, 'leader'],
  ])('3.4: of %i servers, with %i votes besides its own it is a %s', (count, votes, role) => {
    const script = new Script(FIVE.slice(0, count), { preVote: false })
    script.timeOut(1)
    script.perform(1)
    for (let from = 2; from < 2 + votes; from++) {
      script.node(1).step({ type: 'vote-reply', from, to: 1, term: 1, granted: true }, script.nowMs)
    }
    expect(script.node(1).role).toBe(role)
  })

  it('3.4: a server votes for at most one candidate in a term, first come, first served', () => {
    const script = new Script(THREE)
    script.node(1).step(vote(5), 0)
    script.node(1).step(vote(5, { from: 3 }), 0)
    script.node(1).step(vote(5), 0)
    expect(answers(script)).toMatchObject([
      { to: 2, granted: true },
      { to: 3, granted: false },
      { to: 2, granted: true },
    ])
  })

  it('3.4: a new leader tells all others, which ends their elections', () => {
    const script = new Script(THREE, { preVote: false })
    script.timeOut(1)
    script.node(2).tick(2000)
    expect(script.node(2).role).toBe('candidate')
    script.perform(1)
    script.node(2).step(append(1, { index: 0, term: 0 }), script.nowMs)
    // A message to somebody else does not count; the leader's own does.
    expect(script.node(2).role).toBe('candidate')
    script.node(2).step({ ...append(1, { index: 0, term: 0 }), from: 1, to: 2 }, script.nowMs)
    expect([script.node(2).role, script.node(2).leader]).toEqual(['follower', 1])
  })

  it('3.4: a candidate does not give way to the leader of an older term', () => {
    const script = new Script(THREE, { preVote: false }, { 1: storedLog([], 6) })
    script.timeOut(1)
    script.node(1).step(append(6, { index: 0, term: 0 }), script.nowMs)
    expect([script.node(1).role, script.node(1).term]).toEqual(['candidate', 7])
  })

  it('3.4: when votes are split, candidates time out and begin a new election', () => {
    const script = new Script(THREE, { preVote: false })
    script.cut(1)
    script.timeOut(1)
    script.settle()
    script.timeOut(1)
    expect(script.node(1).status()).toMatchObject({ role: 'candidate', term: 2 })
  })

  it('3.4: timeouts are drawn anew each time, from an interval of one to two', () => {
    const script = new Script(THREE, { preVote: false, electionTimeoutMs: 500 })
    script.cut(1)
    const drawn = Array.from({ length: 200 }, () => {
      const beforeMs = script.nowMs
      script.timeOut(1)
      script.settle()
      return script.nowMs - beforeMs
    })
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(500)
    expect(Math.min(...drawn)).toBeLessThan(550)
    expect(Math.max(...drawn)).toBeGreaterThan(950)
    expect(Math.max(...drawn)).toBeLessThan(1000)
  })
})

describe('3.5 Log replication', () => {
  it('3.5: the leader appends a command to its log and sends it to all others in parallel', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.clear()
    script.propose(1, 'a')
    script.perform(1)
    expect(script.node(1).lastIndex).toBe(2)
    expect(script.sent).toMatchObject([
      { type: 'append', to: 2, entries: [{ index: 2, term: 1 }] },
      { type: 'append', to: 3, entries: [{ index: 2, term: 1 }] },
    ])
  })

  it.each([
    [3, 0, false],
    [3, 1, true],
    [5, 1, false],
    [5, 2, true],
    [4, 1, false],
    [4, 2, true],
  ])('3.5: of %i servers, an entry that %i others have is committed: %s', (count, holders, committed) => {
    const script = new Script(FIVE.slice(0, count))
    script.elect(1)
    script.cut(...FIVE.slice(holders + 1, count))
    script.propose(1, 'a')
    script.settle()
    expect(script.node(1).commitIndex).toBe(committed ? 2 : 1)
  })

  it('3.5: the leader retries until every follower stores every entry, also after it has answered its client', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.cut(3)
    script.propose(1, 'a')
    script.settle()
    expect(script.applied(1)).toEqual(['a'])
    script.pass(5000)
    script.heal()
    script.pass(300)
    expect(script.applied(3)).toEqual(['a'])
  })

  it('3.5: committing an entry commits all before it, also those of earlier leaders', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1, 2, 2]), 2: storedLog([1]), 3: storedLog([1]) })
    script.elect(1)
    expect(script.node(1).commitIndex).toBe(4)
    expect(script.applied(2)).toEqual(['1@1', '2@2', '3@2'])
  })

  it('3.5: a follower that learns of a commit applies the entries, in log order', () => {
    const script = new Script(THREE)
    script.elect(1)
    for (const text of ['a', 'b', 'c']) script.propose(1, text)
    script.settle()
    expect(THREE.map((id) => script.applied(id).join())).toEqual(['a,b,c', 'a,b,c', 'a,b,c'])
  })

  it('3.5: a follower refuses entries when it has none at the place before them, or one of another term', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1, 2]) })
    script.node(1).step(append(4, { index: 5, term: 3 }), 0)
    expect(answers(script)).toMatchObject([{ type: 'append-rejected', previousIndex: 5 }])
    script.node(1).step(append(4, { index: 2, term: 3 }), 0)
    expect(answers(script)).toMatchObject([{ type: 'append-rejected', previousIndex: 2 }])
    script.node(1).step(append(4, { index: 2, term: 2 }), 0)
    expect(answers(script)).toMatchObject([{ type: 'append-accepted', matchIndex: 2 }])
  })

  // Figure 3.6: the leader for the eighth term, and the logs it may find.
  it.each([
    ['a: misses one', [1, 1, 1, 4, 4, 5, 5, 6, 6]],
    ['b: misses many', [1, 1, 1, 4]],
    ['c: has one more', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6]],
    ['d: has a term more', [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7]],
    ['e: both', [1, 1, 1, 4, 4, 4, 4]],
    ['f: a leader of two terms that committed nothing', [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3]],
  ])('3.5: figure 3.6 %s: the leader makes the log of the follower its own', (_what, terms) => {
    const leaders = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6]
    const script = new Script(THREE, {}, { 1: storedLog(leaders, 7), 2: storedLog(terms, 7), 3: storedLog(leaders, 7) })
    script.cut(2)
    script.elect(1)
    script.heal()
    script.pass(300)
    expect(script.terms(2)).toEqual([...leaders, 8])
  })

  it('3.5: nextIndex begins right behind the end of the leader’s log, matchIndex at 0', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1, 1, 1]) })
    script.loses = ({ type }) => type === 'append'
    script.elect(1)
    expect(script.node(1).status().followers).toMatchObject([
      { matchIndex: 0, nextIndex: 4 },
      { matchIndex: 0, nextIndex: 4 },
    ])
  })

  it('3.5: a conflict takes one round for each term in which the logs differ, not for each entry', () => {
    const ours = Array<number>(300).fill(1)
    const theirs = [1, ...Array<number>(200).fill(2)]
    const script = new Script(THREE, {}, { 1: storedLog([...ours, 3], 3), 2: storedLog(theirs, 3) })
    script.cut(3)
    script.elect(1)
    expect(script.eventsOf('append-rejected').length).toBeLessThanOrEqual(2)
    expect(script.terms(2)).toEqual([...ours, 3, 4])
  })

  it('3.5: a leader never overwrites or deletes entries of its own log', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1, 1]), 2: storedLog([1, 1]) })
    script.elect(1)
    const before = script.terms(1)
    for (const type of ['append-rejected', 'append-accepted'] as const) {
      const message =
        type === 'append-accepted'
          ? ({ type, from: 2, to: 1, term: 2, matchIndex: 1 } as const)
          : ({ type, from: 2, to: 1, term: 2, previousIndex: 2, hintIndex: 0, hintTerm: 0 } as const)
      script.node(1).step(message, script.nowMs)
      script.settle()
    }
    expect(script.terms(1)).toEqual(before)
  })

  it('3.5: a follower that finds a conflict deletes that entry and all behind it, and only then', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1, 1, 2, 2]) })
    script.node(1).step(append(3, { index: 0, term: 0 }, entriesOfTerms(1, 1)), 0)
    expect(script.terms(1)).toEqual([1, 1, 2, 2])
    const entry: Entry = { index: 2, term: 4, kind: 'noop', data: new Uint8Array(0) }
    script.node(1).step(append(4, { index: 1, term: 1 }, [entry]), 0)
    expect(script.terms(1)).toEqual([1, 4])
  })
})

describe('3.6 Safety', () => {
  it('3.6: election safety: of two candidates in one term at most one wins, whatever gets through', () => {
    for (let lost = 0; lost < 16; lost++) {
      const script = new Script(THREE, { preVote: false })
      let at = 0
      script.loses = ({ type }) => type.startsWith('vote') && ((lost >> (at++ % 4)) & 1) === 1
      script.nowMs = 2000
      for (const id of THREE) script.node(id).tick(2000)
      script.settle()
      const terms = script.eventsOf('became-leader').map(({ term }) => term)
      expect(new Set(terms).size).toBe(terms.length)
    }
  })

  // Of the voter, the log ends 3@2.
  it.each([
    ['an older term, though longer', { lastTerm: 1, lastIndex: 9 }, false],
    ['the same term, but shorter', { lastTerm: 2, lastIndex: 2 }, false],
    ['the same term and length', { lastTerm: 2, lastIndex: 3 }, true],
    ['the same term, longer', { lastTerm: 2, lastIndex: 4 }, true],
    ['a later term, though shorter', { lastTerm: 3, lastIndex: 1 }, true],
  ])('3.6.1: a vote for a log that ends in %s', (_what, last, granted) => {
    const script = new Script(THREE, {}, { 1: storedLog([1, 2, 2], 3) })
    script.node(1).step(vote(4, last), 5000)
    expect(answers(script)).toMatchObject([{ type: 'vote-reply', granted }])
  })

  it('3.6.1: so a leader has every committed entry from the moment of its election', () => {
    const script = new Script(FIVE)
    script.elect(1)
    script.cut(4, 5)
    script.propose(1, 'a')
    script.settle()
    script.heal()
    script.cut(1)
    for (const id of [4, 5]) script.elect(id)
    expect(leadersOf(script)).toEqual(['1 in 1'])
    script.elect(2)
    expect(script.node(2).role).toBe('leader')
    expect(script.node(2).lastIndex).toBeGreaterThanOrEqual(2)
  })

  it('3.6.2: an entry of an earlier term is not committed by counting replicas, only with one of the own term', () => {
    const script = new Script(THREE, { appendBytesMax: 1, checkQuorum: false }, { 1: storedLog([1, 2], 2) })
    // What is of term 3 gets to nobody.
    script.loses = (message) => message.type === 'append' && message.entries.some(({ term }) => term === 3)
    script.elect(1)
    script.pass(300)
    expect([script.node(2).lastIndex, script.node(1).commitIndex]).toEqual([2, 0])
    script.heal()
    script.pass(300)
    expect(script.node(1).commitIndex).toBe(3)
  })

  it('3.6.2: entries keep the term in which they were made, whoever sends them', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1, 1, 2]) })
    script.elect(1)
    expect(script.terms(2)).toEqual([1, 1, 2, 3])
  })

  it('3.6.3: state machine safety: all apply the same entry at an index, through a change of leader', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.cut(1)
    script.propose(1, 'never committed')
    script.settle()
    script.elect(2)
    script.propose(2, 'committed')
    script.settle()
    script.heal()
    script.pass(3000)
    expect(THREE.map((id) => script.applied(id))).toEqual([['committed'], ['committed'], ['committed']])
  })
})

describe('3.7 Follower and candidate crashes', () => {
  it('3.7: requests to a crashed server are retried, and it catches up when it is back', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.crash(3)
    script.propose(1, 'a')
    script.settle()
    script.pass(2000)
    script.start(3)
    script.pass(300)
    expect(script.applied(3)).toEqual(['a'])
  })

  it('3.7: a request that is repeated does no harm', () => {
    const script = new Script(THREE)
    const message = append(1, { index: 0, term: 0 }, entriesOfTerms(1, 1), 1)
    for (let time = 0; time < 3; time++) script.node(1).step(message, 0)
    expect(script.terms(1)).toEqual([1, 1])
    expect(answers(script)).toMatchObject([{ type: 'append-accepted', matchIndex: 2 }])
  })
})

describe('3.8 Persisted state and server restarts', () => {
  it('3.8: term and vote are written before an answer leaves, so that no server votes twice', () => {
    const script = new Script(THREE)
    script.holdDisk(1)
    script.node(1).step(vote(5), 0)
    expect(answers(script)).toEqual([])
    script.releaseDisk(1)
    expect(script.stored.get(1)?.hardState).toEqual({ term: 5, vote: 2 })
    expect(answers(script)).toMatchObject([{ type: 'vote-reply', granted: true }])
  })

  it('3.8: entries are written before they are counted, by a follower and by the leader', () => {
    for (const slow of [1, 2]) {
      const script = new Script(THREE)
      script.elect(1)
      script.cut(3)
      script.holdDisk(slow)
      script.propose(1, 'a')
      script.settle()
      expect(script.node(1).commitIndex).toBe(1)
      script.releaseDisk(slow)
      script.settle()
      expect(script.node(1).commitIndex).toBe(2)
    }
  })

  it('3.8: the commit index may begin at what was applied, and is learned anew', () => {
    const script = new Script(THREE, {}, { 1: { ...storedLog([1, 1, 1]), applied: 2 } })
    expect(script.node(1).commitIndex).toBe(2)
    script.node(1).step(append(1, { index: 3, term: 1 }, [], 3), 0)
    expect(script.node(1).commitIndex).toBe(3)
  })

  it('3.8: a state machine that is not persisted is rebuilt from the log', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.propose(1, 'a', 'b')
    script.settle()
    script.crash(2)
    script.start(2)
    script.pass(300)
    expect(script.applied(2)).toEqual(['a', 'b'])
  })
})

describe('3.9 Timing and availability', () => {
  it('3.9: heartbeats come well within an election timeout; options that make them rarer are refused', () => {
    expect(() => new Script(THREE, { heartbeatIntervalMs: 1000, electionTimeoutMs: 1000 })).toThrow(RangeError)
  })
})

describe('3.10 Leadership transfer extension', () => {
  it('3.10: step 1: the prior leader stops accepting new requests', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.cut(3)
    script.node(1).transferLeadership(3, script.nowMs)
    expect(script.propose(1, 'a')).toMatchObject({ accepted: false, reason: 'transferring' })
  })

  it('3.10: step 2: it brings the log of the target up to its own, and tells it nothing before', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.cut(3)
    script.propose(1, 'a')
    script.settle()
    script.node(1).transferLeadership(3, script.nowMs)
    script.settle()
    expect(script.sent.filter(({ type }) => type === 'timeout-now')).toEqual([])
    script.heal()
    script.pass(200)
    expect(script.node(3).role).toBe('leader')
    expect(script.applied(3)).toEqual(['a'])
  })

  it('3.10: step 3: the target begins an election at once, as if its timer had run out, and wins in the next term', () => {
    const script = new Script(THREE)
    script.elect(1)
    const beforeMs = script.nowMs
    script.node(1).transferLeadership(3, script.nowMs)
    script.settle()
    expect(leadersOf(script)).toEqual(['1 in 1', '3 in 2'])
    expect(script.nowMs).toBe(beforeMs)
  })

  it('3.10: a transfer that is not complete after an election timeout is aborted, and requests are taken again', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.cut(3)
    script.node(1).transferLeadership(3, script.nowMs)
    script.pass(990)
    expect(script.propose(1, 'a').accepted).toBe(false)
    script.pass(20)
    expect(script.propose(1, 'a').accepted).toBe(true)
  })

  it('3.10: the leader may be wrong about the target: then an election decides, and there is at most one leader in a term', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.node(1).transferLeadership(3, script.nowMs)
    script.perform(1)
    script.crash(3)
    script.pass(5000)
    const terms = script.eventsOf('became-leader').map(({ term }) => term)
    expect(new Set(terms).size).toBe(terms.length)
    expect([script.node(1), script.node(2)].filter(({ role }) => role === 'leader')).toHaveLength(1)
  })
})

describe('4.1 Safety', () => {
  it('4.1: a server goes by the latest configuration in its log, committed or not', () => {
    const script = led(THREE, [4])
    script.cut(2, 3)
    expect(change(script, [add(4)])).toBe('accepted')
    script.settle()
    expect([configured(script, 1), configured(script, 4)]).toEqual(['voters 1 2 3 4', 'voters 1 2 3 4'])
    expect(script.node(1).commitIndex).toBe(1)
  })

  it('4.1: so a change is committed by a majority of the new configuration', () => {
    const script = led(THREE, [4])
    script.cut(3, 4)
    change(script, [add(4)])
    script.settle()
    // 1 and 2 are a majority of three, not of four.
    expect(script.node(1).commitIndex).toBe(1)
    script.heal()
    script.pass(200)
    expect(script.node(1).commitIndex).toBe(2)
  })

  it('4.1: another change may begin only when the one before it is committed', () => {
    const script = led(THREE)
    expect(change(script, [remove(3)])).toBe('accepted')
    expect(change(script, [remove(2)])).toBe('change-in-progress')
    script.settle()
    expect(change(script, [remove(2)])).toBe('accepted')
  })

  it('4.1: and only, as was found later, when the leader has committed an entry of its own term', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1]) })
    script.loses = ({ type }) => type === 'append-accepted'
    script.elect(1)
    expect(script.node(1).role).toBe('leader')
    expect(change(script, [remove(3)])).toBe('own-term-not-committed')
    script.heal()
    script.pass(200)
    expect(change(script, [remove(3)])).toBe('accepted')
  })

  it('4.1: a server whose entry of a configuration is removed falls back to the one before', () => {
    const script = led(THREE)
    script.cut(1)
    change(script, [remove(3)])
    script.settle()
    expect(configured(script, 1)).toBe('voters 1 2')
    script.pass(3000)
    script.heal()
    script.pass(3000)
    expect(configured(script, 1)).toBe('voters 1 2 3')
  })

  it('4.1: a server takes appends of a leader that is not part of its configuration', () => {
    const script = new Script([1], { configuration: { voters: [], learners: [1] } })
    script.node(1).step(append(1, { index: 0, term: 0 }, entriesOfTerms(1)), 0)
    expect(answers(script)).toMatchObject([{ type: 'append-accepted', matchIndex: 1 }])
  })

  it('4.1: and gives its vote to a candidate that is not part of it', () => {
    const script = new Script([1, 3, 4], { configuration: { voters: [1, 3, 4] } })
    script.node(1).step(vote(1), 5000)
    expect(answers(script)).toMatchObject([{ type: 'vote-reply', to: 2, granted: true }])
  })
})

describe('4.2 Availability', () => {
  it('4.2.1: a new server first joins without a vote: it gets the log and is not counted', () => {
    const script = led(THREE, [4])
    change(script, [learn(4)])
    script.settle()
    script.cut(2, 3)
    script.propose(1, 'a')
    script.settle()
    expect(script.node(4).lastIndex).toBe(script.node(1).lastIndex)
    expect(script.node(1).commitIndex).toBe(2)
  })

  it('4.2.1: it is given its vote once it has caught up, and not before', () => {
    const script = led(THREE, [4], { appendBytesMax: 1 })
    script.cut(4)
    change(script, [learn(4)])
    script.propose(1, 'a')
    script.settle()
    expect(change(script, [add(4)])).toBe('learner-not-caught-up')
    script.heal()
    script.pass(300)
    expect(change(script, [add(4)])).toBe('accepted')
  })

  it('4.2.2: a leader that is removed leads on until that is committed, then steps down', () => {
    const script = led(THREE)
    script.cut(2, 3)
    change(script, [remove(1)])
    script.settle()
    expect(script.node(1).role).toBe('leader')
    script.heal()
    script.pass(200)
    expect(script.node(1).role).toBe('follower')
    expect([script.node(2).role, script.node(3).role]).toContain('leader')
  })

  it('4.2.2: meanwhile it replicates entries and does not count itself in majorities', () => {
    const script = led(THREE)
    script.cut(3)
    change(script, [remove(1)])
    script.settle()
    // On 1 and 2, of which only 2 counts.
    expect([script.node(2).lastIndex, script.node(1).commitIndex]).toEqual([2, 1])
  })

  it('4.2.2: a server that is not part of its own newest configuration may still have to start an election', () => {
    const script = led([1, 2])
    script.loses = ({ type }) => type === 'append'
    change(script, [remove(1)])
    script.settle()
    script.crash(1)
    script.start(1)
    script.heal()
    // Of 1 and 2, only 1 has a log that is complete.
    script.pass(5000)
    expect(leadersOf(script).at(-1)).toMatch(/^2 in/)
    expect(configured(script, 2)).toBe('voters 2')
  })
})

describe('4.2.3 Disruptive servers', () => {
  it.each([true, false])('4.2.3: a server that was removed deposes nobody by its elections; pre-vote %s', (preVote) => {
    const script = led([1, 2, 3, 4], [], { preVote })
    script.loses = ({ to }) => to === 4
    change(script, [remove(4)])
    script.settle()
    script.heal()
    script.pass(10_000)
    expect(script.eventsOf(preVote ? 'became-pre-candidate' : 'became-candidate').length).toBeGreaterThan(1)
    expect(leadersOf(script)).toEqual(['1 in 1'])
    expect(script.node(1).term).toBe(1)
  })

  it('4.2.3: a candidate that was told by the leader to campaign is heard all the same', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.node(2).step(vote(2, { from: 3, to: 2, forced: true }), script.nowMs)
    expect(script.node(2).status()).toMatchObject({ term: 2, vote: 3 })
  })

  it('4.2.3: a server that hears its leader neither takes the term of a candidate nor votes for it', () => {
    const script = new Script(THREE)
    script.elect(1)
    for (const to of [1, 2]) script.node(to).step(vote(9, { from: 3, to }), script.nowMs + 999)
    expect([script.node(1).term, script.node(2).term]).toEqual([1, 1])
  })
})

describe('4.3 Arbitrary configuration changes using joint consensus', () => {
  it('4.3: entries go to all servers of both configurations', () => {
    const script = led(THREE, [4, 5])
    change(script, [add(4), add(5), remove(2), remove(3)])
    script.propose(1, 'a')
    script.clear()
    script.perform(1)
    script.settle()
    const receivers = script.sent.filter(({ type, from }) => type === 'append' && from === 1).map(({ to }) => to)
    expect([...new Set(receivers)].sort()).toEqual([2, 3, 4, 5])
  })

  it.each([
    ['new', [4, 5]],
    ['old', [2, 3]],
  ])('4.3: an entry needs separate majorities of both: none is committed without that of the %s', (_side, missing) => {
    const script = led(THREE, [4, 5])
    script.cut(...missing)
    change(script, [add(4), add(5), remove(2), remove(3)])
    script.propose(1, 'a')
    script.settle()
    expect(script.node(1).commitIndex).toBe(1)
    script.heal()
    script.pass(300)
    expect(script.applied(1)).toEqual(['a'])
  })

  it.each([
    [[2, 3], false],
    [[4, 5], false],
    [[2, 4], true],
  ])('4.3: an election needs them as well: with the votes of %j 1 leads: %s', (voters, elected) => {
    const configuration = { voters: [1, 4, 5], outgoing: THREE }
    const script = new Script(FIVE, { configuration, preVote: false })
    script.timeOut(1)
    script.perform(1)
    for (const from of voters) {
      script.node(1).step({ type: 'vote-reply', from, to: 1, term: 1, granted: true }, script.nowMs)
    }
    expect(script.node(1).role).toBe(elected ? 'leader' : 'candidate')
  })

  it('4.3: any server of either configuration may lead', () => {
    const configuration = { voters: [1, 4, 5], outgoing: THREE }
    for (const id of FIVE) {
      const script = new Script(FIVE, { configuration })
      script.elect(id)
      expect(leadersOf(script)[0]).toBe(`${id} in 1`)
    }
  })

  it('4.3: once the joint configuration is committed, the leader goes on to the new one', () => {
    const script = led(THREE, [4, 5])
    change(script, [add(4), add(5), remove(2), remove(3)])
    expect(configured(script, 1)).toBe('voters 1 4 5, outgoing 1 2 3')
    script.settle()
    expect([1, 4, 5].map((id) => configured(script, id))).toEqual(['voters 1 4 5', 'voters 1 4 5', 'voters 1 4 5'])
  })

  it('4.3: a leader that is not in the new one steps down when that is committed', () => {
    const script = led(THREE, [4])
    change(script, [add(4), remove(1)])
    script.settle()
    script.pass(100)
    expect(script.eventsOf('leader-removed')).toMatchObject([{ node: 1 }])
    expect(leadersOf(script).at(-1)).toMatch(/^[234] in 2$/)
    expect(configured(script, 4)).toBe('voters 2 3 4')
  })
})

describe('5 Log compaction', () => {
  it('5: a follower whose next entry the leader has discarded gets a snapshot', () => {
    const script = withLaggard()
    expect(script.snapshots).toEqual([{ from: 1, to: 3, minimumIndex: 4 }])
    script.deliverSnapshot(1, 3)
    script.propose(1, 'd')
    script.pass(200)
    expect(script.stored.get(3)?.compacted).toEqual({ index: 4, term: 1 })
    // What the snapshot contains is not applied once more.
    expect(script.applied(3)).toEqual(['d'])
  })

  it('5: figure 5.3: one of an older term is refused', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1], 4) })
    script.node(1).step(snapshot(3, 9, 3), 0)
    expect(answers(script)).toMatchObject([{ to: 2, term: 4 }])
    expect(script.node(1).lastIndex).toBe(1)
  })

  it('5: figure 5.3: a stale one, which describes no more than what is committed, is ignored', () => {
    const script = new Script(THREE)
    script.node(1).step(append(1, { index: 0, term: 0 }, entriesOfTerms(1, 1, 1), 3), 0)
    script.perform(1)
    script.node(1).step(snapshot(1, 2, 1), 0)
    script.perform(1)
    expect(script.node(1).firstIndex).toBe(1)
    expect(script.refusedSnapshots.get(1)).toEqual([{ index: 2, term: 1 }])
  })

  it('5: figure 5.3: where the log holds its last entry, the entries behind that are retained', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1, 1, 1, 1]) })
    script.node(1).step(snapshot(2, 2, 1), 0)
    script.perform(1)
    expect([script.terms(1), script.node(1).commitIndex]).toEqual([[1, 1, 1, 1], 2])
  })

  it('5: figure 5.3: where it does not, the entire log is discarded', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1, 1, 1, 1]) })
    script.node(1).step(snapshot(3, 2, 2), 0)
    script.perform(1)
    expect([script.node(1).firstIndex, script.node(1).lastIndex]).toEqual([3, 2])
    expect(script.stored.get(1)).toMatchObject({ compacted: { index: 2, term: 2 }, entries: [] })
  })

  it('5.1: the snapshot brings the configuration as of its last entry', () => {
    const script = led(THREE, [4])
    script.cut(3)
    change(script, [learn(4)])
    script.settle()
    expect(configured(script, 3)).toBe('voters 1 2 3')
    script.heal()
    script.deliverSnapshot(1, 3, { configuration: script.node(1).configurationAt(2) })
    script.settle()
    expect(configured(script, 3)).toBe('voters 1 2 3, learners 4')
  })

  it('5.1: what is applied may be forgotten; index and term of the last entry stay, for the check of the next append', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.propose(1, 'a', 'b')
    script.settle()
    script.node(2).compact(3)
    expect([script.node(2).firstIndex, script.node(2).termAt(3), script.node(2).termAt(2)]).toEqual([4, 1, undefined])
    script.propose(1, 'c')
    script.settle()
    expect(script.applied(2)).toEqual(['a', 'b', 'c'])
  })

  it('5.1: each server compacts by itself, no further than it has applied', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.cut(2, 3)
    script.propose(1, 'a')
    script.settle()
    expect(() => script.node(1).compact(2)).toThrow()
    script.node(1).compact(1)
    expect([1, 2, 3].map((id) => script.node(id).firstIndex)).toEqual([2, 1, 1])
  })
})

describe('6.2 Finding the leader', () => {
  it('6.2: a server that is not the leader refuses, and names the one it knows', () => {
    const script = new Script(THREE)
    script.elect(1)
    expect(script.propose(3, 'a')).toEqual({ accepted: false, reason: 'not-leader', leader: 1 })
  })

  it('6.2: a leader that has no round of heartbeats answered by a majority within an election timeout steps down', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.cut(1)
    script.pass(990)
    expect(script.node(1).role).toBe('leader')
    script.pass(20)
    expect(script.node(1).role).toBe('follower')
  })
})

describe('6.4 Processing read-only queries more efficiently', () => {
  it('6.4: a leader appends an entry without content at the start of its term', () => {
    const script = new Script(THREE, {}, { 1: storedLog([1]) })
    script.elect(1)
    expect(script.terms(1)).toEqual([1, 2])
    expect(script.stored.get(1)?.entries[1]).toMatchObject({ kind: 'noop', data: new Uint8Array(0) })
  })

  it('6.4: step 1: before an entry of its term is committed it answers no read', () => {
    const script = new Script(THREE)
    script.loses = ({ type }) => type === 'append-accepted'
    script.elect(1)
    script.node(1).readIndex(1, script.nowMs)
    script.pass(500)
    expect(script.reads.get(1)).toEqual([])
  })

  it('6.4: steps 2 and 3: it notes its commit index and has a majority confirm that it still leads', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.clear()
    script.node(1).readIndex(1, script.nowMs)
    script.perform(1)
    expect(script.sent.map(({ type }) => type)).toEqual(['heartbeat', 'heartbeat'])
    expect(script.reads.get(1)).toEqual([])
    script.node(1).step({ type: 'heartbeat-reply', from: 2, to: 1, term: 1, round: 1 }, script.nowMs)
    script.perform(1)
    expect(script.reads.get(1)).toEqual([{ requestId: 1, index: 1 }])
  })

  it('6.4: one round confirms any number of reads, and no entry is written for them', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.clear()
    for (let request = 1; request <= 50; request++) script.node(1).readIndex(request, script.nowMs)
    script.settle()
    expect(script.reads.get(1)).toHaveLength(50)
    expect([script.sent.length, script.node(1).lastIndex]).toEqual([4, 1])
  })

  it('6.4: a follower asks the leader for the index, and serves the read itself', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.propose(1, 'a')
    script.settle()
    script.node(2).readIndex(1, script.nowMs)
    script.settle()
    expect(script.reads.get(2)).toEqual([{ requestId: 1, index: 2 }])
  })
})

describe('6.4.1 Using clocks to reduce messaging for read-only queries', () => {
  /** Led by 1, whose last heartbeat went out just now, and was answered. Clocks are exact. */
  function leased(): Script {
    const script = new Script(THREE, { clockDriftMax: 0 })
    script.elect(1)
    script.nowMs += 100
    script.node(1).tick(script.nowMs)
    script.settle()
    return script
  }

  it('6.4.1: a heartbeat that a majority acknowledged is a lease of an election timeout, from when it was sent', () => {
    const script = leased()
    const sentMs = script.nowMs
    expect(script.node(1).leaseRead(sentMs)).toBe(1)
    expect(script.node(1).leaseRead(sentMs + 999)).toBe(1)
    expect(script.node(1).leaseRead(sentMs + 1000)).toBeUndefined()
  })

  it('6.4.1: during a lease it answers reads without any message', () => {
    const script = leased()
    script.clear()
    script.node(1).leaseRead(script.nowMs)
    script.perform(1)
    expect(script.sent).toEqual([])
  })

  it('6.4.1: the lease is shorter by what clocks may drift against each other', () => {
    const script = new Script(THREE, { clockDriftMax: 0.25 })
    script.elect(1)
    script.pass(100)
    script.nowMs += 100
    script.node(1).tick(script.nowMs)
    script.settle()
    expect(script.node(1).leaseRead(script.nowMs + 599)).toBe(1)
    expect(script.node(1).leaseRead(script.nowMs + 600)).toBeUndefined()
  })

  it('6.4.1: a transfer of leadership ends the lease, since it elects another before the timeout', () => {
    const script = leased()
    script.loses = ({ type }) => type === 'timeout-now'
    script.node(1).transferLeadership(3, script.nowMs)
    expect(script.node(1).leaseRead(script.nowMs)).toBeUndefined()
    script.pass(1500)
    expect(script.node(1).role).toBe('leader')
    expect(script.node(1).leaseRead(script.nowMs)).toBeUndefined()
  })

  it('6.4.1: what it rests on: no server votes for another within an election timeout of a heartbeat', () => {
    const script = leased()
    script.node(2).step(vote(9, { from: 3, to: 2 }), script.nowMs + 999)
    expect(script.node(2).status().vote).toBe(1)
    script.node(2).step(vote(9, { from: 3, to: 2 }), script.nowMs + 1000)
    expect(script.node(2).status().vote).toBe(3)
  })
})

describe('9.6 Preventing disruptions when a server rejoins the cluster', () => {
  it('9.6: a candidate raises its term only once a majority would vote for it', () => {
    const script = new Script(THREE)
    script.cut(3)
    script.pass(20_000)
    script.clear()
    expect(script.node(3).term).toBe(0)
    expect(script.node(1).term).toBe(1)
  })

  it('9.6: a server would vote if the log is up to date and it has not heard a leader for an election timeout', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.clear()
    const asked = { type: 'pre-vote', from: 3, to: 2, term: 2, lastIndex: 1, lastTerm: 1 } as const
    script.node(2).step(asked, script.nowMs + 999)
    script.node(2).step({ ...asked, lastIndex: 0, lastTerm: 0 }, script.nowMs + 1000)
    script.node(2).step(asked, script.nowMs + 1000)
    expect(script.eventsOf('pre-vote-refused').map(({ reason }) => reason)).toEqual([
      'leader-is-heard',
      'log-is-behind',
    ])
    expect(script.eventsOf('pre-vote-granted')).toHaveLength(1)
  })

  it('9.6: asking and answering changes no term and no vote', () => {
    const script = new Script(THREE)
    script.timeOut(1)
    script.perform(1)
    script.node(2).step(script.sent[0] ?? vote(1), script.nowMs)
    expect([script.node(1), script.node(2)].map((node) => [node.term, node.status().vote])).toEqual([
      [0, 0],
      [0, 0],
    ])
  })
})

describe('10.2.1 Writing to the leader’s disk in parallel', () => {
  it('10.2.1: the leader sends an entry before its own disk has it', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.clear()
    script.holdDisk(1)
    script.propose(1, 'a')
    script.perform(1)
    expect(script.sent.map(({ type }) => type)).toEqual(['append', 'append'])
    expect(script.node(1).durableIndex).toBe(1)
  })

  it('10.2.1: and may commit it before that, when a majority of the others has it', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.holdDisk(1)
    script.propose(1, 'a')
    script.settle()
    expect([script.node(1).commitIndex, script.node(1).durableIndex]).toEqual([2, 1])
  })
})

describe('10.2.2 Batching and pipelining', () => {
  it('10.2.2: entries that come together travel together', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.clear()
    for (const text of ['a', 'b', 'c']) script.propose(1, text)
    script.perform(1)
    expect(script.sent).toHaveLength(2)
  })

  it('10.2.2: the next append does not wait for the answer to the last, once the logs are known to agree', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.clear()
    for (const text of ['a', 'b']) {
      script.propose(1, text)
      script.perform(1)
    }
    const appends = script.sent.filter((message): message is Append => message.type === 'append' && message.to === 2)
    expect(appends.map(({ previousIndex }) => previousIndex)).toEqual([1, 2])
  })

  it('10.2.2: an append that is lost or overtaken is found out by the check of consistency, and sent again', () => {
    const script = new Script(THREE)
    script.elect(1)
    script.loses = ({ type, to }) => type === 'append' && to === 2
    script.propose(1, 'a')
    script.settle()
    script.heal()
    script.propose(1, 'b')
    script.settle()
    expect(script.applied(2)).toEqual(['a', 'b'])
  })
})
