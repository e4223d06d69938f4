/** What is decoded is what was encoded; everything else is refused as malformed, and as nothing else. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.js'
import { isStoreError } from '../../src/base/errors.js'
import type { Entry } from '../../src/raft/types.js'
import { decodeEntryRecord, encodeEntryRecord, entryRecordKey } from '../../src/storage/entry-record.js'
import { decodeIdentity, encodeIdentity } from '../../src/storage/identity.js'
import { decodeLogHead, encodeLogHead } from '../../src/storage/log-head.js'
import { sealRecord, unsealRecord } from '../../src/storage/sealed-record.js'
import { readHighWater } from '../../src/storage/high-water.js'

const whole = fc.maxSafeNat()
const checksum = fc.nat(0xffffffff)
const position = fc.record({ index: whole, term: whole, chain: checksum })

const record = fc
  .record({
    first: fc.maxSafeNat().map((index) => Math.min(index, Number.MAX_SAFE_INTEGER - 10)),
    chain: checksum,
    contents: fc.array(
      fc.record({
        term: whole,
        kind: fc.constantFrom('normal' as const, 'noop' as const, 'configuration' as const),
        data: fc.uint8Array({ maxLength: 50 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
  })
  .map(({ first, chain, contents }) => ({
    chain,
    entries: contents.map((content, at): Entry => ({ index: first + at, ...content })),
  }))

const key = fc.string({ unit: fc.nat(255).map((code) => String.fromCharCode(code)), maxLength: 20 })

describe('round trip', () => {
  test('of entries, chained', () => {
    fc.assert(
      fc.property(record, ({ chain, entries }) => {
        const { bytes, span } = encodeEntryRecord(entries, chain)
        const decoded = decodeEntryRecord(bytes)
        expect(decoded).toMatchObject(span)
        expect(decoded.entries.map((entry) => ({ ...entry, data: [...entry.data] }))).toEqual(
          entries.map((entry) => ({ ...entry, data: [...entry.data] })),
        )
        // However a history is cut into records, its chain is the same.
        let after = chain
        for (const entry of entries) after = encodeEntryRecord([entry], after).span.chainAfter
        expect(after).toBe(span.chainAfter)
      }),
    )
  })

  test('of the head', () => {
    const head = fc.record({
      generation: whole,
      incarnation: whole,
      hardState: fc.record({ term: whole, vote: whole }),
      base: position,
      last: position,
      promises: fc.constantFrom('kept' as const, 'lost' as const),
      slot: fc.constantFrom('state' as const, 'state-2' as const),
      awaitsState: fc.boolean(),
      joined: fc.boolean(),
    })
    fc.assert(fc.property(head, (value) => void expect(decodeLogHead(encodeLogHead(value))).toEqual(value)))
  })

  test('of the owner', () => {
    const identity = fc.record({ clusterId: whole, memberId: whole, name: fc.string({ unit: 'grapheme' }) })
    fc.assert(fc.property(identity, (value) => void expect(decodeIdentity(encodeIdentity(value))).toEqual(value)))
  })

  test('of a state record', () => {
    fc.assert(
      fc.property(key, fc.uint8Array({ maxLength: 50 }), (key, value) => {
        expect([...unsealRecord(key, sealRecord(key, value))]).toEqual([...value])
      }),
    )
  })

  test('keys sort as their entries do', () => {
    fc.assert(
      fc.property(whole, whole, (a, b) => {
        expect(
          Math.sign(Buffer.compare(Buffer.from(entryRecordKey(a), 'latin1'), Buffer.from(entryRecordKey(b), 'latin1'))),
        ).toBe(Math.sign(a - b))
      }),
    )
  })
})

describe('refused', () => {
  const decoders = {
    decodeEntryRecord,
    decodeLogHead,
    decodeIdentity,
    unsealRecord: (bytes: Uint8Array) => unsealRecord('key', bytes),
  }

  test.each(Object.entries(decoders))('anything at all by %s', (_, decode) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => expectMalformed(() => decode(bytes), 'MALFORMED')),
    )
  })

  test('anything at all as a high-water file', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) =>
        expectMalformed(() => readHighWater(bytes, ''), 'DATA_DAMAGED'),
      ),
    )
  })

  test('one flipped bit of entries', () => {
    fc.assert(
      fc.property(record, fc.nat(), ({ chain, entries }, bit) => {
        const bytes = Uint8Array.from(encodeEntryRecord(entries, chain).bytes)
        const at = (bit >> 3) % bytes.length
        bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7))
        expectMalformed(() => decodeEntryRecord(bytes), 'MALFORMED')
      }),
    )
  })

  test('entries whose header lies about their number, with a right checksum', () => {
    fc.assert(
      fc.property(record, fc.nat(0xffffffff), ({ chain, entries }, count) => {
        fc.pre(count !== entries.length)
        const bytes = Buffer.from(encodeEntryRecord(entries, chain).bytes)
        bytes.writeUInt32BE(count, 9)
        bytes.writeUInt32BE(crc32(bytes.subarray(0, 21)), 21)
        expectMalformed(() => decodeEntryRecord(bytes), 'MALFORMED')
      }),
    )
  })

  function expectMalformed(decode: () => unknown, code: 'MALFORMED' | 'DATA_DAMAGED'): void {
    try {
      decode()
    } catch (error) {
      if (isStoreError(error, code)) return
      throw error
    }
    throw new Error('it was taken for a record')
  }
})
