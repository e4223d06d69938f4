/** An instance on every node, which comes and goes under one id, and a live set that shows who lives. */
import { isStoreError, open, Registry, Session, type LiveSet, type Registration, type Store } from 'quorate'
import type { NodeEnvironment, Observation, SimulatedWorld } from 'quorate/testing'
import { steadyClocks, TTL_MS } from './faults.js'
import { lateWrites } from './late-writes.js'
import { eachReport } from './reports.js'
import { scenario } from './scenario.js'
import { sleepUnlessStopped, untilStopped } from './service.js'

/** Tells one registration from every other: those of a node have one id. */
interface Named {
  readonly nonce: string
}

type Report =
  | { readonly type: 'lives' | 'closing' | 'closed'; readonly nonce: string }
  /** What the live set shows. */
  | { readonly type: 'shows'; readonly nonces: readonly string[] }
  /** A linearizable list was asked for, and came. */
  | { readonly type: 'asks' }
  | { readonly type: 'lists'; readonly nonces: readonly string[] }

type Env = NodeEnvironment<Report>
type Held = Pick<Registration<Named>, 'registered' | 'update' | 'close'>
type Register = (store: Store, env: Env, nonce: string) => Promise<Held>

const NAME = 'services/web'
const FOR_MS = 12_000
const LATE = { oneIn: 6, lateMsMax: 3_000 }
/**
 * After everything is healed the leases of the dead end within this: members that are started again elect a leader, maybe more
 * than once, and from then on it takes a TTL and an election timeout.
 */
const GONE_MS = TTL_MS + 8_000

function app(register: Register): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    const registry = new Registry<Named>(store, NAME)
    await Promise.all([
      untilStopped(env, (round) =>
        live(env, lateWrites(store, env, LATE), register, `${env.node}${env.life}-${round}`),
      ),
      untilStopped(env, async () => show(env, await registry.open({ signal: env.signal, checkEveryMs: 300 }))),
      untilStopped(env, async () => {
        await sleepUnlessStopped(env, env.below(400))
        env.report({ type: 'asks' })
        const listed = await registry.instances({ timeoutMs: 1_000, signal: env.signal })
        env.report({ type: 'lists', nonces: listed.map(({ metadata }) => metadata.nonce) })
      }),
    ])
    return store
  }
}

async function live(env: Env, store: Store, register: Register, nonce: string): Promise<void> {
  const registration = await register(store, env, nonce)
  env.report({ type: 'lives', nonce })
  const endMs = env.clock.monotonicMs() + 500 + env.below(3_500)
  let lost = false
  while (env.clock.monotonicMs() < endMs && !env.signal.aborted) {
    await sleepUnlessStopped(env, env.below(500))
    if (registration.registered && lost) env.mark('comes back')
    lost = !registration.registered
    if (env.below(2) > 0) continue
    await registration.update({ address: `${env.below(1_000)}` }, { timeoutMs: 500 }).catch((error: unknown) => {
      if (!isStoreError(error)) throw error
    })
  }
  env.report({ type: 'closing', nonce })
  for (;;) {
    try {
      await registration.close()
      break
    } catch (error) {
      if (!isStoreError(error) || env.signal.aborted) throw error
      await sleepUnlessStopped(env, 100)
    }
  }
  env.report({ type: 'closed', nonce })
  env.mark('is closed')
}

async function show(env: Env, set: LiveSet<Named>): Promise<void> {
  try {
    for (let looks = 60; looks > 0 && !env.signal.aborted; looks--) {
      env.report({ type: 'shows', nonces: set.instances.map(({ metadata }) => metadata.nonce) })
      await sleepUnlessStopped(env, 100)
    }
  } finally {
    await set.close()
  }
}

/** What became of each registration, by what was reported. */
class Ledger {
  /** The one of a node that lives, in which life of it. */
  readonly living = new Map<string, { readonly nonce: string; readonly life: number }>()
  readonly closedMs = new Map<string, number>()

  note({ atMs, node, life, value }: Observation<Report>): void {
    if (value.type === 'lives') this.living.set(node, { nonce: value.nonce, life })
    if (value.type === 'closing') this.living.delete(node)
    if (value.type === 'closed') this.closedMs.set(value.nonce, atMs)
  }
}

