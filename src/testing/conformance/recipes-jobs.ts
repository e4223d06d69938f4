/** Scheduled jobs: each firing is run by one process, and as often as was promised. */
import { put } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { LIMITS } from '../../base/limits.js'
import type { Firing } from '../../recipes/schedule/firing.js'
import type { JobPromise } from '../../recipes/schedule/job-record.js'
import { Scheduler } from '../../recipes/schedule/scheduler.js'
import { check, equal } from './check.js'
import type { StoreTests } from './store-tests.js'
import { until } from './waiting.js'

/** Two processes take part in a job until `isOver`; its firings in the order in which they were begun. */
async function runJob(
  store: Store,
  promise: JobPromise,
  work: (firing: Firing) => Promise<unknown> | void,
  isOver: (firings: readonly Firing[]) => boolean,
): Promise<readonly Firing[]> {
  const firings: Firing[] = []
  let [running, runningMost] = [0, 0]
  const jobs = ['one', 'other'].map((owner) =>
    new Scheduler(store, 'jobs', { owner }).start('job', { everyMs: LIMITS.jobEveryMsMin, promise }, async (firing) => {
      firings.push(firing)
      runningMost = Math.max(runningMost, ++running)
      try {
        await work(firing)
      } finally {
        running--
      }
    }),
  )
  await until(store, () => Promise.resolve(isOver(firings)))
  await Promise.all(jobs.map((job) => job.close()))
  equal(runningMost, 1, 'firings that ran at a time')
  return firings
}

function checkOrder(firings: readonly Firing[]): void {
  for (const [nth, { token, scheduledMs }] of firings.entries()) {
    const before = firings[nth - 1]
    if (before === undefined) continue
    check(token > before.token, `token ${token} after ${before.token}`)
    check(scheduledMs >= before.scheduledMs, 'a firing was begun after a later one')
  }
}

export const jobs: StoreTests = {
  'each firing of a job is run by one of the processes, one firing after the other': async (store) => {
    const firings = await runJob(
      store,
      'at-least-once',
      (firing) => firing.complete({ success: [put(`done/${firing.scheduled}`, 'x')] }),
      ({ length }) => length >= 2,
    )
    checkOrder(firings)
    equal(new Set(firings.map(({ scheduled }) => scheduled)).size, firings.length, 'firings that were run once')
    equal((await store.range({ prefix: 'done/' })).count, firings.length, 'what they wrote')
  },

  'at least once: a firing that failed is begun again, and what it writes with its end is written once': async (
    store,
  ) => {
    let done = false
    const firings = await runJob(
      store,
      'at-least-once',
      async (firing) => {
        if (firing.attempt === 1) throw new Error('the first attempt failed')
        await firing.complete({ success: [put('done', `${firing.attempt}`)] })
        done = true
      },
      () => done,
    )
    checkOrder(firings)
    equal(firings[1]?.scheduled, firings[0]?.scheduled, 'what was begun after the failure')
    const found = await store.get('done')
    equal([found?.text(), found?.version], ['2', 1], 'what was written')
  },

  'at most once: a firing that failed is not begun again': async (store) => {
    const firings = await runJob(
      store,
      'at-most-once',
      () => {
        throw new Error('it failed')
      },
      ({ length }) => length >= 2,
    )
    checkOrder(firings)
    equal(new Set(firings.map(({ scheduled }) => scheduled)).size, firings.length, 'firings')
    equal(
      firings.map(({ attempt }) => attempt),
      firings.map(() => 1),
      'attempts',
    )
  },
}
