/** What all transports say to whoever asked a question and got no answer. */
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'

/** `reason` goes on after "answer:" in the words of one side about the other. */
export function unanswered(address: string, reason: string): StoreError {
  return new StoreError('UNREACHABLE', `There is no answer from ${quote(address)}: ${reason}.`)
}
