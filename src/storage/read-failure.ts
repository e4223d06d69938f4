/** What a failed read means: the disk answered with something that was never written, or did not answer. */
import { StoreError, isStoreError } from '../base/errors.js'
import { damaged } from './damage.js'
import { diskFailure } from './disk-failure.js'

/**
 * The error to throw for one that LevelDB or a decoder threw while `what` was read; bugs of ours pass through.
 * A failed read poisons nothing: what is on disk may still be fine. Who reads decides.
 */
export function readFailure(location: string, what: string, error: unknown): unknown {
  const { code, message } = error as { code?: string; message: string }
  if (isStoreError(error, 'MALFORMED')) return damaged(location, message, error)
  // What LevelDB takes for an offset can be a flipped bit: there the system refuses to read.
  if (code === 'LEVEL_CORRUPTION' || (code?.startsWith('LEVEL_') === true && message.includes('Invalid argument')))
    return damaged(location, `${what} cannot be read: ${message}`, error)
  if (code === 'LEVEL_DATABASE_NOT_OPEN' || code === 'LEVEL_ITERATOR_NOT_OPEN') {
    return new StoreError('CLOSED', `the storage in ${location} is closed`, { cause: error })
  }
  if (code?.startsWith('LEVEL_') !== true) return error
  return diskFailure(`reading ${what} failed in ${location}`, error)
}
