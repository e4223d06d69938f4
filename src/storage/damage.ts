/** The error for a disk that does not hold what this member wrote: what is wrong, what it means, what to do. */
import { StoreError } from '../base/errors.js'

/**
 * `what` says exactly what was found and what was expected. A hole or a log that is too short is never "the end of the
 * log": this member may have acknowledged the missing part, and a vote or an acknowledgement given again from less
 * knowledge can lose committed data of the whole cluster.
 */
export function damaged(location: string, what: string, cause?: unknown): StoreError {
  return new StoreError(
    'DATA_DAMAGED',
    `the data in ${location} is damaged: ${what}. This member may have lost entries or votes that it acknowledged, so ` +
      'it does not start; nothing it recorded was changed. Put a new member in its place, under a new name and with an ' +
      'empty directory, while a majority of the others runs; if it is the only member, restore its cluster from a ' +
      'backup. Do not empty the directory and start again under the same name: a member that forgot may vote twice.',
    cause === undefined ? {} : { cause },
  )
}
