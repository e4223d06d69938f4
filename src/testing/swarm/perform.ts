/**
 * One operation of a plan, done to a store.
 *
 * Always: what is written is told by the operation's id alone. Always: it resolves when the operation is over, whatever
 * came of it is an answer or a StoreError; anything else that is thrown is a bug.
 */
import { compare, del, get, put } from '../../api/operations.js'
import type { Store, WatchEvent } from '../../api/store.js'
import { assertNever } from '../../base/assert.js'
import type { LeaseId } from '../../base/lease-id.js'
import { Mutex } from '../../recipes/mutex.js'
import type { Operation } from './operation.js'

/** What a client remembers from one of its operations to the next. */
export interface ClientMemory {
  /** The revision of the last change of each key, as it was last seen. */
  readonly seen: Map<string, number>
  lease: LeaseId | undefined
}

export interface PerformOptions {
  readonly signal: AbortSignal | undefined
  readonly memory: ClientMemory
  /** Told of each event that a watch of the plan delivers. */
  readonly watched: (event: WatchEvent, watch: WatchBegun) => void
  /** Told that a watch ended with an error. */
  readonly watchFailed: (error: unknown, watch: WatchBegun) => void
  /** Told when a lock is held, before anything is written under it. */
  readonly held: (hold: HoldBegun) => void
}

/** A watch, as it was asked for. */
export interface WatchBegun {
  readonly startRevision: number
  /** The oldest revision that its member kept then. */
  readonly compactRevision: number
  /** The oldest revision that its member keeps now. */
  readonly compactRevisionNow: () => number
}

/** A lock that has just been taken. */
export interface HoldBegun {
  readonly name: string
  readonly token: number
  /** As it was when the lock was taken: reading it does not look at any clock. */
  readonly signal: AbortSignal
}

/** Where what is written under the guard of a lock stands. */
export function guardedKey(name: string): string {
  return `held/${name}`
}

/** What the operation writes; `part` tells several values of one operation apart. */
export function valueOf(id: number, part = 0): string {
  return part === 0 ? `v${id}` : `v${id}.${part}`
}

export async function perform(store: Store, operation: Operation, options: PerformOptions): Promise<void> {
  const { id, timeoutMs } = operation
  const { memory, signal } = options
  const call = signal === undefined ? { timeoutMs } : { timeoutMs, signal }
  switch (operation.type) {
    case 'put':
      await store.put(operation.key, valueOf(id).padEnd(operation.valueBytes, '.'), call)
      return
    case 'read': {
      const { consistency, key } = operation
      const found = await store.get(key, { ...call, consistency })
      memory.seen.set(key, found?.modRevision ?? 0)
      return
    }
    case 'range': {
      const { key: from, end: to, limit, back } = operation
      const revision = store.status().revision - back
      const past = back > 0 && revision > 0 ? { revision } : {}
      await store.range({ from, to }, { ...call, ...past, ...(limit > 0 ? { limit } : {}) })
      return
    }
    case 'delete': {
      const { key, end } = operation
      await store.delete(end === undefined ? key : { from: key, to: end }, call)
      return
    }
    case 'swap': {
      const { key } = operation
      const expected = memory.seen.get(key) ?? 0
      const { succeeded, revision, results } = await store.txn(
        { compare: [compare(key).modRevision('=', expected)], success: [put(key, valueOf(id))], failure: [get(key)] },
        call,
      )
      const [result] = results
      if (succeeded) memory.seen.set(key, revision)
      else if (result?.type === 'range') memory.seen.set(key, result.items[0]?.modRevision ?? 0)
      return
    }
    case 'transaction': {
      const { compared, keys } = operation
      const writes = keys.map((key, at) => put(key, valueOf(id, at + 1)))
      const [first = compared, ...others] = keys
      await store.txn(
        {
          compare: [compare(compared).exists()],
          success: writes,
          failure: [del(first), ...others.map((key) => get(key))],
        },
        call,
      )
      return
    }
    case 'put-with-lease': {
      const lease = await store.leases.grant({ ttlMs: operation.ttlMs }, call)
      memory.lease = lease.id
      for (const [at, key] of operation.keys.entries())
        await store.put(key, valueOf(id, at), { ...call, lease: lease.id })
      return
    }
    case 'keep-alive':
      if (memory.lease !== undefined) await store.leases.keepAlive(memory.lease, call)
      return
    case 'revoke': {
      const { lease } = memory
      if (lease === undefined) return
      memory.lease = undefined
      await store.leases.revoke(lease, call)
      return
    }
    case 'compact': {
      const revision = store.status().revision - operation.keep
      if (revision > store.status().compactRevision) await store.compact(revision, call)
      return
    }
    case 'watch':
      return watch(store, operation, options)
    case 'lock':
      return lock(store, operation, options)
    default:
      return assertNever(operation, 'an operation')
  }
}

/** Takes events as they come, or slowly, until its time is over. */
async function watch(
  store: Store,
  { back, fromOldest, previous = false, slowMs, forMs }: Operation & { readonly type: 'watch' },
  { watched, watchFailed, signal }: PerformOptions,
): Promise<void> {
  const { timers } = store.environment
  const { revision, compactRevision } = store.status()
  // What is kept may be less by the time the watch begins: one that starts at the oldest races with compactions.
  const startRevision = Math.max(
    1,
    fromOldest === undefined ? Math.max(compactRevision + 1, revision + 1 - back) : compactRevision + fromOldest,
  )
  const begun = { startRevision, compactRevision, compactRevisionNow: () => store.status().compactRevision }
  const over = new AbortController()
  const cancel = timers.after(forMs, () => {
    over.abort()
  })
  const end = signal === undefined ? over.signal : AbortSignal.any([over.signal, signal])
  try {
    for await (const event of store.watch({ all: true }, { startRevision, previous, signal: end })) {
      watched(event, begun)
      if (slowMs > 0) await sleep(store, slowMs)
    }
  } catch (error) {
    watchFailed(error, begun)
    throw error
  } finally {
    cancel()
  }
}

/** Holds a lock, and writes twice under its guard: with the lease that may end in between, not only the first may be refused. */
async function lock(
  store: Store,
  { id, name, holdMs, ttlMs, timeoutMs }: Operation & { readonly type: 'lock' },
  { signal, held: tell }: PerformOptions,
): Promise<void> {
  const held = await new Mutex(store, name).lock({ ttlMs, timeoutMs, signal })
  tell({ name, token: held.token, signal: held.signal })
  try {
    for (const part of [1, 2]) {
      await held.txn({ success: [put(guardedKey(name), valueOf(id, part))] }, { timeoutMs })
      if (part === 1) await sleep(store, holdMs)
    }
  } finally {
    await held.unlock()
  }
}

function sleep(store: Store, forMs: number): Promise<void> {
  return new Promise((resolve) => {
    store.environment.timers.after(forMs, resolve)
  })
}
