/**
 * One operation of a plan, done to a store.
 *
 * Always: what is written is told by the operation's id alone. Always: it resolves when the operation is over, whatever
 * came of it is an answer or a StoreError; anything else that is thrown is a bug.
 */
import { compare, del, get, put, txn, type ReadOptions, type Transaction } from '../../api/operations.js'
import type { CallOptions, Store, StoreStatus } from '../../api/store.js'
import { assertNever } from '../../base/assert.js'
import { NO_LEASE, type LeaseId } from '../../base/lease-id.js'
import { Mutex } from '../../recipes/lock/mutex.js'
import { administer, handleFor, isTokenVoid } from './administer.js'
import { changeMembers } from './change-members.js'
import type { Operation } from './operation.js'
import { watch } from './perform-watch.js'
import { sleep, type PerformOptions } from './performing.js'

/** Where what is written under the guard of a lock stands. */
export function guardedKey(name: string): string {
  return `held/${name}`
}

/** What plans write outside of locks: the keys of draw-operations.ts. */
const ALL_KEYS = { from: 'a', to: 'k' } as const

/** Hashes are those of every so-manieth revision, so that several members are asked for one. */
const HASH_EVERY = 256

/** What the operation writes; `part` tells several values of one operation apart. */
export function valueOf(id: number, part = 0): string {
  return part === 0 ? `v${id}` : `v${id}.${part}`
}

export async function perform(member: Store, operation: Operation, options: PerformOptions): Promise<void> {
  const { timeoutMs } = operation
  const { memory, signal } = options
  const call = signal === undefined ? { timeoutMs } : { timeoutMs, signal }
  try {
    const store = await handleFor(member, operation, call, memory.login, (login) => {
      memory.login = login
    })
    await ask(store, operation, options, { call, status: () => member.status() })
  } catch (error) {
    if (isTokenVoid(error)) memory.login = undefined
    throw error
  }
}

/** What an operation goes by: the limits of its calls, and where its member stands, which the process that holds it may always see. */
interface Place {
  readonly call: CallOptions
  readonly status: () => StoreStatus
}

async function ask(
  store: Store,
  operation: Operation,
  options: PerformOptions,
  { call, status }: Place,
): Promise<void> {
  const { id } = operation
  const { memory } = options
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
      const { key: from, end: to } = operation
      await store.range({ from, to }, { ...call, ...readOptionsOf(operation, status().revision) })
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
    case 'transaction':
      await store.txn(transactionOf(operation, memory.lease), call)
      return
    case 'put-with-lease': {
      const lease = await store.leases.grant({ ttlMs: operation.ttlMs }, call)
      memory.lease = lease.id
      for (const [at, key] of operation.keys.entries())
        await store.put(key, valueOf(id, at), { ...call, lease: lease.id })
      return
    }
    case 'leases-at-once':
      return leasesAtOnce(store, operation, call)
    case 'time-to-live':
      if (memory.lease !== undefined) await store.leases.timeToLive(memory.lease, { ...call, keys: true })
      return
    case 'leases':
      await store.leases.list(call)
      return
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
      const { keep, physical } = operation
      const revision = status().revision - keep
      if (revision <= status().compactRevision) return
      await store.compact(revision, { ...call, ...(physical === true ? { physical } : {}) })
      return
    }
    case 'hash': {
      const revision = Math.max(1, status().revision - (status().revision % HASH_EVERY))
      options.hashed(await store.maintenance.hash({ ...call, revision }))
      return
    }
    case 'make-room': {
      const { revision } = await store.delete(ALL_KEYS, call)
      if (revision > status().compactRevision) await store.compact(revision, { ...call, physical: true })
      await store.maintenance.disarm({ alarm: 'no-space' }, call)
      return
    }
    case 'limit-prefix': {
      const { prefix, keysMax, bytesMax } = operation
      const limits = keysMax === undefined && bytesMax === undefined ? undefined : { keysMax, bytesMax }
      await store.maintenance.setPrefixQuota(prefix, limits, call)
      return
    }
    case 'administer':
      return administer(store, operation.step, call)
    case 'change-members':
      return changeMembers(store.cluster, operation.step, call, options.addressOf)
    case 'watch':
      return watch(store, operation, options, status)
    case 'lock':
      return lock(store, operation, options)
    default:
      return assertNever(operation, 'an operation')
  }
}

function readOptionsOf(operation: Operation & { readonly type: 'range' }, current: number): ReadOptions {
  const { limit, back, sort, writtenBack, createdBack, only } = operation
  const revision = current - back
  return {
    ...(back > 0 && revision > 0 ? { revision } : {}),
    ...(limit > 0 ? { limit } : {}),
    ...(sort === undefined ? {} : { sort: { by: sort.by, order: sort.descending ? 'descending' : 'ascending' } }),
    ...(writtenBack === undefined ? {} : { minModRevision: Math.max(0, current - writtenBack) }),
    ...(createdBack === undefined ? {} : { maxCreateRevision: Math.max(0, current - createdBack) }),
    ...(only === 'count' ? { countOnly: true } : {}),
    ...(only === 'keys' ? { keysOnly: true } : {}),
  }
}

/** What it writes if what it compares holds; else it deletes one key and reads the others. */
function transactionOf(
  operation: Operation & { readonly type: 'transaction' },
  lease: LeaseId | undefined,
): Transaction {
  const { id, compared, comparedTo, comparesLease, keys, nested, previous = false, keeps } = operation
  const [first = compared, ...others] = keys
  const success = keys.map((key, at) => {
    if (keeps === 'value') return put(key, '', { previous, ignoreValue: true })
    return put(key, valueOf(id, at + 1), { previous, ignoreLease: keeps === 'lease' })
  })
  const failure = [del(first, { previous }), ...others.map((key) => get(key))]
  const conditions = [
    compare(compared).exists(),
    ...(comparedTo === undefined ? [] : [compare({ from: compared, to: comparedTo }).version('>', 1)]),
    ...(comparesLease === undefined ? [] : [compare(compared).lease('!=', lease ?? NO_LEASE)]),
  ]
  if (nested === undefined) return { compare: conditions, success, failure }
  // Of what is decided within, one branch may name keys that are never touched.
  const inner = txn({ compare: conditions, success, failure })
  return { compare: [compare(first).exists()], success: [inner], failure: [get(first), inner] }
}

/**
 * One right after the other, so that they end together; the keys are put at once. Grants at once would have no order that
 * anybody could tell, and the history check would try them all. The first put that is refused fails it; all are waited for.
 */
async function leasesAtOnce(
  store: Store,
  { id, keys, ttlMs }: Operation & { readonly type: 'leases-at-once' },
  call: CallOptions,
): Promise<void> {
  const leases: LeaseId[] = []
  for (let count = 0; count < keys.length; count++) leases.push((await store.leases.grant({ ttlMs }, call)).id)
  const put = async (key: string, at: number): Promise<unknown> => {
    return store.put(key, valueOf(id, at), { ...call, lease: leases[at] })
  }
  for (const each of await Promise.allSettled(keys.map(put))) if (each.status === 'rejected') throw each.reason
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
