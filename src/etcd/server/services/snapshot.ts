/**
 * A snapshot as etcd streams it: the content in pieces of 32 KiB, and its SHA-256 as the last message. What a client saves is
 *
 *     content    a snapshot of this store, in its own format
 *     zeros      to a multiple of 512 bytes, which etcd's own file always is
 *     SHA-256    32 bytes, of all before it
 *
 * Clients refuse to keep a file of which the rest by 512 is not 32: they take it for one whose digest did not come.
 *
 * Always: holds one piece and the one before it, and takes the next when the client has taken that.
 * Not exact: how many bytes remain. The size of a state that is walked is not known before its end, and to walk it twice
 * would cost as much again for a number that no client of etcd reads; it is estimated, falls, and is 0 exactly at the end.
 */
import { createHash } from 'node:crypto'
import { asBuffer } from '../../../base/bytes.js'
import type { SnapshotResponse } from '../../generated/rpc.js'
import { ETCD_VERSION } from '../../wire/version.js'
import type { Call } from '../service.js'

const PIECE_BYTES = 32 * 1024
const SECTOR_BYTES = 512

export async function* snapshotMessages({ store, signal }: Call): AsyncGenerator<SnapshotResponse, void, undefined> {
  // A signed token is checked with this, and refused.
  await store.auth.whoami()
  let remainingBytes = store.status().sizeInUseBytes
  const hash = createHash('sha256')
  let held: Buffer | undefined
  for await (const piece of piecesOf(store.maintenance.snapshot({ signal }))) {
    hash.update(piece)
    if (held !== undefined) {
      remainingBytes = Math.max(1, remainingBytes - held.byteLength)
      yield message(held, remainingBytes)
    }
    held = piece
  }
  if (held !== undefined) yield message(held, 0)
  yield message(hash.digest(), 0)
}

/** Of equal size but for the last one, and of whole sectors. */
async function* piecesOf(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const block of content) {
    rest = rest.byteLength === 0 ? asBuffer(block) : Buffer.concat([rest, block])
    for (; rest.byteLength >= PIECE_BYTES; rest = rest.subarray(PIECE_BYTES)) yield rest.subarray(0, PIECE_BYTES)
  }
  if (rest.byteLength === 0) return
  const wholeBytes = Math.ceil(rest.byteLength / SECTOR_BYTES) * SECTOR_BYTES
  yield Buffer.concat([rest], wholeBytes)
}

function message(blob: Buffer, remainingBytes: number): SnapshotResponse {
  return { header: undefined, remaining_bytes: BigInt(remainingBytes), blob, version: ETCD_VERSION.storage }
}
