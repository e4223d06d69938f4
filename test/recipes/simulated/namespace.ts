/**
 * Two tenants of one store, the keys of the one right behind those of the other. Each writes, deletes, compares, watches and
 * takes turns at a lock; both use the same names. What is kept is written once under a name of its own, and nobody deletes it.
 */
import { compare, del, get, Mutex, open, put, type KeyValue, type Selection, type Store } from 'quorate'
import { KeyValue as Version } from '../../../src/api/key-value.js'
import type { NodeEnvironment } from 'quorate/testing'
import { decorated } from '../stage.js'
import { steadyClocks, TTL_MS } from './faults.js'
import { eachReport, everyNodeReports } from './reports.js'
import { scenario } from './scenario.js'
import { anyStore, insist, untilStopped } from './service.js'

/** The second begins with the key at which the range of the first ends. */
const TENANTS = ['t/', 't0'] as const
type Tenant = (typeof TENANTS)[number]

type Report =
  | { readonly type: 'kept'; readonly tenant: Tenant; readonly key: string }
  | { readonly type: 'acts'; readonly tenant: Tenant; readonly token: number }
  | { readonly type: 'sees'; readonly tenant: Tenant; readonly what: string }
type Exposed = { readonly store: Store }
type Env = NodeEnvironment<Report, Exposed>
type Namespace = (store: Store, tenant: Tenant) => Store

const FOR_MS = 8_000
/** Rare, so that a run costs little: what is done is the same each time, what goes wrong around it is not. */
const ROUND = { pauseMs: 500 }
const KEPT = 'kept/'
/** Of what is there for a while. Behind everything else, so that a range from here on has no end of its own. */
const PASSING = 'passing/'
const CALL = { timeoutMs: 1_000 }

function app(namespace: Namespace): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    env.expose({ store })
    const holding = new Set<Tenant>()
    await Promise.all(
      TENANTS.flatMap((tenant) => {
        const inside = namespace(store, tenant)
        return [
          untilStopped(env, (round) => work(env, inside, tenant, round), ROUND),
          untilStopped(env, () => watch(env, inside, tenant)),
          untilStopped(env, () => takeTurns(env, inside, tenant, holding), ROUND),
        ]
      }),
    )
    return store
  }
}

async function work(env: Env, store: Store, tenant: Tenant, round: number): Promise<void> {
  const see = (found: readonly KeyValue[]): void => {
    look(env, tenant, found)
  }
  const key = `${KEPT}${env.node}/${env.life}/${round}`
  await store.put(key, tenant, CALL)
  env.report({ type: 'kept', tenant, key })
  await store.put(`${PASSING}${env.below(3)}`, tenant, { ...CALL, previous: true })
  if ((await store.get(key, CALL))?.text() !== tenant) env.report({ type: 'sees', tenant, what: `not its own ${key}` })
  see((await store.range({ all: true }, { ...CALL, sort: { by: 'key', order: 'descending' }, limit: 3 })).items)
  const { succeeded, results } = await store.txn(
    {
      compare: [compare({ from: PASSING }).value('=', tenant)],
      success: [del({ from: PASSING }, { previous: true }), get({ all: true }, { limit: 5 })],
      // Nothing is there, or what another one wrote.
      failure: [get({ from: PASSING }), put(`${PASSING}txn`, tenant)],
    },
    CALL,
  )
  see(succeeded ? [...results[0].previous, ...results[1].items] : results[0].items)
  see((await store.delete({ from: PASSING }, { ...CALL, previous: true })).previous)
}

async function watch(env: Env, store: Store, tenant: Tenant): Promise<void> {
  for await (const event of store.watch({ all: true }, { previous: true, signal: env.signal })) {
    look(env, tenant, event.previous === undefined ? [] : [event.previous])
    if (event.type === 'put') look(env, tenant, [event.keyValue])
    else env.mark('sees a deletion')
  }
}

