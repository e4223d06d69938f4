/** Each check of elections, logs and promises is shown to fail on a fault that is planted in what the members say. */
import { describe, expect, test } from 'vitest'
import { entry, ForgedCluster, settled } from './forged.js'

const ONE = entry(1, 1)
const TWO = entry(2, 1)

describe('a cluster that does as it should', () => {
  test('violates nothing', () => {
    const cluster = settled([ONE, TWO])
    for (const name of ['a', 'b', 'c'] as const) cluster.apply(name, ONE, SAME(1)).apply(name, TWO, SAME(2))
    cluster
      .elect('b', 2, ['b', 'c'])
      .write('b', [entry(3, 2)])
      .write('c', [entry(3, 2)])
      .commit('b', 3)
    expect(cluster.violation).toBe('')
    expect(cluster.checkers.committedIndex).toBe(3)
  })
})

const SAME = (sequence: number): { proposal: { member: number; incarnation: number; sequence: number } } => ({
  proposal: { member: 9, incarnation: 1, sequence },
})

describe('elections', () => {
  test('R1: two leaders in one term', () => {
    const cluster = new ForgedCluster().elect('a', 1).lead('b', 1)
    expect(cluster.violation).toBe('R1 violated: a and b both lead in term 1')
  })

  test('R15: a leader without a majority', () => {
    const cluster = new ForgedCluster().vote('a', 1, 'a').lead('a', 1)
    expect(cluster.violation).toMatch('R15 violated: a leads in term 1 with 1 votes of 3')
  })

  describe('R28: a leader that hears nobody', () => {
    const led = (): ForgedCluster => new ForgedCluster({ electionTimeoutMs: 1_000 }).elect('a', 1)
    const hear = (cluster: ForgedCluster, from: number, atMs: number): ForgedCluster =>
      cluster.tell('a', { type: 'message-received', message: { from } as never, atMs })

    test('for an election timeout, and leads on when the answers that waited come in', () => {
      const cluster = hear(hear(led(), 2, 100), 3, 200)
      hear(hear(cluster, 2, 1_300), 3, 1_300)
      expect(cluster.violation).toBe('R28 violated: a leads on in term 1 1100 ms after it last heard a quorum')
    })

    test('for less is right, and so is one that steps down before anything else', () => {
      const cluster = hear(hear(hear(led(), 2, 100), 3, 1_000), 3, 1_900)
      hear(cluster, 2, 3_000).decide('a', { type: 'became-follower', term: 1, leader: 0 })
      hear(cluster, 3, 3_000)
      expect(cluster.violation).toBe('')
    })
  })

  test('R4: a leader that lacks what is committed', () => {
    const cluster = new ForgedCluster().elect('a', 1).write('a', [ONE]).write('b', [ONE]).commit('a', 1)
    cluster.elect('c', 2, ['b', 'c']).begin('c', [entry(1, 2)])
    expect(cluster.violation).toBe('R4 violated: c leads in term 2 and has 1@2 where 1@1 is committed')
  })

  test('R4 asks nothing of a leader of an older term, whose votes came late', () => {
    const cluster = new ForgedCluster()
    for (const voter of ['a', 'c'] as const) cluster.vote(voter, 1, 'a')
    cluster
      .elect('b', 2, ['b', 'c'])
      .write('b', [entry(1, 2)])
      .write('c', [entry(1, 2)])
      .commit('b', 1)
    cluster.lead('a', 1).begin('a', [ONE])
    expect(cluster.violation).toBe('')
  })
})

