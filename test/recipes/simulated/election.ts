/**
 * A service of three processes of which one works at a time: whoever is elected. Every one of them watches who leads, and each
 * has a priority. In the end nobody resigns any more, and then all must see the one who leads; when that one is thrown out, the
 * one with the highest priority of those who wait must follow.
 */
import { Election, isStoreError, open, put, get, Session, type Candidate, type Leadership, type Store } from 'quorate'
import type { NodeEnvironment, Observation, SimulatedWorld } from 'quorate/testing'
import { steadyClocks, TTL_MS } from './faults.js'
import { eachReport, everyNodeReports } from './reports.js'
import { scenario } from './scenario.js'
import { anyStore, sleepUnlessStopped, untilStopped } from './service.js'

type Report =
  | { readonly type: 'begins' | 'ends' }
  /** Did something that only the leader may do, right after it looked at its signal. */
  | { readonly type: 'acts'; readonly token: number }
  /** The store said that it led at this revision. */
  | { readonly type: 'led'; readonly token: number; readonly revision: number }

interface Exposed {
  readonly store: Store
  /** The token of the leader that it was shown last. */
  readonly sees: () => number | undefined
}
type Env = NodeEnvironment<Report, Exposed>
/** What a work needs of a leadership. */
type Led = Pick<Leadership, 'token' | 'signal' | 'txn' | 'isLeader'>

const FOR_MS = 12_000
const NAME = 'service'
/** While it is there nobody stops by himself. */
const NO_RESIGNING = 'no-resigning'

interface Variant {
  readonly lead?: (store: Store, env: Env, priority: number) => Promise<unknown>
  readonly observe?: (store: Store, env: Env, see: (token: number | undefined) => void) => Promise<void>
}

function app({ lead = leadWhile, observe = observeLeader }: Variant): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    let seen: number | undefined
    env.expose({ store, sees: () => seen })
    const priority = env.nodes.indexOf(env.node) + 1
    await Promise.all([
      untilStopped(env, () => observe(store, env, (token) => (seen = token))),
      untilStopped(env, async () => {
        await lead(store, env, priority)
      }),
    ])
    return store
  }
}

const leadWhile: NonNullable<Variant['lead']> = (store, env, priority) =>
  new Election(store, NAME).leaderWhile((leadership) => work(env, leadership), {
    value: env.node,
    priority,
    ttlMs: TTL_MS,
    signal: env.signal,
  })

const observeLeader: NonNullable<Variant['observe']> = async (store, { signal }, see) => {
  for await (const leader of new Election(store, NAME).observe({ signal })) see(leader?.createRevision)
}

async function work(env: Env, leadership: Led): Promise<void> {
  const { token } = leadership
  env.report({ type: 'begins' })
  try {
    for (let acts = env.below(8); acts >= 0; acts--) {
      if (leadership.signal.aborted) {
        env.mark('loses leadership while it works')
        // It takes its time to stop.
        await sleepUnlessStopped(env, env.below(1_000))
        return
      }
      env.report({ type: 'acts', token })
      if (!(await act(env, leadership))) acts++
      await sleepUnlessStopped(env, env.below(200))
    }
    env.mark('works to the end')
  } finally {
    env.report({ type: 'ends' })
  }
}

/** Whether it may stop some day. */
async function act(env: Env, leadership: Led): Promise<boolean> {
  const { token } = leadership
  try {
    const { revision, results } = await leadership.txn(
      { success: [put('done', `${token}`), get(NO_RESIGNING)] },
      { timeoutMs: 1_000 },
    )
    env.report({ type: 'led', token, revision })
    const proof = await leadership.isLeader({ timeoutMs: 1_000 })
    if (proof.leads) env.report({ type: 'led', token, revision: proof.revision })
    const [, noResigning] = results
    return noResigning?.type === 'range' && noResigning.items.length === 0
  } catch (error) {
    if (!isStoreError(error)) throw error
    return true
  }
}

/** Puts a key, waits until the one before it has gone, and takes that for having been elected. */
const leadAfterPredecessor: NonNullable<Variant['lead']> = async (store, env) => {
  const session = await Session.open(store, { ttlMs: TTL_MS })
  try {
    const key = `${NAME}/${session.lease.toString(16)}`
    const { revision: token } = await store.put(key, env.node, { lease: session.lease })
    const { items, revision } = await store.range(
      { prefix: `${NAME}/` },
      { maxCreateRevision: token - 1, sort: { by: 'createRevision', order: 'descending' }, limit: 1 },
    )
    const [before] = items
    if (before !== undefined) {
      const { signal } = session
      const watch = store.watch(before.key, { startRevision: revision + 1, signal })
      for await (const { type } of watch) if (type === 'delete') break
      signal.throwIfAborted()
    }
    await work(env, {
      token,
      signal: session.signal,
      isLeader: () => Promise.resolve({ leads: false }),
      txn: (transaction, options) => store.txn(transaction, options),
    })
  } finally {
    await session.close()
  }
}

/** Campaigns again as soon as leadership is lost. */
const leadWithoutWaiting: NonNullable<Variant['lead']> = async (store, env, priority) => {
  const { signal } = env
  const leadership = await new Election(store, NAME).campaign(env.node, { priority, ttlMs: TTL_MS, signal })
  const lost = new Promise<void>((resolve) => {
    leadership.signal.addEventListener('abort', () => {
      resolve()
    })
  })
  await Promise.race([work(env, leadership), lost])
  await leadership.resign()
}

