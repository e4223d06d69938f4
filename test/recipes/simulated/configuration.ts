/** One configuration, written well and badly by all nodes, which all must show alike. */
import { Configuration, isStoreError, open, StoreError, type StandardSchema, type Store } from 'quorate'
import type { NodeEnvironment, Observation } from 'quorate/testing'
import { decorated } from '../stage.js'
import { everyFault } from './faults.js'
import { eachReport, everyNodeReports } from './reports.js'
import { scenario } from './scenario.js'
import { sleepUnlessStopped, untilStopped } from './service.js'

type Report =
  /** Acknowledged; undefined: something that is not valid, or a deletion. */
  | { readonly type: 'written'; readonly revision: number; readonly value: number | undefined }
  | {
      readonly type: 'shows'
      /** Undefined: the fallback. */
      readonly revision: number | undefined
      readonly value: number
      /** Up to which version that was looked at. Undefined: there is none. */
      readonly looked: number | undefined
      /** Which object shows it. */
      readonly of: string
    }

type Env = NodeEnvironment<Report>

const FOR_MS = 10_000
const KEY = 'config'
const FALLBACK = 0

/** Valid is an even number; it takes a while to find out. */
function schemaOf(env: Env): StandardSchema<number, number> {
  return {
    '~standard': {
      version: 1,
      vendor: 'simulated',
      validate: async (value) => {
        if (env.below(4) === 0) await sleepUnlessStopped(env, env.below(300))
        if (typeof value === 'number' && value % 2 === 0) return { value }
        return { issues: [{ message: 'it is not even' }] }
      },
    },
  }
}

type Options = {
  readonly over?: (store: Store) => Store
  readonly schema?: (env: Env) => StandardSchema<number, number>
}

function app({ over = (store) => store, schema = schemaOf }: Options = {}): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    await Promise.all([
      untilStopped(env, () => write(env, store), { pauseMs: 50 }),
      untilStopped(env, async (round) => {
        const config = await Configuration.open(over(store), KEY, {
          schema: schema(env),
          fallback: FALLBACK,
          signal: env.signal,
          timeoutMs: 5_000,
        })
        await use(env, config, `${env.node}${env.life}-${round}`)
      }),
    ])
    return store
  }
}

async function use(env: Env, config: Configuration<number>, of: string): Promise<void> {
  try {
    for (let looks = 20 + env.below(40); looks > 0 && !env.signal.aborted; looks--) {
      const { revision, value, invalid, origin } = config
      const looked = invalid?.revision ?? (origin === 'stored' ? revision : undefined)
      env.report({ type: 'shows', revision, value, looked, of })
      if (origin === 'last-good') env.mark('shows the last good one')
      await sleepUnlessStopped(env, env.below(100))
      if (env.below(8) > 0) continue
      const even = 2 * (1 + env.below(1_000_000))
      const { revision: written } = await config.set(even, { ifRevision: looked ?? 0, timeoutMs: 1_000 })
      env.report({ type: 'written', revision: written, value: even })
      await config.includes(written, { timeoutMs: 2_000 })
      if ((config.revision ?? 0) < written && config.invalid === undefined && config.origin === 'stored') {
        throw new Error(`what was written at ${written} is not seen`)
      }
    }
  } finally {
    await config.close()
  }
}

/** By somebody who does not ask the schema. */
async function write(env: Env, store: Store): Promise<void> {
  await sleepUnlessStopped(env, env.below(800))
  const what = env.below(10)
  try {
    if (what === 0) {
      const { revision } = await store.delete(KEY, { timeoutMs: 1_000 })
      env.report({ type: 'written', revision, value: undefined })
      return
    }
    const number = 2 * (1 + env.below(1_000_000)) + (what < 6 ? 1 : 0)
    const text = what === 1 ? 'no JSON' : `${number}`
    const { revision } = await store.put(KEY, text, { timeoutMs: 1_000 })
    env.report({ type: 'written', revision, value: text === `${number}` && number % 2 === 0 ? number : undefined })
  } catch (error) {
    if (!isStoreError(error)) throw error
  }
}

function check(): (report: Observation<Report>) => void {
  const written = new Map<number, number | undefined>()
  const shown = new Map<number, { readonly node: string; readonly revision: number | undefined }>()
  const last = new Map<string, number>()
  const checkValue = (node: string, revision: number, value: number): void => {
    if (!written.has(revision) || written.get(revision) === value) return
    throw new Error(`${node} shows ${value} as of ${revision}, where something else was written`)
  }
  return ({ node, value: report }) => {
    if (report.type === 'written') {
      written.set(report.revision, report.value)
      return
    }
    const { revision, value, looked, of } = report
    if (value % 2 !== 0) throw new Error(`${node} shows ${value}, which is not valid`)
    if (revision === undefined && value !== FALLBACK) throw new Error(`${node} shows ${value} for the fallback`)
    if (revision !== undefined) {
      checkValue(node, revision, value)
      if (revision < (last.get(of) ?? 0)) throw new Error(`${of} went back to what was stored at ${revision}`)
      last.set(of, revision)
    }
    if (looked === undefined) return
    const other = shown.get(looked)
    if (other !== undefined && other.revision !== revision) {
      throw new Error(
        `${node} shows ${describe(revision)} where ${looked} is stored, and ${other.node} ${describe(other.revision)}`,
      )
    }
    shown.set(looked, { node, revision })
  }
}

const describe = (revision: number | undefined): string =>
  revision === undefined ? 'the fallback' : `what was stored at ${revision}`

/** A store without history: what remains is what one remembers. */
function forgetful(store: Store): Store {
  return decorated(store, {
    range: (selection, options) =>
      options?.revision === undefined
        ? store.range(selection, options)
        : Promise.reject(new StoreError('COMPACTED', 'there is no history')),
  })
}

const anything = (): StandardSchema<number, number> => ({
  '~standard': { version: 1, vendor: 'simulated', validate: (value) => ({ value: Number(value) }) },
})

export const configuration = scenario<Report>({
  name: 'configuration',
  description:
    'a configuration that is written well, badly and at the same time: only what is valid is shown, never an older one, and the same by all who know of the same version',
  options: {
    app: app(),
    faults: everyFault,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport<Report>(check),
    eventually: (world) => everyNodeReports(world, FOR_MS, ({ type }) => type === 'shows'),
    marks: ['shows the last good one'],
  },
  naive: {
    'remembers-the-last': {
      description: 'remembers the last good value, instead of looking for it in history',
      options: { app: app({ over: forgetful }) },
      finds: /shows .* where \d+ is stored, and \w /,
      seed: 1,
    },
    'shows-what-comes': {
      description: 'shows what is stored',
      options: { app: app({ schema: anything }) },
      finds: /which is not valid|shows NaN/,
      seed: 1,
    },
  },
})