describe('logs', () => {
  test('R2: one position with two contents', () => {
    const cluster = new ForgedCluster()
      .elect('a', 1)
      .write('a', [ONE])
      .begin('b', [entry(1, 1, 'other')])
    expect(cluster.violation).toBe('R2 violated: entry 1@1 of b has another content than elsewhere')
  })

  test('R2: one entry behind two histories', () => {
    const cluster = new ForgedCluster()
      .elect('a', 2)
      .write('a', [ONE, entry(2, 2)])
      .begin('b', [entry(1, 2), entry(2, 2)])
    expect(cluster.violation).toBe('R2 violated: entry 2@2 of b follows 1@2, elsewhere 1@1')
  })

  test('R2: a log with a hole', () => {
    const cluster = new ForgedCluster().elect('a', 1).begin('a', [TWO])
    expect(cluster.violation).toBe('R2 violated: a writes a log with a hole: 2@1 behind 0@0')
  })

  test('R3: a leader that replaces its own entries', () => {
    const dropping = new ForgedCluster().elect('a', 1).write('a', [ONE, TWO])
    dropping.decide('a', { type: 'log-truncated', from: 2, lastIndex: 2 })
    expect(dropping.violation).toBe('R3 violated: a leads and drops its entries 2 to 2')
    const replacing = new ForgedCluster()
      .write('a', [ONE, TWO])
      .elect('a', 2)
      .begin('a', [entry(2, 2)])
    expect(replacing.violation).toBe('R3 violated: a leads and replaces its entries from 2 on, of 2')
  })

  test('R3 allows a leader to write what it dropped before it was elected', () => {
    const cluster = new ForgedCluster().write('a', [ONE, TWO])
    cluster
      .decide('a', { type: 'log-truncated', from: 2, lastIndex: 2 })
      .elect('a', 3)
      .begin('a', [entry(2, 3)])
    // The votes were written in between: dropping is remembered until entries are written.
    expect(cluster.violation).toBe('')
  })

  test('R12: what is committed is dropped', () => {
    const cluster = settled([ONE, TWO]).decide('b', { type: 'log-truncated', from: 2, lastIndex: 2 })
    expect(cluster.violation).toBe('R12 violated: b drops its entries from 2 on and knows that 2 is committed')
    const unaware = new ForgedCluster().elect('a', 1).write('a', [ONE]).write('b', [ONE]).commit('a', 1)
    unaware.begin('b', [entry(1, 2)], { term: 2, vote: 0 })
    expect(unaware.violation).toBe('R12 violated: b replaces the committed entry 1@1 in term 2')
  })
})

describe('commits', () => {
  test('R8: a commit that falls', () => {
    const cluster = settled([ONE, TWO]).commit('b', 1)
    expect(cluster.violation).toBe('R8 violated: the commit of b falls from 2 to 1')
  })

  test('R8: a follower that commits by itself', () => {
    const cluster = new ForgedCluster().elect('a', 1).write('a', [ONE]).write('b', [ONE]).commit('b', 1)
    expect(cluster.violation).toBe('R8 violated: b follows and commits 1, which no leader has committed')
  })

  test('R9: a commit that a majority does not hold', () => {
    const cluster = new ForgedCluster().elect('a', 1).write('a', [ONE]).begin('b', [ONE]).commit('a', 1)
    expect(cluster.violation).toBe('R9 violated: a commits 1@1, which is durable on 1 of 3 voters (a)')
  })

  test('R9: an entry of an older term, committed by counting', () => {
    const cluster = new ForgedCluster().elect('a', 1).write('a', [ONE]).write('b', [ONE]).elect('a', 2).commit('a', 1)
    expect(cluster.violation).toBe('R9 violated: a commits 1 in term 2, nobody has an entry of that term there')
  })

  test('R5: a history other than the committed one', () => {
    const cluster = new ForgedCluster().elect('a', 1).write('a', [ONE]).write('b', [ONE]).commit('a', 1)
    for (const voter of ['b', 'c'] as const) cluster.vote(voter, 2, 'c')
    cluster.checkers.diskChanged('b')
    cluster.recover('b', { entries: [] })
    for (const name of ['b', 'c'] as const) cluster.write(name, [entry(1, 2), entry(2, 2)])
    cluster.decide('c', { type: 'became-leader', term: 2, lastIndex: 0 }).commit('c', 2)
    expect(cluster.violation).toBe('R5 violated: c commits 2@2 behind 1@2, committed is 1@1')
  })
})