function check(): (report: Observation<Report>, world: SimulatedWorld<Report>) => void {
  const ledger = new Ledger()
  const closedWhenAsked = new Map<string, readonly string[]>()
  return (report, world) => {
    ledger.note(report)
    const { atMs, node, value } = report
    if (value.type === 'asks') closedWhenAsked.set(node, [...ledger.closedMs.keys()])
    if (value.type === 'lists') {
      const back = value.nonces.find((nonce) => closedWhenAsked.get(node)?.includes(nonce))
      if (back !== undefined) throw new Error(`${back} was closed, and is there again`)
    }
    if (value.type === 'shows' && atMs > FOR_MS + GONE_MS) {
      const dead = value.nonces.find((nonce) => isDead(nonce, atMs, ledger, world))
      if (dead !== undefined) throw new Error(`${node} shows ${dead}, which is long dead`)
    }
  }
}

function isDead(nonce: string, atMs: number, { closedMs }: Ledger, world: SimulatedWorld<Report>): boolean {
  const closed = closedMs.get(nonce)
  if (closed !== undefined) return closed < atMs - 1_000
  const [, name = '', life = ''] = /^([a-z])(\d+)-/.exec(nonce) ?? []
  return world.node(name).life !== Number(life)
}

/** Every node lives, and every live set shows just those. */
function converged(world: SimulatedWorld<Report>): boolean {
  const ledger = new Ledger()
  const shown = new Map<string, string>()
  for (const observation of world.observations) {
    ledger.note(observation)
    const { node, value, atMs } = observation
    if (value.type === 'shows' && atMs > FOR_MS) shown.set(node, value.nonces.join(' '))
  }
  const alive = world.nodes.map(({ name, life }) => {
    const living = ledger.living.get(name)
    if (living?.life !== life) throw new Error(`${name} lives and is not registered`)
    return living.nonce
  })
  for (const { name } of world.nodes) {
    if (shown.get(name) !== alive.join(' ')) {
      throw new Error(`${name} shows '${shown.get(name)}' where '${alive.join(' ')}' live`)
    }
  }
  return true
}

const registerFor: Register = (store, env, nonce) =>
  new Registry<Named>(store, NAME).register(
    { id: env.node, address: 'here', metadata: { nonce } },
    { ttlMs: TTL_MS, signal: env.signal },
  )

/** Written by hand, under a session, and never again. */
const naive =
  (close: 'session' | 'key', leased = true): Register =>
  async (store, env, nonce) => {
    const session = await Session.open(store, { ttlMs: TTL_MS, signal: env.signal })
    const key = `${NAME}/${env.node}`
    const write = async (address: string): Promise<void> => {
      await store.put(key, JSON.stringify({ address, metadata: { nonce } }), {
        lease: leased ? session.lease : undefined,
        timeoutMs: 500,
      })
    }
    await write('here')
    return {
      get registered() {
        return !session.signal.aborted
      },
      update: ({ address = 'here' }) => write(address),
      close: async () => {
        if (close === 'session') await session.close()
        else await store.delete(key)
      },
    }
  }

export const registry = scenario<Report>({
  name: 'registry',
  description:
    'instances that come and go under one id each: what was closed never comes back, and when all is healed every live set shows who lives, and nobody else',
  options: {
    app: app(registerFor),
    faults: steadyClocks,
    forMs: FOR_MS,
    healMs: 15_000,
    restartAfterMs: 500,
    always: eachReport<Report>(check),
    eventually: converged,
    marks: ['is closed', 'comes back'],
  },
  naive: {
    'registers-once': {
      description: 'puts its key under a lease, and leaves it at that when the lease is lost',
      options: {
        // It stays for longer, so that it is seen to be missing.
        app: app(async (store, env, nonce) => {
          const held = await naive('session')(store, env, nonce)
          await sleepUnlessStopped(env, 60_000)
          return held
        }),
        eventually: shownForever,
      },
      finds: /lives and is shown nowhere/,
      seed: 2,
    },
    'deletes-its-key': {
      description: 'deletes its key when it is closed, while a put may still be on its way',
      options: { app: app(naive('key')), eventually: () => true },
      finds: /was closed, and is there again/,
      seed: 1,
    },
    'without-a-lease': {
      description: 'puts its key without a lease and deletes it in the end',
      options: { app: app(naive('session', false)), eventually: () => true },
      finds: /was closed, and is there again|which is long dead/,
      seed: 1,
    },
  },
})

/** Each node is shown by somebody. */
function shownForever(world: SimulatedWorld<Report>): boolean {
  const recent = world.observations.filter(({ atMs }) => atMs > Math.max(FOR_MS, world.nowMs - 2_000))
  for (const { name, life } of world.nodes) {
    const shown = recent.some(
      ({ value }) => value.type === 'shows' && value.nonces.some((nonce) => nonce.startsWith(`${name}${life}-`)),
    )
    if (!shown) throw new Error(`${name} lives and is shown nowhere`)
  }
  return true
}
