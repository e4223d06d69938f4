/** What a status comes to. */
import { expect, test } from 'vitest'
import { healthOf } from '../../src/api/health-of.js'
import type { StoreStatus } from '../../src/api/store.js'

const WELL = {
  role: 'follower',
  leader: 'a',
  closing: false,
  learner: false,
  awaitsState: false,
  promises: 'kept',
  electionTimeoutMs: 1_000,
  alarms: [],
  members: [{ id: 7, name: 'b', address: 'b' }],
  disk: { lastSyncMs: 3 },
  eventLoop: { maxMs: 20 },
} as unknown as StoreStatus

test('a member that serves is live and ready, without any reasons', () => {
  expect(healthOf(WELL)).toEqual({ live: true, ready: true, reasons: [] })
})

test.each<[string, Partial<StoreStatus>]>([
  ['CLOSING', { closing: true }],
  ['NO_LEADER', { leader: undefined }],
  ['LEARNER', { learner: true }],
  ['AWAITS_STATE', { awaitsState: true }],
  ['PROMISES_LOST', { promises: 'lost' }],
  ['CORRUPT', { alarms: [{ alarm: 'corrupt', memberId: 7 }] }],
])('%s: calls should go to another member, and it is live', (code, status) => {
  const health = healthOf({ ...WELL, ...status })
  expect(health).toMatchObject({ live: true, ready: false, reasons: [{ code, affects: 'ready' }] })
})

test.each<[string, object]>([
  ['NOSPACE', { alarms: [{ alarm: 'no-space', memberId: 7 }] }],
  ['DISK_SLOW', { disk: { lastSyncMs: 250 } }],
  ['EVENT_LOOP_STALLED', { eventLoop: { maxMs: 900 } }],
])('%s: it serves all the same, but should be looked at', (code, status) => {
  const health = healthOf({ ...WELL, ...status })
  expect(health).toMatchObject({ live: true, ready: true, reasons: [{ code, affects: 'nothing' }] })
})

test.each<[string, StoreStatus['role']]>([
  ['STOPPED', 'stopped'],
  ['REMOVED', 'removed'],
])('%s: it is over, and what else was of before is not told', (code, role) => {
  const health = healthOf({ ...WELL, role, leader: undefined })
  expect(health).toMatchObject({ live: false, ready: false, reasons: [{ code, affects: 'live' }] })
  expect(health.reasons).toHaveLength(1)
})

test('an alarm says for whom it is active', () => {
  const [reason] = healthOf({ ...WELL, alarms: [{ alarm: 'corrupt', memberId: 7 }] }).reasons
  expect(reason?.message).toBe('the alarm CORRUPT is active for b')
})
