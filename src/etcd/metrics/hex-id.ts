/** Ids of members as etcd's labels have them. */
import type { MemberId } from '../../api/member-id.js'

export function hexId(id: MemberId): string {
  return id.toString(16)
}
