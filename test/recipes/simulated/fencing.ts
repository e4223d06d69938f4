/** A lock where clocks go wrong, too: nobody looks at signals, and what holders write is in the order of their tokens all the same. */
import { isStoreError, Mutex, open, put, type Lock, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { contendInTasks, lineEmpties, valuesOf, type Exposed } from './contending.js'
import { everyFault, TTL_MS } from './faults.js'
import { everyNodeReports } from './reports.js'
import { scenario } from './scenario.js'
import { sleepUnlessStopped } from './service.js'

type Write = (store: Store, lock: Lock) => Promise<unknown>

const FOR_MS = 12_000
const NAME = 'work'
const DONE = 'done'

const guarded: Write = (_store, lock) => lock.txn({ success: [put(DONE, `${lock.token}`)] }, { timeoutMs: 1_000 })
const trusting: Write = (store, lock) => store.put(DONE, `${lock.token}`, { timeoutMs: 1_000 })

function app(write: Write): (env: NodeEnvironment<string, Exposed>) => Promise<Store> {
  return async (env) => {
    const given = await open(env.store)
    await contendInTasks(env, given, async ({ store, session }) => {
      const lock = await new Mutex(store, NAME, { session }).lock({
        signal: env.signal,
        ...(session === undefined && { ttlMs: TTL_MS }),
      })
      try {
        for (let writes = env.below(4); writes >= 0; writes--) {
          await write(store, lock).then(
            () => {
              env.report('writes')
              env.mark('writes')
            },
            (error: unknown) => {
              if (!isStoreError(error)) throw error
              if (error.code === 'LOCK_LOST') env.mark('is refused a write')
            },
          )
          await sleepUnlessStopped(env, env.below(600))
        }
      } finally {
        await lock.unlock()
      }
    })
    return given
  }
}

export const fencing = scenario<string, Exposed>({
  name: 'fencing',
  description:
    'holders write without a look at their signals while clocks go wrong: the tokens in the store never go back',
  options: {
    app: app(guarded),
    faults: everyFault,
    forMs: FOR_MS,
    restartAfterMs: 500,
    eventually: (world) => everyNodeReports(world, FOR_MS),
    atEnd: async (world) => {
      const tokens = (await valuesOf(world, DONE)).map(Number)
      const late = tokens.findIndex((token, at) => token < (tokens[at - 1] ?? 0))
      if (late > 0) throw new Error(`token ${tokens[late]} wrote after ${tokens[late - 1]}`)
      await lineEmpties(world, `${NAME}/`)
    },
    marks: ['writes', 'is refused a write'],
  },
  naive: {
    trusting: {
      description: 'writes without the guard: it had the lock, after all',
      options: { app: app(trusting) },
      finds: /token \d+ wrote after \d+/,
      seed: 70,
    },
  },
})
