/**
 * The service of the demo, one process of three: `service.ts <name> <data folder> <cluster as JSON>`.
 *
 * It does with the store inside it what services do with an etcd beside them: it takes orders, takes turns with the others
 * at something that only one may do at a time, and elects one among them who decides on the configuration of all.
 *
 * Every write is announced before it is made and its outcome told afterwards: see {@link write}.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Election, isStoreError, Mutex, open, put, type Lock } from 'quorate'
import type { Command, Report, WriteKind, Written } from './messages.js'
import { Parent } from './processes/parent.js'

const ORDER_PAUSE_MS = 20
const TURN_PAUSE_MS = 50
const CONFIGURATION_PAUSE_MS = 600
/** How long the lock, or the office, of a process that died stays taken. */
const TTL_MS = 2000

const [name = '', dataDir = '', cluster = ''] = process.argv.slice(2)
const parent = new Parent<Command, Report>(answer)
let writes = 0
const stopping = new AbortController()
const { signal } = stopping

const store = await open({ name, dataDir, cluster: JSON.parse(cluster) as Record<string, string> })
store.on('leader', ({ leader, term }) => void parent.report({ type: 'leader', leader, term }))
store.on('failed', (error) => {
  throw error
})
await parent.report({ type: 'opened', entries: store.status().log.lastIndex })
await store.ready({ timeoutMs: 60_000 })
await parent.report({ type: 'caught-up', revision: store.status().revision })
const work = Promise.all([takeOrders(), takeTurns(), holdOffice(), followConfiguration()])

/** The key is overwritten again and again; history keeps them all. */
async function takeOrders(): Promise<void> {
  while (await after(ORDER_PAUSE_MS)) {
    await forgiving(() => write('order', (value) => store.put(`orders/${name}`, value)))
  }
}

/** Reading, adding one and writing back: right only if nobody else does it in between. */
async function takeTurns(): Promise<void> {
  const mutex = new Mutex(store, 'locks/counter')
  while (await after(TURN_PAUSE_MS)) await forgiving(() => mutex.withLock(increment, { ttlMs: TTL_MS, signal }))
}

async function increment(lock: Lock): Promise<void> {
  const found = await store.get('counter')
  const [before = '0'] = found?.text().split(' ') ?? []
  // Through the lock, the write has an effect only if the lock is still ours where it takes effect.
  await write('increment', (value) => lock.txn({ success: [put('counter', `${Number(before) + 1} ${value}`)] }))
}

async function holdOffice(): Promise<void> {
  const election = new Election(store, 'elections/configuration')
  while (await after(CONFIGURATION_PAUSE_MS)) {
    await forgiving(async () => {
      const office = await election.campaign(name, { ttlMs: TTL_MS, signal })
      await parent.report({ type: 'elected' })
      while (!office.signal.aborted && (await after(CONFIGURATION_PAUSE_MS))) {
        await write('configuration', (value) => office.txn({ success: [put('configuration', value)] }))
      }
      await office.resign()
    })
  }
}

async function followConfiguration(): Promise<void> {
  for await (const { type, keyValue } of store.watch('configuration', { signal })) {
    if (type === 'put') await parent.report({ type: 'configured', version: keyValue.version })
  }
}

/** Makes one write with a value that no other write has, and tells what became of it. */
async function write(kind: WriteKind, call: (value: string) => Promise<{ readonly revision: number }>): Promise<void> {
  const value = `${kind} ${name}-${process.pid}-${++writes}`
  await parent.report({ type: 'attempt', kind, value })
  try {
    const { revision } = await call(value)
    await parent.report({ type: 'acknowledged', value, revision, term: store.status().term })
  } catch (error) {
    if (isStoreError(error)) await parent.report({ type: 'failed', value, outcome: error.outcome, code: error.code })
    throw error
  }
}

/** What the store could not do now is not the end of the service: it goes on with the next. */
async function forgiving(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!isStoreError(error)) throw error
    if (!signal.aborted) console.log(`${name}: ${error.code}: ${error.message}`)
  }
}

/** False when the service is to rest. */
async function after(pauseMs: number): Promise<boolean> {
  await pause(pauseMs)
  return !signal.aborted
}

async function answer(command: Command): Promise<unknown> {
  switch (command.type) {
    case 'status':
      return store.status()
    case 'rest':
      stopping.abort()
      await work
      return undefined
    case 'history':
      return history()
    case 'close':
      return store.close()
  }
}

async function history(): Promise<Written[]> {
  const written: Written[] = []
  const last = store.status().revision
  const watch = store.watch({ all: true }, { startRevision: 1 })
  for await (const { type, key, keyValue, revision } of watch) {
    if (type === 'put') written.push({ revision, key, value: keyValue.text() })
    if (revision >= last) break
  }
  return written
}