async function takeTurns(env: Env, store: Store, tenant: Tenant, holding: Set<Tenant>): Promise<void> {
  const options = { ttlMs: TTL_MS, timeoutMs: 4_000, signal: env.signal }
  await new Mutex(store, 'lock').withLock(async (lock) => {
    holding.add(tenant)
    try {
      if (holding.size === TENANTS.length) env.mark('both tenants hold the lock of one name')
      env.report({ type: 'acts', tenant, token: lock.token })
      await env.sleep(env.below(400), lock.signal)
    } finally {
      holding.delete(tenant)
    }
  }, options)
}

/** Values say whose they are; those of locks do not. */
function look(env: Env, tenant: Tenant, found: readonly KeyValue[]): void {
  for (const each of found) {
    if (each.key.startsWith('lock/') || each.text() === tenant) continue
    env.report({ type: 'sees', tenant, what: `${each.key} of ${each.text() || 'somebody'}` })
  }
}

/** Puts the prefix before the key that a selection starts with, and leaves its end as it is: without one. */
function forgetful(startOf: (selection: Exclude<Selection, string | Uint8Array>) => string | undefined): Namespace {
  return (store, tenant) => {
    const inside = store.namespace(tenant)
    const outside = (selection: Selection): Selection | undefined => {
      if (typeof selection === 'string' || ArrayBuffer.isView(selection)) return undefined
      const start = startOf(selection)
      return start === undefined ? undefined : { from: `${tenant}${start}` }
    }
    const named = (found: readonly KeyValue[]): KeyValue[] =>
      found.map((each) => Version.renamed(each, (key) => key.slice(tenant.length)))
    return decorated(inside, {
      range: async (selection, options) => {
        const open = outside(selection)
        if (open === undefined) return inside.range(selection, options)
        const result = await store.range(open, options)
        return { ...result, items: named(result.items) }
      },
      delete: async (selection, options) => {
        const open = outside(selection)
        if (open === undefined) return inside.delete(selection, options)
        const result = await store.delete(open, options)
        return { ...result, previous: named(result.previous) }
      },
    })
  }
}

export const namespace = scenario<Report, Exposed>({
  name: 'namespace',
  description: 'two tenants of one store: nothing of the one is seen or changed by the other, each finds what it wrote',
  options: {
    app: app((store, tenant) => store.namespace(tenant)),
    faults: steadyClocks,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      const tokens = new Map<Tenant, number>()
      return ({ node, value }) => {
        if (value.type === 'sees') throw new Error(`${value.tenant} on ${node} sees ${value.what}`)
        if (value.type !== 'acts') return
        const last = tokens.get(value.tenant) ?? 0
        if (value.token < last) throw new Error(`${value.tenant} acts with token ${value.token} after ${last}`)
        tokens.set(value.tenant, value.token)
      }
    }),
    eventually: (world) =>
      TENANTS.every((tenant) =>
        (['kept', 'acts'] as const).every((type) =>
          everyNodeReports(world, FOR_MS, (value) => value.type === type && value.tenant === tenant),
        ),
      ),
    atEnd: async (world) => {
      const store = anyStore(world.nodes)
      // Those of before: the processes go on writing.
      const reports = [...world.observations]
      for (const tenant of TENANTS) {
        const { items } = await insist(world, () => store.namespace(tenant).range({ prefix: KEPT }))
        const found = new Map(items.map((each) => [each.key, each.text()]))
        for (const { value } of reports) {
          if (value.type !== 'kept' || value.tenant !== tenant || found.get(value.key) === tenant) continue
          throw new Error(`${tenant} does not find ${value.key}`)
        }
      }
    },
    marks: ['sees a deletion', 'both tenants hold the lock of one name'],
  },
  naive: {
    'forgets-the-end-of-all': {
      description: 'takes everything from its prefix on for everything that it has',
      options: { app: app(forgetful((selection) => ('all' in selection ? '' : undefined))) },
      finds: /t\/ on \w sees .* of/,
      seed: 1,
    },
    'forgets-the-end-of-from': {
      description: 'deletes from a key on, without an end',
      options: {
        app: app(
          forgetful((selection) =>
            'from' in selection && selection.to === undefined ? `${String(selection.from)}` : undefined,
          ),
        ),
      },
      finds: /t\/ on \w sees .* of t0/,
      seed: 1,
    },
  },
})
