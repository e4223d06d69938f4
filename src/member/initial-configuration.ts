/**
 * Which configuration a member begins with, before the entries in its log that change it.
 *
 *     the state knows the members    theirs
 *     it joined, or has no state     nobody votes, as far as it knows: it does not campaign before it is told who does
 *     otherwise                      those that the cluster began with
 *
 * Without a state the log may begin behind changes of the membership of which nothing is known here. With the voters that
 * the cluster began with, some of whom are gone, this member could be elected by those who were left behind with it.
 */
import type { Membership } from '../machine/member-book.js'
import type { Configuration, Index } from '../raft/types.js'
import type { MemberOptions } from './member-options.js'

export interface Beginning {
  readonly options: Pick<MemberOptions, 'memberId' | 'members'>
  readonly machine: { readonly members: Membership | undefined }
  /** There is no state, and the log begins behind this index. */
  readonly needed: Index | undefined
  readonly joined: boolean
}

export function initialConfiguration({ options, machine, needed, joined }: Beginning): Configuration {
  if (machine.members !== undefined) return machine.members.configuration
  if (joined || needed !== undefined) return { voters: [], learners: [options.memberId] }
  return { voters: options.members.map(({ id }) => id) }
}