/** Whoever wrote last must be the leader. */
const observeEvents: NonNullable<Variant['observe']> = async (store, { signal }, see) => {
  see((await new Election(store, NAME).leader())?.createRevision)
  for await (const { type, keyValue } of store.watch({ prefix: `${NAME}/` }, { signal })) {
    see(type === 'put' ? keyValue.createRevision : undefined)
  }
}

/** What is known of those who led from what was reported. */
class Tenures {
  readonly #running = new Map<string, number>()
  /** By token, in the order of tokens as far as they were seen. */
  readonly #led = new Map<number, { first: number; last: number }>()
  #acted: { readonly token: number; readonly node: string } = { token: 0, node: '' }

  look({ node, life, value }: Observation<Report>): void {
    const process = `${node}${life}`
    switch (value.type) {
      case 'begins':
      case 'ends': {
        const running = (this.#running.get(process) ?? 0) + (value.type === 'begins' ? 1 : -1)
        if (running > 1) throw new Error(`${node} works twice at a time`)
        this.#running.set(process, running)
        return
      }
      case 'acts':
        if (value.token < this.#acted.token) {
          const { node: other, token } = this.#acted
          throw new Error(`${node} acts with token ${value.token} after ${other} acted with ${token}`)
        }
        this.#acted = { token: value.token, node }
        return
      case 'led':
        this.#leads(value.token, value.revision)
    }
  }

  #leads(token: number, revision: number): void {
    const led = this.#led.get(token) ?? { first: revision, last: revision }
    this.#led.set(token, { first: Math.min(led.first, revision), last: Math.max(led.last, revision) })
    for (const [other, { first, last }] of this.#led) {
      const wrong = other < token ? last >= revision : other > token && first <= revision
      if (wrong) throw new Error(`${token} and ${other} lead, as of revisions up to ${revision}`)
    }
  }
}

type World = SimulatedWorld<Report, Exposed>

/** Asks a store that is open: a process that is only starting again has none, and one that was told to stop closes its own. */
async function ask<Result>(world: World, call: (store: Store) => Promise<Result>): Promise<Result> {
  for (;;) {
    try {
      return await call(anyStore(world.nodes))
    } catch (error) {
      if (!isStoreError(error)) throw error
    }
    await world.sleep(100)
  }
}

const candidatesOf = (world: World): Promise<readonly Candidate[]> =>
  ask(world, (store) => new Election(store, NAME).candidates())

/** Looks again and again until it holds, and says why not when it never does. */
async function until({ sleep }: World, whyNot: () => Promise<string | undefined>): Promise<void> {
  let why: string | undefined
  for (let time = 0; time < 200; time++) {
    why = await whyNot()
    if (why === undefined) return
    await sleep(100)
  }
  throw new Error(why)
}

async function allSeeTheLastOne(world: World): Promise<void> {
  await ask(world, (store) => store.put(NO_RESIGNING, ''))
  await until(world, async () => {
    const leader = await ask(world, (store) => new Election(store, NAME).leader())
    const astray = world.nodes.find(({ exposed }) => leader === undefined || exposed?.sees() !== leader.createRevision)
    return astray && `${astray.name} sees ${astray.exposed?.sees()}, and ${leader?.createRevision} leads`
  })
}

async function theHighestFollows(world: World): Promise<void> {
  let candidates = await candidatesOf(world)
  await until(world, async () => {
    candidates = await candidatesOf(world)
    return candidates.length === world.nodes.length ? undefined : `${candidates.length} want to lead`
  })
  const [leader, ...waiting] = candidates
  await ask(world, (store) => store.delete(leader?.key ?? ''))
  let priority = 0
  await until(world, async () => {
    const [first] = await candidatesOf(world)
    if (first?.holds !== true) return 'nobody leads any more'
    ;({ priority } = first)
    return undefined
  })
  const highest = Math.max(...waiting.map((each) => each.priority))
  if (priority < highest) throw new Error(`one with priority ${priority} leads, and one with ${highest} waited`)
}

export const election = scenario<Report, Exposed>({
  name: 'election',
  description:
    'three processes with priorities, of which the leader works: one at a time, by revision and by what it does',
  options: {
    app: app({}),
    faults: steadyClocks,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      const tenures = new Tenures()
      return (report) => {
        tenures.look(report)
      }
    }),
    eventually: (world) =>
      world.nodes.every(({ exposed }) => exposed !== undefined) &&
      everyNodeReports({ nodes: [{ name: 'c' }], observations: world.observations }, FOR_MS),
    atEnd: async (world) => {
      await allSeeTheLastOne(world)
      await theHighestFollows(world)
    },
    marks: ['works to the end', 'loses leadership while it works'],
  },
  naive: {
    'trusts-its-predecessor': {
      description: 'leads when the one before it in the line has gone, who may only have given up waiting',
      options: { app: app({ lead: leadAfterPredecessor }) },
      finds: /lead, as of revisions|acts with token \d+ after \w acted with \d+/,
      seed: 2,
    },
    'campaigns-at-once': {
      description: 'campaigns again when leadership is lost, while its work still winds down',
      options: { app: app({ lead: leadWithoutWaiting }) },
      finds: /works twice at a time/,
      seed: 10,
    },
    'observes-events': {
      description: 'takes whoever wrote last for the leader, who only joined the line',
      options: { app: app({ observe: observeEvents }) },
      finds: /sees \w+, and \w+ leads/,
      seed: 2,
    },
  },
})
