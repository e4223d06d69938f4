/** The error for a disk that does not hold what this member wrote: what is wrong, what it means, what to do. */
import { StoreError } from '../base/errors.js'

/** The folder in a data directory that keeps what was there before an open (before-open.ts). */
export const BEFORE_OPEN = 'before-open'
/** The same of the last open that found damage and threw it away. */
export const DAMAGED = 'damaged'

class DamageError extends StoreError {
  readonly what: string

  constructor(message: string, what: string, cause: unknown) {
    super('DATA_DAMAGED', message, cause === undefined ? {} : { cause })
    this.what = what
  }
}

/**
 * `what` says exactly what was found and what was expected. A hole or a log that is too short is never "the end of the
 * log": this member may have acknowledged the missing part, and a vote or an acknowledgement given again from less
 * knowledge can lose committed data of the whole cluster.
 */
export function damaged(location: string, what: string, cause?: unknown): StoreError {
  return new DamageError(
    `the data in ${location} is damaged: ${what}. Alone, a member goes on from a backup or from its state, restored into ` +
      `a new directory: quorate snapshot save --skip-log --data-dir ${location} FILE saves what that holds. One of several ` +
      'gets what it lacks from the others. Do not repair it by hand, and do not put an older copy or an empty one in its ' +
      'place: that can lose acknowledged writes. See docs/OPERATING.md.',
    what,
    cause,
  )
}

/** What is damaged, without what it means and what to do. */
export function whatIsDamaged(error: StoreError): string {
  return error instanceof DamageError ? error.what : error.message.replace(/\.$/, '')
}
