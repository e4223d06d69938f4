/** Two permits in three processes of two tasks each: never do three act at the same time. */
import { compare, isStoreError, open, put, Semaphore, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { contendInTasks, lineEmpties, type Contend, type Exposed } from './contending.js'
import { steadyClocks, TTL_MS } from './faults.js'
import { everyNodeReports, eachReport } from './reports.js'
import { scenario } from './scenario.js'
import { sleepUnlessStopped } from './service.js'

/** One who holds a permit. */
interface Acts {
  readonly token: number
}

interface Held {
  readonly token: number
  readonly signal: AbortSignal
}

const FOR_MS = 12_000
const NAME = 'exports'
const PERMITS = 2
const PATIENCE_MS = 3_000

type Env = NodeEnvironment<Acts, Exposed>

function app(contend: Contend<Acts>): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    await contendInTasks(env, store, contend)
    return store
  }
}

/** `signalOf`: what it looks at before it acts. */
function inLine(signalOf: (permit: Held) => Held): Contend<Acts> {
  return async ({ env, store, session }) => {
    const { signal } = env
    const options = { signal, timeoutMs: 1 + env.below(PATIENCE_MS), ...(session === undefined && { ttlMs: TTL_MS }) }
    const semaphore = new Semaphore(store, NAME, { permits: PERMITS, session })
    await semaphore.withPermit((permit) => act(env, signalOf(permit)), options)
  }
}

async function act(env: Env, held: Held): Promise<void> {
  for (let acts = 1 + env.below(4); acts >= 0 && !held.signal.aborted; acts--) {
    env.report({ token: held.token })
    await sleepUnlessStopped(env, env.below(300))
  }
  if (held.signal.aborted) env.mark('loses its permit while it works')
  else env.mark('works to the end')
}

/** Counts those who hold, and takes a permit if one is left: in between others do the same. */
const countsFirst: Contend<Acts> = async ({ env, store, session, name }) => {
  if (session === undefined) return
  const { count } = await store.range({ prefix: `${NAME}/` }, { countOnly: true })
  if (count >= PERMITS) return
  const key = `${NAME}/${name}`
  const { succeeded, revision } = await store.txn({
    compare: [compare(key).missing()],
    success: [put(key, '', { lease: session.lease })],
  })
  if (succeeded && !session.signal.aborted) await act(env, { token: revision, signal: session.signal })
  await store.delete(key).catch((error: unknown) => {
    if (!isStoreError(error)) throw error
  })
}

/**
 * Who acts twice held a permit all the time in between. The permits held at one moment are counted where each of them was
 * used for the first time: if too many are held at all, then at one of those moments.
 */
function countPermits(): (token: number) => void {
  const acted = new Map<number, { readonly first: number; last: number }>()
  let now = 0
  return (token) => {
    const own = acted.get(token) ?? { first: ++now, last: now }
    acted.set(token, own)
    const since = own.last
    own.last = ++now
    const all = [...acted.values()]
    for (const { first } of all) {
      if (first < since && own.first !== first) continue
      const held = all.filter((other) => other.first <= first && other.last >= first).length
      if (held > PERMITS) throw new Error(`${held} act at the same time, of ${PERMITS} who may`)
    }
  }
}

export const semaphore = scenario<Acts, Exposed>({
  name: 'semaphore',
  description: 'two at a time: three never act at once',
  options: {
    app: app(inLine((permit) => permit)),
    faults: steadyClocks,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      const count = countPermits()
      return ({ value: { token } }) => count(token)
    }),
    eventually: (world) => everyNodeReports(world, FOR_MS),
    atEnd: (world) => lineEmpties(world, `${NAME}/`),
    marks: [
      'works to the end',
      'loses its permit while it works',
      'contends in a session of its own',
      'contends in a shared session',
    ],
  },
  naive: {
    'follows-the-signal': {
      description: 'asks a signal made of that of the permit: after a pause it tells nothing before a timer has fired',
      options: { app: app(inLine(({ token, signal }) => ({ token, signal: AbortSignal.any([signal]) }))) },
      finds: /3 act at the same time, of 2 who may/,
      seed: 14,
    },
    'counts-first': {
      description: 'counts those who hold one, and then puts its key',
      options: { app: app(countsFirst) },
      finds: /3 act at the same time, of 2 who may/,
      seed: 1,
    },
  },
})
