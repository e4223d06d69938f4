/** Messages as etcdctl's `-w fields` has them: a line for each field, those that are zero too. */
import type { KeyValue, ResponseHeader } from '../../../etcd/generated/rpc.js'

export type Field = readonly [name: string, value: string | bigint | number | boolean | Uint8Array | undefined]

/** Texts and bytes stand in quotes; all else as it is. */
export function fieldLines(fields: readonly Field[]): string {
  return fields.map(([name, value]) => `"${name}" : ${shown(value)}\n`).join('')
}

function shown(value: Field[1]): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (ArrayBuffer.isView(value)) return JSON.stringify(Buffer.from(value).toString('utf8'))
  return String(value ?? '')
}

/** Of an operation in a transaction there is only the revision. */
export function headerFields(header: ResponseHeader | undefined): Field[] {
  return [
    ['ClusterID', header?.cluster_id ?? 0n],
    ['MemberID', header?.member_id ?? 0n],
    ['Revision', header?.revision ?? 0n],
    ['RaftTerm', header?.raft_term ?? 0n],
  ]
}

/** @param prefix `Prev`: of the version before. */
export function keyValueFields(
  { key, create_revision, mod_revision, version, value, lease }: KeyValue,
  prefix = '',
): Field[] {
  return [
    [`${prefix}Key`, key],
    [`${prefix}CreateRevision`, create_revision],
    [`${prefix}ModRevision`, mod_revision],
    [`${prefix}Version`, version],
    [`${prefix}Value`, value],
    [`${prefix}Lease`, lease],
  ]
}
