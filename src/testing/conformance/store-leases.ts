/** Leases: keys that end with their owner. */
import { put } from '../../api/operations.js'
import { check, equal, rejectsAs, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'

export const leases: StoreTests = {
  'grants at least the time that was asked for': async (store) => {
    const { id, ttlMs } = await store.leases.grant({ ttlMs: 10_500 })
    check(ttlMs >= 10_500, `${ttlMs} ms were granted`)
    const status = await store.leases.timeToLive(id)
    equal(status?.ttlMs, ttlMs, 'the time granted')
    check(
      status !== undefined && status.remainingMs > 0 && status.remainingMs <= ttlMs + 60_000,
      'the time that is left',
    )
    const shortest = await store.leases.grant({ ttlMs: 1 })
    check(shortest.ttlMs >= 1000, `${shortest.ttlMs} ms were granted where 1 was asked for`)
  },

  'takes its keys with it when it is revoked, in one revision': async (store, { at }) => {
    const { id } = await store.leases.grant({ ttlMs: 60_000 })
    await store.txn({ success: [put('b', '1', { lease: id }), put('a', '2', { lease: id }), put('c', '3')] })
    equal((await store.get('a'))?.lease, id, 'the lease of a key')
    await store.leases.revoke(id)
    equal(
      (await store.range({ all: true })).items.map(({ key }) => key),
      ['c'],
      'keys that are left',
    )
    equal(store.status().revision, at(3), 'the revision')
    equal(await store.leases.timeToLive(id), undefined, 'the lease')
  },

  'lets go of a key that is put without it, or deleted': async (store) => {
    const { id } = await store.leases.grant({ ttlMs: 60_000 })
    await store.put('kept', '1', { lease: id })
    await store.put('kept', '2')
    equal((await store.get('kept'))?.lease, undefined, 'the lease of the key')
    await store.leases.revoke(id)
    equal((await store.get('kept'))?.text(), '2', 'the key')
  },

  'ends by itself, and its keys with it': async (store) => {
    const { id } = await store.leases.grant({ ttlMs: 1 })
    const watch = store.watch('key')
    await store.put('key', 'x', { lease: id })
    const types: string[] = []
    for await (const { type } of watch) {
      types.push(type)
      if (type === 'delete') break
    }
    equal(types, ['put', 'delete'], 'events')
    equal(await store.leases.timeToLive(id), undefined, 'the lease')
    await rejectsWith('LEASE_NOT_FOUND', () => store.leases.keepAlive(id), 'a renewal')
  },

  'gives the full time again to who renews': async (store) => {
    const { id, ttlMs } = await store.leases.grant({ ttlMs: 30_000 })
    for (let nth = 0; nth < 3; nth++) {
      const renewed = await store.leases.keepAlive(id)
      equal([renewed.id, renewed.ttlMs], [id, ttlMs], 'a renewal')
    }
  },

  'takes an id of the caller, once': async (store) => {
    const granted = await store.leases.grant({ ttlMs: 30_000, id: -7n })
    equal(granted.id, -7n, 'the id')
    await rejectsWith('LEASE_EXISTS', () => store.leases.grant({ ttlMs: 30_000, id: -7n }), 'the same id again')
    equal((await store.leases.timeToLive(-7n))?.ttlMs, granted.ttlMs, 'the lease')
  },

  'lists the leases that are there, in the order of their ids': async (store) => {
    equal(await store.leases.list(), [], 'leases of a new store')
    for (const id of [9n, -7n, 2n ** 62n]) await store.leases.grant({ ttlMs: 60_000, id })
    equal(await store.leases.list(), [-7n, 9n, 2n ** 62n], 'leases')
    await store.leases.revoke(9n)
    equal(await store.leases.list(), [-7n, 2n ** 62n], 'leases after one was revoked')
    equal(await store.leases.list({ consistency: 'local' }), [-7n, 2n ** 62n], 'leases that this member knows')
  },

  'tells which keys hang on a lease, in their order, to who asks for them': async (store) => {
    const { id } = await store.leases.grant({ ttlMs: 60_000 })
    const keysOf = async () => (await store.leases.timeToLive(id, { keys: true }))?.keys?.map(({ key }) => key)
    equal(await keysOf(), [], 'keys of a new lease')
    await store.txn({ success: ['b', 'c', 'a', 'd'].map((key) => put(key, '1', { lease: id })) })
    await store.put('b', '2')
    await store.delete('d')
    equal(await keysOf(), ['a', 'c'], 'keys that still hang on it')
    equal((await store.leases.timeToLive(id))?.keys, undefined, 'keys that nobody asked for')
    equal(await store.leases.timeToLive(404n, { keys: true }), undefined, 'keys of a lease that is not there')
    await rejectsAs(TypeError, () => store.leases.timeToLive(id, { keys: 'all' as unknown as boolean }), 'keys: all')
  },

  'lets a key go with its last lease only': async (store) => {
    const first = await store.leases.grant({ ttlMs: 60_000 })
    const second = await store.leases.grant({ ttlMs: 60_000 })
    await store.put('key', '1', { lease: first.id })
    await store.put('key', '2', { lease: second.id })
    await store.leases.revoke(first.id)
    equal((await store.get('key'))?.lease, second.id, 'the lease of the key')
    await store.leases.revoke(second.id)
    equal(await store.get('key'), undefined, 'the key')
  },

  'refuses leases that are not there, last too long, or are none': async (store, { at }) => {
    await rejectsWith('LEASE_NOT_FOUND', () => store.put('key', 'x', { lease: 404n }), 'a put')
    await rejectsWith('LEASE_NOT_FOUND', () => store.leases.revoke(404n), 'a revocation')
    await rejectsWith('LEASE_NOT_FOUND', () => store.leases.keepAlive(404n), 'a renewal')
    equal(await store.leases.timeToLive(404n), undefined, 'a question')
    await rejectsWith('LEASE_TTL_TOO_LARGE', () => store.leases.grant({ ttlMs: 9.1e12 }), 'three hundred years')
    await rejectsWith('LEASE_TTL_TOO_LARGE', () => store.leases.grant({ ttlMs: Infinity }), 'for ever')
    await rejectsWith('LEASE_TTL_TOO_LARGE', () => store.leases.grant({ ttlMs: 1e300 }), 'more than 64 bits hold')
    for (const ttlMs of [0, -1, NaN]) await rejectsAs(RangeError, () => store.leases.grant({ ttlMs }), `ttlMs ${ttlMs}`)
    await rejectsAs(TypeError, () => store.leases.grant({ ttlMs: '5000' as unknown as number }), 'a text for ttlMs')
    await rejectsAs(RangeError, () => store.leases.grant({ ttlMs: 5000, id: 0n }), 'lease 0')
    await rejectsAs(RangeError, () => store.leases.grant({ ttlMs: 5000, id: 2n ** 63n }), 'an id of 65 bits')
    await rejectsAs(TypeError, () => store.put('key', 'x', { lease: 5 as unknown as bigint }), 'a number for a lease')
    await rejectsAs(TypeError, () => store.leases.keepAlive(undefined as unknown as bigint), 'a missing lease id')
    equal(store.status().revision, at(1), 'the revision')
  },
}
