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

  test('are laid out as the header says', () => {
    const put = encodePut({ ...keyValue, key: 'k', value: bytes('v'), modRevision: 4, lease: 7n }, 2)
    expect(Buffer.from(put).toString('hex')).toBe(
      '01' +
        '0000000000000004' +
        '00000002' +
        '0000000000000003' +
        '0000000000000009' +
        '0000000000000007' +
        '000000016b76',
    )
    const tombstone = encodeTombstone('k', { main: 4, sub: 2 })
    expect(Buffer.from(tombstone).toString('hex')).toBe('02' + '0000000000000004' + '00000002' + '000000016b')
  })

  test.each([
    ['put', encodePut(keyValue, 17), keyValue.value.length],
    ['tombstone', encodeTombstone('gone', { main: 4, sub: 2 }), 0],
  ])(
    'a %s cut short or too long is damaged, except within the value, which ends where the record does',
    (_, record, value) => {
      for (let length = 0; length < record.length; length++) {
        expect(isDamaged(record.slice(0, length))).toBe(length < record.length - value)
      }
      expect(isDamaged(Uint8Array.from([...record, 0]))).toBe(value === 0)
    },
  )

  test.each([
    ['put', encodePut(keyValue, 17)],
    ['tombstone', encodeTombstone('gone', { main: 4, sub: 2 })],
  ])('a flipped bit of a %s decodes as another one or is damaged', (_name, record) => {
    const intact = decodeRecord(record)
    for (let bit = 0; bit < record.length * 8; bit++) {
      const flipped = Uint8Array.from(record)
      flipped[bit >>> 3] = (flipped[bit >>> 3] as number) ^ (1 << (bit & 7))
      if (!isDamaged(flipped)) expect(decodeRecord(flipped)).not.toEqual(intact)
    }
  })

  test('random bytes are a record or damaged', () => {
    const kind = fc.constantFrom(1, 2, 3)
    fc.assert(
      fc.property(fc.option(kind), fc.uint8Array({ maxLength: 100, size: 'max' }), (first, rest) => {
        isDamaged(first === null ? rest : Uint8Array.from([first, ...rest]))
      }),
      { numRuns: 2000 },
    )
  })
})

/** Fails the test where decoding throws anything else. */
function isDamaged(record: Uint8Array): boolean {
  try {
    decodeRecord(record)
    return false
  } catch (error) {
    if (!isStoreError(error, 'DATA_DAMAGED')) throw error
    return true
  }
}
