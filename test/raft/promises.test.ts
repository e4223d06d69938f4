/** Members whose disk holds less than they promised: promises.ts says why they are treated so. */
import { describe, expect, it } from 'vitest'
import type { Message } from '../../src/raft/message.js'
import { EMPTY, Script, storedLog } from './script.js'

/** Led by 1 in term 1, with three entries; then 3 falls and forgets all of it. */
function withForgetful(ids = [1, 2, 3]): Script {
  const script = new Script(ids)
  script.elect(1)
  script.propose(1, 'a', 'b')
  script.settle()
  script.crash(3)
  script.stored.set(3, { ...EMPTY, promisesLost: true })
  return script
}

function statusOf3(script: Script): unknown {
  return script
    .node(1)
    .status()
    .followers.find(({ id }) => id === 3)
}

function isRecovering({ type }: Message): boolean {
  return type === 'recovering'
}

describe('a member that lost its promises', () => {
  it('gives no vote, and says so when it is asked whether it would', () => {
    const script = new Script([1, 2, 3], {}, { 3: { ...storedLog([1], 2), promisesLost: true } })
    script.nowMs = 5000
    const candidacy = { from: 1, to: 3, term: 9, lastIndex: 9, lastTerm: 8 } as const
    script.node(3).step({ type: 'pre-vote', ...candidacy }, script.nowMs)
    script.node(3).step({ type: 'vote', ...candidacy }, script.nowMs)
    script.node(3).step({ type: 'vote', ...candidacy, term: 2 }, script.nowMs)
    script.perform(3)
    expect(script.node(3)).toMatchObject({ term: 2, promises: 'lost' })
    expect(script.node(3).status().vote).toBe(0)
    expect(script.sent.filter(({ type }) => type === 'vote-reply')).toMatchObject([{ granted: false }])
    expect(script.eventsOf('pre-vote-refused')).toMatchObject([{ reason: 'promises-lost' }])
  })

  it('does not campaign, with or without asking first, alone or not', () => {
    for (const preVote of [true, false]) {
      for (const ids of [[3], [1, 2, 3]]) {
        const script = new Script(ids, { preVote }, { 3: { ...storedLog([1], 2), promisesLost: true } })
        for (let time = 0; time < 3; time++) script.timeOut(3)
        script.perform(3)
        expect(script.node(3)).toMatchObject({ role: 'follower', term: 2 })
        expect(script.sent).toEqual([])
      }
    }
  })

  it('gets everything again, and its promises, once an entry behind all that is committed without it', () => {
    const script = withForgetful()
    script.start(3)
    script.pass(500)
    expect(script.node(3).promises).toBe('kept')
    expect(script.stored.get(3)).toMatchObject({ promisesLost: false, hardState: { term: 1, vote: 1 } })
    expect(script.applied(3)).toEqual(['a', 'b'])
    expect(script.eventsOf('recovery-started')).toMatchObject([{ follower: 3, barrierIndex: 4 }])
    expect(script.eventsOf('promises-restored')).toMatchObject([{ node: 3, term: 1, index: 4 }])
    expect(statusOf3(script)).toMatchObject({ state: 'replicate', matchIndex: 4, recovering: false })
    script.clear()
    script.pass(500)
    expect(script.sent.some(isRecovering)).toBe(false)
  })

  it('is not asked to commit what it does not have, whatever it acknowledged before', () => {
    const script = withForgetful()
    script.loses = ({ type, to }) => type === 'append' && to === 3
    script.start(3)
    // The leader goes by what it was told in the life before: commit 3.
    script.node(3).step({ type: 'heartbeat', from: 1, to: 3, term: 1, commit: 3, round: 1 }, script.nowMs)
    script.settle()
    expect(script.node(3).commitIndex).toBe(0)
  })

  it('is not counted for a commit until then', () => {
    const script = withForgetful()
    script.cut(2)
    script.start(3)
    script.propose(1, 'c')
    script.pass(500)
    expect(script.node(3).durableIndex).toBe(script.node(1).lastIndex)
    expect(script.node(1).commitIndex).toBe(3)
    expect(script.node(3).promises).toBe('lost')
  })

  it('is not counted for a read, nor for the check that a quorum is there', () => {
    const script = withForgetful()
    script.cut(2)
    script.start(3)
    script.pass(200)
    script.node(1).readIndex(7, script.nowMs)
    script.pass(500)
    expect(script.reads.get(1)).toEqual([])
    script.pass(500)
    expect(script.node(1).role).not.toBe('leader')
    expect(script.eventsOf('quorum-lost')).toHaveLength(1)
  })

  it('cannot elect, with a vote it forgot, a leader that lacks what was committed with it since', () => {
    // 5 gave its vote of term 2 to 4, which is cut off with it; the answer is still on its way.
    const script = new Script([1, 2, 3, 4, 5], { checkQuorum: false, preVote: false })
    script.elect(1)
    script.propose(1, 'a')
    script.settle()
    script.cut(4)
    // Its clock alone runs ahead; the others hear their leader.
    script.node(4).tick(script.nowMs + 5000)
    script.perform(4)
    const { lastIndex } = script.node(4)
    script.node(5).step({ type: 'vote', from: 4, to: 5, term: 2, lastIndex, lastTerm: 1 }, script.nowMs)
    script.cut(5)
    script.perform(5)
    const late = script.sent.findLast(({ type }) => type === 'vote-reply')
    expect(late).toMatchObject({ from: 5, to: 4, term: 2, granted: true })
    // It falls, forgets all, and follows 1 again. 3 hears nobody.
    script.crash(5)
    script.stored.set(5, { ...EMPTY, promisesLost: true })
    script.heal()
    script.cut(3, 4)
    script.start(5)
    script.pass(500)
    // Nothing is committed with it: 1 and 2 are no quorum without.
    script.propose(1, 'b')
    script.pass(500)
    expect(script.node(1).commitIndex).toBe(2)
    expect(script.node(5).lastIndex).toBe(script.node(1).lastIndex)
    // Now the vote arrives, and 3 gives its own: 4 is elected, and has all that was ever committed.
    if (late !== undefined) script.node(4).step(late, script.nowMs)
    script.node(3).step({ type: 'vote', from: 4, to: 3, term: 2, lastIndex, lastTerm: 1 }, script.nowMs)
    script.heal()
    script.cut(1, 2, 5)
    script.settle()
    expect(script.node(4).role).toBe('leader')
    script.heal()
    script.pass(2000)
    expect(script.node(5).promises).toBe('kept')
    expect(new Set([1, 2, 3, 4, 5].map((id) => script.terms(id).join()))).toHaveLength(1)
  })

  it('does not vote twice in the term in which it is restored', () => {
    const script = withForgetful()
    script.start(3)
    script.pass(500)
    expect(script.node(3).status().vote).toBe(1)
    script.nowMs += 3000
    script.node(3).tick(script.nowMs)
    script.node(3).step({ type: 'vote', from: 2, to: 3, term: 1, lastIndex: 99, lastTerm: 1 }, script.nowMs)
    expect(script.node(3).status().vote).toBe(1)
  })

  it('begins anew when it falls before that is recorded', () => {
    const script = withForgetful()
    script.start(3)
    script.loses = ({ type }) => type === 'recovered'
    script.pass(300)
    script.loses = () => false
    script.holdDisk(3)
    script.pass(200)
    expect(script.node(3).promises).toBe('kept')
    script.crash(3)
    script.releaseDisk(3)
    expect(script.stored.get(3)?.promisesLost).toBe(true)
    script.start(3)
    expect(script.node(3).promises).toBe('lost')
    script.pass(500)
    expect(script.node(3).promises).toBe('kept')
    expect(script.eventsOf('recovery-started')).toHaveLength(2)
  })

  it('is told again when the message is lost', () => {
    const script = withForgetful()
    script.loses = ({ type }) => type === 'recovered'
    script.start(3)
    script.pass(500)
    expect(script.node(3).promises).toBe('lost')
    script.heal()
    script.pass(200)
    expect(script.node(3).promises).toBe('kept')
    expect(script.eventsOf('recovery-started')).toHaveLength(1)
  })

  it('is restored by the next leader when the first one falls', () => {
    const script = withForgetful([1, 2, 3, 4, 5])
    script.loses = ({ type }) => type === 'recovered'
    script.start(3)
    script.pass(500)
    script.cut(1)
    script.heal()
    script.cut(1)
    script.pass(1000)
    script.elect(2)
    script.pass(1000)
    expect(script.node(3)).toMatchObject({ promises: 'kept', term: 2, leader: 2 })
  })

  it('is restored through a snapshot where its entries are compacted', () => {
    const script = withForgetful()
    script.node(1).compact(3)
    script.start(3)
    script.pass(500)
    expect(script.snapshots).toMatchObject([{ to: 3, minimumIndex: 3 }])
    script.deliverSnapshot(1, 3)
    script.pass(500)
    expect(script.node(3).promises).toBe('kept')
    expect(script.stored.get(3)?.compacted.index).toBeGreaterThanOrEqual(3)
  })
})

