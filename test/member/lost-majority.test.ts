/** Members that lost their promises and wait for each other. */
import { expect, test } from 'vitest'
import { LostMajority } from '../../src/member/lost-majority.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'

test('a member without promises that hears of no leader for long says what that means, and is quiet once there is one', async () => {
  const scheduler = new SimScheduler()
  const warned: string[] = []
  const note = (message: string): void => void warned.push(message)
  let waits = true
  const logger = { debug: note, info: note, warn: note, error: note }
  const timers = scheduler.timersOf()
  const lostMajority = new LostMajority({ waits: () => waits, electionTimeoutMs: 100, timers, logger })
  lostMajority.start()
  const pass = async (ms: number): Promise<void> => {
    let over = false
    timers.after(ms, () => (over = true))
    await scheduler.runUntil(() => over, Infinity)
  }
  await pass(1_950)
  expect(warned).toEqual([])
  await pass(100)
  expect(warned).toHaveLength(1)
  expect(warned[0]).toMatch(/lost its promises and hears of no leader.*backup.*forceNewCluster/)
  waits = false
  await pass(5_000)
  lostMajority.stop()
  waits = true
  await pass(5_000)
  expect(warned).toHaveLength(1)
})
