import { describe, expect, test } from 'vitest'
import { decodeRecord, recordKey } from '../../src/mvcc/record.js'
import { MvccStore } from '../../src/mvcc/store.js'
import { MemoryBackend } from './memory-backend.js'
import { del, get, put } from './requests.js'
import { codeOf } from '../code-of.js'

function world() {
  const backend = new MemoryBackend()
  const store = new MvccStore(backend)
  const compact = (revision: number) => {
    store.compact(revision)
    while (store.sweeping) store.sweep(10)
  }
  const records = () =>
    backend.sorted().map(([, record]) => {
      const { type, id, keyValue } = decodeRecord(record)
      return `${keyValue.key}@${id.main}${type === 'delete' ? '†' : ''}`
    })
  return { backend, store, compact, records }
}

describe('compaction', () => {
  test('at or below the compact revision it is COMPACTED, above the current one FUTURE_REVISION', () => {
    const { store } = world()
    for (const value of ['1', '2', '3']) store.write(put('a', value))
    expect(codeOf(() => store.compact(5))).toBe('FUTURE_REVISION')
    expect(codeOf(() => store.compact(3))).toBeUndefined()
    expect(codeOf(() => store.compact(3))).toBe('COMPACTED')
    expect(codeOf(() => store.compact(2))).toBe('COMPACTED')
    expect(codeOf(() => store.compact(0))).toBe('COMPACTED')
    expect(codeOf(() => store.compact(4))).toBeUndefined()
    expect(store.compactRevision).toBe(4)
  })

  test('keeps the newest version at or before it of every key that exists', () => {
    const { store, compact, records } = world()
    store.write(put('a', '1'))
    store.write(put('b', '1'))
    store.write(put('a', '2'))
    store.write(put('b', '2'))
    store.write(put('a', '3'))
    compact(4)
    expect(records()).toEqual(['b@3', 'a@4', 'b@5', 'a@6'])
  })

  test('drops a tombstone that is older, keeps one exactly there, and drops that with the next', () => {
    const { store, compact, records } = world()
    store.write(put('a', '1'))
    store.write(del('a'))
    store.write(put('b', '1'))
    store.write(del('b'))
    compact(5)
    expect(records()).toEqual(['b@5†'])
    expect(store.size).toBe(1)
    store.write(put('c', '1'))
    compact(6)
    expect(records()).toEqual(['c@6'])
    expect(store.size).toBe(1)
  })

  test('the revision does not fall when the newest record is a tombstone that was dropped', () => {
    const { store, backend, compact } = world()
    store.write(put('a', '1'))
    store.write(del('a'))
    store.write(put('b'))
    store.write(del('b'))
    compact(5)
    const reopened = new MvccStore(backend)
    reopened.startLoading(store.revision, store.compactRevision)
    for (const [key, record] of backend.sorted()) reopened.load(key, record)
    reopened.finishLoading()
    expect(reopened.revision).toBe(5)
    reopened.write(put('a'))
    expect(reopened.range(get('a')).keyValues[0]?.modRevision).toBe(6)
  })

  test('is swept in small steps, and nobody can tell how far it is', () => {
    const { store, backend } = world()
    for (let round = 0; round < 3; round++) for (const key of 'abcdefgh') store.write(put(key, String(round)))
    const digest = store.digest
    store.compact(25)
    expect(backend.records.size).toBe(24)
    const sizes: number[] = []
    while (store.sweeping) {
      store.sweep(1)
      sizes.push(backend.records.size)
      expect(store.range(get('a', '\0', { revision: 25 })).count).toBe(8)
      expect(codeOf(() => store.planRange(get('a', '\0', { revision: 24 })))).toBe('COMPACTED')
      const event = store.eventOf(decodeRecord(backend.get(recordKey({ main: 25, sub: 0 })) as Uint8Array))
      expect([event.keyValue.key, event.previous]).toEqual(['h', undefined])
      expect(store.digest).toEqual(digest)
    }
    expect(sizes.length).toBeGreaterThan(4)
    expect(sizes.at(-1)).toBe(8)
  })

  test('a compaction during a sweep prolongs it, and everything is swept in the end', () => {
    const { store, backend } = world()
    for (let round = 0; round < 50; round++) {
      for (const key of 'abcdefgh') store.write(put(key, String(round)))
      if (round % 3 === 2) store.compact(store.revision)
      store.sweep(3)
    }
    store.compact(store.revision)
    while (store.sweeping) store.sweep(2)
    expect(backend.records.size).toBe(8)
  })

  test('removes no more of the long history of one key in a step than it was told to, whatever happens between two steps', () => {
    const { store, backend, records } = world()
    for (let round = 0; round < 20; round++) {
      store.write(put('a', String(round)))
      store.write(put('b', String(round)))
    }
    store.write(del('a'))
    const reads = () => [40, 41, 42].map((revision) => store.range(get('a', 'c', { revision })).count)
    store.compact(30)
    expect([store.sweep(5), backend.records.size]).toEqual([true, 36])
    store.write(put('a', 'again'))
    store.compact(40)
    expect(reads()).toEqual([2, 2, 1])
    const sizes: number[] = []
    while (store.sweep(5)) {
      sizes.push(backend.records.size)
      expect(reads()).toEqual([2, 2, 1])
    }
    expect(sizes.every((size, at) => at === 0 || (sizes[at - 1] ?? 0) - size <= 5)).toBe(true)
    expect(records()).toEqual(['b@39', 'a@40', 'b@41', 'a@42†', 'a@43'])
  })

  test('an unfinished sweep is resumed after a restart', () => {
    const { store, backend } = world()
    for (let round = 0; round < 3; round++) for (const key of 'abcd') store.write(put(key, String(round)))
    store.compact(store.revision)
    store.sweep(1)
    const reopened = new MvccStore(backend)
    reopened.startLoading(store.revision, store.compactRevision)
    for (const [key, record] of backend.sorted()) reopened.load(key, record)
    reopened.finishLoading()
    expect(reopened.sweeping).toBe(true)
    while (reopened.sweeping) reopened.sweep(10)
    expect(backend.records.size).toBe(4)
    expect(reopened.digest).toEqual(store.digest)
  })
})

describe('a store that is raised to a revision', () => {
  test('counts no change of that one, also when it is loaded again', () => {
    const { store, backend } = world()
    store.write(put('a', '1'))
    store.write(put('a', '2'))
    store.compactAll(10)
    store.write(put('b', '1'))
    const reopened = new MvccStore(backend)
    reopened.startLoading(store.revision, store.compactRevision)
    for (const [key, record] of backend.sorted()) reopened.load(key, record)
    reopened.finishLoading()
    for (const each of [store, reopened]) {
      expect([each.changesOf(10), each.changesOf(11)]).toEqual([0, 1])
      each.compact(11)
      expect(each.changesOf(11)).toBe(1)
    }
  })
})

describe('a hold on the sweep', () => {
  test('keeps what could be read when it was taken, and nothing once it is released', () => {
    const { store, compact, records } = world()
    for (const value of ['1', '2', '3']) store.write(put('a', value))
    const release = store.holdSweep()
    store.compact(4)
    expect([store.sweep(10), store.sweeping]).toEqual([false, true])
    expect(records()).toEqual(['a@2', 'a@3', 'a@4'])
    const later = store.holdSweep()
    release()
    release()
    expect([store.sweep(10), store.sweeping]).toEqual([false, false])
    expect(records()).toEqual(['a@4'])
    store.write(put('a', '4'))
    later()
    compact(5)
    expect(records()).toEqual(['a@5'])
  })
})
