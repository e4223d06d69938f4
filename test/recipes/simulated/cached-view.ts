/** A view on every node, of a history whose every state is known; its watches break, and what they need is compacted away. */
import { CachedView, open, StoreError, type Store, type Watch } from 'quorate'
import type { NodeEnvironment, Observation } from 'quorate/testing'
import { decorated } from '../stage.js'
import { steadyClocks } from './faults.js'
import { NaiveView, type ListingView } from './naive-view.js'
import { eachReport, everyNodeReports } from './reports.js'
import { scenario, type ScenarioOptions } from './scenario.js'
import { sleepUnlessStopped, untilStopped } from './service.js'
import { describeState, stateAfter, stepOf, STEPS, takeStep } from './steps.js'

type Report =
  /** Acknowledged. */
  | { readonly type: 'written'; readonly step: number; readonly revision: number }
  | {
      readonly type: 'shows'
      readonly revision: number
      readonly state: string
      readonly step: number
      readonly staleMs: number
    }
  /** Whoever applied all changes to what was shown at first has this, where the view shows that. */
  | { readonly type: 'applied'; readonly applied: string; readonly shown: string }

type Env = NodeEnvironment<Report>
type Open = (store: Store, env: Env) => Promise<ListingView>

const FOR_MS = 9_000
/** History is kept for a little while only. */
const KEPT_REVISIONS = 8
/** The view itself promises no time; the cluster answers once in a while when all is well. */
const FRESH_MS = 2_000

function app(openView: Open): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open({ ...env.store, autoCompaction: { mode: 'periodic', retentionMs: 1_000 } })
    const loops = [
      untilStopped(env, async () => {
        const taken = await takeStep(store)
        if (taken !== undefined) env.report({ type: 'written', ...taken })
        await sleepUnlessStopped(env, env.below(300))
      }),
      untilStopped(env, async () => {
        await sleepUnlessStopped(env, 500)
        const { revision, compactRevision } = store.status()
        if (revision - KEPT_REVISIONS > compactRevision) await store.compact(revision - KEPT_REVISIONS)
      }),
      untilStopped(env, () => useView(env, breaking(store, env), openView)),
    ]
    await Promise.all(loops)
    return store
  }
}

async function useView(env: Env, store: Store, openView: Open): Promise<void> {
  const view = await openView(store, env)
  try {
    const applied = new Map(view.entries())
    const applying = applyAll(env, view, applied)
    let listed = 0
    // Opened again now and then: opening is where much can be missed.
    for (let looks = 20 + env.below(30); looks > 0 && !env.signal.aborted; looks--) {
      const state = [...view.entries()]
      const { revision, staleMs } = view
      env.report({ type: 'shows', revision, state: describeState(state), step: stepOf(state), staleMs })
      if (staleMs > FRESH_MS) env.mark('is cut off')
      if (view.trouble instanceof StoreError && view.trouble.code === 'COMPACTED') listed++
      await sleepUnlessStopped(env, env.below(150))
    }
    if (listed > 0) env.mark('lists anew')
    await view.close()
    await applying
  } finally {
    await view.close()
  }
}

/** Changes put on one another, by somebody who is slow at times. */
async function applyAll(env: Env, view: ListingView, applied: Map<string, string>): Promise<void> {
  const changes = view.changes({ signal: env.signal })
  let revision = 0
  for await (const change of changes) {
    if (change.revision < revision) throw new Error(`a change of ${change.revision} came after one of ${revision}`)
    revision = change.revision
    if (change.type === 'put') applied.set(change.key, change.value)
    else applied.delete(change.key)
    if (changes.backlog === 0) {
      const sorted = [...applied].sort(([a], [b]) => (a < b ? -1 : 1))
      env.report({ type: 'applied', applied: describeState(sorted), shown: describeState(view.entries()) })
    }
    if (env.below(4) === 0) await sleepUnlessStopped(env, env.below(300))
  }
}