describe('commits with what a member acknowledged before it lost its promises', () => {
  const acknowledged = (upTo: number): ForgedCluster => {
    const cluster = new ForgedCluster().elect('a', 1).write('a', [ONE, TWO]).write('b', [ONE, TWO])
    return cluster.accept('b', 'a', 1, upTo).lose('b')
  }

  test('R9 counts it: the leader may hear of it later, or have waited for others', () => {
    expect(acknowledged(2).commit('a', 2).violation).toBe('')
  })

  test('R9: more than that', () => {
    const violation = 'R9 violated: a commits 2@1, which is durable on 1 of 3 voters (a)'
    expect(acknowledged(1).commit('a', 2).violation).toBe(violation)
  })

  test('R9: what it acknowledged to the leader of another term', () => {
    const other = [entry(1, 1), entry(2, 2)]
    const cluster = acknowledged(2).elect('c', 2, ['a', 'c']).write('c', other)
    expect(cluster.commit('c', 2).violation).toBe('R9 violated: c commits 2@2, which is durable on 1 of 3 voters (c)')
  })

  test('R9: what it does not hold when it counts again', () => {
    const cluster = acknowledged(2).decide('b', { type: 'promises-restored', term: 1, index: 0 })
    expect(cluster.commit('a', 2).violation).toBe('R9 violated: a commits 2@1, which is durable on 1 of 3 voters (a)')
  })

  test('R9: what it acknowledged while it recovered, and then lost, unless its entry was committed', () => {
    const recovering = (): ForgedCluster => {
      const cluster = new ForgedCluster().elect('a', 1).write('a', [ONE]).lose('b')
      cluster.decide('a', { type: 'recovery-started', follower: 2, barrierIndex: 2 }).write('a', [TWO, entry(3, 1)])
      cluster.write('b', [ONE, TWO, entry(3, 1)], { term: 1, vote: 0 })
      const answer = { type: 'append-accepted', from: 2, to: 1, term: 1, matchIndex: 3 }
      return cluster.send('b', 'a', { type: 'recovering', term: 1, recoveryId: 7, answer } as never).lose('b')
    }
    expect(recovering().commit('a', 3).violation).toMatch('R9 violated: a commits 3@1')
    expect(recovering().write('c', [ONE, TWO]).commit('a', 2).commit('a', 3).violation).toBe('')
  })
})

describe('promises', () => {
  test('R6: a vote that is told before it is durable', () => {
    const cluster = new ForgedCluster().begin('b', [], { term: 1, vote: 1 })
    cluster.send('b', 'a', { type: 'vote-reply', term: 1, granted: true } as never)
    expect(cluster.violation).toBe('R6 violated: b sends vote-reply of term 1, durable is term 0')
  })

  test('R6: another vote than the durable one', () => {
    const cluster = new ForgedCluster().write('b', [], { term: 1, vote: 3 })
    cluster.send('b', 'a', { type: 'vote-reply', term: 1, granted: true } as never)
    expect(cluster.violation).toBe('R6 violated: b votes for 1 in term 1, durable is a vote for 3')
  })

  test('R6: entries that are acknowledged before they are durable', () => {
    const cluster = new ForgedCluster().elect('a', 1).begin('b', [ONE])
    cluster.send('b', 'a', { type: 'append-accepted', term: 1, matchIndex: 1 } as never)
    expect(cluster.violation).toBe('R6 violated: b acknowledges 1, durable are 0 entries')
  })

  test('R6: a member that comes back with less than was durable', () => {
    const cluster = settled([ONE, TWO]).recover('b', { entries: [ONE] })
    expect(cluster.violation).toBe('R6 violated: the log of b comes back up to 1@1, durable was 2@1')
    const older = settled([ONE]).recover('b', { hardState: { term: 0, vote: 0 } })
    expect(older.violation).toBe('R6 violated: b comes back in term 0, durable was 1')
  })

  test('R6: a member that comes back from a damaged disk with less than was durable, and did not notice', () => {
    const cluster = settled([ONE, TWO])
    cluster.checkers.diskChanged('b', 'damaged')
    cluster.recover('b', { entries: [ONE] })
    expect(cluster.violation).toBe('R6 violated: the log of b comes back up to 1@1, durable was 2@1')
  })

  test('R6 knows that a write under way may have reached the disk, or not', () => {
    const reached = settled([ONE])
      .begin('b', [TWO])
      .recover('b', { entries: [ONE, TWO] })
    expect(reached.violation).toBe('')
    const lost = settled([ONE])
      .begin('b', [TWO])
      .recover('b', { entries: [ONE] })
    expect(lost.violation).toBe('')
  })

  test('R6: a write is taken for durable, and the disk says that it is not', () => {
    const cluster = new ForgedCluster({ unsynced: (name) => (name === 'b' ? 2 : 0) })
      .write('a', [ONE])
      .write('b', [ONE])
    expect(cluster.violation).toBe('R6 violated: b takes a write for durable, 2 writes of its log are not synced')
  })

  test('R7: two votes in one term, with a restart in between', () => {
    const cluster = new ForgedCluster().vote('b', 1, 'a').recover('b', { hardState: { term: 1, vote: 3 } })
    expect(cluster.violation).toBe('R7 violated: b comes back with a vote for 3 in term 1, durable was 1')
  })

  test('R7: two votes in one term, by one whose disk forgot the first', () => {
    const cluster = new ForgedCluster().vote('b', 1, 'a')
    cluster.checkers.diskChanged('b')
    cluster.recover('b', { hardState: { term: 0, vote: 0 } }).vote('b', 1, 'c')
    expect(cluster.violation).toBe('R7 violated: b votes for 1 and for 3 in term 1')
  })
})
