/** Assertions stay on in production and stop a member: they must fail when they should, and say something useful. */
import { describe, expect, test } from 'vitest'
import { assert, AssertionError, assertNever, present } from '../../src/base/assert.js'

describe('assert', () => {
  test('passes what holds without building its message', () => {
    let built = 0
    assert(true, () => `built ${++built}`)
    expect(built).toBe(0)
  })

  test('throws an AssertionError with the message, given or built', () => {
    expect(() => assert(false, 'commit 7 above last 5')).toThrow(new AssertionError('commit 7 above last 5'))
    expect(() => assert(false, () => `commit ${7}`)).toThrow(new AssertionError('commit 7'))
  })

  test('is told apart from operating errors by name and code', () => {
    const error = new AssertionError('x')
    expect(error).toBeInstanceOf(Error)
    expect([error.name, error.code]).toEqual(['AssertionError', 'ASSERTION'])
  })

  test('gives what is present and fails for what is missing', () => {
    expect(present(0, 'a number')).toBe(0)
    expect(() => present(undefined, 'member 7')).toThrow(new AssertionError('member 7 is missing'))
  })

  test('ends an exhaustive switch with a description of whatever came', () => {
    const ring: { self?: unknown } = {}
    ring.self = ring
    const cases: [unknown, string][] = [
      [{ type: 'x' }, '{"type":"x"}'],
      [{ lease: 5n }, '{"lease":"5n"}'],
      [ring, '[object Object]'],
      [undefined, 'undefined'],
    ]
    for (const [value, described] of cases) {
      expect(() => assertNever(value as never, 'request')).toThrow(
        new AssertionError(`request: unexpected ${described}`),
      )
    }
  })
})
