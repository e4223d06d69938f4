/** What a store and the recipes over it say to names that they do not know: nothing that was meant is ignored. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compare, get, put, txn } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import { isStoreError } from '../../src/base/errors.js'
import { Election } from '../../src/recipes/election/election.js'
import { Mutex } from '../../src/recipes/lock/mutex.js'
import { Session } from '../../src/recipes/session/session.js'
import { open } from '../../src/store/open.js'
import { saveSnapshot } from '../../src/store/save-snapshot.js'

let store: Store
beforeAll(async () => {
  store = await open()
  await store.ready()
})
afterAll(() => store.close())

/** As somebody would write it who has no compiler to object. */
const loose = <T>(value: T): never => value as never

async function failure(call: () => unknown): Promise<Error> {
  try {
    await call()
  } catch (error) {
    return error as Error
  }
  throw new Error('it was done')
}

describe('a misspelt field', () => {
  test.each<[string, () => unknown, string]>([
    ['put', () => store.put('k', 'v', loose({ leaseId: 5n })), 'put() takes no leaseId (did you mean lease?)'],
    ['get', () => store.get('k', loose({ timeout: 1 })), 'get() takes no timeout (did you mean timeoutMs?)'],
    [
      'leases.grant',
      () => store.leases.grant(loose({ ttlMs: 5_000, leaseId: 5n })),
      'leases.grant() takes no leaseId, only ttlMs and id',
    ],
    ['get, where only range() has it', () => store.get('k', loose({ limit: 1 })), 'get() takes no limit'],
    ['range', () => store.range('k', loose({ consistent: 'local' })), 'did you mean consistency?'],
    ['the selection of range', () => store.range(loose({ prefix: '', limit: 1 })), 'a selection takes no limit'],
    ['delete', () => store.delete('k', loose({ previos: true })), 'delete() takes no previos (did you mean previous?)'],
    ['txn', () => store.txn({}, loose({ timeout: 1 })), 'txn() takes no timeout'],
    ['the transaction of txn', () => store.txn(loose({ then: [put('k', 'v')] })), 'a transaction takes no then'],
    ['compact', () => store.compact(1, loose({ timeout: 1 })), 'compact() takes no timeout'],
    ['ready', () => store.ready(loose({ timeout: 1 })), 'ready() takes no timeout'],
    ['watch', () => store.watch('k', loose({ revision: 1 })), 'watch() takes no revision'],
    ['the filter of watch', () => store.watch('k', { filter: loose({ put: false }) }), 'did you mean puts?'],
    ['a call of leases', () => store.leases.revoke(5n, loose({ timeout: 1 })), 'takes no timeout'],
    ['lock', () => new Mutex(store, 'm').lock(loose({ ttl: 1000 })), 'lock() takes no ttl (did you mean ttlMs?)'],
    ['tryLock', () => new Mutex(store, 'm').tryLock(loose({ timeout: 1 })), 'tryLock() takes no timeout'],
    ['campaign', () => new Election(store, 'e').campaign('x', loose({ ttl: 1 })), 'campaign() takes no ttl'],
    ['leader', () => new Election(store, 'e').leader(loose({ limit: 1 })), 'leader() takes no limit'],
    ['observe', () => new Election(store, 'e').observe(loose({ timeoutMs: 1 })), 'observe() takes no timeoutMs'],
    ['Session.open', () => Session.open(store, loose({ ttl: 1000 })), 'Session.open() takes no ttl'],
  ])('in %s is a TypeError, and nothing is done', async (_what, call, message) => {
    const { revision } = store.status()
    const error = await failure(call)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(message)
    expect(store.status().revision).toBe(revision)
  })
})

