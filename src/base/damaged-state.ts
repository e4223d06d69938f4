/** The error for records of the state that are missing, or contradict each other. */
import { StoreError } from './errors.js'

/** `why`: the part of a sentence behind a colon, without a full stop. */
export function damaged(why: string): StoreError {
  return new StoreError('DATA_DAMAGED', `The state on disk is damaged: ${why}.`)
}
