/** The error for a disk that does not hold what this member wrote: what is wrong, what it means, what to do. */
import { join } from 'node:path'
import { StoreError } from '../base/errors.js'

/** The folder in a data directory that keeps what was there before an open (before-open.ts). */
export const BEFORE_OPEN = 'before-open'

/**
 * `what` says exactly what was found and what was expected. A hole or a log that is too short is never "the end of the
 * log": this member may have acknowledged the missing part, and a vote or an acknowledgement given again from less
 * knowledge can lose committed data of the whole cluster.
 */
export function damaged(location: string, what: string, cause?: unknown): StoreError {
  return new StoreError(
    'DATA_DAMAGED',
    `the data in ${location} is damaged: ${what}. This member may have lost entries or votes that it acknowledged, so ` +
      'it does not start. Do not repair the directory by hand, and do not replace it by an older copy or an empty one: ' +
      'a member that forgot can make the cluster lose acknowledged writes. The other members keep serving while they are ' +
      `a majority. The files as they were before they were opened are in ${join(location, BEFORE_OPEN)}, unless this was ` +
      'found before anything was opened or after everything was verified. docs/OPERATING.md says what to do.',
    cause === undefined ? {} : { cause },
  )
}
