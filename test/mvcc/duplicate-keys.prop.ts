/** The rule that a transaction changes a key at most once, against a twin that looks at every pair of changes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { checkDuplicateKeys } from '../../src/mvcc/duplicate-keys.js'
import type { Operation, TransactionRequest } from '../../src/mvcc/types.js'
import { hasDuplicates } from './model.js'

const letter = fc.constantFrom(...'abcdefgh')
const put = letter.map((key): Operation => ({ type: 'put', key, value: new Uint8Array(0), lease: 0n }))
const deletion = fc
  .tuple(letter, fc.option(fc.oneof(letter, fc.constant('\0')), { nil: undefined }))
  .map(([key, rangeEnd]): Operation => ({ type: 'delete', key, rangeEnd }))

const { transaction } = fc.letrec<{ transaction: TransactionRequest; operation: Operation }>((tie) => ({
  transaction: fc.record({
    type: fc.constant('transaction' as const),
    compare: fc.constant([]),
    success: fc.array(tie('operation'), { maxLength: 4, size: 'max', depthIdentifier: 'nesting' }),
    failure: fc.array(tie('operation'), { maxLength: 4, size: 'max', depthIdentifier: 'nesting' }),
  }),
  operation: fc.oneof(
    { maxDepth: 3, depthIdentifier: 'nesting' },
    { weight: 3, arbitrary: put },
    { weight: 3, arbitrary: deletion },
    { weight: 2, arbitrary: tie('transaction') },
  ),
}))

test('two changes that can both be done meet exactly when a look at every pair says so', () => {
  let refused = 0
  fc.assert(
    fc.property(transaction, (request) => {
      const found = isRefused(request)
      if (found) refused++
      expect(found).toBe(hasDuplicates(request))
    }),
    { numRuns: 4000 },
  )
  expect(refused).toBeGreaterThan(400)
})

function isRefused(request: TransactionRequest): boolean {
  try {
    checkDuplicateKeys(request)
    return false
  } catch (error) {
    expect(isStoreError(error, 'DUPLICATE_KEY')).toBe(true)
    return true
  }
}
