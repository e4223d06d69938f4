/**
 * The clusters that a data directory belonged to before it was made a new cluster of its own (store/force-new-cluster.ts): the
 * lasting record of that, in the high-water file behind the identity, so that both change in one step.
 *
 * Whoever wonders, a year later, why a write is missing that was acknowledged, finds here when and where histories parted.
 */
import { crc32 } from '../base/checksum.js'
import { Reader, Writer } from '../base/codec.js'
import type { FormerCluster } from '../base/former-cluster.js'

/** Of members in a record, and of records in a directory: the newest ones are kept. */
export const FORMER_MEMBERS_MAX = 16
export const FORMER_CLUSTERS_MAX = 8

const VERSION = 1
const RECORD_BYTES_MIN = 6 * 8 + 1 + 4

/** Nothing where there are none. */
export function encodeFormerClusters(former: readonly FormerCluster[]): Uint8Array {
  if (former.length === 0) return new Uint8Array(0)
  const content = new Writer().uint8(VERSION)
  const kept = former.slice(-FORMER_CLUSTERS_MAX)
  content.uint32(kept.length)
  for (const each of kept) {
    content.uint53(each.clusterId).uint53(each.memberId).uint53(each.leftAtMs)
    content.uint53(each.lastIndex).uint53(each.lastTerm).uint53(each.appliedIndex).boolean(each.withLosses)
    const members = each.members.slice(0, FORMER_MEMBERS_MAX)
    content.uint32(members.length)
    for (const id of members) content.uint53(id)
  }
  const bytes = content.finish()
  return new Writer(bytes.byteLength + 8).bytes(bytes).uint32(crc32(bytes)).finish()
}

/** `bytes` begins with what was encoded, or with zeros. Throws `MALFORMED`. */
export function decodeFormerClusters(bytes: Uint8Array): FormerCluster[] {
  const reader = new Reader(bytes, 'the record of former clusters')
  const content = reader.bytes()
  if (content.byteLength === 0) return []
  if (reader.uint32() !== crc32(content)) throw reader.malformed('its checksum is wrong')
  return decodeContent(new Reader(content, 'the record of former clusters'))
}

function decodeContent(reader: Reader): FormerCluster[] {
  const version = reader.uint8()
  if (version !== VERSION) throw reader.malformed(`version ${version} is unknown`)
  const count = reader.count(RECORD_BYTES_MIN)
  const former = Array.from({ length: count }, (): FormerCluster => {
    const [clusterId, memberId, leftAtMs] = [reader.uint53(), reader.uint53(), reader.uint53()]
    const [lastIndex, lastTerm, appliedIndex] = [reader.uint53(), reader.uint53(), reader.uint53()]
    const withLosses = reader.boolean()
    const members = Array.from({ length: reader.count(8) }, () => reader.uint53())
    return { clusterId, memberId, leftAtMs, lastIndex, lastTerm, appliedIndex, members, withLosses }
  })
  reader.end()
  return former
}
