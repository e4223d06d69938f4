/** Sessions in three processes: nobody relies on one after anybody could see that its lease is gone. */
import { isStoreError, open, Session, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { steadyClocks, TTL_MS } from './faults.js'
import { everyNodeReports, eachReport } from './reports.js'
import { scenario } from './scenario.js'
import { sleepUnlessStopped, untilStopped } from './service.js'

/** It relies on a lease, or saw that the key that hangs on one is gone. */
interface Report {
  readonly type: 'relies on' | 'sees gone'
  readonly lease: string
}

type Env = NodeEnvironment<Report>
/** Relies on a session, for some time. */
type Rely = (env: Env, store: Store) => Promise<void>

const FOR_MS = 12_000
const PREFIX = 'alive/'

function app(rely: (store: Store) => Rely): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    const relying = rely(store)
    await Promise.all([
      untilStopped(env, () => relying(env, store), { pauseMs: 20 }),
      untilStopped(env, lookingFor(env, store), { pauseMs: 50 }),
    ])
    return store
  }
}

/** Reports leases whose keys were there and are there no more. */
function lookingFor(env: Env, store: Store): () => Promise<void> {
  let seen: readonly string[] = []
  return async () => {
    const { items } = await store.range({ prefix: PREFIX }, { timeoutMs: 1_000 })
    const now = items.map(({ key }) => key.slice(PREFIX.length))
    for (const lease of seen.filter((each) => !now.includes(each))) env.report({ type: 'sees gone', lease })
    seen = now
  }
}

async function relyOn(env: Env, store: Store, leaseId: bigint, stands: () => boolean): Promise<void> {
  const lease = leaseId.toString(16)
  await store.put(PREFIX + lease, env.node, { lease: leaseId, timeoutMs: 1_000 })
  for (let times = 10; times > 0 && stands(); times--) {
    env.report({ type: 'relies on', lease })
    await sleepUnlessStopped(env, env.below(100))
  }
}

function bySignal(): Rely {
  let session: Session | undefined
  return async (env, store) => {
    const { signal } = env
    if (session === undefined) session = await Session.open(store, { ttlMs: TTL_MS, signal })
    else if (session.signal.aborted) {
      env.mark('reopens a session that was lost')
      session = await session.reopen({ signal })
    }
    const { lease } = session
    const current = session
    await relyOn(env, store, lease, () => !current.signal.aborted)
    if (env.below(20) > 0) return
    await session.close()
    env.mark('closes a session')
  }
}

/** Renews in the background, and takes the lease for its own until a renewal says that it is not. */
function byRenewals(store: Store): Rely {
  let lease: bigint | undefined
  return async (env) => {
    if (lease === undefined) {
      const granted = await store.leases.grant({ ttlMs: TTL_MS })
      lease = granted.id
      void renew(env, granted.id)
    }
    const id = lease
    await relyOn(env, store, id, () => lease === id)
  }

  async function renew({ sleep, signal }: Env, id: bigint): Promise<void> {
    while (!signal.aborted && lease === id) {
      await sleep(TTL_MS / 3)
      try {
        await store.leases.keepAlive(id)
      } catch (error) {
        if (isStoreError(error, 'LEASE_NOT_FOUND') || isStoreError(error, 'CLOSED')) lease = undefined
      }
    }
  }
}

export const session = scenario<Report>({
  name: 'session',
  description:
    'who relies on a session does so before anybody can see its lease gone, and has another one when that is lost',
  options: {
    app: app(bySignal),
    faults: steadyClocks,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      const gone = new Map<string, string>()
      return ({ node, value: { type, lease } }) => {
        if (type === 'sees gone') gone.set(lease, node)
        else if (gone.has(lease)) throw new Error(`${node} relies on lease ${lease}, which ${gone.get(lease)} saw gone`)
      }
    }),
    eventually: (world) => everyNodeReports(world, FOR_MS, ({ type }) => type === 'relies on'),
    marks: ['reopens a session that was lost', 'closes a session'],
  },
  naive: {
    'believes-its-renewals': {
      description: 'relies on the lease until a renewal is refused',
      options: { app: app(byRenewals) },
      finds: /relies on lease \w+, which \w saw gone/,
      seed: 2,
    },
  },
})
