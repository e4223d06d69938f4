/** Three processes add 1 to a counter, and are told a number each time. */
import { compare, Counter, isStoreError, open, put, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { everyFault } from './faults.js'
import { telling, type Told } from './outcome.js'
import { eachReport, everyNodeReports } from './reports.js'
import { scenario } from './scenario.js'
import { askAnyStore, impatient, untilStopped } from './service.js'

type Report = { readonly type: 'begins' } | { readonly type: 'ends'; readonly told: Told; readonly value?: number }
interface Exposed {
  readonly store: Store
}
type Env = NodeEnvironment<Report, Exposed>
type Add = (store: Store, env: Env) => Promise<number>

const FOR_MS = 12_000
const NAME = 'visits'

function app(add: Add): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    env.expose({ store })
    await untilStopped(
      env,
      async () => {
        env.report({ type: 'begins' })
        let value: number | undefined
        await telling(
          (told) => {
            env.mark(`is told: ${told}`)
            env.report({ type: 'ends', told, ...(value === undefined ? {} : { value }) })
          },
          async () => {
            value = await add(store, env)
          },
        )
      },
      { pauseMs: 40 },
    )
    return store
  }
}

const once: Add = (store, env) => {
  // Some give up soon: of theirs it may stay unknown.
  return new Counter(impatient(store), NAME).add(1, { timeoutMs: env.below(3) === 0 ? 100 : 6_000, signal: env.signal })
}

/** Adds by itself, and again until the store says that it was added. */
const untilTold: Add = async (store, env) => {
  for (;;) {
    try {
      const found = await store.get(`${NAME}/value`)
      const next = Number(found?.text() ?? 0) + 1
      const unchanged = compare(`${NAME}/value`).modRevision('=', found?.modRevision ?? 0)
      const transaction = { compare: [unchanged], success: [put(`${NAME}/value`, String(next))] }
      const { succeeded } = await store.txn(transaction, { timeoutMs: 200 })
      if (succeeded) return next
    } catch (error) {
      if (!isStoreError(error) || !error.retryable) throw error
    }
    await env.sleep(20, env.signal)
  }
}

const readAndPut: Add = async (store) => {
  const next = Number((await store.get(`${NAME}/value`))?.text() ?? 0) + 1
  await store.put(`${NAME}/value`, String(next))
  return next
}

export const counter = scenario<Report, Exposed>({
  name: 'counter',
  description: 'three processes add 1: no two are told the same number, and it counts all that were added and no other',
  options: {
    app: app(once),
    faults: everyFault,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      const seen = new Map<number, string>()
      return ({ node, value: report }) => {
        if (report.type !== 'ends' || report.value === undefined) return
        const before = seen.get(report.value)
        if (before !== undefined) throw new Error(`${node} is told ${report.value}, as ${before} was`)
        seen.set(report.value, node)
      }
    }),
    eventually: (world) => everyNodeReports(world, FOR_MS, ({ type }) => type === 'ends'),
    atEnd: async (world) => {
      const { observations } = world
      const count = (wanted: (report: Report) => boolean): number =>
        observations.filter(({ value }) => wanted(value)).length
      const done = count((report) => report.type === 'ends' && report.told === 'done')
      const value = await askAnyStore(world, (store) => new Counter(store, NAME).value())
      const begun = count(({ type }) => type === 'begins')
      const refused = count((report) => report.type === 'ends' && report.told === 'refused')
      if (value < done) throw new Error(`it counts ${value}, but ${done} were told that theirs was added`)
      if (value > begun - refused)
        throw new Error(`it counts ${value}, but only ${begun - refused} can have been added`)
    },
    marks: ['is told: done', 'is told: unknown', 'is told: refused'],
  },
  naive: {
    'adds-until-told': {
      description: 'compares and swaps, and tries again when the outcome is unknown',
      options: { app: app(untilTold) },
      finds: /it counts \d+, but only \d+ can have been added/,
      seed: 10,
    },
    'reads-and-puts': {
      description: 'reads the number and puts the next one',
      options: { app: app(readAndPut) },
      finds: /is told \d+, as \w was/,
      seed: 1,
    },
  },
})
