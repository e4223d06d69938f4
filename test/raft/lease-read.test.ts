/** Reads by the leader's clock: thesis 6.4.1. */
import { describe, expect, it } from 'vitest'
import type { RaftOptions } from '../../src/raft/options.js'
import { Script, storedLog } from './script.js'

const DRIFT = 0.1
/** What is left of the election timeout of a second. */
const LEASE_MS = (1000 * (1 - DRIFT)) / (1 + DRIFT)

/** Led by 1, which has just sent a heartbeat that all answered. */
function leading(options: Partial<RaftOptions> = {}): Script {
  const script = new Script([1, 2, 3], { clockDriftMax: DRIFT, ...options })
  script.elect(1)
  script.propose(1, 'a')
  script.settle()
  script.nowMs += 100
  script.node(1).tick(script.nowMs)
  script.settle()
  return script
}

describe('a leader', () => {
  it('answers at once while the last heartbeat that a quorum answered was sent less than a lease ago', () => {
    const script = leading()
    expect(script.node(1).leaseRead(script.nowMs)).toBe(2)
    expect(script.node(1).leaseRead(script.nowMs + LEASE_MS - 1)).toBe(2)
    expect(script.node(1).leaseRead(script.nowMs + LEASE_MS)).toBeUndefined()
  })

  it('counts from when the heartbeat was sent, not from when it was answered', () => {
    const script = leading()
    const sentMs = script.nowMs + 100
    script.nowMs = sentMs
    script.node(1).tick(sentMs)
    script.perform(1)
    script.nowMs += 500
    script.settle()
    expect(script.node(1).leaseRead(sentMs + LEASE_MS - 1)).toBe(2)
    expect(script.node(1).leaseRead(sentMs + LEASE_MS)).toBeUndefined()
  })

  it('has no lease before a heartbeat was answered by a quorum', () => {
    const script = new Script([1, 2, 3, 4, 5])
    script.elect(1)
    script.cut(3, 4, 5)
    script.pass(300)
    expect(script.node(1).role).toBe('leader')
    expect(script.node(1).leaseRead(script.nowMs)).toBeUndefined()
  })

  it('has none before an entry of its own term is committed', () => {
    const script = new Script([1, 2, 3], {}, { 1: storedLog([1, 1], 1) })
    script.loses = ({ type }) => type === 'append-accepted'
    script.elect(1)
    script.pass(300)
    expect(script.node(1).role).toBe('leader')
    expect(script.node(1).leaseRead(script.nowMs)).toBeUndefined()
    script.heal()
    script.pass(300)
    expect(script.node(1).leaseRead(script.nowMs)).toBe(3)
  })

  it('has none without the check that makes the others keep still', () => {
    const script = leading({ checkQuorum: false })
    expect(script.node(1).leaseRead(script.nowMs)).toBeUndefined()
  })

  it('has one again after a pause as soon as a quorum answers, and not by what was answered before it', () => {
    const script = leading()
    script.nowMs += 950
    expect(script.node(1).leaseRead(script.nowMs)).toBeUndefined()
    script.node(1).tick(script.nowMs)
    script.settle()
    expect(script.node(1).leaseRead(script.nowMs)).toBe(2)
  })

  it('has none after its clock was found to have stood still, until a heartbeat sent since is answered', () => {
    const script = leading()
    script.node(1).voidLease()
    expect(script.node(1).leaseRead(script.nowMs)).toBeUndefined()
    script.pass(100)
    expect(script.node(1).leaseRead(script.nowMs)).toBe(2)
  })

  it('has none in a new term by what was answered in an older one', () => {
    const script = leading()
    script.node(1).step({ type: 'heartbeat-reply', from: 3, to: 1, term: 2, round: 0 }, script.nowMs)
    expect(script.node(1).role).toBe('follower')
    expect(script.node(1).leaseRead(script.nowMs)).toBeUndefined()
    script.loses = ({ type }) => type === 'heartbeat-reply'
    script.pass(1000)
    script.elect(1)
    script.settle()
    expect(script.node(1).role).toBe('leader')
    expect(script.node(1).leaseRead(script.nowMs)).toBeUndefined()
  })

  it('alone in its cluster always has one', () => {
    const script = new Script([1])
    script.elect(1)
    script.pass(200)
    expect(script.node(1).leaseRead(script.nowMs)).toBe(1)
  })

  it('still has one when reads have started thousands of rounds', () => {
    const script = leading()
    for (let requestId = 1; requestId <= 1500; requestId++) {
      script.node(1).readIndex(requestId, script.nowMs)
      script.settle()
    }
    expect(script.node(1).leaseRead(script.nowMs)).toBe(2)
  })
})

describe('a follower', () => {
  it('answers none', () => {
    const script = leading()
    expect(script.node(2).leaseRead(script.nowMs)).toBeUndefined()
  })

  it('that heard its leader keeps still even after it learned of a later term', () => {
    const script = leading()
    script.node(2).step({ type: 'pre-vote-reply', from: 3, to: 2, term: 7, granted: false }, script.nowMs)
    expect(script.node(2)).toMatchObject({ term: 7, leader: 0 })
    const vote = { type: 'vote', from: 3, to: 2, lastIndex: 99, lastTerm: 6 } as const
    script.node(2).step({ ...vote, term: 7 }, script.nowMs + 999)
    script.node(2).step({ ...vote, term: 8 }, script.nowMs + 999)
    expect(script.node(2).status()).toMatchObject({ term: 7, vote: 0 })
    script.node(2).step({ ...vote, term: 8 }, script.nowMs + 1000)
    expect(script.node(2).status()).toMatchObject({ term: 8, vote: 3 })
  })
})

describe('options', () => {
  it.each([-0.1, 1, NaN])('a drift of %d is a mistake', (clockDriftMax) => {
    expect(() => new Script([1], { clockDriftMax })).toThrow('clockDriftMax')
  })
})
