import { expect, test } from 'vitest'
import { MvccStore } from '../../src/mvcc/store.js'
import { MemoryBackend } from './memory-backend.js'
import { del, get, put, txn } from './requests.js'

const BUDGET_BYTES = 10_000

function world(cacheBytesMax = BUDGET_BYTES) {
  const backend = new MemoryBackend()
  const store = new MvccStore(backend, undefined, cacheBytesMax)
  const valueOf = (key: string) => Buffer.from(store.range(get(key)).keyValues[0]?.value ?? []).toString()
  /** Whether reading the key asks the backend. */
  const readsRecord = (key: string) => {
    backend.reads = []
    valueOf(key)
    return backend.reads.length > 0
  }
  return { store, valueOf, readsRecord }
}

test('what was just written is read without its record, and what was just read too', () => {
  const { store, readsRecord, valueOf } = world()
  store.write(put('a', '1'))
  expect([readsRecord('a'), valueOf('a')]).toEqual([false, '1'])
  for (let at = 0; at < 100; at++) store.write(put(`other${at}`, 'x'))
  expect([readsRecord('a'), valueOf('a')]).toEqual([true, '1'])
  expect([readsRecord('a'), valueOf('a')]).toEqual([false, '1'])
})

test('no more is kept than the budget says, however often what is written', () => {
  const { store } = world()
  for (let at = 0; at < 200; at++) store.write(put(`key${at}`, 'x'.repeat(100)))
  const kept = () => store.planRange(get('key', 'kez')).records.filter(({ cached }) => cached !== undefined).length
  expect(kept()).toBeGreaterThan(0)
  expect(kept()).toBeLessThan(BUDGET_BYTES / 100)
  for (let at = 0; at < 1000; at++) store.write(put('one', 'x'.repeat(100)))
  expect(kept()).toBe(0)
})

test('a value that is most of the budget is not kept, and drives out nothing', () => {
  const { store, readsRecord } = world()
  store.write(put('small', '1'))
  store.write(put('large', 'x'.repeat(BUDGET_BYTES - 400)))
  expect([readsRecord('large'), readsRecord('small')]).toEqual([true, false])
})

test('without a budget nothing is kept', () => {
  const { store, readsRecord } = world(0)
  store.write(put('a', '1'))
  expect(readsRecord('a')).toBe(true)
})

test('never is an older version read, nor one that was deleted', () => {
  const { store, valueOf } = world()
  store.write(put('a', '1'))
  const { revision } = store
  store.write(put('a', '2'))
  expect(valueOf('a')).toBe('2')
  const old = store.range(get('a', undefined, { revision })).keyValues[0]
  expect(Buffer.from(old?.value ?? []).toString()).toBe('1')
  expect(valueOf('a')).toBe('2')
  store.write(del('a'))
  expect(store.range(get('a')).count).toBe(0)
  store.write(txn([], [put('a', '3'), get('a')]))
  expect(valueOf('a')).toBe('3')
})