describe('what is no options object', () => {
  test.each<[string, () => unknown]>([
    ['a lease for the options of put', () => store.put('k', 'v', loose(5n))],
    ['a signal for the options of get', () => store.get('k', loose(new AbortController().signal))],
    ['a number for the options of range', () => store.range('k', loose(1))],
    ['null for the options of delete', () => store.delete('k', loose(null))],
    ['a number for a transaction', () => store.txn(loose(5))],
    ['a text for a transaction', () => store.txn(loose('x'))],
    ['null for a timeout', () => store.get('k', { timeoutMs: loose(null) })],
    ['null for the consistency', () => store.get('k', { consistency: loose(null) })],
    ['a list for a filter', () => store.watch('k', { filter: loose(['noput']) })],
    ['a filter that was meant as "puts only"', () => store.watch('k', { filter: loose({ puts: true }) })],
    ['an empty text for the timeout of lock', () => new Mutex(store, 'm').lock({ timeoutMs: loose('') })],
    ['a text for the TTL of tryLock', () => new Mutex(store, 'm').tryLock({ ttlMs: loose('1000') })],
    ['a controller for the signal of lock', () => new Mutex(store, 'm').lock({ signal: loose(new AbortController()) })],
    ['a controller for the signal of observe', () => new Election(store, 'e').observe({ signal: loose({}) })],
  ])('%s is a TypeError, and nothing is done', async (_what, call) => {
    const { revision } = store.status()
    const error = await failure(call)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).not.toMatch(/undefined|is not a function|iterable/)
    expect(store.status().revision).toBe(revision)
  })
})

describe('what is neither true nor false', () => {
  test.each<[string, () => unknown]>([
    ['previous of put()', () => store.put('k', 'v', { previous: loose('no') })],
    ['ignoreValue of put()', () => store.put('k', '', { ignoreValue: loose('no') })],
    ['ignoreLease of put()', () => store.put('k', 'v', { ignoreLease: loose(0) })],
    ['previous of a put in a transaction', () => put('k', 'v', { previous: loose(1) })],
    ['countOnly of range()', () => store.range('k', { countOnly: loose('no') })],
    ['keysOnly of range()', () => store.range('k', { keysOnly: loose(null) })],
    ['keysOnly of a get in a transaction', () => get('k', { keysOnly: loose({}) })],
    ['previous of delete()', () => store.delete('k', { previous: loose('no') })],
    ['previous of watch()', () => store.watch('k', { previous: loose(1) })],
    ['physical of compact()', () => store.compact(1, { physical: loose('no') })],
    ['keys of timeToLive()', () => store.leases.timeToLive(1n, { keys: loose('no') })],
    ['noPassword of users.add()', () => store.auth.users.add('u', loose({ password: 'x', noPassword: 'yes' }))],
    ['overwrite of saveSnapshot()', () => saveSnapshot(store, '/dev/null/none', { overwrite: loose('no') })],
  ])('in %s is a TypeError, and nothing is done', async (what, call) => {
    const { revision } = store.status()
    const error = await failure(call)
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(`${what.split(' ', 1).join()} must be true or false`)
    expect(store.status().revision).toBe(revision)
  })
})

describe('a put that keeps what the key has', () => {
  test('keeps its value with ignoreValue, and its lease with ignoreLease', async () => {
    const { id } = await store.leases.grant({ ttlMs: 60_000 })
    await store.put('kept', 'value', { lease: id })
    await store.put('kept', 'other', { ignoreLease: true })
    expect(await store.get('kept')).toMatchObject({ lease: id, version: 2 })
    await store.put('kept', '', { ignoreValue: true })
    const found = await store.get('kept')
    expect([found?.text(), found?.lease, found?.version]).toEqual(['other', undefined, 3])
    await store.txn({ success: [put('kept', '', { ignoreValue: true, lease: id })] })
    const again = await store.get('kept')
    expect([again?.text(), again?.lease]).toEqual(['other', id])
  })

  test('is refused where there is nothing to keep, and where something else is given', async () => {
    const absent = await failure(() => store.put('absent', '', { ignoreValue: true }))
    expect(isStoreError(absent, 'KEY_NOT_FOUND')).toBe(true)
    const unleased = await failure(() => store.txn({ success: [put('absent', 'x', { ignoreLease: true })] }))
    expect(isStoreError(unleased, 'KEY_NOT_FOUND')).toBe(true)
    const value = await failure(() => store.put('kept', 'x', { ignoreValue: true }))
    expect(isStoreError(value, 'VALUE_PROVIDED')).toBe(true)
    const lease = await failure(() => store.put('kept', 'x', { ignoreLease: true, lease: 5n }))
    expect(isStoreError(lease, 'LEASE_PROVIDED')).toBe(true)
  })
})

test('a transaction that was made by txn() is taken as it is', async () => {
  const made = txn({ compare: [compare('made').missing()], success: [put('made', 'x')], failure: [get('made')] })
  expect((await store.txn(made)).succeeded).toBe(true)
  expect((await store.txn(made)).succeeded).toBe(false)
})
