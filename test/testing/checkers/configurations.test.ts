/** Each check of who belongs to the cluster is shown to fail on a fault that is planted in what the members say. */
import { describe, expect, test } from 'vitest'
import type { Configuration, Entry } from '../../../src/raft/types.js'
import type { ForgedCluster } from './forged.js'
import { configuring, entry, NAMES, settled, type Name } from './forged.js'

const ONE = entry(1, 1)
const ALL: Configuration = { voters: [1, 2, 3] }
const WITHOUT_C: Configuration = { voters: [1, 2] }
const C_LEARNS: Configuration = { voters: [1, 2], learners: [3] }
const JOINT: Configuration = { voters: [1], outgoing: [1, 2, 3], autoLeave: true }

/** `a` leads in term 1, an entry of which is committed, and changes the members with the next one. */
function changing(to: Configuration, on: readonly Name[] = ['a']): { cluster: ForgedCluster; change: Entry } {
  const cluster = settled([ONE])
  const change = configuring(2, 1, to)
  for (const name of on) cluster.adopt(name, change, to)
  return { cluster, change }
}

/** Everybody goes by it, has it, and knows that it is committed. */
function changed(to: Configuration): ForgedCluster {
  const { cluster } = changing(to, NAMES)
  for (const name of NAMES) cluster.commit(name, 2)
  return cluster
}

describe('a cluster whose members change', () => {
  test('violates nothing', () => {
    const cluster = changed(WITHOUT_C)
    const next: Configuration = { voters: [1, 2], learners: [4] }
    const back = configuring(3, 1, next)
    for (const name of ['a', 'b'] as const) cluster.adopt(name, back, next)
    for (const name of ['a', 'b'] as const) cluster.commit(name, 3)
    expect(cluster.elect('b', 2, ['a', 'b']).violation).toBe('')
  })
})

describe('R14', () => {
  test('a leader changes the members before anything of its term is committed', () => {
    const cluster = settled([ONE])
      .elect('b', 2, ['b', 'c'])
      .write('b', [entry(2, 2)])
    cluster.adopt('b', configuring(3, 2, WITHOUT_C), WITHOUT_C)
    expect(cluster.violation).toBe(
      'R14 violated: b changes voters 1 2 3 to voters 1 2 in term 2 before it has committed anything in it',
    )
  })

  test('a second change before the first one is committed', () => {
    const { cluster } = changing(C_LEARNS)
    cluster.adopt('a', configuring(3, 1, WITHOUT_C), WITHOUT_C)
    expect(cluster.violation).toBe(
      'R14 violated: a changes voters 1 2, learners 3 to voters 1 2 at 3, and the change at 2 is not committed',
    )
  })

  test('two voters less in one step', () => {
    const { cluster } = changing({ voters: [1] })
    expect(cluster.violation).toBe(
      'R14 violated: a changes voters 1 2 3 to voters 1: their quorums may miss each other',
    )
  })

  test('a change that is written and not gone by', () => {
    const cluster = settled([ONE]).write('b', [configuring(2, 1, WITHOUT_C)])
    expect(cluster.violation).toBe('R14 violated: b goes by voters 1 2 3, by its log up to 2@1 it is voters 1 2')
  })

  test('a change that is dropped from the log and gone by', () => {
    const { cluster } = changing(WITHOUT_C, ['a', 'b'])
    cluster.decide('b', { type: 'log-truncated', from: 2, lastIndex: 2 })
    cluster.decide('b', { type: 'configuration-rolled-back', index: 2, configuration: WITHOUT_C })
    expect(cluster.violation).toBe(
      'R14 violated: b drops its log from 2 on and goes by voters 1 2, before it was voters 1 2 3',
    )
  })

  test('a state of another member that is installed with the members of before', () => {
    const { cluster } = changing(WITHOUT_C, ['a', 'b'])
    const position = { index: 2, term: 1 }
    cluster.commit('a', 2).decide('c', { type: 'snapshot-accepted', from: 1, position })
    cluster.decide('c', { type: 'configuration-adopted', index: 2, configuration: ALL })
    cluster.install('c', position)
    expect(cluster.violation).toBe('R14 violated: c goes by voters 1 2 3, by its log up to 2@1 it is voters 1 2')
  })

  test('a member that comes back with other members than its state has', () => {
    const cluster = changed(WITHOUT_C)
    cluster.checkers.diskChanged('b')
    cluster.recover('b', { applied: 2, configuration: ALL })
    expect(cluster.violation).toBe('R14 violated: b comes back with voters 1 2 3; at 2@1 it is voters 1 2')
  })

  test('an id that is used again', () => {
    const cluster = changed(WITHOUT_C)
    const again = configuring(3, 1, C_LEARNS)
    for (const name of ['a', 'b'] as const) cluster.adopt(name, again, C_LEARNS)
    expect(cluster.commit('a', 3).violation).toBe('R14 violated: entry 3 makes 3 a member, who was removed')
  })

  test('a book that names others, or forgets who was removed', () => {
    const member = (id: number) => ({ id, name: `${id}`, address: `${id}` })
    const committed = (book: readonly number[], removed: readonly number[]): string => {
      const cluster = settled([ONE])
      const change = configuring(2, 1, WITHOUT_C, { members: book.map(member), removed })
      for (const name of ['a', 'b'] as const) cluster.adopt(name, change, WITHOUT_C)
      return cluster.commit('a', 2).violation
    }
    expect(committed([1, 2], [3])).toBe('')
    expect(committed([1, 2, 3], [])).toBe('R14 violated: the book of entry 2 names 1 2 3, its configuration 1 2')
    expect(committed([1, 2], [])).toBe('R14 violated: the book of entry 2 does not know that 3 was removed')
  })
})

