import { describe, expect, test } from 'vitest'
import { checkMemberId, memberIdOf } from '../../src/api/member-id.js'

const LARGEST = 2n ** 64n - 1n
const EXACT_MAX = Number.MAX_SAFE_INTEGER

describe('the id of a member', () => {
  test('is a number as long as that is exact, and else a bigint', () => {
    expect(memberIdOf(1n)).toBe(1)
    expect(memberIdOf(BigInt(EXACT_MAX))).toBe(EXACT_MAX)
    expect(memberIdOf(BigInt(EXACT_MAX) + 1n)).toBe(2n ** 53n)
    expect(memberIdOf(LARGEST)).toBe(LARGEST)
  })

  test.each([1, EXACT_MAX, 2n ** 53n, LARGEST])('may be %s', (id) => {
    expect(() => {
      checkMemberId(id, 'memberId')
    }).not.toThrow()
  })

  test.each([0, -1, 1.5, NaN, EXACT_MAX + 1, 0n, 5n, -(2n ** 60n), LARGEST + 1n])('cannot be %s', (id) => {
    expect(() => {
      checkMemberId(id, 'memberId')
    }).toThrow(RangeError)
  })

  test.each(['5', null, undefined, {}])('is not told as %s', (id) => {
    expect(() => {
      checkMemberId(id, 'memberId')
    }).toThrow(TypeError)
  })
})
