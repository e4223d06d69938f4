/** What the failures of calls mean to who tries again. */
import { isStoreError, type ErrorCode } from '../base/errors.js'

const GONE: readonly ErrorCode[] = ['CLOSED', 'MEMBER_FAILED', 'MEMBER_REMOVED']

/** The store was closed, or its member has ended for good: it will never answer any more, and trying again is no use. */
export function isStoreGone(error: unknown): boolean {
  return GONE.some((code) => isStoreError(error, code))
}

/** A watch or a read failed because its history is gone: then what is now is all there is to see. */
export function isForgotten(error: unknown): boolean {
  return isStoreError(error, 'COMPACTED')
}
