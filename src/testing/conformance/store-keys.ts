/** Keys and values: written, read, ranged over, deleted, read as they were, compacted. */
import { get, put } from '../../api/operations.js'
import type { RangeOptions, RangeResult } from '../../api/store.js'
import { check, equal, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'

const keysOf = ({ items }: Pick<RangeResult, 'items'>): string[] => items.map(({ key }) => key)

export const keys: StoreTests = {
  'reads back what was written, as text, bytes and JSON': async (store) => {
    await store.put('text', 'Zürich 🦊')
    await store.put('bytes', Uint8Array.of(0, 255, 128))
    await store.put('json', JSON.stringify({ port: 7001 }))
    equal((await store.get('text'))?.text(), 'Zürich 🦊', 'text')
    equal([...((await store.get('bytes'))?.value ?? [])], [0, 255, 128], 'bytes')
    equal((await store.get('json'))?.json<{ port: number }>().port, 7001, 'JSON')
  },

  'tells an empty value from a missing key': async (store) => {
    await store.put('empty', '')
    equal((await store.get('empty'))?.value.byteLength, 0, 'the empty value')
    equal(await store.get('missing'), undefined, 'the missing key')
  },

  'keeps keys of any bytes, in the order of their bytes': async (store) => {
    const written = [Uint8Array.of(0), Uint8Array.of(0xff), Uint8Array.of(0xff, 0), 'é', 'a', 'a\0']
    for (const key of written) await store.put(key, 'x')
    const { items } = await store.range({ all: true })
    const hex = items.map(({ keyBytes }) => Buffer.from(keyBytes).toString('hex'))
    equal(hex, ['00', '61', '6100', 'c3a9', 'ff', 'ff00'], 'order of keys')
    equal((await store.get(Uint8Array.of(0xc3, 0xa9)))?.key, 'é', 'a key read by its bytes')
  },

  'counts revisions and versions as etcd does': async (store, { at }) => {
    equal(store.status().revision, at(1), 'the revision of an empty store')
    const first = await store.put('key', 'one')
    const second = await store.put('key', 'two')
    equal([first.revision, second.revision], [at(2), at(3)], 'revisions of two writes')
    const found = await store.get('key')
    equal([found?.createRevision, found?.modRevision, found?.version], [at(2), at(3), 2], 'of the second version')
    await store.delete('key')
    await store.put('key', 'three')
    const again = await store.get('key')
    equal(
      [again?.createRevision, again?.modRevision, again?.version],
      [at(5), at(5), 1],
      'of a key that was made again',
    )
  },

  'returns the version before, if asked for': async (store) => {
    equal((await store.put('key', 'one', { previous: true })).previous, undefined, 'before the first')
    equal((await store.put('key', 'two')).previous, undefined, 'without being asked')
    const { previous } = await store.put('key', 'three', { previous: true })
    equal([previous?.text(), previous?.version], ['two', 2], 'the version before')
  },

  'ranges over prefixes, intervals and everything': async (store) => {
    for (const key of ['a', 'a/1', 'a/2', 'b', 'b/1', 'c']) await store.put(key, key)
    equal(keysOf(await store.range({ prefix: 'a/' })), ['a/1', 'a/2'], 'a prefix')
    equal(keysOf(await store.range({ prefix: '' })).length, 6, 'the empty prefix')
    equal(keysOf(await store.range({ from: 'a/2', to: 'b/1' })), ['a/2', 'b'], 'an interval, its end excluded')
    equal(keysOf(await store.range({ from: 'b/1' })), ['b/1', 'c'], 'from a key on')
    equal(keysOf(await store.range({ from: '', to: 'a/1' })), ['a'], 'from the beginning')
    equal(keysOf(await store.range({ from: 'b', to: 'a' })), [], 'an interval that ends before it starts')
    equal(keysOf(await store.range({ from: 'b', to: Uint8Array.of(0) })), [], 'an interval that ends before every key')
    equal(keysOf(await store.range({ all: true })).length, 6, 'everything')
    equal(keysOf(await store.range('b')), ['b'], 'one key')
  },

  'ends the prefix of highest bytes at the end of all keys': async (store) => {
    await store.put(Uint8Array.of(0xfe), 'no')
    await store.put(Uint8Array.of(0xff), 'yes')
    await store.put(Uint8Array.of(0xff, 0xff, 1), 'yes')
    equal((await store.range({ prefix: Uint8Array.of(0xff) })).count, 2, 'keys with the prefix')
  },

  'limits, counts and leaves out values': async (store) => {
    for (const key of ['k1', 'k2', 'k3']) await store.put(key, 'value')
    const limited = await store.range({ prefix: 'k' }, { limit: 2 })
    equal([keysOf(limited), limited.count, limited.more], [['k1', 'k2'], 3, true], 'with a limit')
    const exact = await store.range({ prefix: 'k' }, { limit: 3 })
    equal([exact.items.length, exact.more], [3, false], 'with a limit that is just enough')
    const counted = await store.range({ prefix: 'k' }, { countOnly: true })
    equal([counted.items.length, counted.count, counted.more], [0, 3, false], 'counted only')
    const [keyOnly] = (await store.range('k1', { keysOnly: true })).items
    equal([keyOnly?.key, keyOnly?.value.byteLength, keyOnly?.version], ['k1', 0, 1], 'without values')
  },

  'sorts by each field, both ways, before the limit cuts off': async (store) => {
    await store.put('a', 'z')
    await store.put('b', 'y')
    await store.put('c', 'x')
    await store.put('b', 'y')
    const { revision } = await store.put('a', 'z')
    await store.delete('c')
    await store.put('c', 'x')
    const orders = { key: 'abc', version: 'cab', createRevision: 'abc', modRevision: 'bac', value: 'cba' } as const
    for (const [by, order] of Object.entries(orders)) {
      const sort = { by: by as keyof typeof orders }
      equal(keysOf(await store.range({ all: true }, { sort })).join(''), order, `by ${by}`)
      const { count, more, ...first } = await store.range({ all: true }, { sort, limit: 2 })
      equal([keysOf(first).join(''), count, more], [order.slice(0, 2), 3, true], `two of them, by ${by}`)
    }
    const descending = { by: 'version', order: 'descending' } as const
    equal(keysOf(await store.range({ all: true }, { sort: descending })), ['a', 'b', 'c'], 'equal ones by key')
    const before = await store.range({ all: true }, { sort: descending, revision: revision - 1, limit: 2 })
    equal([keysOf(before), before.more], [['b', 'a'], true], 'an older revision')
    const { results } = await store.txn({
      success: [put('d', 'a'), get({ all: true }, { sort: { by: 'value' }, limit: 1 })],
    })
    equal(
      results.map((result) => (result.type === 'range' ? keysOf(result) : [])),
      [[], ['d']],
      'in a transaction',
    )
  },

  'leaves out what is older or newer than it is asked for, and counts it all the same': async (store, { at }) => {
    for (const key of ['a', 'b', 'c', 'a']) await store.put(key, 'x')
    const read = async (options: RangeOptions): Promise<string> => {
      const { items, count } = await store.range({ all: true }, options)
      equal(count, 3, 'the count')
      return items.map(({ key }) => key).join('')
    }
    equal(await read({ minModRevision: at(4) }), 'ac', 'last written at 4 or later')
    equal(await read({ maxModRevision: at(4) }), 'bc', 'last written at 4 or earlier')
    equal(await read({ minCreateRevision: at(3) }), 'bc', 'created at 3 or later')
    equal(await read({ maxCreateRevision: at(3), minModRevision: at(4) }), 'a', 'created early and written late')
    equal(await read({ maxCreateRevision: at(3), revision: at(4) }), 'ab', 'at an older revision')
    equal(await read({ minModRevision: 0, maxCreateRevision: 0 }), 'abc', 'with bounds that are none')
    const { items, more } = await store.range({ all: true }, { minCreateRevision: at(3), limit: 2 })
    equal([items.length, more], [2, false], 'what is left out does not use up the limit')
  },

  'reads as it was after any revision that is kept': async (store) => {
    const { revision } = await store.put('key', 'old')
    await store.put('key', 'new')
    await store.put('other', 'x')
    await store.delete('key')
    equal((await store.get('key', { revision }))?.text(), 'old', 'after the first write')
    equal((await store.get('key', { revision: revision + 2 }))?.text(), 'new', 'before the deletion')
    equal(await store.get('key'), undefined, 'now')
    equal((await store.range({ all: true }, { revision })).count, 1, 'keys after the first write')
    const now = await store.range({ all: true }, { revision })
    equal(now.revision, revision + 3, 'the revision that comes with a read of the past')
  },

  'deletes one key, a range, or nothing, in one revision': async (store, { at }) => {
    for (const key of ['k1', 'k2', 'k3']) await store.put(key, `of ${key}`)
    const none = await store.delete('missing', { previous: true })
    equal([none.deleted, none.previous, none.revision], [0, [], at(4)], 'nothing to delete')
    const one = await store.delete('k2', { previous: true })
    equal([one.deleted, one.previous.map((each) => each.text()), one.revision], [1, ['of k2'], at(5)], 'one key')
    const rest = await store.delete({ prefix: 'k' })
    equal([rest.deleted, rest.previous, rest.revision], [2, [], at(6)], 'the rest')
    equal((await store.range({ all: true })).count, 0, 'keys that are left')
  },

  'deletes nothing in an interval that ends before every key': async (store) => {
    await store.put('key', 'x')
    for (const selection of [
      { from: 'a', to: Uint8Array.of(0) },
      { from: '', to: '' },
      { from: 'k', to: 'a' },
    ]) {
      equal((await store.delete(selection)).deleted, 0, 'deleted keys')
    }
  },

  'keeps nothing of what was given, and gives nothing that it keeps': async (store, { at }) => {
    const key = Buffer.from('key')
    const value = Buffer.from('value')
    const writing = store.put(key, value)
    key.fill(0)
    value.fill(0)
    await writing
    const first = await store.get('key')
    check(first !== undefined, 'the key as it was given is missing')
    equal(first.text(), 'value', 'the value as it was given')
    first.value.fill(0)
    first.keyBytes.fill(0)
    equal((await store.get('key'))?.text(), 'value', 'the value after the reader wrote into it')
    const { previous } = await store.put('key', 'next', { previous: true })
    equal(previous?.text(), 'value', 'the version before after the reader wrote into it')
    previous?.value.fill(0)
    equal((await store.get('key', { revision: at(2) }))?.text(), 'value', 'history after somebody wrote into it')
  },

  'reads the same locally once it was read linearizably': async (store) => {
    await store.put('key', 'value')
    await store.get('key')
    equal((await store.get('key', { consistency: 'local' }))?.text(), 'value', 'the local value')
  },

  'takes many writes at once, each exactly once': async (store, { at }) => {
    const results = await Promise.all(Array.from({ length: 300 }, (_, nth) => store.put(`k${nth % 10}`, `${nth}`)))
    const revisions = results.map(({ revision }) => revision)
    equal(new Set(revisions).size, 300, 'different revisions')
    equal(Math.max(...revisions), at(301), 'the last revision')
    const { items } = await store.range({ prefix: 'k' })
    equal(
      items.map(({ version }) => version),
      new Array(10).fill(30),
      'versions of each key',
    )
  },

  'compacts history, and says where what is left begins': async (store, { at }) => {
    for (const value of ['one', 'two', 'three']) await store.put('key', value)
    await store.compact(at(3))
    equal((await store.get('key', { revision: at(3) }))?.text(), 'two', 'at the compaction')
    equal((await store.get('key'))?.text(), 'three', 'the latest')
    const error = await rejectsWith('COMPACTED', () => store.get('key', { revision: at(2) }), 'a read before it')
    equal(error.compactRevision, at(3), 'compactRevision')
    check(new RegExp(`\\b${at(3)}\\b`).test(error.message), `the message names no revision: ${error.message}`)
    equal(store.status().compactRevision, at(3), 'status')
    await rejectsWith('COMPACTED', () => store.compact(at(3)), 'the same compaction again')
    await rejectsWith('COMPACTED', () => store.compact(at(2)), 'an earlier compaction')
    await rejectsWith('FUTURE_REVISION', () => store.compact(99), 'a compaction of the future')
  },
}
