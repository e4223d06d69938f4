/**
 * The records of the state besides those of revisions: one table of what stands where.
 *
 *     'a'            meta: format, applied position, counters, digest
 *     'c'            the members, once they were changed (member-book-codec.ts); with it the state is of format 4, or 5
 *     'l' | id       a lease
 *     'm' | alarm, one byte | member   an alarm that is active (alarms.ts), from format 3 on
 *     'o' | member   the window of proposals of one member (origins.ts)
 *     'q' | prefix   the quota of a prefix (prefix-quota.ts), from format 3 on
 *     'r' | ...      a revision (mvcc/record.ts)
 *     'u' | ...      users, roles and whether they count (auth/records.ts); since format 3
 *     'x'            a restore is under way or did not come to its end, and there is no 'a': no state of anybody (store/restore.ts)
 *
 * Numbers in keys are eight bytes, big endian. No checksums: that the bytes come back as they were set is the backend's
 * promise (mvcc/backend.ts), that none is missing the digest's. The meta sorts before the rest, and leases and
 * quotas before revisions, so that one pass in key order loads the state.
 */
import { recordKind as authRecordKind } from '../auth/records.js'
import { asBuffer } from '../base/bytes.js'
import type { Digest } from '../base/checksum.js'
import { decodeStored, Reader, Writer } from '../base/codec.js'
import { StoreError } from '../base/errors.js'
import type { LeaseId } from '../base/lease-id.js'
import { isRecordKey } from '../mvcc/record.js'
import type { Revision } from '../mvcc/types.js'
import { encodeAlarm, type Alarm } from './alarms.js'
import { hasRecords, type MemberRecord } from './member-book.js'
import { ORIGIN_RECORD_BYTES } from './origins.js'

export const META_KEY = 'a'
export const MEMBERS_KEY = 'c'
export const LEASE_PREFIX = 'l'
export const ALARM_PREFIX = 'm'
export const ORIGIN_PREFIX = 'o'
export const PREFIX_QUOTA_PREFIX = 'q'
export const AUTH_PREFIX = 'u'
export const RESTORING_KEY = 'x'

/** Raised when an older version could no longer read what is written. */
export const STATE_FORMAT = 5
/** Of a state whose record of the members says no more than versions before announcements can read. */
export const STATE_FORMAT_WITHOUT_RECORDS = 4
/** Of a state without a record of the members: older versions read it. */
export const STATE_FORMAT_WITHOUT_MEMBERS = 3

export interface Meta {
  /** The last entry whose effects are in the state; all of them are, and those of no later one. */
  readonly appliedIndex: number
  readonly appliedTerm: number
  /** Stands here and is not taken from the newest record: that may be a tombstone which was compacted away (etcd's issue 17780). */
  readonly revision: Revision
  readonly compactRevision: Revision
  /** What the loaded state must come to. */
  readonly digest: Digest
  /** What the versions kept must come to, superseded ones too. Undefined in format 1, which does not tell. */
  readonly historyDigest: Digest | undefined
}

/** How many records of each kind there are besides those of revisions. */
export interface RecordCounts {
  readonly leases: number
  /** Of the records of leases, which differ in size. */
  readonly leaseBytes: number
  readonly alarms: number
  readonly origins: number
  /** Of the record of the members; 0: there is none. */
  readonly membersBytes: number
}

/** Of those records, the meta and all their keys: each other kind is of one size. */
export function stateBytes({ leases, leaseBytes, alarms, origins, membersBytes }: RecordCounts): number {
  const members = membersBytes === 0 ? 0 : MEMBERS_KEY.length + membersBytes
  return META_BYTES + members + leases * NUMBERED_KEY_BYTES + leaseBytes + alarms * ALARM_BYTES + origins * ORIGIN_BYTES
}

const NUMBERED_KEY_BYTES = 1 + 8
const META_BYTES = META_KEY.length + 2 + 8 * 6
const ALARM_BYTES = 1 + 2 * encodeAlarm({ alarm: 'no-space', member: 0 }).byteLength
const ORIGIN_BYTES = NUMBERED_KEY_BYTES + ORIGIN_RECORD_BYTES

/** `members`: as its record has them, where there is one. */
export function encodeMeta(
  meta: Meta & { readonly historyDigest: Digest },
  members?: readonly MemberRecord[],
): Uint8Array {
  const { digest, historyDigest } = meta
  const writer = new Writer(2 + 8 * 6).uint16(formatOf(members))
  writer.uint53(meta.appliedIndex).uint53(meta.appliedTerm).uint53(meta.revision).uint53(meta.compactRevision)
  writer.uint32(digest.high).uint32(digest.low)
  return writer.uint32(historyDigest.high).uint32(historyDigest.low).finish()
}

function formatOf(members: readonly MemberRecord[] | undefined): number {
  if (members === undefined) return STATE_FORMAT_WITHOUT_MEMBERS
  return hasRecords(members) ? STATE_FORMAT : STATE_FORMAT_WITHOUT_RECORDS
}

/** Throws `DATA_DAMAGED`, `FORMAT_TOO_NEW`. */
export function decodeMeta(bytes: Uint8Array): Meta {
  return decodeStored(bytes, 'the record of the applied position', (reader) => {
    const format = reader.uint16()
    if (format > STATE_FORMAT) {
      throw new StoreError(
        'FORMAT_TOO_NEW',
        `The state on disk has format ${format}; this version reads up to ${STATE_FORMAT}.`,
      )
    }
    return {
      appliedIndex: reader.uint53(),
      appliedTerm: reader.uint53(),
      revision: reader.uint53(),
      compactRevision: reader.uint53(),
      digest: { high: reader.uint32(), low: reader.uint32() },
      historyDigest: format === 1 ? undefined : { high: reader.uint32(), low: reader.uint32() },
    }
  })
}

export function leaseKey(id: LeaseId): string {
  return LEASE_PREFIX + asBuffer(new Writer(8).int64(id).finish()).toString('latin1')
}

export function alarmKey(alarm: Alarm): string {
  return ALARM_PREFIX + asBuffer(encodeAlarm(alarm)).toString('latin1')
}

export function originKey(member: number): string {
  return ORIGIN_PREFIX + asBuffer(new Writer(8).uint53(member).finish()).toString('latin1')
}

/** Of a key that {@link originKey} gave. */
export function memberOfOriginKey(key: string): number {
  return new Reader(Buffer.from(key.slice(ORIGIN_PREFIX.length), 'latin1'), 'a key of proposals').uint53()
}

/** What records are about, in words. */
export type RecordKind =
  | 'position'
  | 'members'
  | 'leases'
  | 'alarms'
  | 'proposals'
  | 'quotas'
  | 'versions'
  | 'authorization'
  | 'roles'
  | 'users'
  | 'unknown'

/** By the keys in the table above. */
export function recordKindOf(key: string): RecordKind {
  if (key === META_KEY) return 'position'
  if (key === MEMBERS_KEY) return 'members'
  if (isRecordKey(key)) return 'versions'
  if (key.startsWith(LEASE_PREFIX)) return 'leases'
  if (key.startsWith(ALARM_PREFIX)) return 'alarms'
  if (key.startsWith(ORIGIN_PREFIX)) return 'proposals'
  if (key.startsWith(PREFIX_QUOTA_PREFIX)) return 'quotas'
  if (!key.startsWith(AUTH_PREFIX)) return 'unknown'
  const kind = authRecordKind(key.slice(AUTH_PREFIX.length))
  if (kind === undefined) return 'unknown'
  return kind === 'status' ? 'authorization' : `${kind}s`
}
