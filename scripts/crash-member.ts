/** One member of a crash run, in a process of its own: `crash-member.ts <options of open() as JSON>`. */
import { setInterval } from 'node:timers'
import { Parent } from '../demo/processes/parent.js'
import { compare, get, isStoreError, open, put, type LeaseId, type Logger, type OpenOptions } from '../src/index.js'
import type { Call, Change, Command, Report, Result } from './crash-messages.js'
import { idOf, valueOf } from './crash-value.js'

const PROGRESS_MS = 100
/** Nobody grants it: the members choose theirs at random. */
const NO_SUCH_LEASE = 4242n as LeaseId

const parent = new Parent<Command, Report>(answer)
const store = await open({ ...(JSON.parse(process.argv[2] ?? '') as OpenOptions), logger: logger() })
store.on('failed', (error) => void parent.report({ type: 'failed', reason: error.stack ?? error.message }))
await parent.report({ type: 'opened' })
setInterval(() => void parent.report({ type: 'progress', status: store.status() }), PROGRESS_MS)
void becomeReady()

async function becomeReady(): Promise<void> {
  for (;;) {
    try {
      await store.ready()
      await parent.report({ type: 'ready' })
      return
    } catch (error) {
      // Without a quorum: the others are down too.
      if (!isStoreError(error) || !error.retryable) return
    }
  }
}

async function answer(command: Command): Promise<unknown> {
  switch (command.type) {
    case 'call':
      return attempt(command.call, command.timeoutMs)
    case 'watch':
      void watch(command.startRevision)
      return undefined
    case 'status':
      return store.status()
    case 'history':
      return history(command.through)
    case 'close':
      return store.close()
  }
}

async function attempt(call: Call, timeoutMs: number): Promise<Result> {
  try {
    return await perform(call, timeoutMs)
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
    case 'refuse': {
      const options = { timeoutMs, lease: NO_SUCH_LEASE }
      const { revision } = await store.put(key, valueOf(call.id, call.bytes), options)
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

async function watch(startRevision: number): Promise<void> {
  try {
    for await (const change of changes(startRevision)) await parent.report({ type: 'change', change })
  } catch (error) {
    if (!isStoreError(error, 'CLOSED')) await parent.report({ type: 'failed', reason: `the watch: ${String(error)}` })
  }
}

async function history(through: number): Promise<Change[]> {
  const found: Change[] = []
  if (through === 1) return found
  for await (const change of changes(1)) {
    found.push(change)
    if (change.revision >= through) break
  }
  return found
}

async function* changes(startRevision: number): AsyncGenerator<Change, void, undefined> {
  for await (const { type, revision, key, keyValue } of store.watch({ all: true }, { startRevision })) {
    yield { type, revision, key, id: type === 'put' ? idOf(keyValue.text()) : '' }
  }
}

function logger(): Logger {
  const line = (level: string) => (message: string, fields?: unknown) => {
    console.log(new Date().toISOString(), level, message, fields === undefined ? '' : JSON.stringify(fields))
  }
  return { debug: line('debug'), info: line('info'), warn: line('warn'), error: line('error') }
}
