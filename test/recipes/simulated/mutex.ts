/** A lock in three processes of two tasks each: whoever holds it acts, first looking at its signal, and writes with the guard. */
import { isStoreError, Mutex, open, put, type Lock, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { contendInTasks, lineEmpties, valuesOf, type Contend, type Exposed } from './contending.js'
import { steadyClocks, TTL_MS } from './faults.js'
import { naiveLock } from './naive-lock.js'
import { everyNodeReports, eachReport } from './reports.js'
import { scenario } from './scenario.js'
import { sleepUnlessStopped } from './service.js'

/** It did something that only the holder may do. */
interface Acts {
  readonly token: number
  readonly task: string
}

const FOR_MS = 12_000
const NAME = 'work'
const PREFIX = `${NAME}/`
/** Written by the one who holds, with its token. */
const DONE = 'done'
/** Short enough that many give up. */
const PATIENCE_MS = 3_000

type Env = NodeEnvironment<Acts, Exposed>
type Write = (token: number) => Promise<unknown>

function app(contend: Contend<Acts>): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    await contendInTasks(env, store, contend)
    return store
  }
}

function locking(mayAct: (lock: Lock) => boolean): Contend<Acts> {
  return async ({ env, store, session, name }) => {
    const { signal } = env
    const patience = { signal, timeoutMs: 1 + env.below(PATIENCE_MS), ...(session === undefined && { ttlMs: TTL_MS }) }
    await new Mutex(store, NAME, { session }).withLock(async (lock) => {
      await act(
        env,
        name,
        lock.token,
        () => mayAct(lock),
        (token) => lock.txn({ success: [put(DONE, `${token}`)] }, { timeoutMs: 1_000 }),
      )
    }, patience)
  }
}

async function act(env: Env, task: string, token: number, mayAct: () => boolean, write: Write): Promise<void> {
  for (let acts = env.below(4); acts >= 0; acts--) {
    if (!mayAct()) {
      env.mark('loses the lock while it works')
      return
    }
    env.report({ token, task })
    try {
      await write(token)
    } catch (error) {
      if (!isStoreError(error)) throw error
    }
    await sleepUnlessStopped(env, env.below(300))
  }
  env.mark('works to the end')
}

/** The keys are named by `keyOf`; everything else is as it should be, but for how a place is given up. */
function lockingBy(keyOf: (lease: string, acquisition: string) => string): Contend<Acts> {
  return async ({ env, store, session, name }) => {
    if (session === undefined) return
    const key = PREFIX + keyOf(session.lease.toString(16), env.random.uint32().toString(16))
    const options = { sleep: env.sleep, waitMs: 1 + env.below(PATIENCE_MS) }
    const held = await naiveLock(store, PREFIX, key, session, options)
    if (held === undefined) return
    await act(
      env,
      name,
      held.token,
      () => !session.signal.aborted,
      () => env.sleep(20),
    )
    await held.unlock()
  }
}

export const mutex = scenario<Acts, Exposed>({
  name: 'mutex',
  description:
    'tasks take turns: who acts has a token at least as large as all who acted before, and none is left behind',
  options: {
    app: app(locking((lock) => !lock.signal.aborted)),
    faults: steadyClocks,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      let last: Acts = { token: 0, task: '' }
      return ({ value }) => {
        const { token, task } = value
        if (token < last.token) {
          throw new Error(`${task} acts with token ${token} after ${last.task} acted with ${last.token}`)
        }
        if (token === last.token && task !== last.task) {
          throw new Error(`${task} acts with token ${token}, and so did ${last.task}`)
        }
        last = value
      }
    }),
    eventually: (world) => {
      if (!everyNodeReports(world, FOR_MS)) throw new Error('a node does not get the lock any more')
      return true
    },
    atEnd: async (world) => {
      const tokens = (await valuesOf(world, DONE)).map(Number)
      const late = tokens.findIndex((token, at) => token < (tokens[at - 1] ?? 0))
      if (late > 0) throw new Error(`token ${tokens[late]} wrote after ${tokens[late - 1]}`)
      await lineEmpties(world, PREFIX)
    },
    marks: [
      'works to the end',
      'loses the lock while it works',
      'contends in a session of its own',
      'contends in a shared session',
      'reopens its session',
    ],
  },
  naive: {
    'looks-once': {
      description: 'had the lock when it began, and does not look at its signal again',
      options: { app: app(locking(() => true)) },
      finds: /acts with token \d+ after \S+ acted with \d+/,
      seed: 22,
    },
    'one-key-for-a-session': {
      description: 'names the key after the lease alone: two tasks of one session both find theirs in front',
      options: { app: app(lockingBy((lease) => lease)) },
      finds: /acts with token \d+, and so did/,
      seed: 1,
    },
    'deletes-its-key': {
      description: 'gives up by deleting its key, while the put of it is still on its way',
      options: { app: app(lockingBy((lease, acquisition) => `${lease}-${acquisition}`)), healMs: 5_000 },
      finds: /does not get the lock any more|is left in the line/,
      seed: 1,
    },
  },
})
