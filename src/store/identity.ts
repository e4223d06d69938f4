/**
 * Who a member is, computed from what every member is told alike: so that three processes started apart agree without
 * having spoken, and a process started with the wrong list is refused.
 */
import { hash64, type Digest } from '../base/checksum.js'

/** The id of a cluster: of its token and the names of its first members. Addresses may change, names may not. */
export function clusterIdOf(token: string, names: readonly string[]): number {
  return idOf(hash64(Buffer.from(JSON.stringify(['cluster', token, [...names].sort()]))))
}

/** The id of a member: of the cluster's token and its name. */
export function memberIdOf(token: string, name: string): number {
  return idOf(hash64(Buffer.from(JSON.stringify(['member', token, name]))))
}

/** A positive safe integer of 53 bits of the hash. */
function idOf(hash: Digest): number {
  return (hash.high & 0x1f_ffff) * 0x1_0000_0000 + hash.low || 1
}
