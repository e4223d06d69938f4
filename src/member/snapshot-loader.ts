/**
 * Loads a snapshot into a state machine of its own: besides the checksums, which the reader looks at, the records must come
 * to the digests that the member recorded, and to what the header tells.
 *
 * Takes as much memory as opening a member with this state: its key index.
 */
import { equalDigest } from '../base/checksum.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { Machine } from '../machine/machine.js'
import type { Backend } from '../mvcc/backend.js'
import type { Pair } from '../storage/merged-view.js'
import type { SnapshotHeader } from '../storage/snapshot-format.js'
import { readFilePieces } from '../storage/snapshot-file.js'
import { readSnapshot, snapshotDamaged, type SnapshotContent } from '../storage/snapshot-reader.js'

/** A file by its path, or its bytes. */
export type SnapshotSource = string | AsyncIterable<Uint8Array>

export interface LoadingSnapshot {
  readonly from: SnapshotSource
  /** Behind the machine. */
  readonly backend: Backend
  readonly valueCacheBytesMax?: number
  readonly signal?: AbortSignal | undefined
  readonly header?: (header: SnapshotHeader) => void
  readonly records?: (records: readonly Pair[]) => Promise<void>
}

export interface LoadedSnapshot {
  readonly content: SnapshotContent
  readonly machine: Machine
}

/** Rejects with `SNAPSHOT_DAMAGED`, `FORMAT_TOO_NEW`, `DISK_FAILED`, `ABORTED`, and what it is given throws. */
export async function loadSnapshot({
  from,
  backend,
  valueCacheBytesMax = 0,
  signal,
  header,
  records,
}: LoadingSnapshot): Promise<LoadedSnapshot> {
  const location = typeof from === 'string' ? from : 'that is read from a stream'
  const machine = new Machine({ backend, valueCacheBytesMax })
  const content = await readSnapshot(typeof from === 'string' ? readFilePieces(from) : from, location, {
    header,
    records: async (pairs) => {
      if (signal?.aborted === true) {
        throw new StoreError('ABORTED', 'Reading the snapshot was aborted.', { cause: signal.reason })
      }
      asDamage(location, () => {
        for (const [key, record] of pairs) machine.load(key, record)
      })
      await records?.(pairs)
    },
  })
  asDamage(location, () => {
    machine.finishLoading()
  })
  checkHeader(location, content.header, machine)
  return { content, machine }
}

/** What the machine finds wrong with records is wrong with the snapshot, not with a disk of ours. */
function asDamage(location: string, load: () => void): void {
  try {
    load()
  } catch (error) {
    if (!isStoreError(error, 'DATA_DAMAGED')) throw error
    throw snapshotDamaged(location, `its records are no state of a member (${error.message})`, error)
  }
}

function checkHeader(location: string, header: SnapshotHeader, machine: Machine): void {
  const { position, revision, compactRevision, digest } = header
  const agree =
    position.index === machine.appliedIndex &&
    position.term === machine.appliedTerm &&
    revision === machine.revision &&
    compactRevision === machine.compactRevision &&
    equalDigest(digest, machine.digest)
  if (!agree) throw snapshotDamaged(location, 'its header tells of another state than its records')
}
