/** What the failures of calls mean to who tries again. */
import { isStoreError, StoreError, type ErrorCode } from '../base/errors.js'

const GONE: readonly ErrorCode[] = ['CLOSED', 'MEMBER_FAILED', 'MEMBER_REMOVED']

/** The store was closed, or its member has ended for good: it will never answer any more, and trying again is no use. */
export function isStoreGone(error: unknown): error is StoreError {
  return GONE.some((code) => isStoreError(error, code))
}

/** A watch or a read failed because its history is gone: then what is now is all there is to see. */
export function isForgotten(error: unknown): boolean {
  return isStoreError(error, 'COMPACTED')
}

/** Whether what a call was to do may be done all the same, now or later. */
export function mayTakeEffect(error: unknown): boolean {
  return !isStoreError(error) || error.outcome === 'unknown'
}

/** The same, for a call that may take effect all the same: a try of it was under way when it was given up, say. */
export function withUnknownOutcome(error: unknown): unknown {
  if (!isStoreError(error) || error.outcome === 'unknown') return error
  const { code, message } = error
  return new StoreError(code, message, { cause: error, outcome: 'unknown' })
}

const MENDED: readonly ErrorCode[] = ['NO_SPACE', 'PREFIX_QUOTA_EXCEEDED', 'LIMIT_EXCEEDED', 'CORRUPT']

/**
 * It does not pass by itself, but with what operators do about the store: nothing is wrong with the call. What runs on its own
 * waits for that, since whoever began it may not be there any more to begin it again.
 */
export function isForOperators(error: unknown): boolean {
  return MENDED.some((code) => isStoreError(error, code))
}
