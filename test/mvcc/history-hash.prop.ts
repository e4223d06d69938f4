/** The hash of history against a naive one, over every record there ever was, on stores that are swept to different extents. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addDigest, EMPTY_DIGEST, type Digest } from '../../src/base/checksum.js'
import { decodeRecord, hashRecord } from '../../src/mvcc/record.js'
import { MvccStore } from '../../src/mvcc/store.js'
import { codeOf } from '../code-of.js'
import { MemoryBackend } from './memory-backend.js'
import { always, del, put } from './requests.js'

const key = fc.constantFrom('a', 'b', 'c', 'd')
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('put' as const), key, value: fc.string({ maxLength: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('delete' as const), key }) },
  { weight: 2, arbitrary: fc.constant({ do: 'several' as const }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('compact' as const), back: fc.nat(3) }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('sweep' as const), keys: fc.nat(3) }) },
)

test('is that of what can be read, at every revision, however far the sweep has come', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const everything = new MemoryBackend()
      everything.delete = () => undefined
      const backends = [everything, new MemoryBackend(), new MemoryBackend()] as const
      const stores = backends.map((backend) => new MvccStore(backend))
      const [unswept, partly, swept] = stores as [MvccStore, MvccStore, MvccStore]
      for (const drawn of steps) {
        for (const store of stores) {
          if (drawn.do === 'put') store.write(put(drawn.key, drawn.value))
          if (drawn.do === 'delete') store.write(del(drawn.key))
          if (drawn.do === 'several') store.write(always(put('a', 'x'), del('b'), put('c', 'y')))
          const to = store.revision - (drawn.do === 'compact' ? drawn.back : 0)
          if (drawn.do === 'compact' && to > store.compactRevision) store.compact(to)
        }
        if (drawn.do === 'sweep') partly.sweep(drawn.keys)
        swept.sweep(Infinity)
      }
      for (let revision = unswept.compactRevision; revision <= unswept.revision; revision++) {
        const hashes = stores.map((store, at) => hashOf(store, backends[at] as MemoryBackend, revision))
        const expected = naive(everything, unswept.compactRevision, revision === 0 ? unswept.revision : revision)
        expect(hashes).toEqual([expected, expected, expected])
      }
      expect(codeOf(() => unswept.historyHash(unswept.revision + 1))).toBe('FUTURE_REVISION')
      if (unswept.compactRevision > 1) {
        expect(codeOf(() => unswept.historyHash(unswept.compactRevision - 1))).toBe('COMPACTED')
      }
    }),
    { numRuns: 60 },
  )
})

test('differs where one record of history does', () => {
  const hashes = ['1', '2'].map((value) => {
    const backend = new MemoryBackend()
    const store = new MvccStore(backend)
    for (const each of [value, '3']) store.write(put('a', each))
    return hashOf(store, backend, 0)
  })
  expect(hashes[0]).not.toEqual(hashes[1])
})

function hashOf(store: MvccStore, backend: MemoryBackend, revision: number): Digest {
  const hash = store.historyHash(revision)
  for (const [, record] of backend.sorted()) hash.add(record)
  return hash.digest
}

function naive(everything: MemoryBackend, compactRevision: number, revision: number): Digest {
  const records = everything.sorted().map(([, bytes]) => ({ bytes, ...decodeRecord(bytes) }))
  const readable = records.filter(({ type, id, keyValue }) => {
    if (id.main > revision) return false
    if (id.main >= compactRevision) return true
    const later = records.some(
      (other) => other.keyValue.key === keyValue.key && other.id.main > id.main && other.id.main <= compactRevision,
    )
    return type === 'put' && !later
  })
  return readable.reduce((sum, { bytes }) => addDigest(sum, hashRecord(bytes)), EMPTY_DIGEST)
}
