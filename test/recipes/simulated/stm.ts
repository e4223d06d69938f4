/**
 * A bank, a ward and a room. Three processes move money between accounts, each of which lists the transfers it saw; and enter a room
 * for two, which they find by counting who is in it: by a range, in which others are about to be. On the ward either of two doctors may
 * go home while the other one stays: each looks at both and writes one.
 */
import {
  compare,
  del,
  isStoreError,
  open,
  put,
  stm,
  type Compare,
  type KeyValue,
  type Operation,
  type Store,
} from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { everyFault } from './faults.js'
import { telling, type Told } from './outcome.js'
import { eachReport, everyNodeReports } from './reports.js'
import { scenario } from './scenario.js'
import { askAnyStore, impatient, untilStopped } from './service.js'

type Report =
  | { readonly type: 'transfer'; readonly id: string; readonly told: Told }
  | { readonly type: 'sum'; readonly sum: number }
  | { readonly type: 'room'; readonly people: number }
  | { readonly type: 'ward'; readonly onCall: number }
interface Exposed {
  readonly store: Store
}
type Env = NodeEnvironment<Report, Exposed>

/** What the work of a transaction needs. */
interface Transaction {
  readonly get: (key: string) => Promise<KeyValue | undefined>
  readonly range: (selection: { readonly prefix: string }) => Promise<readonly KeyValue[]>
  readonly put: (key: string, value: string) => void
  readonly delete: (key: string) => void
}
type Work = (transaction: Transaction) => Promise<void>
type Run = (store: Store, work: Work, env: Env) => Promise<void>

interface Account {
  readonly balance: number
  readonly transfers: readonly string[]
}

const FOR_MS = 12_000
const ACCOUNTS = ['a', 'b', 'c'].map((each) => `accounts/${each}`)
const BALANCE = 100
const ROOM_FOR = 2
const DOCTORS = ['ward/ann', 'ward/bob']

function app(run: Run): (env: Env) => Promise<Store> {
  return async (env) => {
    const store = await open(env.store)
    env.expose({ store })
    let number = 0
    await untilStopped(
      env,
      async () => {
        switch (env.below(5)) {
          case 0:
            return look(store, env, run)
          case 1:
            return enterOrLeave(store, env, run)
          case 2:
            return comeOrGo(store, env, run)
          default:
            return transfer(store, env, run, `${env.node}.${env.life}.${++number}`)
        }
      },
      { pauseMs: 40 },
    )
    return store
  }
}

async function transfer(store: Store, env: Env, run: Run, id: string): Promise<void> {
  const at = env.below(ACCOUNTS.length)
  const [from = '', to = ''] = [ACCOUNTS[at], ACCOUNTS[(at + 1 + env.below(ACCOUNTS.length - 1)) % ACCOUNTS.length]]
  const amount = 1 + env.below(20)
  await telling(
    (told) => {
      env.mark(`a transfer is told: ${told}`)
      env.report({ type: 'transfer', id, told })
    },
    () =>
      run(
        store,
        async (tx) => {
          const [source, target] = await Promise.all([tx.get(from), tx.get(to)])
          tx.put(from, changed(accountOf(source), -amount, id))
          tx.put(to, changed(accountOf(target), amount, id))
        },
        env,
      ),
  )
}

function accountOf(found: KeyValue | undefined): Account {
  return found?.json<Account>() ?? { balance: BALANCE, transfers: [] }
}

function changed({ balance, transfers }: Account, by: number, id: string): string {
  return JSON.stringify({ balance: balance + by, transfers: [...transfers, id] })
}

async function look(store: Store, env: Env, run: Run): Promise<void> {
  let sum = 0
  let people = 0
  let onCall = 0
  await run(
    store,
    async (tx) => {
      sum = 0
      for (const key of ACCOUNTS) sum += accountOf(await tx.get(key)).balance
      people = (await tx.range({ prefix: 'room/' })).length
      onCall = (await atHome(tx)).filter((isHome) => !isHome).length
    },
    env,
  )
  env.report({ type: 'sum', sum })
  env.report({ type: 'room', people })
  env.report({ type: 'ward', onCall })
}

function atHome(tx: Transaction): Promise<boolean[]> {
  return Promise.all(DOCTORS.map(async (doctor) => (await tx.get(doctor))?.text() === 'home'))
}

/** One goes home if the other one stays; both come back otherwise. */
async function comeOrGo(store: Store, env: Env, run: Run): Promise<void> {
  const at = env.below(DOCTORS.length)
  await run(
    store,
    async (tx) => {
      const isHome = await atHome(tx)
      if (!isHome.includes(true)) tx.put(DOCTORS[at] ?? '', 'home')
      else for (const [each, doctor] of DOCTORS.entries()) if (isHome[each] === true) tx.put(doctor, 'ward')
    },
    env,
  )
}

