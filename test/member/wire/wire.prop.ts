/**
 * What crosses the wire between members: read as it was written, and refused as MALFORMED where it was not written by us.
 * The bytes come from a peer that may be broken or of another version: nothing it sends may do more than cost its frame.
 */
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { isStoreError } from '../../../src/base/errors.js'
import { LIMITS } from '../../../src/base/limits.js'
import { decodeBook, encodeBook } from '../../../src/member/wire/book-codec.js'
import { decodeCalls, decodeReplies, encodeCalls, encodeReplies } from '../../../src/member/wire/call-codec.js'
import { FRAME_KIND } from '../../../src/member/wire/frame-kind.js'
import { decodeProposals, encodeProposals } from '../../../src/member/wire/proposal-codec.js'
import { decodeMessage, encodeMessage } from '../../../src/member/wire/raft-codec.js'
import { decodeTransfer, encodeTransfer } from '../../../src/member/wire/transfer-codec.js'
import { answers, bookFrame, calls, commands, FROM, message, TO, transfer } from './arbitraries.js'

interface Codec {
  readonly name: string
  /** Encoded values of this codec. */
  readonly encoded: fc.Arbitrary<Uint8Array>
  readonly decode: (bytes: Uint8Array) => unknown
  /** What was decoded, encoded again. */
  readonly again: (value: never) => Uint8Array
}

const CODECS: readonly Codec[] = [
  {
    name: 'raft messages',
    encoded: message.map(encodeMessage),
    decode: (bytes) => decodeMessage(bytes, FROM, TO),
    again: encodeMessage,
  },
  { name: 'calls', encoded: calls.map(encodeCalls), decode: decodeCalls, again: encodeCalls },
  { name: 'replies', encoded: answers.map(encodeReplies), decode: decodeReplies, again: encodeReplies },
  { name: 'proposals', encoded: commands.map(encodeProposals), decode: decodeProposals, again: encodeProposals },
  { name: 'books', encoded: bookFrame.map(encodeBook), decode: decodeBook, again: encodeBook },
  { name: 'transfers', encoded: transfer.map(encodeTransfer), decode: decodeTransfer, again: encodeTransfer },
]

/** Byte fields as plain arrays, so that a Buffer equals a Uint8Array. */
function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, plain(part)]))
}

describe('every value comes back as it was', () => {
  test('raft messages, with sender and receiver as the transport knows them', () => {
    fc.assert(
      fc.property(message, (sent) => {
        expect(plain(decodeMessage(encodeMessage(sent), FROM, TO))).toEqual(plain(sent))
      }),
      { numRuns: 500 },
    )
  })

  test('calls', () => {
    fc.assert(
      fc.property(calls, (sent) => {
        expect(decodeCalls(encodeCalls(sent))).toEqual(sent)
      }),
    )
  })

  test('replies', () => {
    fc.assert(
      fc.property(answers, (sent) => {
        expect(decodeReplies(encodeReplies(sent))).toEqual(sent)
      }),
    )
  })

  test('books', () => {
    fc.assert(
      fc.property(bookFrame, (sent) => {
        expect(decodeBook(encodeBook(sent))).toEqual(sent)
      }),
    )
  })

  test('proposals', () => {
    fc.assert(
      fc.property(commands, (sent) => {
        expect(plain(decodeProposals(encodeProposals(sent)))).toEqual(plain(sent))
      }),
    )
  })
})

describe('frames of a transfer', () => {
  test('come back as they were', () => {
    fc.assert(
      fc.property(transfer, (sent) => {
        expect(plain(decodeTransfer(encodeTransfer(sent)))).toEqual(plain(sent))
      }),
    )
  })

  test('that are larger than any of ours are refused', () => {
    const pull = { type: 'pull', transfer: 1, next: 5, through: 5 + LIMITS.transferWindowPieces + 1 } as const
    const bytes = new Uint8Array(LIMITS.transferPieceBytes + 1)
    const piece = { type: 'piece', transfer: 1, number: 0, bytes, configuration: undefined } as const
    for (const frame of [pull, { ...pull, through: 4 }, piece]) {
      expect(() => decodeTransfer(encodeTransfer(frame))).toThrow('cannot be decoded')
    }
  })
})