describe('its leader', () => {
  it('does not mistake answers of the life before for new ones', () => {
    const script = withForgetful()
    script.loses = ({ type, to }) => type === 'append' && to === 3
    script.start(3)
    script.pass(200)
    expect(statusOf3(script)).toMatchObject({ matchIndex: 0, recovering: true })
    script.node(1).step({ type: 'append-accepted', from: 3, to: 1, term: 1, matchIndex: 3 }, script.nowMs)
    expect(statusOf3(script)).toMatchObject({ matchIndex: 0, recovering: true })
    script.heal()
    script.pass(500)
    expect(script.node(3).promises).toBe('kept')
  })

  it('does not mistake a late message of a recovered life for news for longer than a heartbeat', () => {
    const script = withForgetful()
    script.start(3)
    script.settle()
    script.pass(150)
    const late = script.sent.find(isRecovering)
    script.crash(3)
    script.stored.set(3, { ...EMPTY, promisesLost: true })
    script.start(3)
    script.pass(500)
    expect(script.node(3).promises).toBe('kept')
    if (late !== undefined) script.node(1).step(late, script.nowMs)
    expect(late).toBeDefined()
    expect(statusOf3(script)).toMatchObject({ recovering: true })
    script.pass(500)
    expect(statusOf3(script)).toMatchObject({ state: 'replicate', recovering: false })
  })
})
