/**
 * Three jobs in three processes, due every two seconds: `least` at least once, `most` at most once, and `exact`, whose writes
 * are made in the transaction that completes it. Their functions take their time, throw, and are cut off.
 *
 * What is judged in every seed: what was begun at most once was not begun twice, no write of `exact` was made twice, and by
 * the tokens no firing passes another one. Where all clocks go right also: none is begun before its time, and none is missing.
 */
import {
  compare,
  Election,
  Mutex,
  open,
  put,
  Scheduler,
  type Firing,
  type JobOptions,
  type ScheduledJob,
  type Store,
} from 'quorate'
import type { NodeEnvironment, SimulatedWorld } from 'quorate/testing'
import { everyFault, TTL_MS } from './faults.js'
import { eachReport } from './reports.js'
import { scenario } from './scenario.js'
import { anyStore, insist, sleepUnlessStopped, untilStopped } from './service.js'

type JobName = 'least' | 'most' | 'exact'

interface Report {
  /** `begins` is said by the function first, `ends` last; it is `completed` by a transaction. */
  readonly type: 'begins' | 'ends' | 'completed'
  readonly job: JobName
  readonly scheduledMs: number
  readonly attempt: number
  readonly token: number
}

interface Exposed {
  readonly store: Store
}

type Env = NodeEnvironment<Report, Exposed>
type World = SimulatedWorld<Report, Exposed>
type Work = (env: Env, store: Store, firing: Firing) => Promise<void>

const EVERY_MS = 2_000
const FOR_MS = 12_000
/** Of the simulated world: its wall clocks begin there, and differ by so much at first. */
const WALL_START_MS = 1_700_000_000_000
const WALL_SKEW_MS = 500
const WALL_FAULTS = ['wall-jump', 'wall-swing', 'clock-drift', 'clock-freeze']

const JOBS: Readonly<Record<JobName, JobOptions>> = {
  least: { everyMs: EVERY_MS, promise: 'at-least-once', missed: 'all' },
  most: { everyMs: EVERY_MS, promise: 'at-most-once' },
  exact: { cron: '*/2 * * * * *', promise: 'at-least-once', missed: 'all' },
}

const writtenBy = (scheduledMs: number): string => `written/${scheduledMs}`

function app(workOfExact: Work): (env: Env) => Promise<AsyncDisposable> {
  return async (env) => {
    const store = await open(env.store)
    env.expose({ store })
    const scheduler = new Scheduler(store, 'jobs', { ttlMs: TTL_MS })
    const jobs = (Object.keys(JOBS) as JobName[]).map((name) => {
      const work = name === 'exact' ? workOfExact : lasting
      const job = scheduler.start(name, { ...JOBS[name], closeMs: 1_000 }, (firing) =>
        run(env, store, firing, name, work),
      )
      job.on('failure', ({ then }) => env.mark(then === 'lost' ? 'loses a firing' : 'fails'))
      return job
    })
    await ended(env, jobs)
    return {
      async [Symbol.asyncDispose]() {
        await Promise.all(jobs.map((job) => job.close()))
        await store.close()
      },
    }
  }
}