/** A store whose watches end with an error now and then, and then cannot be opened for a while; and that answers in small parts. */
function breaking(store: Store, env: Env): Store {
  let refusedUntilMs = 0
  const now = (): number => env.clock.monotonicMs()
  return decorated(store, {
    range: (selection, options) =>
      store.range(selection, options?.limit === undefined ? options : { ...options, limit: 2 }),
    watch: (selection, options) => {
      if (now() < refusedUntilMs) throw new StoreError('UNREACHABLE', 'the connection is lost')
      const watch = store.watch(selection, options)
      const endsMs = now() + env.below(3_000)
      return Object.assign(Object.create(watch) as Watch, {
        requestProgress: () => watch.requestProgress(),
        close: () => watch.close(),
        async *batches() {
          for await (const batch of watch.batches()) {
            yield batch
            if (now() < endsMs) continue
            refusedUntilMs = now() + env.below(2_000)
            throw new StoreError('UNREACHABLE', 'the connection broke')
          }
        },
      })
    },
  })
}

function check(): (report: Observation<Report>) => void {
  const written: { readonly atMs: number; readonly step: number; readonly revision: number }[] = []
  const last = new Map<string, number>()
  return ({ atMs, node, life, value }) => {
    switch (value.type) {
      case 'written':
        written.push({ atMs, ...value })
        return
      case 'applied':
        if (value.applied !== value.shown) {
          throw new Error(`the changes on ${node} make '${value.applied}', where the view shows '${value.shown}'`)
        }
        return
      case 'shows': {
        const { revision, state, step, staleMs } = value
        const whole = stateAfter(step)
        if (state !== whole)
          throw new Error(`${node} shows '${state}' at ${revision}, where step ${step} is '${whole}'`)
        const process = `${node} in life ${life}`
        if (revision < (last.get(process) ?? 0)) throw new Error(`${process} went back to revision ${revision}`)
        for (const write of written) {
          if (write.revision > revision && step >= write.step) {
            throw new Error(`${node} shows step ${step} at ${revision}, which was written at ${write.revision}`)
          }
          if (write.revision <= revision && step < write.step) {
            throw new Error(`${node} shows step ${step} at ${revision}, and ${write.step} was written by then`)
          }
          if (write.revision > revision && write.atMs < atMs - staleMs) {
            const ms = Math.round(atMs - write.atMs)
            throw new Error(`${node} says it is ${Math.round(staleMs)} ms old, and lacks what was written ${ms} ms ago`)
          }
        }
      }
    }
  }
}

const openCached: Open = (store, env) =>
  CachedView.open(
    store,
    { prefix: STEPS },
    { decode: (found) => found.text(), checkEveryMs: 300, signal: env.signal, timeoutMs: 5_000 },
  )

/** It may never come back, and has no changes to tell. */
const naive = (openView: Open): Partial<ScenarioOptions<Report, unknown>> => ({
  app: app(openView),
  eventually: () => true,
})

export const cachedView = scenario<Report>({
  name: 'cached-view',
  description:
    'views of a history whose every state is known: each shows a whole state, the one of its revision, never goes back, and is no older than it says',
  options: {
    app: app(openCached),
    faults: steadyClocks,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport<Report>(check),
    eventually: (world) =>
      everyNodeReports(world, FOR_MS, (report) => report.type === 'shows' && report.staleMs < FRESH_MS) &&
      everyNodeReports(world, FOR_MS, (report) => report.type === 'applied'),
    marks: ['lists anew', 'is cut off'],
  },
  naive: {
    'watches-from-now': {
      description: 'lists, and then watches what happens from now on',
      options: naive(NaiveView.opener({ watches: 'from-now' })),
      finds: /shows '.*' at \d+, where step \d+ is|and \d+ was written by then/,
      seed: 1,
    },
    'keeps-what-was-deleted': {
      description: 'lists anew when history was compacted, and puts what it finds on what it has',
      options: naive(NaiveView.opener({ listsAnew: 'on-top' })),
      finds: /shows '.*' at \d+, where step \d+ is/,
      seed: 9,
    },
    'fresh-by-progress': {
      description: 'takes itself for fresh while notices of progress come',
      options: naive(NaiveView.opener({ freshBy: 'progress' })),
      finds: /says it is \d+ ms old, and lacks what was written \d+ ms ago/,
      seed: 5,
    },
  },
})
