/** One member of a crash run, in a process of its own: `member.ts <options of open() as JSON>`. */
import { setInterval } from 'node:timers'
import { Parent } from '../../demo/processes/parent.js'
import {
  compare,
  get,
  isStoreError,
  open,
  put,
  saveSnapshot,
  type LeaseId,
  type Logger,
  type OpenOptions,
  type Watch,
  type WatchEvent,
} from '../../src/index.js'
import { Doom } from './doom.js'
import {
  WATCHES,
  type Call,
  type Change,
  type Command,
  type FinalContents,
  type LeaseCall,
  type LeaseName,
  type Report,
  type Result,
} from './messages.js'
import { idOf, valueOf } from './value.js'

const PROGRESS_MS = 100
/** Nobody grants it. */
const NO_SUCH_LEASE = 4242n as LeaseId

const doom = new Doom()
const watches = new Map<number, Watch>()
const parent = new Parent<Command, Report>(answer)
const options = JSON.parse(process.argv[2] ?? '') as OpenOptions
const store = await open({ ...options, logger: logger(), observe: (event) => doom.see(event) })
store.on('failed', (error) => void parent.report({ type: 'failed', reason: error.stack ?? error.message }))
await parent.report({ type: 'opened' })
setInterval(() => {
  void parent.report({ type: 'progress', status: store.status() })
  for (const each of watches.values()) each.requestProgress()
}, PROGRESS_MS)
void becomeReady()

async function becomeReady(): Promise<void> {
  for (;;) {
    try {
      await store.ready()
      await parent.report({ type: 'ready' })
      return
    } catch (error) {
      // Without a quorum: the others are down too.
      if (!isStoreError(error) || error.code === 'CLOSED' || error.code === 'MEMBER_FAILED') return
    }
  }
}

async function answer(command: Command): Promise<unknown> {
  switch (command.type) {
    case 'call':
      return attempt(() => perform(command.call, command.timeoutMs))
    case 'lease':
      return attempt(() => performLease(command.call, command.timeoutMs))
    case 'compact':
      return attempt(async () => {
        await store.compact(command.revision)
        return { outcome: 'ok', revision: command.revision, changed: true }
      })
    case 'backup':
      return attempt(() => backUp(command.path))
    case 'watch':
      void watch(command.watch, command.startRevision)
      return undefined
    case 'progress':
      for (const each of watches.values()) each.requestProgress()
      return undefined
    case 'status':
      return store.status()
    case 'history':
      return history(command.through)
    case 'contents':
      return contents()
    case 'die':
      doom.decide(command.at, command.afterMs)
      return undefined
    case 'close':
      return store.close()
  }
}

async function attempt(action: () => Promise<Result>): Promise<Result> {
  try {
    return await action()
  } catch (error) {
    if (!isStoreError(error)) throw error
    return { outcome: error.outcome, code: error.code }
  }
}

async function perform(call: Call, timeoutMs: number): Promise<Result> {
  const { key } = call
  switch (call.type) {
    case 'put': {
      const { revision } = await store.put(key, valueOf(call.id, call.bytes), { timeoutMs })
      return { outcome: 'ok', revision, changed: true }
    }
    case 'attach':
    case 'refuse': {
      const lease = call.type === 'attach' ? leaseOf(call.lease) : NO_SUCH_LEASE
      const { revision } = await store.put(key, valueOf(call.id, call.bytes), { timeoutMs, lease })
      return { outcome: 'ok', revision, changed: true }
    }
    case 'pair': {
      const success = [put(key, valueOf(call.id, call.bytes)), put(call.otherKey, valueOf(call.otherId, call.bytes))]
      const { revision } = await store.txn({ success }, { timeoutMs })
      return { outcome: 'ok', revision, changed: true }
    }
    case 'swap': {
      const found = await store.get(key, { timeoutMs })
      const { revision, succeeded } = await store.txn(
        {
          compare: [compare(key).modRevision('=', found?.modRevision ?? 0)],
          success: [put(key, valueOf(call.id, call.bytes))],
          failure: [get(key)],
        },
        { timeoutMs },
      )
      return { outcome: 'ok', revision, changed: succeeded }
    }
    case 'delete': {
      const { revision, deleted } = await store.delete(key, { timeoutMs })
      return { outcome: 'ok', revision, changed: deleted > 0 }
    }
    case 'read': {
      const { items, revision } = await store.range(key, { timeoutMs })
      const [item] = items
      return { outcome: 'ok', revision, changed: false, ...(item === undefined ? {} : { id: idOf(item.text()) }) }
    }
  }
}

async function performLease(call: LeaseCall, timeoutMs: number): Promise<Result> {
  const id = leaseOf(call.lease)
  switch (call.type) {
    case 'grant':
      await store.leases.grant({ id, ttlMs: call.ttlMs }, { timeoutMs })
      break
    case 'renew':
      await store.leases.keepAlive(id, { timeoutMs })
      break
    case 'revoke':
      await store.leases.revoke(id, { timeoutMs })
  }
  return { outcome: 'ok', revision: store.status().revision, changed: true }
}

function leaseOf(name: LeaseName): LeaseId {
  return BigInt(name)
}

async function backUp(path: string): Promise<Result> {
  doom.reach('backup')
  const { revision } = await saveSnapshot(store, path)
  return { outcome: 'ok', revision, changed: false }
}

async function watch(at: number, startRevision: number): Promise<void> {
  const { selection } = WATCHES[at] ?? WATCHES[0]
  const filter = at === 2 ? ({ deletes: false } as const) : {}
  const each = store.watch(selection, { startRevision, filter })
  watches.set(at, each)
  try {
    for await (const batch of each.batches()) {
      const changes = batch.type === 'events' ? batch.events.map(changeOf) : []
      await parent.report({ type: 'changes', watch: at, revision: batch.revision, changes })
    }
  } catch (error) {
    if (!isStoreError(error, 'CLOSED')) await parent.report({ type: 'failed', reason: `a watch: ${String(error)}` })
  }
}

/** Without asking anybody else. */
async function history(through: number): Promise<Change[]> {
  const found: Change[] = []
  const { compactRevision } = store.status()
  if (through <= compactRevision) return found
  for await (const batch of store.watch({ all: true }, { startRevision: compactRevision + 1 }).batches()) {
    if (batch.type === 'events') found.push(...batch.events.map(changeOf))
    if (batch.revision >= through) break
  }
  return found
}

async function contents(): Promise<FinalContents> {
  const { items } = await store.range({ all: true }, { consistency: 'local' })
  const leases = await store.leases.list({ consistency: 'local' })
  return {
    items: items.map((item) => {
      return { key: item.key, id: idOf(item.text()), revision: item.modRevision, lease: item.lease?.toString() }
    }),
    leases: leases.map(String),
  }
}

function changeOf({ type, revision, key, keyValue }: WatchEvent): Change {
  return { type, revision, key, id: type === 'put' ? idOf(keyValue.text()) : '' }
}

function logger(): Logger {
  const line = (level: string) => (message: string, fields?: unknown) => {
    console.log(new Date().toISOString(), level, message, fields === undefined ? '' : JSON.stringify(fields))
  }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}
