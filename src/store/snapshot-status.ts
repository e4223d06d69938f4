/** What is in a snapshot, once it was read whole and found to be what was written. */
import { AssertionError } from '../base/assert.js'
import { FROM_KEY_ON } from '../base/bytes.js'
import { describeDigest } from '../base/checksum.js'
import type { Backend } from '../mvcc/backend.js'
import type { Revision } from '../mvcc/types.js'
import type { SnapshotContent } from '../storage/snapshot-reader.js'
import { loadSnapshot, type LoadedSnapshot, type SnapshotSource } from '../member/snapshot-loader.js'

export interface SnapshotInfo {
  /** Of whom it is. */
  readonly clusterId: number
  readonly memberId: number
  readonly name: string
  /** When it was taken, by the wall clock of that member: milliseconds since 1970. */
  readonly createdAtMs: number
  /** The last entry of the log whose effects are in it. */
  readonly appliedIndex: number
  readonly term: number
  readonly revision: Revision
  readonly compactRevision: Revision
  /** Digest of the logical state, as in `store.status()`: 16 hex digits. */
  readonly digest: string
  /** Records of the state: versions of keys, deletions, leases and so on. */
  readonly records: number
  /** Size of the whole. */
  readonly bytes: number
  /** SHA-256 of the content, 64 hex digits. */
  readonly hash: string
}

export interface SnapshotStatus extends SnapshotInfo {
  /** Keys that exist at `revision`. */
  readonly keys: number
  readonly leases: number
}

/**
 * Reads a snapshot, a file by its path or its bytes, and checks all of it: each block, the whole, and that its records
 * come to the digest that was recorded. Takes the time and the memory of opening a store of that size.
 *
 * Rejects with `SNAPSHOT_DAMAGED` (where, and what is wrong), `FORMAT_TOO_NEW`, `DISK_FAILED`, `ABORTED`.
 *
 * @example
 * const { revision, keys, hash } = await snapshotStatus('/backups/monday.snapshot')
 */
export async function snapshotStatus(
  from: SnapshotSource,
  { signal }: { readonly signal?: AbortSignal | undefined } = {},
): Promise<SnapshotStatus> {
  return statusOf(await loadSnapshot({ from: checkSource(from), backend: UNREAD, signal }))
}

export function statusOf({ content, machine }: LoadedSnapshot): SnapshotStatus {
  const all = { type: 'range', key: FROM_KEY_ON, rangeEnd: FROM_KEY_ON, countOnly: true } as const
  const { count } = machine.store.planRange(all)
  return { ...infoOf(content), keys: count, leases: machine.lessor.size }
}

export function infoOf({ header, records, bytes, hash }: SnapshotContent): SnapshotInfo {
  const { position, digest, clusterId, memberId, name, createdAtMs, revision, compactRevision } = header
  const { index: appliedIndex, term } = position
  const whose = { clusterId, memberId, name, createdAtMs }
  return {
    ...whose,
    appliedIndex,
    term,
    revision,
    compactRevision,
    digest: describeDigest(digest),
    records,
    bytes,
    hash,
  }
}

/** Throws TypeError for what is neither a path nor a stream. */
export function checkSource(from: SnapshotSource): SnapshotSource {
  if (typeof from === 'string' && from !== '') return from
  if (typeof from === 'object' && from !== null && Symbol.asyncIterator in from) return from
  throw new TypeError('a snapshot is given by the path of its file or as an AsyncIterable of its bytes')
}

/** Loading reads no record back, and changes none. */
export const UNREAD: Backend = { get: unused, set: unused, delete: unused }

function unused(): never {
  throw new AssertionError('a snapshot that is only looked at is used as a state')
}
