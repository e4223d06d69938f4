/** When trying again is no use: the store that a recipe works over will never answer any more. */
import { isStoreError, type ErrorCode } from '../base/errors.js'

const GONE: readonly ErrorCode[] = ['CLOSED', 'MEMBER_FAILED', 'MEMBER_REMOVED']

/** Whether the store was closed, or its member has ended for good. */
export function isStoreGone(error: unknown): boolean {
  return GONE.some((code) => isStoreError(error, code))
}
