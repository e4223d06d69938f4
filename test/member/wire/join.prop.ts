/** Questions to join and their answers cross the wire as they are, and no bytes do any harm. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../../src/base/errors.js'
import { LIMITS } from '../../../src/base/limits.js'
import {
  decodeJoinAnswer,
  decodeJoinQuestion,
  encodeJoinAnswer,
  encodeJoinQuestion,
  type JoinAnswer,
  type JoinQuestion,
  type JoinRefusal,
} from '../../../src/member/wire/join-codec.js'

const id = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER })
const text = fc.string({ unit: 'grapheme', maxLength: 20 })
const identity = fc.record({ clusterId: id, memberId: id })

const question: fc.Arbitrary<JoinQuestion> = fc.record({
  name: text,
  address: text,
  identity: fc.option(identity, { nil: undefined }),
})

const members = fc.uniqueArray(fc.record({ id, name: text, address: text }), {
  minLength: 1,
  maxLength: 6,
  selector: (member) => member.id,
})

const welcome = fc.tuple(members, fc.nat(), id, fc.array(id, { maxLength: 5 })).map(([all, at, clusterId, gone]) => {
  const memberId = all[at % all.length]?.id ?? 1
  const removed = gone.filter((each) => each !== memberId)
  return { type: 'welcome' as const, clusterId, memberId, members: all, removed }
})

const refusal = fc.record({
  type: fc.constant('refused' as const),
  reason: fc.constantFrom<JoinRefusal>('unknown', 'removed', 'other-address', 'other-cluster', 'first-members', 'busy'),
  detail: text,
})

const answer: fc.Arbitrary<JoinAnswer> = fc.oneof(welcome, refusal)

/** Anything but MALFORMED is a failure. */
function decodes(decode: (bytes: Uint8Array) => unknown, bytes: Uint8Array): boolean {
  try {
    decode(bytes)
    return true
  } catch (error) {
    if (!isStoreError(error, 'MALFORMED')) throw error
    return false
  }
}

describe('a question to join, and an answer to one', () => {
  test('are read as they were written', () => {
    fc.assert(
      fc.property(question, answer, (asked, answered) => {
        expect(decodeJoinQuestion(encodeJoinQuestion(asked))).toEqual(asked)
        expect(decodeJoinAnswer(encodeJoinAnswer(answered))).toEqual(answered)
      }),
    )
  })

  test('are refused where they are cut, and never misread where a byte differs', () => {
    fc.assert(
      fc.property(question, answer, fc.nat(), fc.integer({ min: 1, max: 255 }), (asked, answered, place, change) => {
        for (const [bytes, decode] of [
          [encodeJoinQuestion(asked), decodeJoinQuestion],
          [encodeJoinAnswer(answered), decodeJoinAnswer],
        ] as const) {
          const at = place % bytes.byteLength
          expect(decodes(decode, bytes.subarray(0, at))).toBe(false)
          const changed = Uint8Array.from(bytes)
          changed[at] = (changed[at] ?? 0) ^ change
          decodes(decode, changed)
        }
      }),
    )
  })

  test('of any bytes fail with MALFORMED only', () => {
    const bytes = fc.uint8Array({ maxLength: 200 }).chain((tail) => {
      return fc.constantFrom(tail, Uint8Array.of(1, 1, ...tail), Uint8Array.of(1, 2, ...tail))
    })
    fc.assert(
      fc.property(bytes, (given) => {
        decodes(decodeJoinQuestion, given)
        decodes(decodeJoinAnswer, given)
      }),
    )
  })
})

test('a question of a later version is told from one that is none', () => {
  expect(decodeJoinQuestion(Uint8Array.of(2, 99))).toBe('version')
  expect(() => decodeJoinQuestion(Uint8Array.of(0, 1))).toThrow(/version 0/)
})

test('a question that is too large is not read', () => {
  const name = 'x'.repeat(LIMITS.questionBytesMax)
  expect(() => decodeJoinQuestion(encodeJoinQuestion({ name, address: 'a', identity: undefined }))).toThrow(/bytes/)
})

test('more members than there can be, or a welcome to nobody, are not read', () => {
  const of = (count: number, memberId: number, removed: number[] = []): Uint8Array => {
    const all = Array.from({ length: count }, (_, at) => ({ id: at + 1, name: `${at}`, address: `${at}` }))
    return encodeJoinAnswer({ type: 'welcome', clusterId: 1, memberId, members: all, removed })
  }
  expect(() => decodeJoinAnswer(of(LIMITS.membersMax + 1, 1))).toThrow(/65 items/)
  expect(() => decodeJoinAnswer(of(2, 3))).toThrow(/no member/)
  expect(() => decodeJoinAnswer(of(2, 1, [1]))).toThrow(/removed/)
  const gone = Array.from({ length: LIMITS.removedMembersMax + 1 }, (_, at) => at + 100)
  expect(() => decodeJoinAnswer(of(2, 1, gone))).toThrow(/1025 items/)
})
