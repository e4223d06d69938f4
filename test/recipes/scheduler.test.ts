import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  compare,
  put,
  Scheduler,
  StoreError,
  type Firing,
  type JobFailure,
  type JobFunction,
  type JobOptions,
  type ScheduledJob,
  type Store,
} from 'quorate'
import { seededRandom } from '../../src/base/seeded-random.js'
import { decorated, Process, Stage, unknownOutcome } from './stage.js'

const TTL_MS = 10_000
const MINUTE_MS = 60_000
const MINUTELY = { cron: '* * * * *', promise: 'at-least-once' } as const
const ONCE = { cron: '* * * * *', promise: 'at-most-once' } as const
const STATE = 'billing/jobs/nightly/state'
const RUN = 'billing/jobs/nightly/run'

let stage: Stage
let jobs: ScheduledJob[]
let processes: Process[]

beforeEach(async () => {
  stage = await Stage.open()
  // The next whole minute is 20 s away.
  await stage.pass(20_000 - stage.nowMs)
  jobs = []
  processes = []
})
afterEach(async () => {
  for (const process of processes) process.continue()
  await stage.settle(Promise.all(jobs.map((job) => job.close())))
  await stage.settle(stage.store.close())
})

/** A process whose wall clock can be set. */
class Machine {
  aheadMs = 0
  readonly store: Store

  constructor(store: Store = stage.store, seed = 1) {
    const { clock, timers, logger } = store.environment
    const environment = {
      clock: { monotonicMs: () => clock.monotonicMs(), wallMs: () => clock.wallMs() + this.aheadMs },
      timers,
      logger,
      random: seededRandom(seed),
    }
    this.store = decorated(store, { environment })
  }
}

function start(work: JobFunction, options: Partial<JobOptions> = {}, store = stage.store, owner = 'a'): ScheduledJob {
  const scheduler = new Scheduler(store, 'billing', { ttlMs: TTL_MS, owner })
  const { cron, promise } = MINUTELY
  const when = 'everyMs' in options ? {} : { cron }
  const job = scheduler.start('nightly', { ...when, promise, ...options } as JobOptions, work)
  jobs.push(job)
  return job
}

function startProcess(): Process {
  const process = new Process(stage)
  processes.push(process)
  return process
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => stage.environment.timers.after(ms, resolve))

/** The process is stopped in the middle of a function. */
function dies(process: Process): Promise<never> {
  process.stop()
  return new Promise(() => undefined)
}

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
  })

/** Minutes since the stage began, of a firing: 1 is the first one that is due. */
const minuteOf = ({ scheduledMs }: { readonly scheduledMs: number }): number =>
  (scheduledMs - 1_700_000_040_000) / MINUTE_MS + 1

const state = async (): Promise<{ firing?: Record<string, unknown>; upTo: string }> =>
  JSON.parse((await stage.text(STATE)) ?? '{}') as { upTo: string }

