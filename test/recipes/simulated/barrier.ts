/**
 * Gates in a row: one process holds the next two gates before it releases this one, the others go through one after the
 * other. No gate is used twice, so whoever misses its release stands before it for ever.
 */
import { Barrier, compare, open, put, Session, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { RECOVERABLE, drawing, TTL_MS } from './faults.js'
import { eachReport, everyNodeReports } from './reports.js'
import { scenario } from './scenario.js'
import { sleepUnlessStopped, untilStopped } from './service.js'

type Report = { readonly type: 'releases' | 'passes'; readonly gate: number }
type Env = NodeEnvironment<Report>
type Wait = (store: Store, gate: number, env: Env) => Promise<void>
type Hold = (store: Store, gate: number, env: Env, session?: Session) => Promise<void>

const FOR_MS = 8_000
/** Written once for each gate, by the keeper. */
const PROGRESS = 'progress'
const WORK_MS = 300

const nameOf = (gate: number): string => `gates/${gate}`
/** Every third one falls with its holder, who may die with it at any time. */
const fallsWithHolder = (gate: number): boolean => gate % 3 === 0
/** And every third one is held by somebody who lives, too. */
const isHeldByTwo = (gate: number): boolean => gate % 3 === 1

interface Ways {
  readonly wait?: Wait
  readonly hold?: Hold
}

const waitAsMeant: Wait = (store, gate, { signal }) => new Barrier(store, nameOf(gate)).wait({ signal })
const holdAsMeant: Hold = (store, gate, { signal }, session) =>
  new Barrier(store, nameOf(gate)).hold({ signal, session })

function app({ wait = waitAsMeant, hold = holdAsMeant }: Ways = {}): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    if (env.node === env.nodes[0]) await keep(store, env, hold)
    else await pass(store, env, wait)
    return store
  }
}

async function keep(store: Store, env: Env, hold: Hold): Promise<void> {
  const { signal } = env
  // A round that failed half way is done again: all that it does may be done twice.
  await untilStopped(
    env,
    async () => {
      const gate = await progressOf(store)
      if (gate === undefined) {
        for (const first of [1, 2]) await hold(store, first, env)
        await store.put(PROGRESS, '1')
        return
      }
      // The next but one: the next one may fall with its holder, and then that one must be held.
      const next = gate + 2
      if (fallsWithHolder(next)) await hold(store, next, env, await Session.open(store, { ttlMs: TTL_MS }))
      else if (isHeldByTwo(next)) await holdTwice(store, next, env, hold)
      else await hold(store, next, env)
      await sleepUnlessStopped(env, env.below(WORK_MS))
      env.report({ type: 'releases', gate })
      await new Barrier(store, nameOf(gate)).release({ signal })
      await store.put(PROGRESS, `${gate + 1}`)
    },
    { pauseMs: 5 },
  )
}

/** By one whose session ends, and by one who holds it without a session. */
async function holdTwice(store: Store, gate: number, env: Env, hold: Hold): Promise<void> {
  const session = await Session.open(store, { ttlMs: TTL_MS })
  await hold(store, gate, env, session)
  await hold(store, gate, env)
  session.abandon()
  env.mark('holds on alone')
}

async function pass(store: Store, env: Env, wait: Wait): Promise<void> {
  let gate: number | undefined
  await untilStopped(
    env,
    async () => {
      gate ??= await progressOf(store)
      if (gate === undefined) return
      await wait(store, gate, env)
      env.report({ type: 'passes', gate })
      if (fallsWithHolder(gate)) env.mark('passes a gate that falls with its holder')
      else env.mark('passes a gate that is released')
      gate++
    },
    { pauseMs: 5 },
  )
}

async function progressOf(store: Store): Promise<number | undefined> {
  const found = await store.get(PROGRESS)
  return found === undefined ? undefined : Number(found.text())
}

/** Looks, and watches from then on, when much may have happened since. */
async function waitByEvents(store: Store, gate: number, { signal, sleep }: Env): Promise<void> {
  const held = { prefix: `${nameOf(gate)}/held/` }
  if ((await store.range(held)).count === 0) return
  await sleep(2, signal)
  for await (const { type } of store.watch(held, { signal })) if (type === 'delete') return
  signal.throwIfAborted()
}

/** Who finds the barrier held has nothing to do. */
async function holdUnlessHeld(store: Store, gate: number, _: Env, session?: Session): Promise<void> {
  const key = `${nameOf(gate)}/held/any`
  await store.txn({
    compare: [compare(key).missing()],
    success: [put(key, '', { lease: session?.lease }), put(`${nameOf(gate)}/gate`, '')],
  })
}

export const barrier = scenario<Report>({
  name: 'barrier',
  description: 'one holds and releases gate after gate: nobody passes one before, and everybody gets through',
  options: {
    app: app(),
    faults: drawing({ kinds: RECOVERABLE }),
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      const released = new Set<number>()
      return ({ node, value: { type, gate } }) => {
        if (type === 'releases') released.add(gate)
        else if (!fallsWithHolder(gate) && !released.has(gate)) {
          throw new Error(`${node} passes gate ${gate} before it is released`)
        }
      }
    }),
    eventually: ({ nodes, observations }) => {
      const stuck = nodes.find(({ name }) => !everyNodeReports({ nodes: [{ name }], observations }, FOR_MS))
      if (stuck !== undefined) throw new Error(`${stuck.name} does not get any further`)
      return true
    },
    marks: ['holds on alone', 'passes a gate that falls with its holder', 'passes a gate that is released'],
  },
  naive: {
    'watches-from-now': {
      description: 'looks whether it is held and then watches: a release in between is missed',
      options: { app: app({ wait: waitByEvents }), healMs: 3_000 },
      finds: /does not get any further, \d+ ms after everything was healed/,
      seed: 88,
    },
    'one-key-for-all': {
      description:
        'holds by one key, under the lease of whoever came first: it falls with his session, though others hold',
      options: { app: app({ hold: holdUnlessHeld }) },
      finds: /passes gate \d+ before it is released/,
      seed: 1,
    },
  },
})
