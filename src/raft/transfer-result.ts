/** What becomes of a wish to hand leadership over: transfer.ts. */
import type { NodeId } from './types.js'

/** Why leadership is not handed over. */
export type TransferRefusal =
  | 'not-leader'
  /** Another transfer is under way. */
  | 'transferring'
  /** The member named leads already. */
  | 'already-leader'
  /** The member named is no voter, or, for `best`, no other voter answers. */
  | 'no-candidate'
  /** The member named was not heard from within an election timeout. */
  | 'silent'

export type TransferResult =
  | { readonly accepted: true; readonly to: NodeId }
  | { readonly accepted: false; readonly reason: TransferRefusal; readonly leader: NodeId }

export function describeTransferRefusal(reason: TransferRefusal): string {
  return REFUSAL_TEXTS[reason]
}

const REFUSAL_TEXTS: Record<TransferRefusal, string> = {
  'not-leader': 'only the leader hands leadership over',
  transferring: 'leadership is being handed to another member',
  'already-leader': 'the member leads already',
  'no-candidate': 'there is no such voter, or none that answers',
  silent: 'the member does not answer',
}
