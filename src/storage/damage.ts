/** The error for a disk that does not hold what this member wrote: what is wrong, what it means, what to do. */
import { join } from 'node:path'
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
    `the data in ${location} is damaged: ${what}. This member may have lost entries or votes that it acknowledged, so ` +
      'it does not go on with them. Do not repair the directory by hand, and do not replace it by an older copy or an ' +
      'empty one: a member that forgot can make the cluster lose acknowledged writes. Where it is one of several it ' +
      'gets what it lacks from the others. Alone, it goes on from a backup, restored into a new directory; without one ' +
      `see what is whole (quorate inspect ${location}), and where the state is, save that as a snapshot (quorate ` +
      `snapshot save --data-dir ${location} FILE). The files as they were before they were opened are in ` +
      `${join(location, BEFORE_OPEN)}, unless this was found before anything was opened or after everything was ` +
      'verified. docs/OPERATING.md says what to do.',
    what,
    cause,
  )
}

/** What is damaged, without what it means and what to do. */
export function whatIsDamaged(error: StoreError): string {
  return error instanceof DamageError ? error.what : error.message.replace(/\.$/, '')
}
