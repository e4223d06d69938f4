/** What can be asked of the membership, and why it may be refused. */
import type { Index, NodeId, Term } from '../types.js'

/**
 * One step, done in the order given; each is idempotent. `voter` adds or promotes, `learner` adds or demotes, `remove`
 * removes, `update` changes nothing here: for what `data` says about a member.
 */
export interface MemberChange {
  readonly type: 'voter' | 'learner' | 'remove' | 'update'
  readonly id: NodeId
}

export type ConfigurationChange =
  | {
      readonly type: 'change'
      readonly members: readonly MemberChange[]
      /**
       * `automatic` (the default): in one step where that is safe, else joint. `joint`: in any case, left automatically.
       * `joint-explicit`: left when asked with `leave-joint`.
       */
      readonly transition?: 'automatic' | 'joint' | 'joint-explicit'
      /** Opaque, carried by the entry: names and addresses, whose owner reads them where the entry is appended or applied. */
      readonly data?: Uint8Array
    }
  | { readonly type: 'leave-joint'; readonly data?: Uint8Array }

/** Why a change was not taken; it had and will have no effect. */
export type ConfigurationRefusal =
  | 'not-leader'
  | 'transferring'
  | 'own-term-not-committed'
  | 'change-in-progress'
  | 'joint'
  | 'not-joint'
  | 'learner-not-caught-up'
  | 'promises-lost'
  | 'no-voters-left'
  | 'several-voters-at-once'
  | 'no-voters-yet'
  | 'too-many-members'
  | 'invalid'

export type ProposeConfigurationResult =
  | { readonly accepted: true; readonly index: Index; readonly term: Term }
  | { readonly accepted: false; readonly reason: ConfigurationRefusal; readonly leader: NodeId }

export function describeConfigurationRefusal(reason: ConfigurationRefusal): string {
  return REFUSAL_TEXTS[reason]
}

const REFUSAL_TEXTS: Record<ConfigurationRefusal, string> = {
  'not-leader': 'only the leader changes the membership',
  transferring: 'the leadership is being handed over; ask the next leader',
  'own-term-not-committed': 'the leader has not yet committed an entry of its own term; ask again in a moment',
  'change-in-progress': 'the previous change is not committed yet; one at a time',
  joint: 'the configuration is joint; it has to be left first',
  'not-joint': 'there is no joint configuration to leave',
  'learner-not-caught-up': 'the learner to be promoted lacks too much of the log, or does not answer',
  'promises-lost': 'too few of the voters keep their promises; wait until those that lost theirs have recovered',
  'no-voters-left': 'the change would remove all voters',
  'several-voters-at-once': 'more than one voter changes; that needs a joint configuration',
  'no-voters-yet': 'a configuration without voters cannot become joint',
  'too-many-members': 'the cluster would have too many members',
  invalid: 'a member id is a positive safe integer, and a change changes somebody',
}
