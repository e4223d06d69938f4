/** The table of errors, and how programs recognise them. */
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { ERRORS, isStoreError, StoreError, type ErrorCode } from '../../src/base/errors.js'

const CODES = Object.keys(ERRORS) as ErrorCode[]

describe('the table of errors', () => {
  test.each(CODES)('%s is documented in a sentence, and has the form that programs rely on', (code) => {
    const row: { grpc: string; etcd?: string; retryable: boolean; doc: string } = ERRORS[code]
    expect(code).toMatch(/^[A-Z]+(_[A-Z]+)*$/)
    expect(row.doc).toMatch(/^[A-Z`].{15,}\.$/)
    expect(row.grpc).toMatch(/^[A-Z_]+$/)
    if (row.etcd !== undefined) expect(row.etcd).toMatch(/^(etcdserver|auth): [a-zP]/)
  })

  test('gives two conditions the same etcd text nowhere, since clients match on it', () => {
    const texts = CODES.map((code) => (ERRORS[code] as { etcd?: string }).etcd).filter((text) => text !== undefined)
    expect(new Set(texts).size).toBe(texts.length)
  })

  test('calls retryable only what a repetition can mend', () => {
    for (const code of ['EMPTY_KEY', 'COMPACTED', 'CLOSED', 'MEMBER_FAILED', 'REQUEST_TOO_LARGE'] as const) {
      expect(ERRORS[code].retryable).toBe(false)
    }
    // The same signed token is refused for ever.
    expect(ERRORS.AUTH_REVISION_OLD.retryable).toBe(false)
    for (const code of ['TIMEOUT', 'NO_LEADER', 'TOO_MANY_REQUESTS'] as const) expect(ERRORS[code].retryable).toBe(true)
  })
})

describe('a store error', () => {
  test('has its code, what became of the call, and whether to try again', () => {
    const cause = new Error('the disk is full')
    const error = new StoreError('TIMEOUT', 'too late', { outcome: 'unknown', cause })
    expect(error).toMatchObject({ name: 'StoreError', code: 'TIMEOUT', outcome: 'unknown', retryable: true, cause })
    expect(new StoreError('COMPACTED', 'gone', { compactRevision: 40 }).compactRevision).toBe(40)
  })

  test('was refused unless it says otherwise', () => {
    expect(new StoreError('EMPTY_KEY', 'x').outcome).toBe('refused')
  })

  test('without a cause has none, also for those who look for the property', () => {
    expect('cause' in new StoreError('EMPTY_KEY', 'x')).toBe(false)
  })
})

describe('recognising a store error', () => {
  test('works by code', () => {
    const error: unknown = new StoreError('CLOSED', 'x')
    expect(isStoreError(error)).toBe(true)
    expect(isStoreError(error, 'CLOSED')).toBe(true)
    expect(isStoreError(error, 'TIMEOUT')).toBe(false)
  })

  test('works across copies of the package and across realms', () => {
    class StoreErrorOfAnotherCopy extends Error {
      override readonly name = 'StoreError'
      readonly code = 'CLOSED'
    }
    expect(isStoreError(new StoreErrorOfAnotherCopy('x'), 'CLOSED')).toBe(true)
    const foreign: unknown = runInNewContext(
      'Object.assign(new Error("x"), { name: "StoreError", code: "TIMEOUT", outcome: "unknown" })',
    )
    expect(foreign instanceof Error).toBe(false)
    expect(isStoreError(foreign, 'TIMEOUT')).toBe(true)
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a text', 'StoreError'],
    ['another error', new Error('x')],
    ['an error of Node with a code', Object.assign(new Error('x'), { code: 'ENOENT' })],
    ['a code we do not have', Object.assign(new Error('x'), { name: 'StoreError', code: 'NO_SUCH_CODE' })],
    ['a code that every object has', Object.assign(new Error('x'), { name: 'StoreError', code: 'constructor' })],
    ['our code under another name', Object.assign(new Error('x'), { code: 'CLOSED' })],
  ])('is not fooled by %s', (_what, value) => {
    expect(isStoreError(value)).toBe(false)
  })
})
