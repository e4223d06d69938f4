/** The leader's part of leases: driven by hand, with the clock and the log in hand. */
import { expect, test } from 'vitest'
import { Lessor } from '../../src/lease/lessor.js'
import type { LeaseCheckpointRequest } from '../../src/machine/command.js'
import { LeaseDriver } from '../../src/member/lease-driver.js'

const LEASE = 7n
const TTL_MS = 10_000

test('a leader goes on with its leases when another entry of its term has no content', () => {
  const lessor = new Lessor()
  lessor.grant(LEASE, TTL_MS / 1000, 1)
  const driver = new LeaseDriver({ machine: { lessor }, electionTimeoutMs: 1000, checkpointIntervalMs: 2000 })
  const propose = (nowMs: number): LeaseCheckpointRequest => {
    const request = driver.checkpoints(nowMs, 1)
    if (request === undefined) throw new Error(`nothing to say at ${nowMs}`)
    driver.checkpointsProposed(request, true, nowMs)
    return request
  }
  const apply = (request: LeaseCheckpointRequest, nowMs: number): void => {
    const { checkpoints } = request
    for (const checkpoint of checkpoints) lessor.checkpoint(checkpoint, Infinity)
    const response = { type: 'lease-checkpoint' as const, checkpoints }
    driver.applied({ proposal: undefined, outcome: { ok: true, response }, revision: 1, events: [] } as never, nowMs)
  }

  driver.lead(0)
  const said = propose(3000)
  // In front of it in the log: the entry for a member that lost its promises.
  driver.lead(3100)
  apply(said, 3200)
  expect(driver.timeToLive(LEASE, 3200)).toMatchObject({ remainingMs: TTL_MS + 1000 - 3200 })
  expect(driver.renew(LEASE, 4000)).toBe(true)
  const renewed = propose(4000)
  expect(driver.mayTell(LEASE)).toBe(false)
  apply(renewed, 4100)
  expect(driver.mayTell(LEASE)).toBe(true)
})

test('a leader that is not sure that it leads ends no lease, and does not ask to be called for it', () => {
  const lessor = new Lessor()
  lessor.grant(LEASE, TTL_MS / 1000, 1)
  const driver = new LeaseDriver({ machine: { lessor }, electionTimeoutMs: 1000, checkpointIntervalMs: 20_000 })
  driver.lead(0)
  driver.holdExpiry()
  expect(driver.expired(TTL_MS + 1_000, 1)).toEqual([])
  expect(driver.nextDeadlineMs()).toBeGreaterThan(TTL_MS + 1_000)
  driver.releaseExpiry()
  expect(driver.nextDeadlineMs()).toBe(TTL_MS + 1_000)
  expect(driver.expired(TTL_MS + 1_000, 1)).toEqual([{ type: 'lease-revoke', id: LEASE, grantedUpTo: 1 }])
  driver.holdExpiry()
  driver.follow()
  expect(driver.expiryHeld).toBe(false)
})
