import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { below } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { isStoreError, Mutex, put, Session, StoreError, type Lock, type Store } from 'quorate'
import { decorated, Process, Stage, unknownOutcome } from './stage.js'

/** One process that wants the lock once. Times in milliseconds. */
interface Script {
  readonly startMs: number
  readonly ttlMs: number
  /** How long it waits. */
  readonly patienceMs: number
  /** How long it works, in steps of which each adds one to the counter. */
  readonly stepMs: number
  readonly steps: number
  /** When the process is stopped, after its start or after it got the lock, and for how long. */
  readonly stopsWhile: 'waiting' | 'holding'
  readonly stopAfterMs: number
  readonly stopForMs: number
  /** Whether it gives the lock back, or only ceases to renew it. */
  readonly unlocks: boolean
  /** Whether it contends in a session that is open before, and stays open afterwards. */
  readonly shares: boolean
  /** Of a hundred answers, how many are lost, and how many calls fail. */
  readonly faults: number
  readonly seed: number
}

const script: fc.Arbitrary<Script> = fc.record({
  startMs: fc.nat(8_000),
  ttlMs: fc.constantFrom(2_000, 5_000),
  patienceMs: fc.constantFrom(1_000, 10_000, 100_000),
  stepMs: fc.integer({ min: 1, max: 900 }),
  steps: fc.integer({ min: 1, max: 6 }),
  stopsWhile: fc.constantFrom('waiting', 'holding'),
  stopAfterMs: fc.nat(3_000),
  stopForMs: fc.constantFrom(0, 100, 3_000, 20_000),
  unlocks: fc.boolean(),
  shares: fc.boolean(),
  faults: fc.constantFrom(0, 5, 40),
  seed: fc.nat(),
})

describe('many contenders', () => {
  it('exclude each other, whatever becomes of them', async () => {
    const { numRuns = 40 } = fc.readConfigureGlobal()
    let locks = 0
    let lost = 0
    await fc.assert(
      fc.asyncProperty(fc.array(script, { minLength: 2, maxLength: 8 }), async (scripts) => {
        const outcome = await run(scripts)
        locks += outcome.locks
        lost += outcome.lost
      }),
      { numRuns },
    )
    // A run in which nothing happens would prove nothing.
    expect(locks).toBeGreaterThan(numRuns)
    expect(lost).toBeGreaterThan(numRuns / 4)
  })
})

async function run(scripts: readonly Script[]): Promise<{ locks: number; lost: number }> {
  const stage = await Stage.open()
  const held: { lock: Lock; process: Process }[] = []
  const sessions: Session[] = []
  let acquired = 0
  let lastToken = 0
  let counted = 0
  let lost = 0

  const sleep = (environment: Store['environment'], ms: number): Promise<void> => {
    return new Promise((resolve) => environment.timers.after(ms, resolve))
  }

  const contend = async (given: Script): Promise<void> => {
    const process = new Process(stage)
    const { store } = process
    await sleep(stage.environment, given.startMs)
    const stopSoon = (): void => {
      stage.environment.timers.after(given.stopAfterMs, () => {
        process.stop()
        stage.environment.timers.after(given.stopForMs, () => process.continue())
      })
    }
    if (given.stopsWhile === 'waiting') stopSoon()
    const { ttlMs, patienceMs: timeoutMs } = given
    const lossy = faulty(store, given)
    const session = given.shares ? await Session.open(lossy, { ttlMs }) : undefined
    if (session !== undefined) sessions.push(session)
    const mutex = new Mutex(lossy, 'lock', { session })
    const lock = await mutex.lock(session === undefined ? { ttlMs, timeoutMs } : { timeoutMs })
    if (given.stopsWhile === 'holding') stopSoon()
    held.push({ lock, process })
    acquired++
    // In the order in which they were had: one that waited for its process to go on may be late to say so.
    if (!lock.signal.aborted) {
      expect(lock.token).toBeGreaterThan(lastToken)
      lastToken = lock.token
    }
    try {
      for (let step = 0; step < given.steps; step++) {
        const value = Number((await store.get('counter'))?.text() ?? 0)
        await sleep(store.environment, given.stepMs)
        await lock.txn({ success: [put('counter', String(value + 1))] })
        counted++
      }
    } catch (error) {
      if (!isStoreError(error, 'LOCK_LOST')) throw error
      lost++
    }
    if (given.unlocks) await lock.unlock().catch(() => undefined)
  }

  const exclusive = (): void => {
    const now = held.filter(({ lock, process }) => !process.stopped && !lock.signal.aborted)
    if (now.length > 1) throw new Error(`${now.map(({ lock }) => lock.token).join(', ')} hold at the same time`)
  }

  let settled = 0
  const ends = scripts.map(async (each) => {
    try {
      await contend(each)
    } catch (error) {
      if (!isStoreError(error)) throw error
    } finally {
      settled++
    }
  })
  for (const end of ends) end.catch(() => undefined)
  const all = await stage.scheduler.runUntil(() => settled === scripts.length, 300_000, exclusive)
  expect(all).toBe(true)
  await Promise.all(ends)
  expect(Number((await stage.text('counter')) ?? 0)).toBe(counted)

  // Nobody is left in the line who would not leave it.
  for (const { lock } of held) await stage.settle(lock.unlock().catch(() => undefined))
  await stage.pass(10_000)
  expect(await stage.keys('lock/')).toEqual([])
  // Shared sessions that were not lost still stand: it is not their end that took the keys away.
  for (const session of sessions) await stage.settle(session.close().catch(() => undefined))
  await stage.settle(stage.store.close())
  return { locks: acquired, lost }
}

/** Loses answers to what the recipe itself asks, before or after it took effect; the user's own writes it leaves alone. */
function faulty(store: Store, { faults, seed }: Script): Store {
  const random = seededRandom(seed)
  const strikes = (): boolean => below(random, 100) < faults
  const struck =
    <Given extends unknown[], Result>(call: (...given: Given) => Promise<Result>) =>
    async (...given: Given): Promise<Result> => {
      if (strikes()) throw new StoreError('NO_LEADER', 'no leader')
      const result = await call(...given)
      if (strikes()) throw unknownOutcome()
      return result
    }
  const txn = struck(store.txn)
  return decorated(store, {
    range: struck(store.range),
    delete: struck(store.delete),
    txn: (transaction, options) => {
      // A guarded transaction holds another one: it is the user's.
      const isUsers = transaction.success?.[0]?.type === 'transaction'
      return isUsers ? store.txn(transaction, options) : txn(transaction, options)
    },
    leases: { keepAlive: struck(store.leases.keepAlive), revoke: struck(store.leases.revoke) },
  })
}
