/** How calls end: with their signal, at their deadline, with the store. */
import { isStoreError } from '../../base/errors.js'
import { put } from '../../api/operations.js'
import { check, equal, failureOf, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'

export const lifecycle: StoreTests = {
  'tells who it is, who leads, and where it stands': async (store, { at }) => {
    await store.put('key', 'x')
    const status = store.status()
    check(
      status.members.some(({ id, name }) => id === status.memberId && name === status.name),
      'it is no member',
    )
    check(
      status.members.some(({ name }) => name === status.leader),
      `the leader is ${status.leader}`,
    )
    equal(status.revision, at(2), 'revision')
    check(status.appliedIndex <= status.commitIndex, `applied ${status.appliedIndex} above ${status.commitIndex}`)
    check(status.commitIndex <= status.log.lastIndex, `commit ${status.commitIndex} above the end of the log`)
    check(/^[0-9a-f]{16}$/.test(status.digest), `digest ${status.digest}`)
  },

  'ends a call with ABORTED when its signal is aborted before': async (store, { at }) => {
    const reason = new Error('changed my mind')
    const signal = AbortSignal.abort(reason)
    const calls = {
      put: () => store.put('key', 'x', { signal }),
      get: () => store.get('key', { signal }),
      'local get': () => store.get('key', { signal, consistency: 'local' }),
      txn: () => store.txn({}, { signal }),
      compact: () => store.compact(1, { signal }),
      grant: () => store.leases.grant({ ttlMs: 5000 }, { signal }),
      keepAlive: () => store.leases.keepAlive(1n, { signal }),
      ready: () => store.ready({ signal }),
    }
    for (const [what, call] of Object.entries(calls)) {
      const error = await rejectsWith('ABORTED', call, what)
      equal(error.outcome, 'refused', `${what}: outcome`)
      check(error.cause === reason, `${what}: the cause is ${String(error.cause)}`)
    }
    equal(store.status().revision, at(1), 'the revision')
  },

  'ends a call with ABORTED when its signal is aborted while it waits': async (store) => {
    const controller = new AbortController()
    const { signal } = controller
    const [put, get, asked] = [
      store.put('key', 'x', { signal }),
      store.get('key', { signal }),
      store.leases.timeToLive(1n, { signal }),
    ]
    controller.abort()
    await rejectsWith('ABORTED', () => put, 'put')
    await rejectsWith('ABORTED', () => get, 'get')
    await rejectsWith('ABORTED', () => asked, 'timeToLive')
    await store.put('after', 'x')
    equal((await store.get('after'))?.text(), 'x', 'what was written afterwards')
  },

  'is not touched by a signal that is aborted afterwards': async (store) => {
    const controller = new AbortController()
    await store.put('key', 'x', { signal: controller.signal })
    await store.get('key', { signal: controller.signal })
    controller.abort()
    equal((await store.get('key'))?.text(), 'x', 'the value')
  },

  'ends a call that has no time at all with TIMEOUT': async (store, { at }) => {
    const calls = {
      put: () => store.put('key', 'x', { timeoutMs: 0 }),
      get: () => store.get('key', { timeoutMs: 0 }),
      timeToLive: () => store.leases.timeToLive(1n, { timeoutMs: 0 }),
    }
    for (const [what, call] of Object.entries(calls)) {
      equal((await rejectsWith('TIMEOUT', call, what)).outcome, 'refused', `${what}: outcome`)
    }
    equal(store.status().revision, at(1), 'the revision')
  },

  'takes any length of time for a deadline': async (store) => {
    for (const timeoutMs of [Infinity, 1e12, 2 ** 31]) {
      await store.put('key', 'x', { timeoutMs })
      equal((await store.get('key', { timeoutMs }))?.text(), 'x', `with ${timeoutMs} ms`)
    }
  },

  'ends everything that waits when it is closed, and everything after': async (store, { at, closes }) => {
    await store.put('key', 'x')
    const watch = store.watch('key')
    const waiting = {
      put: store.put('key', 'y'),
      get: store.get('key'),
      txn: store.txn({ success: [] }),
      timeToLive: store.leases.timeToLive(1n),
      ready: store.ready(),
      watch: watch[Symbol.asyncIterator]().next(),
    }
    const ended = Promise.all(Object.entries(waiting).map(async ([what, call]) => [what, await failureOf(() => call)]))
    const closing = [store.close(), store.close()]
    for (const [what, error] of await ended) {
      // Who was quicker than the close may have its answer.
      check(error === undefined || isStoreError(error, 'CLOSED'), `${String(what)}: ${String(error)}`)
    }
    await Promise.all(closing)
    await store.close()
    const next = () => watch[Symbol.asyncIterator]().next()
    if (closes === 'handle') equal((await next()).done, true, 'the watch')
    else {
      await rejectsWith('CLOSED', next, 'the watch')
      const { role, leader } = store.status()
      equal([role, leader], ['stopped', undefined], 'its part in the cluster after the close')
    }
    const calls = {
      put: () => store.put('key', 'x'),
      get: () => store.get('key'),
      'local get': () => store.get('key', { consistency: 'local' }),
      txn: () => store.txn({}),
      watch: () => store.watch('key'),
      compact: () => store.compact(1),
      grant: () => store.leases.grant({ ttlMs: 5000 }),
      keepAlive: () => store.leases.keepAlive(1n),
      ready: () => store.ready(),
    }
    for (const [what, call] of Object.entries(calls)) {
      const error = await rejectsWith('CLOSED', call, `${what} after the close`)
      equal(error.outcome, 'refused', `${what}: outcome`)
    }
    equal(store.status().revision >= at(2), true, 'status after the close')
  },

  'is no promise, and closes with `await using`': async (store) => {
    check(!('then' in store) && !('then' in store.leases), 'it has a method named then')
    await store[Symbol.asyncDispose]()
    await rejectsWith('CLOSED', () => store.get('key'), 'a call afterwards')
  },

  'tells of what it measures while somebody listens, where it measures anything': async (store) => {
    let puts = 0
    const stop = store.telemetry.listen((measured) => {
      if (measured.type === 'applied') puts += measured.puts
      throw new Error('a listener that throws harms nobody')
    })
    await store.put('key', 'x')
    await store.txn({ success: [put('key', 'y'), put('other', 'z')] })
    const before = store.telemetry.gauges()
    equal(puts, before === undefined ? 0 : 3, 'the puts that were measured')
    check((before?.keys ?? 2) >= 2, `${before?.keys} keys are told`)
    stop()
    stop()
    await store.put('key', 'nobody listens')
    equal(puts, before === undefined ? 0 : 3, 'the puts that were measured by then')
  },

  'runs a listener until it is taken off': async (store) => {
    const heard: unknown[] = []
    const off = store.on('leader', (change) => heard.push(change))
    off()
    off()
    await store.put('key', 'x')
    equal(heard, [], 'what was heard')
  },
}
