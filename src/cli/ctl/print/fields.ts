/** Messages as etcdctl's `-w fields` has them: a line for each field, those that are zero too. */
import { goQuote } from '../go-text.js'
import type { KeyValue, ResponseHeader } from '../../../etcd/generated/rpc.js'

export type Field =
  | readonly [name: string, value: string | bigint | number | boolean | Uint8Array | Word]
  /** An empty line, behind each of several. */
  | typeof BLANK

export const BLANK = 'blank'

/** A text that stands without quotes. */
interface Word {
  readonly word: string
}

/** Texts and bytes stand in quotes; all else as it is. */
export function fieldLines(fields: readonly Field[]): string {
  return fields.map((field) => (field === BLANK ? '\n' : `"${field[0]}" : ${shown(field[1])}\n`)).join('')
}

function shown(value: Exclude<Field, typeof BLANK>[1]): string {
  if (typeof value === 'string' || ArrayBuffer.isView(value)) return goQuote(value)
  return typeof value === 'object' ? value.word : String(value)
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
