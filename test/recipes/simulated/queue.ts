/**
 * Mails: three processes add some and send them, which is to write down that they were sent, together with taking the mail
 * out of the queue.
 */
import { compare, isStoreError, del, open, put, Queue, type QueueItem, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { everyFault, TTL_MS } from './faults.js'
import { telling, type Told } from './outcome.js'
import { eachReport } from './reports.js'
import { scenario } from './scenario.js'
import { askAnyStore, impatient, sleepUnlessStopped, untilStopped } from './service.js'

type Report =
  | { readonly type: 'added'; readonly mail: string; readonly told: Told }
  | { readonly type: 'has added all' }
  | {
      readonly type: 'takes'
      readonly mail: string
      readonly key: string
      readonly token: number
      readonly times: number
    }
  | { readonly type: 'sent'; readonly mail: string }
  | { readonly type: 'left'; readonly mails: number }
interface Exposed {
  readonly store: Store
}
type Env = NodeEnvironment<Report, Exposed>

/** How mails are added, taken and done with. */
interface Ways {
  readonly add: (queue: Queue, store: Store, mail: string, env: Env) => Promise<void>
  readonly take: (queue: Queue, store: Store, env: Env) => Promise<void>
}

const FOR_MS = 12_000
const MAILS_PER_LIFE = 8
const NAME = 'mails'
const sentKey = (mail: string): string => `sent/${mail}`

function app(ways: Partial<Ways>, reach: (store: Store) => Store = (store) => store): (env: Env) => Promise<Store> {
  const { add, take } = { add: once, take: oneAfterTheOther, ...ways }
  return async (env) => {
    const store = await open(env.store)
    env.expose({ store })
    const queue = new Queue(reach(store), NAME)
    await Promise.all([
      produce(queue, store, env, add),
      untilStopped(env, () => take(queue, store, env), { pauseMs: 40 }),
      untilStopped(env, async () => env.report({ type: 'left', mails: await queue.length() }), { pauseMs: 500 }),
    ])
    return store
  }
}

async function produce(queue: Queue, store: Store, env: Env, add: Ways['add']): Promise<void> {
  for (let number = 1; number <= MAILS_PER_LIFE && !env.signal.aborted; number++) {
    const mail = `${env.node}.${env.life}.${number}`
    try {
      await telling(
        (told) => {
          env.mark(`a mail is told: ${told}`)
          env.report({ type: 'added', mail, told })
        },
        () => add(queue, store, mail, env),
      )
    } catch (error) {
      if (env.signal.aborted) return
      if (!isStoreError(error) || isStoreError(error, 'CLOSED') || isStoreError(error, 'MEMBER_FAILED')) throw error
    }
    await sleepUnlessStopped(env, env.below(1_000))
  }
  env.report({ type: 'has added all' })
}

const once: Ways['add'] = async (queue, _store, mail, env) => {
  const wait = { timeoutMs: env.below(3) === 0 ? 100 : 6_000, signal: env.signal }
  await queue.add(mail, env.below(2) === 0 ? wait : { ...wait, id: mail })
}

async function oneAfterTheOther(queue: Queue, _store: Store, env: Env): Promise<void> {
  for await (const item of queue.items({ ttlMs: TTL_MS, signal: env.signal })) await send(item, env, complete)
}

async function send(
  item: QueueItem,
  env: Env,
  finish: (item: QueueItem, mail: string) => Promise<void>,
): Promise<void> {
  const mail = item.text()
  env.report({ type: 'takes', mail, key: item.key, token: item.token, times: item.deliveries })
  if (item.deliveries > 1) env.mark('a mail is taken again')
  await sleepUnlessStopped(env, env.below(300))
  try {
    if (env.below(10) === 0) {
      await item.release({ timeoutMs: 3_000 })
      return
    }
    await finish(item, mail)
    env.report({ type: 'sent', mail })
  } catch (error) {
    if (!isStoreError(error) || isStoreError(error, 'CLOSED') || isStoreError(error, 'MEMBER_FAILED')) throw error
    if (isStoreError(error, 'LOCK_LOST')) env.mark('a mail is lost to another one')
  }
}

const complete = (item: QueueItem, mail: string): Promise<void> =>
  item.complete({ success: [put(sentKey(mail), item.id)] })

/** Adds by a key of its own, until it is told. */
const addsUntilTold: Ways['add'] = async (_queue, store, mail, env) => {
  for (;;) {
    try {
      const last = await store.get(`${NAME}/tail`)
      const place = Number(last?.text() ?? 0) + 1
      const { succeeded } = await store.txn({
        compare: [compare(`${NAME}/tail`).modRevision('=', last?.modRevision ?? 0)],
        success: [put(`${NAME}/tail`, String(place)), put(`${NAME}/items/${String(place).padStart(16, '0')}`, mail)],
      })
      if (succeeded) return
    } catch (error) {
      if (!isStoreError(error) || !error.retryable) throw error
    }
    await env.sleep(20, env.signal)
  }
}

/** Takes it out, so that nobody else has it, and sends it then. */
async function deletesFirst(_queue: Queue, store: Store, env: Env): Promise<void> {
  const { items } = await store.range({ prefix: `${NAME}/items/` }, { limit: 1 })
  const [item] = items
  if (item === undefined) return
  const { succeeded } = await store.txn({
    compare: [compare(item.key).modRevision('=', item.modRevision)],
    success: [del(item.key)],
  })
  if (!succeeded) return
  await sleepUnlessStopped(env, env.below(300))
  await store.put(sentKey(item.text()), '')
  env.report({ type: 'sent', mail: item.text() })
}

/** Looks whether it still has it, and writes then. */
async function looksAtSignal(queue: Queue, store: Store, env: Env): Promise<void> {
  for await (const item of queue.items({ ttlMs: TTL_MS, signal: env.signal })) {
    await send(item, env, async ({ key, signal }, mail) => {
      signal.throwIfAborted()
      await store.txn({
        success: [put(sentKey(mail), ''), del(key), del(key.replace('/items/', '/claims/').slice(0, 29))],
      })
    })
  }
}

type Taken = Extract<Report, { type: 'takes' }> & { readonly node: string }

/**
 * Who takes a mail before one in front of it must have lost the first one that it saw: somebody else took one that stands in
 * front of both, between its last mail and this one. Of who is alone nobody takes one, and the order is that of the queue.
 * Where a mail was taken of which nobody told, by one that died, say, it is that one for all that can be known.
 */
function* passedBy(taken: readonly Taken[]): Generator<string> {
  const byToken = taken.toSorted((a, b) => a.token - b.token)
  const told = new Map<string, number>()
  for (const { key } of taken) told.set(key, (told.get(key) ?? 0) + 1)
  const untold = new Set(taken.filter(({ key, times }) => times > (told.get(key) ?? 0)).map(({ key }) => key))
  const firsts = byToken.filter(({ times }) => times === 1)
  for (const [at, { key, node, token }] of firsts.entries()) {
    const passed = firsts.slice(at + 1).find((other) => other.key < key)
    if (passed === undefined) continue
    const before = byToken.findLast((other) => other.node === node && other.token < token)?.token ?? 0
    const lost = byToken.some(
      (other) => other.node !== node && other.token > before && other.token < token && other.key < passed.key,
    )
    if (!lost && ![...untold].some((other) => other < passed.key)) yield passed.mail
  }
}

export const queue = scenario<Report, Exposed>({
  name: 'queue',
  description:
    'mails are added once, passed by by nobody who could have had them, and sent exactly once as far as the store knows',
  options: {
    app: app({}, impatient),
    faults: everyFault,
    forMs: FOR_MS,
    restartAfterMs: 500,
    always: eachReport(() => {
      const keys = new Map<string, string>()
      const sent = new Map<string, string>()
      return ({ node, value: report }) => {
        if (report.type === 'takes') {
          const key = keys.get(report.mail) ?? report.key
          if (key !== report.key) throw new Error(`mail ${report.mail} was added twice, as ${key} and as ${report.key}`)
          keys.set(report.mail, report.key)
        }
        if (report.type === 'sent') {
          const before = sent.get(report.mail)
          if (before !== undefined) throw new Error(`mail ${report.mail} was sent by ${before} and by ${node}`)
          sent.set(report.mail, node)
        }
      }
    }),
    eventually: ({ nodes, observations }) => {
      const finished = nodes.map(({ name, life }) =>
        observations.findIndex(
          (each) => each.node === name && each.life === life && each.value.type === 'has added all',
        ),
      )
      if (finished.includes(-1)) return false
      // Asked twice by everybody: what is told may have been asked before.
      const after = observations.slice(Math.max(...finished))
      return nodes.every(
        ({ name }) =>
          after.filter(({ node, value }) => node === name && value.type === 'left' && value.mails === 0).length > 1,
      )
    },
    atEnd: async (world) => {
      // Nodes that are started again go on adding while the store is asked.
      const observations = [...world.observations]
      const { items } = await askAnyStore(world, (store) => store.range({ prefix: 'sent/' }))
      const sent = new Map(items.map((item) => [item.key, item.version]))
      const taken: Taken[] = []
      for (const { value, node } of observations) {
        if (value.type === 'added') {
          const times = sent.get(sentKey(value.mail)) ?? 0
          if (times > 1) throw new Error(`mail ${value.mail} was sent ${times} times`)
          if (times === 0 && value.told === 'done') throw new Error(`mail ${value.mail} is lost`)
          if (times > 0 && value.told === 'refused') throw new Error(`mail ${value.mail} was refused, and is sent`)
        }
        if (value.type === 'sent' && !sent.has(sentKey(value.mail))) throw new Error(`mail ${value.mail} is not sent`)
        if (value.type === 'takes') taken.push({ ...value, node })
      }
      for (const mail of passedBy(taken)) throw new Error(`mail ${mail} was passed by for no reason`)
    },
    marks: [
      'a mail is told: done',
      'a mail is told: unknown',
      'a mail is taken again',
      'a mail is lost to another one',
    ],
  },
  naive: {
    'adds-until-told': {
      description: 'adds a mail again when it is unknown whether it was added',
      options: { app: app({ add: addsUntilTold }) },
      finds: /mail \S+ was added twice/,
      seed: 129,
    },
    'deletes-first': {
      description: 'takes a mail out of the queue and sends it then',
      options: { app: app({ take: deletesFirst }) },
      finds: /mail \S+ is lost/,
      seed: 3,
    },
    'looks-at-signal': {
      description: 'looks whether the mail is still its own, and writes then that it was sent',
      options: { app: app({ take: looksAtSignal }) },
      finds: /mail \S+ was sent/,
      seed: 81,
    },
  },
})