describe('a scheduled job', () => {
  it('is run at its times, each firing by one of the processes', async () => {
    const runs: { readonly by: string; readonly scheduled: string; readonly lateMs: number }[] = []
    for (const by of ['a', 'b', 'c']) {
      const machine = new Machine(stage.store, by.charCodeAt(0))
      const work = (firing: Firing): void => {
        runs.push({ by, scheduled: firing.scheduled, lateMs: stage.environment.clock.wallMs() - firing.scheduledMs })
      }
      start(work, {}, machine.store, by)
    }
    await stage.pass(6 * MINUTE_MS)
    expect(runs.map(({ scheduled }) => scheduled).slice(0, 3)).toEqual([
      '2023-11-14T22:14:00.000Z',
      '2023-11-14T22:15:00.000Z',
      '2023-11-14T22:16:00.000Z',
    ])
    expect(runs).toHaveLength(6)
    expect(new Set(runs.map(({ by }) => by)).size).toBeGreaterThan(1)
    for (const { lateMs } of runs) {
      expect(lateMs).toBeGreaterThanOrEqual(0)
      expect(lateMs).toBeLessThan(1_000)
    }
  })

  it('costs two writes for each firing, and one for each process that tries too late', async () => {
    let writes = 0
    for (let seed = 1; seed <= 6; seed++) {
      const { store } = new Machine(stage.store, seed)
      const txn: Store['txn'] = (...given) => {
        writes++
        return store.txn(...given)
      }
      start(() => undefined, {}, decorated(store, { txn }))
    }
    await stage.pass(MINUTE_MS)
    writes = 0
    await stage.pass(6 * MINUTE_MS)
    expect(writes).toBeGreaterThanOrEqual(2 * 6)
    // The others see it begin, most of the time, before their own pause is over.
    expect(writes).toBeLessThan(3 * 6)
  })

  it('goes on while one of the processes lives', async () => {
    const runs: number[] = []
    const first = startProcess()
    start((firing) => void runs.push(minuteOf(firing)), {}, first.store)
    await stage.pass(5 * MINUTE_MS)
    first.stop()
    start((firing) => void runs.push(minuteOf(firing)))
    await stage.pass(5 * MINUTE_MS)
    expect(runs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
  })

  it('makes up for nothing when it is started for the first time', async () => {
    const runs: number[] = []
    await stage.pass(10 * MINUTE_MS)
    const job = start((firing) => void runs.push(minuteOf(firing)))
    expect(job.nextMs).toBeUndefined()
    await stage.pass(1_000)
    expect(runs).toEqual([])
    expect(job.nextMs).toBe(1_700_000_040_000 + 10 * MINUTE_MS)
  })

  it('goes on from the last firing when its pattern is changed', async () => {
    const runs: string[] = []
    const old = start((firing) => void runs.push(firing.scheduled))
    await stage.pass(2 * MINUTE_MS)
    await stage.settle(old.close())
    // Every five minutes: at 22:15 it was not due any more when it was changed, by the firing of 22:15.
    start((firing) => void runs.push(firing.scheduled), { cron: '*/5 * * * *' })
    await stage.pass(10 * MINUTE_MS)
    expect(runs.map((text) => text.slice(11, 16))).toEqual(['22:14', '22:15', '22:20', '22:25'])
  })

  it('never begins a firing before the one before is over', async () => {
    const runs: number[] = []
    let running = 0
    for (const by of ['a', 'b']) {
      const work = async (firing: Firing): Promise<void> => {
        expect(++running).toBe(1)
        runs.push(minuteOf(firing))
        await sleep(2.5 * MINUTE_MS)
        running--
      }
      start(work, {}, new Machine(stage.store, by.charCodeAt(0)).store, by)
    }
    await stage.pass(8.5 * MINUTE_MS)
    expect(runs).toEqual([1, 3, 6, 8])
  })

  it('says when it is due next, and that it is over when the store is', async () => {
    const job = start(() => undefined)
    await stage.pass(1_000)
    expect(job.nextMs).toBe(1_700_000_040_000)
    expect(job.signal.aborted).toBe(false)
    await stage.settle(stage.store.close())
    await stage.pass(1_000)
    expect(job.signal.reason).toMatchObject({ code: 'CLOSED' })
    await stage.settle(job.close())
  })

  it('waits through what may pass: no leader, a permission that is missing', async () => {
    const runs: number[] = []
    const troubles = [new StoreError('NO_LEADER', 'no leader'), new StoreError('PERMISSION_DENIED', 'not yet')]
    const range: Store['range'] = (...given) => {
      const trouble = troubles.shift()
      return trouble === undefined ? stage.store.range(...given) : Promise.reject(trouble)
    }
    const txn: Store['txn'] = (...given) => {
      const trouble = runs.length === 1 ? troubles.shift() : undefined
      return trouble === undefined ? stage.store.txn(...given) : Promise.reject(trouble)
    }
    start((firing) => void runs.push(minuteOf(firing)), {}, decorated(stage.store, { range, txn }))
    await stage.pass(30_000)
    troubles.push(new StoreError('PERMISSION_DENIED', 'not any more'))
    await stage.pass(MINUTE_MS)
    expect(runs).toEqual([1, 2])
    expect(troubles).toEqual([])
  })

  it('is listed for the operator, and readable in the store', async () => {
    const scheduler = new Scheduler(stage.store, 'billing')
    start(() => sleep(30_000), {}, stage.store, 'host-1')
    await stage.pass(21_000)
    expect(await stage.keys('billing/')).toEqual([RUN, STATE])
    expect(JSON.parse((await stage.text(RUN))!)).toEqual({
      scheduled: '2023-11-14T22:14:00.000Z',
      attempt: 1,
      by: 'host-1',
      at: expect.stringMatching(/^2023-11-14T22:14:00/) as string,
    })
    const running = {
      name: 'nightly',
      schedule: { cron: '* * * * *', timeZone: 'UTC' },
      nextMs: 1_700_000_100_000,
      last: { scheduled: '2023-11-14T22:14:00.000Z', state: 'running', attempt: 1, by: 'host-1' },
    }
    expect(await stage.settle(scheduler.jobs())).toMatchObject([running])
    await stage.pass(30_000)
    expect(await stage.settle(scheduler.jobs())).toMatchObject([{ last: { state: 'done' } }])
    expect(await stage.keys('billing/')).toEqual([STATE])
  })

  it('refuses what makes no sense', () => {
    const scheduler = new Scheduler(stage.store, 'billing')
    const starting = (options: unknown) => () => scheduler.start('nightly', options as JobOptions, () => undefined)
    expect(() => new Scheduler(stage.store, '')).toThrow(TypeError)
    expect(() => new Scheduler(stage.store, 'a', { ttlMs: -1 })).toThrow(RangeError)
    expect(starting(undefined)).toThrow(TypeError)
    expect(starting({ promise: 'at-least-once' })).toThrow(/one of cron/)
    expect(starting({ ...MINUTELY, everyMs: 1000 })).toThrow(/one of cron/)
    expect(starting({ everyMs: 1000, timeZone: 'UTC', promise: 'at-least-once' })).toThrow(/goes with cron/)
    expect(starting({ everyMs: 1, promise: 'at-least-once' })).toThrow(RangeError)
    expect(starting({ cron: '61 * * * *', promise: 'at-least-once' })).toThrow(/Invalid value for minute: 61/)
    expect(starting({ cron: '2026-01-01T00:00:00', promise: 'at-least-once' })).toThrow(/not a date/)
    expect(starting({ cron: '0 0 30 2 *', promise: 'at-least-once' })).toThrow(/no time/)
    expect(starting({ ...MINUTELY, timeZone: 'Mars/Olympus' })).toThrow(/time zone database/)
    expect(starting({ ...MINUTELY, promise: 'exactly-once' })).toThrow(TypeError)
    expect(starting({ ...MINUTELY, mised: 'all' })).toThrow(/did you mean missed/)
    expect(starting({ ...MINUTELY, missed: 'none' })).toThrow(TypeError)
    expect(starting({ ...MINUTELY, graceMs: 1 })).toThrow(/goes with missed/)
    expect(starting({ ...ONCE, attemptsMax: 2 })).toThrow(/at-least-once/)
    expect(starting({ ...MINUTELY, attemptsMax: 0 })).toThrow(RangeError)
    jobs.push(scheduler.start('nightly', MINUTELY, () => undefined))
    expect(starting(MINUTELY)).toThrow(/started through this object already/)
    for (const name of ['\ud800', 'x'.repeat(70_000)]) {
      const wrong = name.length > 1 ? RangeError : TypeError
      expect(() => scheduler.start(name, MINUTELY, () => undefined)).toThrow(wrong)
      expect(() => new Scheduler(stage.store, name).start('a', MINUTELY, () => undefined)).toThrow(wrong)
    }
  })

  it('ends, and says why, where what is to be written of it is too large for the store', async () => {
    const namespace = stage.store.namespace(`${'x'.repeat(60_000)}/`)
    const job = new Scheduler(namespace, 'y'.repeat(10_000)).start('nightly', MINUTELY, () => undefined)
    await stage.pass(MINUTE_MS)
    expect(job.signal.reason).toMatchObject({ code: 'REQUEST_TOO_LARGE' })
    await stage.settle(job.close())
  })
})

describe('a firing that fails', () => {
  it('is begun again at least once, after growing pauses, and the failure is told', async () => {
    const failures: JobFailure[] = []
    const atMs: number[] = []
    const job = start((firing) => {
      atMs.push(stage.nowMs)
      if (firing.attempt < 5) throw new Error(`attempt ${firing.attempt}`)
    })
    job.on('failure', (failure) => failures.push(failure))
    job.on('failure', () => {
      throw new Error('a listener that throws')
    })
    job.on('failure', () => Promise.reject(new Error('a listener that rejects')))
    await stage.pass(MINUTE_MS)
    expect(failures.map(({ attempt, then, error }) => [attempt, then, String(error)])).toEqual(
      [1, 2, 3, 4].map((attempt) => [attempt, 'retried', `Error: attempt ${attempt}`]),
    )
    const pauses = atMs.slice(1).map((each, at) => each - atMs[at]!)
    expect(pauses).toHaveLength(4)
    for (const [at, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(500 * 2 ** at)
      expect(pause).toBeLessThan(1_100 * 2 ** at)
    }
    expect((await state()).firing).toMatchObject({ state: 'done', attempt: 5 })
  })

  it('is given up after as many attempts as it may have, and the next one has its turn', async () => {
    const runs: string[] = []
    const failures: JobFailure[] = []
    const work = (firing: Firing): void => {
      runs.push(`${minuteOf(firing)}/${firing.attempt}`)
      if (minuteOf(firing) === 1) throw new Error('never')
    }
    start(work, { attemptsMax: 2 }).on('failure', (failure) => failures.push(failure))
    await stage.pass(30_000)
    expect((await state()).firing).toMatchObject({ state: 'given-up', attempt: 2, error: 'Error: never' })
    await stage.pass(MINUTE_MS)
    expect(runs).toEqual(['1/1', '1/2', '2/1'])
    expect(failures.map(({ then }) => then)).toEqual(['retried', 'over'])
  })

  it('is given up as well when the last attempt died with its process', async () => {
    const runs: string[] = []
    const dying = startProcess()
    start(() => dies(dying), { attemptsMax: 1, closeMs: 0 }, dying.store)
    await stage.pass(21_000)
    start((firing) => void runs.push(`${minuteOf(firing)}/${firing.attempt}`), { attemptsMax: 1 })
    await stage.pass(30_000)
    expect((await state()).firing).toMatchObject({ state: 'given-up', error: 'who ran it died or lost its lease' })
    await stage.pass(MINUTE_MS)
    expect(runs).toEqual(['2/1'])
  })

  it('is not begun again at most once', async () => {
    const runs: number[] = []
    const failures: JobFailure[] = []
    const work = (firing: Firing): never => {
      runs.push(minuteOf(firing))
      throw new Error('x'.repeat(10_000))
    }
    start(work, ONCE).on('failure', (failure) => failures.push(failure))
    await stage.pass(30_000)
    expect(runs).toEqual([1])
    expect(failures).toMatchObject([{ then: 'over', attempt: 1 }])
    const { firing } = await state()
    expect(firing).toMatchObject({ state: 'failed' })
    expect(firing?.['error']).toHaveLength(500)
  })
})

describe('a process that dies or stalls while it runs a firing', () => {
  it.each([
    ['at-least-once', ['a 1/1', 'b 1/2']],
    ['at-most-once', ['a 1/1']],
  ] as const)('leaves it, %s, to the others or to nobody', async (promise, expected) => {
    const runs: string[] = []
    const dying = startProcess()
    const work =
      (by: string) =>
      (firing: Firing): Promise<void> | undefined => {
        runs.push(`${by} ${minuteOf(firing)}/${firing.attempt}`)
        return by === 'a' ? dies(dying) : undefined
      }
    start(work('a'), { promise, closeMs: 0 }, dying.store)
    await stage.pass(21_000)
    start(work('b'), { promise })
    await stage.pass(35_000)
    expect(runs).toEqual(expected)
    await stage.pass(MINUTE_MS)
    expect(runs).toEqual([...expected, 'b 2/1'])
  })

  it('finds its signal aborted when it goes on, and can write nothing any more', async () => {
    const stalled = startProcess()
    let reached: (() => void) | undefined
    const ends: unknown[] = []
    const failures: JobFailure[] = []
    const job = start(
      async (firing) => {
        await new Promise<void>((resolve) => (reached = resolve))
        // Looking comes first, and is not enough.
        await firing.complete({ success: [put('invoice', 'of the first')] }).catch((error: unknown) => ends.push(error))
        expect(firing.signal.aborted).toBe(true)
        throw new Error('given up')
      },
      {},
      stalled.store,
    )
    job.on('failure', (failure) => failures.push(failure))
    await stage.pass(21_000)
    stalled.stop()
    start(async (firing) => {
      await firing.complete({ success: [put('invoice', 'of the second')] })
    })
    await stage.pass(30_000)
    stalled.continue()
    reached?.()
    await stage.pass(1_000)
    expect(ends).toMatchObject([{ code: 'LOCK_LOST' }])
    expect(failures).toMatchObject([{ then: 'lost', error: { code: 'LOCK_LOST' } }])
    expect(await stage.text('invoice')).toBe('of the second')
  })

  it('is told by the signal before anybody else begins it', async () => {
    let healthy = true
    const cutOff = decorated(stage.store, {
      leases: {
        keepAlive: (...given) =>
          healthy ? stage.store.leases.keepAlive(...given) : Promise.reject(new StoreError('NO_LEADER', 'cut off')),
      },
    })
    const times: Record<string, number> = {}
    start(
      async ({ signal }) => {
        healthy = false
        await untilAborted(signal)
        times['aborted'] = stage.nowMs
      },
      {},
      cutOff,
    )
    await stage.pass(21_000)
    start(() => void (times['again'] = stage.nowMs))
    await stage.pass(30_000)
    expect(times['aborted']).toBeLessThan(times['again']!)
  })

  it('loses the firing when its key is removed by hand', async () => {
    const reasons: unknown[] = []
    const runs: number[] = []
    start(async ({ signal, attempt }) => {
      runs.push(attempt)
      if (attempt > 1) return
      await untilAborted(signal)
      reasons.push(signal.reason)
    })
    await stage.pass(21_000)
    await stage.settle(stage.store.delete(RUN))
    await stage.pass(10_000)
    expect(reasons).toMatchObject([{ code: 'LOCK_LOST' }])
    expect(runs).toEqual([1, 2])
  })
})

describe('completing a firing in the transaction', () => {
  it('does either branch, completes the firing, and tells which one it was', async () => {
    const results: unknown[] = []
    start(async (firing) => {
      const transaction = {
        compare: [compare('invoice').missing()],
        success: [put('invoice', firing.scheduled)],
        failure: [put('again', firing.scheduled)],
      }
      results.push(await firing.complete(transaction))
      await expect(firing.complete()).rejects.toThrow(TypeError)
      // It is done: what comes after that is nobody's business.
      throw new Error('too late to fail')
    })
    await stage.pass(2 * MINUTE_MS)
    expect(results).toMatchObject([{ succeeded: true }, { succeeded: false }])
    expect(await stage.text('invoice')).toBe('2023-11-14T22:14:00.000Z')
    expect(await stage.text('again')).toBe('2023-11-14T22:15:00.000Z')
    expect((await state()).firing).toMatchObject({ state: 'done', attempt: 1 })
  })

  it('writes notes on the way only while the firing is held', async () => {
    const errors: unknown[] = []
    start(async (firing) => {
      if (firing.attempt > 1) return
      await firing.txn({ success: [put('note', 'half')] })
      await stage.store.delete(RUN)
      await firing.txn({ success: [put('note', 'late')] }).catch((error: unknown) => errors.push(error))
      const { succeeded } = await stage.store.txn(firing.guard({ success: [put('note', 'late')] }))
      errors.push(succeeded)
    })
    await stage.pass(30_000)
    expect(errors).toMatchObject([{ code: 'LOCK_LOST' }, false])
    expect(await stage.text('note')).toBe('half')
  })

  it.each([
    ['begun', 'took effect', 0, true],
    ['begun', 'did not', 0, false],
    ['completed', 'took effect', 1, true],
    ['completed', 'did not', 1, false],
  ] as const)('finds out what became of it when the answer is lost: %s, it %s', async (_, __, nth, applied) => {
    for (const promise of ['at-least-once', 'at-most-once'] as const) {
      let counted = 0
      let calls = 0
      const txn: Store['txn'] = async (transaction, options) => {
        // The first one of a job that is new creates its record.
        const isOfFirings = transaction.success?.some(
          ({ type, ...rest }) => type === 'delete' || ('lease' in rest && rest.lease !== 0n),
        )
        if (isOfFirings !== true || calls++ !== nth) return stage.store.txn(transaction, options)
        if (applied) await stage.store.txn(transaction)
        throw unknownOutcome()
      }
      const store = decorated(stage.store, { txn })
      const job = new Scheduler(store, promise).start('job', { everyMs: 20_000, promise }, async (firing) => {
        counted++
        const { succeeded } = await firing.complete({
          compare: [compare(`${promise} of ${firing.scheduled}`).missing()],
          success: [put(`${promise} of ${firing.scheduled}`, '')],
        })
        expect(succeeded).toBe(true)
      })
      await stage.pass(30_000)
      await stage.settle(job.close())
      expect(counted).toBe(1)
      expect(await stage.keys(promise + ' of')).toHaveLength(1)
      expect(calls).toBeGreaterThan(2)
    }
  })

  it('takes no effect late, once the function has failed', async () => {
    let late: (() => Promise<{ succeeded: boolean }>) | undefined
    const txn: Store['txn'] = (transaction, options) => {
      if (transaction.success?.[0]?.type !== 'transaction' || late !== undefined)
        return stage.store.txn(transaction, options)
      late = () => stage.store.txn(transaction)
      return new Promise((_, reject) => {
        options?.signal?.addEventListener('abort', () => reject(unknownOutcome()))
      })
    }
    const attempts: number[] = []
    start(
      async (firing) => {
        attempts.push(firing.attempt)
        await firing.complete({ success: [put('invoice', String(firing.attempt))] }, { timeoutMs: 1_000 })
      },
      {},
      decorated(stage.store, { txn }),
    )
    await stage.pass(30_000)
    expect(attempts).toEqual([1, 2])
    expect((await stage.settle(late!())).succeeded).toBe(false)
    expect(await stage.text('invoice')).toBe('2')
  })
})

describe('jobs of one scheduler, which share a lease', () => {
  /** Refuses puts of this job's state, as a full disk does: what only deletes goes through. */
  const refusing = (job: string, isRefused: () => boolean): Store =>
    decorated(stage.store, {
      txn: ((...given: Parameters<Store['txn']>) => {
        const puts = JSON.stringify(given[0].success ?? [], (_, value: unknown) =>
          typeof value === 'bigint' ? 0 : value,
        )
        if (isRefused() && puts.includes(`/${job}/state`)) return Promise.reject(new StoreError('NO_SPACE', 'no space'))
        return stage.store.txn(...given)
      }) as Store['txn'],
    })

  /** A job whose function runs until it is told to stop; the signals of its firings. */
  const startOneThatRuns = (scheduler: Scheduler): readonly AbortSignal[] => {
    const signals: AbortSignal[] = []
    const run = ({ signal }: Firing): Promise<void> => {
      signals.push(signal)
      return untilAborted(signal)
    }
    jobs.push(scheduler.start('a', { ...MINUTELY, closeMs: 0 }, run))
    return signals
  }

  it('are not disturbed by one whose firings the store refuses to begin', async () => {
    let refused = false
    const scheduler = new Scheduler(
      refusing('b', () => refused),
      'billing',
      { ttlMs: TTL_MS },
    )
    const runs: number[] = []
    const signals = startOneThatRuns(scheduler)
    jobs.push(
      scheduler.start(
        'b',
        { everyMs: 10_000, promise: 'at-least-once' },
        ({ scheduledMs }) => void runs.push(scheduledMs),
      ),
    )
    await stage.pass(25_000)
    refused = true
    await stage.pass(MINUTE_MS)
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
    const before = runs.length
    refused = false
    await stage.pass(15_000)
    expect(runs.length).toBeGreaterThan(before)
  })

  it('are not disturbed by one of which the store refuses to write what became of it: that is begun again', async () => {
    let refused = false
    const scheduler = new Scheduler(
      refusing('b', () => refused),
      'billing',
      { ttlMs: TTL_MS },
    )
    const attempts: number[] = []
    const signals = startOneThatRuns(scheduler)
    const failures: JobFailure[] = []
    const b = scheduler.start('b', MINUTELY, async ({ attempt }) => {
      attempts.push(attempt)
      await sleep(5_000)
    })
    b.on('failure', (failure) => failures.push(failure))
    jobs.push(b)
    await stage.pass(23_000)
    refused = true
    await stage.pass(10_000)
    expect(await stage.keys('billing/jobs/b/run')).toEqual([])
    refused = false
    await stage.pass(20_000)
    expect(attempts).toEqual([1, 2])
    expect(failures).toMatchObject([{ then: 'retried', error: { code: 'NO_SPACE' } }])
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  })

  it('are not disturbed by one that was completed by a call of which it does not know: nobody is told that it is tried again', async () => {
    const txn: Store['txn'] = async (transaction, options) => {
      const result = await stage.store.txn(transaction, options)
      if (transaction.success?.[0]?.type !== 'transaction') return result
      return new Promise((_, reject) => {
        options?.signal?.addEventListener('abort', () => reject(unknownOutcome()))
      })
    }
    const scheduler = new Scheduler(decorated(stage.store, { txn }), 'billing', { ttlMs: TTL_MS })
    const signals = startOneThatRuns(scheduler)
    const failures: JobFailure[] = []
    const b = scheduler.start('b', MINUTELY, async (firing) => {
      await firing.complete({ success: [put('invoice', '1')] }, { timeoutMs: 1_000 })
    })
    b.on('failure', (failure) => failures.push(failure))
    jobs.push(b)
    await stage.pass(30_000)
    expect(failures).toMatchObject([{ then: 'over', attempt: 1, error: { code: 'TIMEOUT', outcome: 'unknown' } }])
    expect(signals.map(({ aborted }) => aborted)).toEqual([false])
  })
})

describe('a completion of which it is not known whether it was done', () => {
  it('is asked for with the same transaction, and none is told to be done in its place', async () => {
    let calls = 0
    const txn: Store['txn'] = async (transaction, options) => {
      const result = await stage.store.txn(transaction, options)
      if (transaction.success?.[0]?.type !== 'transaction' || calls++ > 0) return result
      return new Promise((_, reject) => {
        options?.signal?.addEventListener('abort', () => reject(unknownOutcome()))
      })
    }
    const told: unknown[] = []
    const once = async (call: Promise<unknown>): Promise<unknown> =>
      told.push(await call.catch((error: unknown) => error))
    start(
      async (firing) => {
        await once(firing.complete({ success: [put('sent', '1')] }, { timeoutMs: 1_000 }))
        await once(firing.complete({ success: [put('failed', '1')] }))
        await once(firing.complete({ success: [put('sent', '1')] }))
      },
      {},
      decorated(stage.store, { txn }),
    )
    await stage.pass(30_000)
    expect(told).toMatchObject([{ outcome: 'unknown' }, { name: 'TypeError' }, { succeeded: true }])
    expect([await stage.text('sent'), await stage.text('failed')]).toEqual(['1', undefined])
  })
})

describe('closing a job', () => {
  it('aborts the function that runs and waits for it; what it completes counts', async () => {
    const reasons: unknown[] = []
    const job = start(async ({ signal }) => {
      await untilAborted(signal)
      reasons.push(signal.reason)
      await sleep(5_000)
    })
    await stage.pass(21_000)
    const startMs = stage.nowMs
    await stage.settle(job.close())
    expect(stage.nowMs - startMs).toBeGreaterThanOrEqual(5_000)
    expect(reasons).toMatchObject([{ code: 'ABORTED' }])
    expect((await state()).firing).toMatchObject({ state: 'done' })
    expect(await stage.settle(stage.store.leases.list())).toEqual([])
  })

  it('hands the firing over when the function throws, or does not return in time', async () => {
    for (const ends of ['throws', 'stays']) {
      const runs: number[] = []
      const job = start(
        async ({ signal }) => {
          if (ends === 'stays') return sleep(1_000_000)
          await untilAborted(signal)
          throw new Error('stopped')
        },
        { closeMs: 2_000 },
      )
      await stage.pass(MINUTE_MS)
      const startMs = stage.nowMs
      await stage.settle(job.close())
      expect(stage.nowMs - startMs).toBeLessThan(3_000)
      expect(await stage.keys(RUN)).toEqual([])
      const next = start(({ attempt }) => void runs.push(attempt))
      await stage.pass(2_000)
      expect(runs[0]).toBe(2)
      await stage.settle(next.close())
    }
  })

  it('ends at once where nothing runs, also without a quorum, and leaves nothing on the clock', async () => {
    const range: Store['range'] = () => Promise.reject(new StoreError('NO_LEADER', 'no leader'))
    for (const store of [stage.store, decorated(stage.store, { range })]) {
      const job = start(() => undefined, {}, store)
      await stage.pass(5_000)
      const startMs = stage.nowMs
      await stage.settle(job.close())
      expect(stage.nowMs - startMs).toBeLessThan(10)
    }
  })

  it('ends within two seconds where nothing runs and what is under way is not answered', async () => {
    let answers = true
    const unanswered = (signal?: AbortSignal): Promise<never> =>
      new Promise((_, reject) => signal?.addEventListener('abort', () => reject(unknownOutcome())))
    const over = decorated(stage.store, {
      txn: (transaction, options) => (answers ? stage.store.txn(transaction, options) : unanswered(options?.signal)),
      leases: { revoke: (...given) => (answers ? stage.store.leases.revoke(...given) : unanswered()) },
    })
    const job = start(() => undefined, {}, over)
    await stage.pass(30_000)
    answers = false
    await stage.pass(MINUTE_MS)
    const startMs = stage.nowMs
    await stage.settle(job.close())
    expect(stage.nowMs - startMs).toBeLessThan(2_100)
  })

  it('lets the same job be started again', async () => {
    const scheduler = new Scheduler(stage.store, 'billing')
    for (let time = 0; time < 3; time++) {
      const runs: string[] = []
      const job = scheduler.start('nightly', MINUTELY, (firing) => void runs.push(firing.scheduled))
      await stage.pass(MINUTE_MS)
      await stage.settle(job[Symbol.asyncDispose]())
      expect(runs).toHaveLength(1)
    }
  })
})

describe('a wall clock that is set', () => {
  it('back fires nothing again, and on is noticed within ten seconds', async () => {
    const machine = new Machine()
    const runs: number[] = []
    start((firing) => void runs.push(minuteOf(firing)), {}, machine.store)
    await stage.pass(2.5 * MINUTE_MS)
    machine.aheadMs = -2 * MINUTE_MS
    await stage.pass(2 * MINUTE_MS)
    expect(runs).toEqual([1, 2, 3])
    machine.aheadMs = 0
    await stage.pass(10_200)
    // The fourth came and went while its clock stood before it.
    expect(runs).toEqual([1, 2, 3, 5])
  })

  it('ahead on one machine swallows nothing: the others begin what it left out, in its time, and nothing twice', async () => {
    const wrong = new Machine(stage.store, 7)
    wrong.aheadMs = 20 * MINUTE_MS
    const runs: { readonly by: string; readonly minute: number; readonly at: number }[] = []
    const work = (by: string) => (firing: Firing) => {
      runs.push({ by, minute: minuteOf(firing), at: Math.floor((stage.nowMs + 20_000) / MINUTE_MS) })
    }
    start(work('wrong'), {}, wrong.store)
    start(work('right'), {}, new Machine().store)
    await stage.pass(5 * MINUTE_MS)
    wrong.aheadMs = 0
    await stage.pass(24 * MINUTE_MS)
    const right = runs.filter(({ by, minute }) => by === 'right' || minute < 20)
    // All that is due, in its minute, but for those that the clock that was ahead had begun too early.
    const minutes = runs.map(({ minute }) => minute).sort((a, b) => a - b)
    expect(minutes).toEqual([...new Set(minutes)])
    expect(minutes.slice(0, 28)).toEqual(Array.from({ length: 28 }, (_, at) => at + 1))
    expect(right.every(({ minute, at }) => minute === at || minute > 20)).toBe(true)
  })

  it('ahead on the only machine, and set right, swallows nothing that comes after that', async () => {
    const machine = new Machine()
    const runs: number[] = []
    start((firing) => void runs.push(minuteOf(firing)), {}, machine.store)
    await stage.pass(MINUTE_MS)
    machine.aheadMs = 24 * 60 * MINUTE_MS
    await stage.pass(30_000)
    machine.aheadMs = 0
    await stage.pass(5 * MINUTE_MS)
    // But for the one that came while it was wrong.
    expect(runs.filter((minute) => minute < 1_000)).toEqual([1, 3, 4, 5, 6, 7])
    expect(new Set(runs).size).toBe(runs.length)
  })
})

describe('what was missed', () => {
  /** The minutes that were run when the job was away from after the first one until `lateMs` after `until`. */
  async function away(options: Partial<JobOptions>, until: number, lateMs = 1_000): Promise<number[]> {
    const runs: number[] = []
    const work = (firing: Firing): void => void runs.push(minuteOf(firing))
    const before = start(work, options)
    await stage.pass(30_000)
    await stage.settle(before.close())
    await stage.pass((until - 1) * MINUTE_MS - 10_000 + lateMs)
    start(work, options)
    await stage.pass(25_000)
    return runs
  }

  it('is made up for by the latest one', async () => {
    expect(await away({}, 5)).toEqual([1, 5])
  })

  it('is made up for by all of them, in order, of many by the last hundred', async () => {
    expect(await away({ missed: 'all' }, 5)).toEqual([1, 2, 3, 4, 5])
  })

  it('is skipped where it is later than it may be', async () => {
    expect(await away({ missed: 'skip', graceMs: 15_000 }, 5, 16_000)).toEqual([1])
  })

  it('is not skipped where it is late by less', async () => {
    expect(await away({ missed: 'skip', graceMs: 20_000 }, 5, 16_000)).toEqual([1, 5])
  })

  it('is bounded where all are made up for', async () => {
    const runs = await away({ missed: 'all', everyMs: MINUTE_MS }, 300)
    expect(runs).toHaveLength(101)
    expect(runs.slice(1)).toEqual(Array.from({ length: 100 }, (_, at) => 201 + at))
  })
})

describe('a record of a job that somebody has changed', () => {
  it('keeps nobody from seeing the other jobs, nor does a schedule that cannot be computed here', async () => {
    const record = (cron: string): string =>
      JSON.stringify({ schedule: { cron, timeZone: 'UTC' }, upTo: '2026-11-30T03:00:00.000Z', skipped: [] })
    await stage.settle(stage.store.put('billing/jobs/a/state', 'not JSON'))
    await stage.settle(stage.store.put('billing/jobs/b/state', record('0 3 * * SOMEDAY')))
    await stage.settle(stage.store.put('billing/jobs/c/state', record('0 3 * * *')))
    const listed = await stage.settle(new Scheduler(stage.store, 'billing').jobs())
    expect(listed).toMatchObject([
      { name: 'b', nextMs: undefined },
      { name: 'c', nextMs: Date.parse('2026-12-01T03:00Z') },
    ])
  })

  it('holds the job up until it is mended, and says so', async () => {
    const runs: string[] = []
    const job = start((firing) => void runs.push(firing.scheduled))
    await stage.pass(5_000)
    const record = (await stage.text(STATE))!
    await stage.settle(stage.store.put(STATE, 'not JSON'))
    await stage.pass(MINUTE_MS)
    expect(runs).toEqual([])
    expect(job.nextMs).toBeUndefined()
    expect(await stage.settle(new Scheduler(stage.store, 'billing').jobs())).toEqual([])
    await stage.settle(stage.store.put(STATE, record))
    await stage.pass(5_000)
    expect(runs).toHaveLength(1)
  })

  it('begins anew where it was deleted', async () => {
    const runs: number[] = []
    start((firing) => void runs.push(minuteOf(firing)))
    await stage.pass(30_000)
    await stage.settle(stage.store.delete(STATE))
    await stage.pass(MINUTE_MS)
    expect(runs).toEqual([1, 2])
  })
})
