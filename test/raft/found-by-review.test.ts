/** What an outside review of the core found, each as the shortest run that showed it. */
import { describe, expect, it } from 'vitest'
import { bytes, EMPTY, Script } from './script.js'

describe('a member that restarts alone in a configuration that may not be committed', () => {
  it('keeps still for an election timeout: who proposed it holds a lease that counts on that', () => {
    const script = new Script([1, 2])
    script.elect(2)
    script.propose(2, 'a')
    script.pass(300)
    expect(script.node(2).leaseRead(script.nowMs)).toBe(2)
    // Member 2 removes itself; member 1 writes that, and falls before it can say so.
    script.loses = ({ type, from }) => type === 'append-accepted' && from === 1
    script.node(2).proposeConfiguration({ type: 'change', members: [{ type: 'remove', id: 2 }] }, script.nowMs)
    script.settle()
    expect(script.node(1).configuration.voters).toEqual([1])
    script.loses = () => true
    script.crash(1)
    script.start(1)
    while (script.node(2).leaseRead(script.nowMs) !== undefined) {
      expect(script.node(1).role).toBe('follower')
      script.pass(10)
    }
    script.pass(3000)
    expect(script.node(1).role).toBe('leader')
  })
})

describe('a member that is counted again', () => {
  it('is counted at once for what it acknowledged beyond the barrier: nothing else may come that asks', () => {
    const script = new Script([1, 2, 3])
    script.elect(1)
    script.propose(1, 'a')
    script.pass(300)
    const late: Parameters<Script['loses']>[0][] = []
    script.loses = (message) => {
      if (message.from === 2 && message.type === 'append-accepted') return late.push(message) > 0
      return message.to === 2 && message.type === 'append' && message.entries.some(({ index }) => index >= 4)
    }
    script.crash(3)
    script.stored.set(3, { ...(script.stored.get(3) ?? EMPTY), promisesLost: true })
    script.start(3)
    script.pass(150)
    script.propose(1, 'x')
    script.settle()
    script.crash(2)
    for (const message of late) script.node(1).step(message, script.nowMs)
    script.pass(300)
    expect(script.node(3).promises).toBe('kept')
    expect(script.node(1).commitIndex).toBe(script.node(1).lastIndex)
  })
})

describe('a restore', () => {
  const alone = (): Script =>
    new Script([1], { configuration: { voters: [1, 2, 3] } }, { 1: { ...EMPTY, hardState: { term: 1, vote: 0 } } })
  const snapshot = {
    type: 'snapshot',
    from: 2,
    to: 1,
    term: 1,
    position: { index: 10, term: 1 },
    configuration: { voters: [1, 2, 3] },
  } as const

  it('sets free what waited for the hard state that it carries', () => {
    const node = alone().node(1)
    const entry = { index: 1, term: 1, kind: 'normal', data: bytes('a') } as const
    node.step(
      { type: 'append', from: 2, to: 1, term: 1, previousIndex: 0, previousTerm: 0, commit: 0, entries: [entry] },
      5000,
    )
    const { write } = node.ready()
    node.step(snapshot, 5000)
    node.step({ type: 'vote', from: 3, to: 1, term: 2, lastIndex: 12, lastTerm: 1, forced: true }, 6500)
    node.advance(write?.id ?? 0, 6500)
    const { restore } = node.ready()
    expect(restore?.hardState).toEqual({ term: 2, vote: 3 })
    node.advance(restore?.writeId ?? 0, 6500)
    expect(node.ready().messages).toMatchObject([{ type: 'vote-reply', to: 3, granted: true }])
  })

  it('is not among the snapshots whose bytes may be thrown away when it comes twice', () => {
    const node = alone().node(1)
    node.step(snapshot, 10)
    node.step(snapshot, 10)
    const { restore, refusedSnapshots } = node.ready()
    expect(restore?.position).toEqual({ index: 10, term: 1 })
    expect(refusedSnapshots).toEqual([])
  })
})
