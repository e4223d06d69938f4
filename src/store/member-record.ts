/** A member as the contract tells of it. */
import type { ClusterMember, MemberRole } from '../api/cluster.js'
import type { MemberWithRole } from '../member/roles.js'

export function memberRecordOf({ id, name, address, role }: MemberWithRole, as: MemberRole = role): ClusterMember {
  return { id, name, address, role: as, becomesVoter: false, clientUrls: [] }
}
