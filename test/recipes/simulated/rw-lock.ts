/** Readers and writers in three processes of two tasks each: a writer acts alone. */
import { compare, isStoreError, open, put, RWLock, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { contendInTasks, lineEmpties, type Contend, type Exposed } from './contending.js'
import { steadyClocks, TTL_MS } from './faults.js'
import { everyNodeReports, eachReport } from './reports.js'
import { scenario } from './scenario.js'
import { sleepUnlessStopped } from './service.js'

interface Acts {
  readonly mode: 'reads' | 'writes'
  readonly token: number
}

interface Held {
  readonly token: number
  readonly signal: AbortSignal
}

const FOR_MS = 12_000
const NAME = 'catalogue'
const PATIENCE_MS = 3_000

type Env = NodeEnvironment<Acts, Exposed>

function app(contend: Contend<Acts>): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    await contendInTasks(env, store, contend)
    return store
  }
}

const inLine: Contend<Acts> = async ({ env, store, session }) => {
  const lock = new RWLock(store, NAME, { session })
  const { signal } = env
  const options = { signal, timeoutMs: 1 + env.below(PATIENCE_MS), ...(session === undefined && { ttlMs: TTL_MS }) }
  if (env.below(3) === 0) await lock.withWriteLock((held) => act(env, 'writes', held), options)
  else await lock.withReadLock((held) => act(env, 'reads', held), options)
}

async function act(env: Env, mode: Acts['mode'], held: Held): Promise<void> {
  for (let acts = env.below(4); acts >= 0 && !held.signal.aborted; acts--) {
    env.report({ mode, token: held.token })
    env.mark(mode)
    await sleepUnlessStopped(env, env.below(300))
  }
}

/** Looks whether there is a writer, or anybody, and takes the lock if not: in between another one does the same. */
const looksFirst: Contend<Acts> = async ({ env, store, session, name }) => {
  if (session === undefined) return
  const mode = env.below(3) === 0 ? 'writes' : 'reads'
  const { items } = await store.range({ prefix: `${NAME}/` })
  if (items.some((each) => mode === 'writes' || each.text() === 'writes')) return
  const key = `${NAME}/${name}`
  const { succeeded, revision } = await store.txn({
    compare: [compare(key).missing()],
    success: [put(key, mode, { lease: session.lease })],
  })
  if (succeeded && !session.signal.aborted) await act(env, mode, { token: revision, signal: session.signal })
  await store.delete(key).catch((error: unknown) => {
    if (!isStoreError(error)) throw error
  })
}

export const rwLock = scenario<Acts, Exposed>({
  name: 'rw-lock',
  description:
    'many read or one writes: nobody reads on after a later writer, nor writes on after anybody who came later',
  options: {
    app: app(inLine),
    faults: steadyClocks,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      let writer = 0
      let anybody = 0
      return ({ node, value: { mode, token } }) => {
        const later = mode === 'writes' ? anybody : writer
        if (token < later) throw new Error(`${node} ${mode} with token ${token} after ${later} held`)
        if (mode === 'writes') writer = token
        anybody = Math.max(anybody, token)
      }
    }),
    eventually: (world) => everyNodeReports(world, FOR_MS),
    atEnd: (world) => lineEmpties(world, `${NAME}/`),
    marks: ['reads', 'writes', 'contends in a session of its own', 'contends in a shared session'],
  },
  naive: {
    'looks-first': {
      description: 'looks whether anybody is in the way, and then puts its key',
      options: { app: app(looksFirst) },
      finds: /(reads|writes) with token \d+ after \d+ held/,
      seed: 2,
    },
  },
})
