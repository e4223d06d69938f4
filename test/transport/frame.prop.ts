import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { encodeFrame, encodeKeepalive, FrameParser } from '../../src/transport/frame.js'
import type { Frame } from '../../src/transport/transport.js'

const BYTES_MAX = 10_000

const frame = fc.record({
  kind: fc.integer({ min: 0, max: 255 }),
  bytes: fc.oneof(
    { weight: 5, arbitrary: fc.uint8Array({ maxLength: 40 }) },
    // Long enough to be put together from several chunks.
    {
      weight: 1,
      arbitrary: fc.integer({ min: 4000, max: BYTES_MAX }).map((length) => new Uint8Array(length).fill(length)),
    },
  ),
})
const item = fc.oneof({ weight: 5, arbitrary: frame }, { weight: 1, arbitrary: fc.constant<'keepalive'>('keepalive') })
const stream = fc.array(item, { maxLength: 12 })
/** Sizes of chunks, repeated as often as needed. */
const chunking = fc.array(fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 9000 })), {
  minLength: 1,
})

type Item = Frame | 'keepalive'

function encode(items: readonly Item[]): Buffer {
  return Buffer.concat(items.map((found) => (found === 'keepalive' ? encodeKeepalive() : encodeFrame(found))))
}

function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0
  for (let nth = 0; at < bytes.byteLength; nth++) {
    const size = sizes[nth % sizes.length] as number
    // Each chunk has memory of its own, as those of a socket.
    yield new Uint8Array(bytes.subarray(at, at + size))
    at += size
  }
}

/** What a parser finds, and whether it gave up; any other failure than the two it may have is one of the test. */
function parse(bytes: Uint8Array, sizes: readonly number[]): { readonly found: Item[]; readonly failed: boolean } {
  const found: Item[] = []
  const parser = new FrameParser(BYTES_MAX, {
    onFrame: ({ kind, bytes: payload }) => found.push({ kind, bytes: new Uint8Array(payload) }),
    onKeepalive: () => found.push('keepalive'),
  })
  try {
    for (const chunk of chunksOf(bytes, sizes)) parser.push(chunk)
  } catch (error) {
    if (!isStoreError(error, 'MALFORMED') && !isStoreError(error, 'FRAME_TOO_LARGE')) throw error
    return { found, failed: true }
  }
  return { found, failed: false }
}

test('any chunking of a stream gives the same frames', () => {
  fc.assert(
    fc.property(stream, chunking, (items, sizes) => {
      const { found, failed } = parse(encode(items), sizes)
      expect(failed).toBe(false)
      expect(sameItems(found, items)).toBe(true)
    }),
  )
})

test('a changed stream gives a beginning of the true frames, and never a wrong one', () => {
  const change = fc.record({ at: fc.nat(), bit: fc.integer({ min: 0, max: 7 }) })
  fc.assert(
    fc.property(stream, chunking, fc.array(change, { minLength: 1, maxLength: 4 }), (items, sizes, changes) => {
      const bytes = encode(items)
      fc.pre(bytes.byteLength > 0)
      for (const { at, bit } of changes) {
        const place = at % bytes.byteLength
        bytes[place] = (bytes[place] as number) ^ (1 << bit)
      }
      const { found } = parse(bytes, sizes)
      expect(sameItems(found, items.slice(0, found.length))).toBe(true)
    }),
    { numRuns: 500 },
  )
})

test('a stream with bytes cut out, put in or exchanged never gives a wrong frame', () => {
  const splice = fc.record({ at: fc.nat(), remove: fc.nat({ max: 30 }), insert: fc.uint8Array({ maxLength: 30 }) })
  fc.assert(
    fc.property(stream, chunking, splice, (items, sizes, { at, remove, insert }) => {
      const bytes = encode(items)
      const place = at % (bytes.byteLength + 1)
      const changed = Buffer.concat([bytes.subarray(0, place), insert, bytes.subarray(place + remove)])
      const { found } = parse(changed, sizes)
      // A cut of whole frames leaves others whole: each one found is a true one, in order.
      let next = 0
      for (const one of found) {
        while (next < items.length && !equals(items[next] as Item, one)) next++
        expect(next).toBeLessThan(items.length)
        next++
      }
    }),
    { numRuns: 500 },
  )
})

test('garbage never throws anything else, nor sets aside more than twice what came', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 500 }), chunking, (bytes, sizes) => {
      const { found } = parse(bytes, sizes)
      expect(found).toEqual([])
    }),
  )
})

/** Not `toEqual`, which takes its time over each byte. */
function sameItems(a: readonly Item[], b: readonly Item[]): boolean {
  return a.length === b.length && a.every((one, at) => equals(one, b[at] as Item))
}

function equals(a: Item, b: Item): boolean {
  if (a === 'keepalive' || b === 'keepalive') return a === b
  return a.kind === b.kind && Buffer.compare(a.bytes, b.bytes) === 0
}
