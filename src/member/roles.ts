/** Members with what they are: by the log of this member, and by what of it is applied. */
import type { MemberAddress, MemberRecord, MemberSets, Membership } from '../machine/member-book.js'
import type { MemberRole } from './members-change.js'

export interface MemberWithRole extends MemberRecord {
  readonly role: MemberRole
}

/** Who is no learner votes, and so does who is to be one only once others have taken their place. */
export function withRoles(
  members: readonly MemberRecord[],
  { learners }: Pick<MemberSets, 'learners'>,
): MemberWithRole[] {
  return members.map((member) => ({ ...member, role: learners.includes(member.id) ? 'learner' : 'voter' }))
}

/** What the cluster has decided, as far as this member has applied it; `first` until there is any such decision. */
export function decidedMembers(applied: Membership | undefined, first: readonly MemberAddress[]): MemberWithRole[] {
  return applied === undefined ? withRoles(first, { learners: [] }) : withRoles(applied.book, applied.configuration)
}