async function enterOrLeave(store: Store, env: Env, run: Run): Promise<void> {
  const own = `room/${env.node}.${env.life}.${env.below(1_000_000)}`
  await run(
    store,
    async (tx) => {
      const inside = await tx.range({ prefix: 'room/' })
      const leaves = inside.find(({ key }) => key.startsWith(`room/${env.node}.`))
      if (leaves !== undefined) tx.delete(leaves.key)
      else if (inside.length < ROOM_FOR) tx.put(own, '')
    },
    env,
  )
}

const withStm: Run = (store, work, env) => {
  const timeoutMs = env.below(3) === 0 ? 200 : 6_000
  // Some have no mark: of theirs more stay unknown, and none is done twice.
  const options = { timeoutMs, signal: env.signal, isolation: ISOLATIONS[env.below(2)] }
  return stm(impatient(store), work, env.below(2) === 0 ? options : { ...options, mark: 'mark' })
}
const ISOLATIONS = ['serializable', 'serializable-snapshot'] as const

/** Optimistic, as one writes it first: all that was read is compared, key by key; and it is run until it has been done. */
function byHand(ways: {
  readonly insists?: boolean
  readonly comparesRanges?: boolean
  /** And nothing that was only read. */
  readonly comparesWritten?: boolean
}): Run {
  return async (store, work, env) => {
    for (;;) {
      const { revision } = await store.range('anything')
      const compares: Compare[] = []
      const seen = new Map<string, number>()
      const writes: Operation[] = []
      const written = new Set<string>()
      const saw = (found: KeyValue | undefined, key: string): KeyValue | undefined => {
        seen.set(key, found?.modRevision ?? 0)
        return found
      }
      await work({
        get: async (key) => saw(await store.get(key, { revision }), key),
        range: async (selection) => {
          const { items } = await store.range(selection, { revision })
          for (const item of items) saw(item, item.key)
          if (ways.comparesRanges === true) compares.push(compare(selection).modRevision('<', revision + 1))
          return items
        },
        put: (key, value) => {
          written.add(key)
          writes.push(put(key, value))
        },
        delete: (key) => {
          written.add(key)
          writes.push(del(key))
        },
      })
      for (const [key, modRevision] of seen) {
        if (ways.comparesWritten === true && !written.has(key)) continue
        compares.push(compare(key).modRevision('=', modRevision))
      }
      try {
        if ((await store.txn({ compare: compares, success: writes })).succeeded) return
      } catch (error) {
        if (ways.insists !== true || !isStoreError(error) || !error.retryable) throw error
      }
      await env.sleep(20, env.signal)
    }
  }
}

export const stmScenario = scenario<Report, Exposed>({
  name: 'stm',
  description:
    'transfers are done once if told so and never twice, a room is never overcrowded, and somebody is always on call',
  options: {
    app: app(withStm),
    faults: everyFault,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => ({ node, value: report }) => {
      if (report.type === 'sum' && report.sum !== BALANCE * ACCOUNTS.length) {
        throw new Error(`${node} sees ${report.sum} in the accounts, not ${BALANCE * ACCOUNTS.length}`)
      }
      if (report.type === 'room' && report.people > ROOM_FOR) {
        throw new Error(`${node} sees ${report.people} in a room for ${ROOM_FOR}`)
      }
      if (report.type === 'ward' && report.onCall === 0) throw new Error(`${node} sees nobody on call`)
    }),
    eventually: (world) => everyNodeReports(world, FOR_MS, ({ type }) => type === 'transfer'),
    atEnd: async (world) => {
      const { observations } = world
      // Those who report go on meanwhile.
      const told = [...observations]
      const { items } = await askAnyStore(world, (store) => store.range({ prefix: 'accounts/' }))
      const times = new Map<string, number>()
      for (const item of items) {
        for (const id of accountOf(item).transfers) times.set(id, (times.get(id) ?? 0) + 1)
      }
      for (const [id, each] of times) if (each !== 2) throw new Error(`transfer ${id} was done ${each / 2} times`)
      for (const { value } of told) {
        if (value.type !== 'transfer') continue
        const isThere = times.has(value.id)
        if (value.told === 'done' && !isThere) throw new Error(`transfer ${value.id} was told to be done, and is not`)
        if (value.told === 'refused' && isThere)
          throw new Error(`transfer ${value.id} was told to be refused, and is done`)
      }
    },
    marks: ['a transfer is told: done', 'a transfer is told: unknown', 'a transfer is told: refused'],
  },
  naive: {
    'runs-until-done': {
      description: 'is run again when the outcome of its commit is unknown',
      options: { app: app(byHand({ insists: true, comparesRanges: true })) },
      finds: /transfer \S+ was done [2-9] times/,
      seed: 129,
    },
    'compares-keys-only': {
      description: 'compares the keys that it found in a range, and not that there is no other one',
      options: { app: app(byHand({})) },
      finds: /sees 3 in a room for 2/,
      seed: 5,
    },
    'compares-what-it-writes': {
      description: 'compares what it writes, and not what it only read: snapshot isolation',
      options: { app: app(byHand({ comparesWritten: true, comparesRanges: true })) },
      finds: /sees nobody on call/,
      seed: 1,
    },
  },
})
