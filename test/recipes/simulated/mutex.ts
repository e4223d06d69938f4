/** A lock in three processes: whoever holds it acts, first looking at its signal, and writes with the guard. */
import { isStoreError, Mutex, open, put, type Lock, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { steadyClocks, TTL_MS } from './faults.js'
import { everyNodeReports, eachReport } from './reports.js'
import { scenario } from './scenario.js'
import { sleepUnlessStopped, untilStopped } from './service.js'

/** It did something that only the holder may do. */
interface Acts {
  readonly token: number
}

const FOR_MS = 12_000
type Env = NodeEnvironment<Acts>

function app(mayAct: (lock: Lock) => boolean): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    await untilStopped(env, async () => {
      const mutex = new Mutex(store, 'work')
      await mutex.withLock((lock) => act(env, lock, mayAct), { ttlMs: TTL_MS, signal: env.signal })
    })
    return store
  }
}

async function act(env: Env, lock: Lock, mayAct: (lock: Lock) => boolean): Promise<void> {
  const { token } = lock
  for (let acts = env.below(4); acts >= 0; acts--) {
    if (!mayAct(lock)) {
      env.mark('loses the lock while it works')
      return
    }
    env.report({ token })
    try {
      await lock.txn({ success: [put('done', `${token}`)] }, { timeoutMs: 1_000 })
    } catch (error) {
      if (!isStoreError(error)) throw error
    }
    await sleepUnlessStopped(env, env.below(300))
  }
  env.mark('works to the end')
}

export const mutex = scenario<Acts>({
  name: 'mutex',
  description: 'three processes take turns: who acts has a token at least as large as everybody who acted before',
  options: {
    app: app((lock) => !lock.signal.aborted),
    faults: steadyClocks,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      let last: { readonly token: number; readonly node: string } = { token: 0, node: '' }
      return ({ node, value: { token } }) => {
        if (token < last.token) {
          throw new Error(`${node} acts with token ${token} after ${last.node} acted with ${last.token}`)
        }
        last = { token, node }
      }
    }),
    eventually: (world) => everyNodeReports(world, FOR_MS),
    marks: ['works to the end', 'loses the lock while it works'],
  },
  naive: {
    'looks-once': {
      description: 'had the lock when it began, and does not look at its signal again',
      options: { app: app(() => true) },
      finds: /acts with token \d+ after \w acted with \d+/,
      seed: 4,
    },
  },
})
