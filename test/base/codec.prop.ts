/** The codec under everything on disk and on the wire: what was written is read, and whatever else comes is MALFORMED. */
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { Reader, Writer } from '../../src/base/codec.js'
import { isStoreError } from '../../src/base/errors.js'

type Field =
  | { readonly type: 'uint8' | 'uint16' | 'uint32' | 'uint53'; readonly value: number }
  | { readonly type: 'int64'; readonly value: bigint }
  | { readonly type: 'boolean'; readonly value: boolean }
  | { readonly type: 'bytes'; readonly value: Uint8Array }
  | { readonly type: 'latin1' | 'text'; readonly value: string }

const whole = (type: 'uint8' | 'uint16' | 'uint32' | 'uint53', max: number) =>
  fc.record({ type: fc.constant(type), value: fc.oneof(fc.nat({ max }), fc.constantFrom(0, max)) })
const field: fc.Arbitrary<Field> = fc.oneof(
  whole('uint8', 2 ** 8 - 1),
  whole('uint16', 2 ** 16 - 1),
  fc.record({ type: fc.constant('uint32' as const), value: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }),
  fc.record({ type: fc.constant('uint53' as const), value: fc.maxSafeNat() }),
  fc.record({ type: fc.constant('int64' as const), value: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }) }),
  fc.record({ type: fc.constant('boolean' as const), value: fc.boolean() }),
  fc.record({ type: fc.constant('bytes' as const), value: fc.uint8Array({ maxLength: 600 }) }),
  fc.record({
    type: fc.constant('latin1' as const),
    value: fc.uint8Array({ maxLength: 300 }).map((bytes) => String.fromCharCode(...bytes)),
  }),
  fc.record({ type: fc.constant('text' as const), value: fc.string({ unit: 'grapheme' }) }),
)
const fields = fc.array(field, { maxLength: 12 })

function write(written: readonly Field[], expectedBytes: number): Uint8Array {
  const writer = new Writer(expectedBytes)
  for (const each of written) (writer[each.type] as (value: unknown) => void).call(writer, each.value)
  return writer.finish()
}

function read(bytes: Uint8Array, types: readonly Field['type'][]): unknown[] {
  const reader = new Reader(bytes, 'a test')
  const values = types.map((type) => reader[type]())
  reader.end()
  return values
}

const plain = (value: unknown): unknown => (value instanceof Uint8Array ? [...value] : value)

/** Whether it was read at all; every failure must be MALFORMED. */
function readsOrIsMalformed(bytes: Uint8Array, types: readonly Field['type'][]): boolean {
  try {
    read(bytes, types)
    return true
  } catch (error) {
    if (isStoreError(error, 'MALFORMED')) return false
    throw error
  }
}

describe('writer and reader', () => {
  test('know no text but whole characters: halves of pairs and bytes that are not UTF-8 would all become one', () => {
    for (const half of ['\ud800', 'a\udbff', '\udc00b']) expect(() => new Writer().text(half)).toThrow(TypeError)
    for (const bytes of [[0xff], [0xed, 0xa0, 0x80], [0x61, 0xc3]]) {
      expect(readsOrIsMalformed(new Writer().bytes(Uint8Array.from(bytes)).finish(), ['text'])).toBe(false)
    }
    expect(read(new Writer().text('\ufffd').finish(), ['text'])).toEqual(['\ufffd'])
  })

  test('agree on every sequence of fields, however small the buffer was at first', () => {
    fc.assert(
      fc.property(fields, fc.integer({ min: 0, max: 64 }), (written, expectedBytes) => {
        const bytes = write(written, expectedBytes)
        const found = read(
          bytes,
          written.map(({ type }) => type),
        )
        expect(found.map(plain)).toEqual(written.map(({ value }) => plain(value)))
      }),
    )
  })

  test('notice every byte that is missing at the end, and every one too many', () => {
    fc.assert(
      fc.property(fields, fc.nat(), (written, cut) => {
        const bytes = write(written, 16)
        const types = written.map(({ type }) => type)
        if (bytes.byteLength > 0) {
          expect(readsOrIsMalformed(bytes.subarray(0, cut % bytes.byteLength), types)).toBe(false)
        }
        expect(readsOrIsMalformed(Buffer.concat([bytes, Buffer.of(0)]), types)).toBe(false)
      }),
    )
  })
})

describe('a reader', () => {
  test('of any bytes reads them or fails with MALFORMED, nothing else', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 64 }),
        fc.array(
          field.map(({ type }) => type),
          { maxLength: 8 },
        ),
        (bytes, types) => {
          readsOrIsMalformed(bytes, types)
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('names what it reads, where it stopped and what it lacked', () => {
    const short = new Reader(new Uint8Array(3), 'a raft message')
    short.uint8()
    expect(() => short.uint32()).toThrow('a raft message cannot be decoded: 4 bytes wanted at byte 1, 2 left')
  })

  test('refuses a count that the rest of the input cannot hold, before anybody allocates', () => {
    const bytes = new Writer().uint32(0xffff_ffff).raw(new Uint8Array(16)).finish()
    expect(() => new Reader(bytes, 'a list').count(8)).toThrow('4294967295 items announced, 16 bytes left')
    expect(new Reader(new Writer().uint32(2).raw(new Uint8Array(16)).finish(), 'a list').count(8)).toBe(2)
  })

  test('refuses numbers that JavaScript cannot hold, and booleans that are none', () => {
    expect(() => new Reader(Buffer.alloc(8, 0xff), 'x').uint53()).toThrow('above 2^53')
    expect(() => new Reader(Buffer.of(2), 'x').boolean()).toThrow('2 where 0 or 1 belongs')
  })

  test('looks only into its window of a larger buffer', () => {
    const whole = Buffer.from([9, 9, 0, 0, 0, 1, 7, 9])
    const reader = new Reader(whole.subarray(2, 7), 'x')
    expect([...reader.bytes()]).toEqual([7])
    expect(reader.remaining).toBe(0)
    expect(() => reader.uint8()).toThrow('cannot be decoded')
  })
})

describe('a writer', () => {
  test.each([-1, 1.5, NaN, Infinity, 2 ** 53])('refuses %d where a non-negative safe integer belongs', (value) => {
    expect(() => new Writer().uint53(value)).toThrow(RangeError)
  })

  test('patches a length that was not known before, also after it grew', () => {
    const writer = new Writer(4).uint32(0).raw(new Uint8Array(100))
    writer.patchUint32(0, 100)
    expect(new Reader(writer.finish(), 'x').bytes()).toHaveLength(100)
  })
})
