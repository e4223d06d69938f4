import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { decodeRecord, encodePut, encodeTombstone, isRecordKey, recordKey } from '../../src/mvcc/record.js'
import { bytes } from './requests.js'

const keyValue = {
  key: 'k\xff\0',
  value: bytes('v\0w'),
  createRevision: 3,
  modRevision: 2 ** 40 + 5,
  version: 9,
  lease: -7n,
}

describe('records of revisions', () => {
  test('state keys sort as their revisions do', () => {
    const id = fc.record({
      main: fc.oneof(fc.nat(1000), fc.maxSafeNat()),
      sub: fc.oneof(fc.nat(300), fc.nat(2 ** 31)),
    })
    fc.assert(
      fc.property(id, id, (a, b) => {
        const byId = Math.sign(a.main - b.main || a.sub - b.sub)
        const [left, right] = [recordKey(a), recordKey(b)]
        expect(left < right ? -1 : left > right ? 1 : 0).toBe(byId)
        expect(left.length).toBe(13)
        expect(isRecordKey(left)).toBe(true)
      }),
    )
  })

  test('come back as they were written', () => {
    const put = decodeRecord(encodePut(keyValue, 17))
    expect(put).toEqual({
      type: 'put',
      id: { main: keyValue.modRevision, sub: 17 },
      keyValue: { ...keyValue, value: Buffer.from(keyValue.value) },
    })
    const tombstone = decodeRecord(encodeTombstone('gone', { main: 4, sub: 2 }))
    expect(tombstone.type).toBe('delete')
    expect(tombstone.id).toEqual({ main: 4, sub: 2 })
    expect(tombstone.keyValue).toEqual({
      key: 'gone',
      value: new Uint8Array(0),
      createRevision: 0,
      modRevision: 4,
      version: 0,
      lease: 0n,
    })
  })

  test.each([
    ['put', encodePut(keyValue, 17)],
    ['tombstone', encodeTombstone('gone', { main: 4, sub: 2 })],
  ])('every flipped bit and every cut of a %s is found', (_name, record) => {
    for (let bit = 0; bit < record.length * 8; bit++) {
      const damaged = Uint8Array.from(record)
      damaged[bit >>> 3] = (damaged[bit >>> 3] as number) ^ (1 << (bit & 7))
      expect(isDamaged(damaged)).toBe(true)
    }
    for (let length = 0; length < record.length; length++) expect(isDamaged(record.slice(0, length))).toBe(true)
    expect(isDamaged(Uint8Array.from([...record, 0]))).toBe(true)
  })
})

function isDamaged(record: Uint8Array): boolean {
  try {
    decodeRecord(record)
    return false
  } catch (error) {
    return isStoreError(error, 'DATA_DAMAGED')
  }
}