describe('R9 and R15 count the voters of now', () => {
  test('R9: a commit that a learner held up', () => {
    const { cluster } = changing(C_LEARNS, ['a', 'c'])
    expect(cluster.commit('a', 2).violation).toBe('R9 violated: a commits 2@1, which is durable on 1 of 2 voters (a)')
  })

  test('R9: a commit with whom it removes', () => {
    const { cluster } = changing(WITHOUT_C, ['a', 'c'])
    expect(cluster.commit('a', 2).violation).toBe('R9 violated: a commits 2@1, which is durable on 1 of 2 voters (a)')
  })

  test('R9: a joint configuration of which one side was enough', () => {
    const { cluster } = changing(JOINT)
    expect(cluster.commit('a', 2).violation).toBe(
      'R9 violated: a commits 2@1, which is durable on 1 of 1 voters (a) and on 1 of 3 voters (a)',
    )
  })

  test('R15: a leader with the vote of a learner, or of one side only', () => {
    const learner = changed(C_LEARNS).elect('b', 2, ['b', 'c'])
    expect(learner.violation).toBe('R15 violated: b leads in term 2 with 1 votes of 2')
    const joint = changed(JOINT).elect('a', 2, ['a'])
    expect(joint.violation).toBe('R15 violated: a leads in term 2 with 1 votes of 1 and 1 of 3')
  })

  test('R15: who knows that it was removed campaigns, votes, or sends as a leader', () => {
    const removed = (): ForgedCluster => {
      const cluster = changed(WITHOUT_C)
      const change = configuring(2, 1, WITHOUT_C)
      return cluster.apply('c', ONE).tell('c', {
        ...{ type: 'applied', entry: change, applied: undefined, revision: 1, compactRevision: 0 },
        digest: () => ({ high: 0, low: 0 }),
      })
    }
    expect(removed().violation).toBe('')
    expect(removed().decide('c', { type: 'became-pre-candidate', term: 1 }).violation).toBe(
      'R15 violated: c was removed, knows it, and becomes a pre-candidate',
    )
    expect(removed().decide('c', { type: 'vote-granted', term: 2, to: 1 }).violation).toBe(
      'R15 violated: c was removed, knows it, and votes',
    )
    expect(removed().send('c', 'a', { type: 'heartbeat', term: 1 }).violation).toBe(
      'R15 violated: c was removed, knows it, and sends heartbeat of term 1',
    )
  })
})
