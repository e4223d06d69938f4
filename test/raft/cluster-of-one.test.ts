/** Alone, a member is its own quorum; its disk is not less needed for that (etcd issue 14370). */
import { describe, expect, it } from 'vitest'
import { Script, storedLog } from './script.js'

describe('a cluster of one', () => {
  it('campaigns at once, the first time and after a restart', () => {
    const script = new Script([1])
    expect(script.node(1).nextDeadlineMs()).toBe(0)
    script.elect(1)
    expect(script.node(1).role).toBe('leader')
    script.crash(1)
    script.nowMs = 5000
    script.start(1)
    expect(script.node(1).nextDeadlineMs()).toBe(5000)
    script.elect(1)
    expect(script.node(1).role).toBe('leader')
    expect(script.node(1).term).toBe(2)
  })

  it('does not lead before its vote is durable', () => {
    const script = new Script([1])
    script.holdDisk(1)
    script.elect(1)
    expect(script.node(1).role).toBe('candidate')
    script.releaseDisk(1)
    expect(script.node(1).role).toBe('leader')
  })

  it('commits nothing before it is durable', () => {
    const script = new Script([1])
    script.elect(1)
    script.holdDisk(1)
    script.propose(1, 'a')
    script.settle()
    expect(script.applied(1)).toEqual([])
    script.releaseDisk(1)
    script.settle()
    expect(script.applied(1)).toEqual(['a'])
  })

  it('answers reads by itself', () => {
    const script = new Script([1])
    script.elect(1)
    script.node(1).readIndex(3, script.nowMs)
    script.settle()
    expect(script.reads.get(1)).toEqual([{ requestId: 3, index: 1 }])
  })

  it('gets its leader however slow the disk: a campaign does not replace the one that is being written', () => {
    const script = new Script([1])
    script.holdDisk(1)
    script.pass(30_000)
    expect(script.node(1).term).toBe(1)
    script.releaseDisk(1)
    expect(script.node(1).role).toBe('leader')
    expect(script.eventsOf('campaign-postponed').length).toBeGreaterThan(5)
  })

  it('stays leader without hearing anybody', () => {
    const script = new Script([1], {}, { 1: storedLog([1, 2]) })
    script.elect(1)
    script.pass(20_000)
    expect(script.node(1).role).toBe('leader')
    expect(script.node(1).term).toBe(3)
  })
})
