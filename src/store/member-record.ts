/** A member as the contract tells of it. */
import type { ClusterMember } from '../api/cluster.js'
import type { MemberWithRole } from '../member/roles.js'

export function memberRecordOf({ id, name, address, role, ...said }: MemberWithRole): ClusterMember {
  const becomesVoter = role === 'learner' && said.becomesVoter === true
  return { id, name, address, role, becomesVoter, clientUrls: [...(said.clientUrls ?? [])] }
}