describe.each(CODECS)('$name', ({ encoded, decode, again }) => {
  /** Either MALFORMED, or a value; a value must be one that we could have sent ourselves, byte for byte. */
  function decodeOrRefuse(bytes: Uint8Array): void {
    let value: unknown
    try {
      value = decode(bytes)
    } catch (error) {
      if (isStoreError(error, 'MALFORMED')) return
      throw error
    }
    // Text that is not UTF-8 is the one thing that reads as something else: it is words for people.
    expect(again(value as never).byteLength).toBeGreaterThan(0)
  }

  test('made of random bytes are MALFORMED or well-formed', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), decodeOrRefuse), { numRuns: 2000 })
  })

  test('with bytes changed, cut off or put in are MALFORMED or well-formed', () => {
    const change = fc.record({ at: fc.nat(), byte: fc.nat({ max: 255 }), how: fc.constantFrom('set', 'cut', 'insert') })
    fc.assert(
      fc.property(encoded, fc.array(change, { minLength: 1, maxLength: 3 }), (bytes, changes) => {
        let changed = Buffer.from(bytes)
        for (const { at, byte, how } of changes) {
          const place = at % (changed.byteLength + 1)
          const rest = changed.subarray(how === 'set' ? place + 1 : place)
          const middle = how === 'cut' ? Buffer.alloc(0) : Buffer.of(byte)
          changed =
            how === 'cut' ? changed.subarray(0, place) : Buffer.concat([changed.subarray(0, place), middle, rest])
        }
        decodeOrRefuse(changed)
      }),
      { numRuns: 1500 },
    )
  })

  test('cut off anywhere are MALFORMED', () => {
    fc.assert(
      fc.property(encoded, fc.nat(), (bytes, cut) => {
        expect(() => decode(bytes.subarray(0, cut % bytes.byteLength))).toThrow('cannot be decoded')
      }),
    )
  })

  test('with something behind them are MALFORMED', () => {
    fc.assert(
      fc.property(encoded, (bytes) => {
        expect(() => decode(Buffer.concat([bytes, Buffer.of(0)]))).toThrow('cannot be decoded')
      }),
    )
  })
})

describe('an append', () => {
  const sent = (terms: readonly number[], term: number, previousTerm: number): Uint8Array =>
    encodeMessage({
      type: 'append',
      from: FROM,
      to: TO,
      term,
      previousIndex: 9,
      previousTerm,
      commit: 0,
      entries: terms.map((each, at) => ({ index: 10 + at, term: each, kind: 'normal', data: Buffer.of(1) })),
    })

  test('whose terms fall, or rise above its own, is MALFORMED', () => {
    expect(() => decodeMessage(sent([3, 2], 3, 1), FROM, TO)).toThrow('entry 11 of term 2 between terms 3 and 3')
    expect(() => decodeMessage(sent([1], 3, 2), FROM, TO)).toThrow('entry 10 of term 1 between terms 2 and 3')
    expect(() => decodeMessage(sent([4], 3, 2), FROM, TO)).toThrow('entry 10 of term 4 between terms 2 and 3')
  })

  test('that announces a million entries in forty bytes is refused before they are allocated', () => {
    const bytes = Buffer.from(sent([], 3, 1))
    bytes.writeUInt32BE(1_000_000, bytes.byteLength - 4)
    expect(() => decodeMessage(bytes, FROM, TO)).toThrow('1000000 items announced, 0 bytes left')
  })
})

describe('a frame full of the smallest things, which would take half a second to read, is refused by their number:', () => {
  const full = (header: Uint8Array, item: Uint8Array): Uint8Array => {
    const count = Math.floor((LIMITS.frameBytesMax - header.byteLength - 4) / item.byteLength)
    const number = Buffer.alloc(4)
    number.writeUInt32BE(count)
    return Buffer.concat([header, number, ...Array<Uint8Array>(count).fill(item)])
  }
  const append = encodeMessage({
    ...{ type: 'append', from: FROM, to: TO, term: 3, previousIndex: 9, previousTerm: 0, commit: 0, entries: [] },
  })
  const several = Buffer.alloc(8)

  test.each([
    ['entries', full(append.subarray(0, -4), Buffer.alloc(13)), (bytes: Uint8Array) => decodeMessage(bytes, FROM, TO)],
    ['proposals', full(Buffer.alloc(0), Buffer.alloc(4)), decodeProposals],
    ['calls', full(several, Buffer.alloc(18)), decodeCalls],
    ['replies', full(several, Buffer.alloc(9)), decodeReplies],
  ] as const)('%s', (_, bytes, decode) => {
    expect(() => decode(bytes)).toThrow(/items announced, at most \d+ are possible/)
  })
})

test('a term beyond every term that can be is MALFORMED: nobody could stand for election after it', () => {
  const sent = (term: number) => encodeMessage({ type: 'vote-reply', from: FROM, to: TO, term, granted: false })
  expect(() => decodeMessage(sent(2 ** 53 - 1), FROM, TO)).toThrow('9007199254740991 for a term or an index')
  expect(decodeMessage(sent(2 ** 48), FROM, TO)).toMatchObject({ term: 2 ** 48 })
})

test('kinds of frames are different bytes', () => {
  const kinds = Object.values(FRAME_KIND)
  expect(new Set(kinds).size).toBe(kinds.length)
  for (const kind of kinds) expect(kind >= 0 && kind <= 255).toBe(true)
})