/** The process ends with its store: a supervisor starts another one. */
function ended(env: Env, jobs: readonly ScheduledJob[]): Promise<void> {
  return new Promise((resolve, reject) => {
    env.signal.addEventListener('abort', () => resolve(), { once: true })
    for (const { signal } of jobs) signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

async function run(env: Env, store: Store, firing: Firing, job: JobName, work: Work): Promise<void> {
  const { scheduledMs, attempt, token } = firing
  env.report({ type: 'begins', job, scheduledMs, attempt, token })
  if (attempt > 1) env.mark('is begun again')
  await work(env, store, firing)
  env.report({ type: 'ends', job, scheduledMs, attempt, token })
}

/** Something that takes its time, looks at its signal or does not, and fails now and then. */
async function lasting(env: Env, _: Store, { signal }: Firing): Promise<void> {
  await env.sleep(env.below(env.below(4) === 0 ? 2 * EVERY_MS : 300), env.below(2) === 0 ? signal : undefined)
  if (env.below(6) === 0) throw new Error('it failed')
}

const completing: Work = async (env, store, firing) => {
  await lasting(env, store, firing)
  const { scheduledMs, attempt, token } = firing
  await firing.complete({ success: [put(writtenBy(scheduledMs), env.node)] }, { timeoutMs: 1_000 })
  env.mark('completes')
  env.report({ type: 'completed', job: 'exact', scheduledMs, attempt, token })
}

/** Wrong, and looks right: it is written first, and returns when that is done. */
const writing: Work = async (env, store, firing) => {
  await lasting(env, store, firing)
  firing.signal.throwIfAborted()
  await store.put(writtenBy(firing.scheduledMs), env.node)
}

/** Wrong: one leads, and has a timer of its own. */
async function leaderWithTimer(env: Env): Promise<Store> {
  const store = await open(env.store)
  env.expose({ store })
  await untilStopped(env, async () => {
    const { token } = await new Election(store, 'leader').campaign(env.node, { ttlMs: TTL_MS, signal: env.signal })
    let last = env.clock.wallMs()
    for (let nth = 0; !env.signal.aborted; nth++) {
      const due = Math.floor(env.clock.wallMs() / EVERY_MS) * EVERY_MS
      const report = { job: 'most', scheduledMs: due, attempt: 1, token: token * 1_000 + nth } as const
      if (due > last) env.report({ type: 'begins', ...report })
      last = Math.max(due, last)
      await sleepUnlessStopped(env, 100)
    }
  })
  return store
}

/** Wrong: under a lock it looks what was run last, runs what is due, and writes that down afterwards. */
async function recordingAfter(env: Env): Promise<Store> {
  const store = await open(env.store)
  env.expose({ store })
  await untilStopped(env, async () => {
    const mutex = new Mutex(store, 'cron')
    await mutex.withLock(
      async ({ token, signal }) => {
        const due = Math.floor(env.clock.wallMs() / EVERY_MS) * EVERY_MS
        const last = (await store.get('last'))?.json<number>() ?? 0
        if (due <= last || signal.aborted) return
        env.report({ type: 'begins', job: 'most', scheduledMs: due, attempt: 1, token })
        await sleepUnlessStopped(env, env.below(300))
        await store.put('last', String(due))
      },
      { ttlMs: TTL_MS, signal: env.signal },
    )
  })
  return store
}

/** Wrong: it is written down before, in a transaction, when it was run, and is due when that is long enough ago by the clock. */
async function comparingNow(env: Env): Promise<Store> {
  const store = await open(env.store)
  env.expose({ store })
  await untilStopped(env, async () => {
    const found = await store.get('last')
    const nowMs = env.clock.wallMs()
    const due = Math.floor(nowMs / EVERY_MS) * EVERY_MS
    if (Math.floor((found?.json<number>() ?? 0) / EVERY_MS) * EVERY_MS === due) return
    const unchanged = compare('last').modRevision('=', found?.modRevision ?? 0)
    const { succeeded, revision } = await store.txn({ compare: [unchanged], success: [put('last', String(nowMs))] })
    if (succeeded) env.report({ type: 'begins', job: 'most', scheduledMs: due, attempt: 1, token: revision })
  })
  return store
}

const textOf = (ms: number): string => new Date(ms).toISOString().slice(11, 19)

/** Whether all clocks of this seed go right. */
function clocksGoRight({ seed, nodes }: World): boolean {
  const faults = everyFault({ seed, nodes: nodes.map(({ name }) => name), forMs: FOR_MS })
  return !faults.some(({ type }) => WALL_FAULTS.includes(type))
}

const checkReports = eachReport<Report, Exposed>(() => {
  const begun = new Map<number, string>()
  const tokens = new Map<JobName, Report[]>()
  let goRight: boolean | undefined
  return ({ node, atMs, value }, world) => {
    const { job, scheduledMs, attempt, type } = value
    if (type !== 'begins') return
    const firing = `the firing of ${textOf(scheduledMs)} of ${job}`
    goRight ??= clocksGoRight(world)
    if (goRight && atMs + WALL_START_MS + WALL_SKEW_MS < scheduledMs)
      throw new Error(`${firing} was begun before its time`)
    if (job === 'most') {
      const before = begun.get(scheduledMs)
      if (before !== undefined) throw new Error(`${firing} was begun twice, by ${before} and then by ${node}`)
      begun.set(scheduledMs, node)
    }
    const others = tokens.get(job) ?? []
    for (const other of others) {
      if (other.token === value.token) throw new Error(`${firing} has the token of another attempt`)
      const [earlier, later] = other.token < value.token ? [other, value] : [value, other]
      if (later.scheduledMs === earlier.scheduledMs && later.attempt > earlier.attempt) continue
      // A clock that is ahead begins what is to come, and the others what it left out.
      if (later.scheduledMs > earlier.scheduledMs || (!goRight && later.scheduledMs !== earlier.scheduledMs)) continue
      throw new Error(`${firing}, attempt ${attempt}, passes that of ${textOf(other.scheduledMs)}`)
    }
    tokens.set(job, [...others, value])
  }
})

/** Of each job something is run after the faults; where all clocks go right, every firing of `least` that was due has ended. */
function isDone(world: World): boolean {
  const { observations } = world
  const since = (job: JobName, type: Report['type']): boolean =>
    observations.some(({ atMs, value }) => atMs > FOR_MS && value.job === job && value.type === type)
  if (!since('least', 'ends') || !since('most', 'begins') || !since('exact', 'completed')) return false
  if (!clocksGoRight(world)) return true
  const reports = observations.map(({ value }) => value)
  // They come in their order: once a later one has begun, those before are over.
  const isPast = reports.some(({ job, scheduledMs }) => job === 'exact' && scheduledMs > WALL_START_MS + FOR_MS)
  return isPast && missing(reports).length === 0
}

/** The firings of `least` of which no attempt has come to its end, of those that were due in the time of the faults. */
function missing(reports: readonly Report[]): readonly number[] {
  const ended = new Set(
    reports.flatMap(({ type, job, scheduledMs }) => (type === 'ends' && job === 'least' ? scheduledMs : [])),
  )
  return due(Math.min(...ended)).filter((each) => !ended.has(each))
}

function due(firstMs: number): readonly number[] {
  const lastMs = Math.floor((WALL_START_MS + FOR_MS - WALL_SKEW_MS) / EVERY_MS) * EVERY_MS
  return Array.from({ length: Math.max(0, (lastMs - firstMs) / EVERY_MS + 1) }, (_, at) => firstMs + at * EVERY_MS)
}

/** Every write of `exact` was made once, and where all clocks go right none is missing. */
async function checkWrites(world: World): Promise<void> {
  // Before it is read: what is completed meanwhile need not be seen.
  const reported = world.observations.filter(({ value: { type } }) => type === 'completed')
  const { items } = await insist(world, () => anyStore(world.nodes).range({ prefix: 'written/' }))
  const times = items.map(({ key, version }) => {
    if (version !== 1) throw new Error(`${key} was written ${version} times`)
    return Number(key.slice('written/'.length))
  })
  const lost = reported.find(({ value: { scheduledMs } }) => !times.includes(scheduledMs))
  if (lost !== undefined)
    throw new Error(`${lost.node} completed ${textOf(lost.value.scheduledMs)}, and it is not written`)
  if (!clocksGoRight(world)) return
  const left = due(Math.min(...times)).find((each) => !times.includes(each))
  if (left !== undefined) throw new Error(`the firing of ${textOf(left)} of exact was never completed`)
}

const onlyReports = { eventually: () => true, atEnd: () => undefined }

export const scheduler = scenario<Report, Exposed>({
  name: 'scheduler',
  description:
    'three jobs in three processes: at most once is never twice, at least once is never missing, exactly once is written once',
  options: {
    app: app(completing),
    faults: everyFault,
    forMs: FOR_MS,
    healMs: 60_000,
    restartAfterMs: 500,
    // The package that computes the times has a clock and timers of its own, and must not use them.
    traps: true,
    always: checkReports,
    eventually: isDone,
    atEnd: checkWrites,
    marks: ['completes', 'fails', 'is begun again', 'loses a firing'],
  },
  naive: {
    'leader-with-timer': {
      description: 'an elected leader runs the jobs by a timer of its own',
      options: { app: leaderWithTimer, ...onlyReports },
      finds: /the firing of \S+ of most was begun twice/,
      seed: 25,
    },
    'records-after': {
      description: 'takes a lock, looks what was run last, runs what is due, and writes that down afterwards',
      options: { app: recordingAfter, ...onlyReports },
      finds: /the firing of \S+ of most was begun twice/,
      seed: 10,
    },
    'compares-now': {
      description: 'writes down, before it runs something, the time that its clock shows, and compares that',
      options: { app: comparingNow, ...onlyReports },
      finds: /the firing of \S+ of most was begun twice/,
      seed: 1,
    },
    'writes-before': {
      description:
        'writes its result while it looks as if it still had the firing, and completes the firing by returning',
      options: { app: app(writing), eventually: (world) => world.nowMs > FOR_MS + 20_000 },
      finds: /written\/\d+ was written \d+ times/,
      seed: 9,
    },
  },
})
