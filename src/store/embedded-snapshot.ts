/** A snapshot as users iterate it. */
import { checkSignal } from '../api/check-call.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import type { SnapshotOptions } from '../api/maintenance.js'
import type { Member } from '../member/member.js'
import type { SnapshotStream } from '../member/snapshots.js'
import type { Caller } from './caller.js'

const SNAPSHOT_FIELDS: Fields<SnapshotOptions> = { signal: true }

/** Throws TypeError for options that are none, `CLOSED`, `MEMBER_FAILED`. */
export function snapshotOf(
  member: Member,
  caller: Caller,
  options: SnapshotOptions | undefined,
): AsyncIterable<Uint8Array> {
  checkFields(options, SNAPSHOT_FIELDS, 'snapshot()')
  checkSignal(options?.signal)
  if (caller.isOwner) return piecesOf(member.upkeep.snapshot(options?.signal))
  return allowedPieces(member, caller, options?.signal)
}

/** Nothing is begun before it is decided whether the caller may see everything. */
async function* allowedPieces(
  member: Member,
  caller: Caller,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, undefined> {
  await caller.checkHere({ type: 'snapshot' })
  yield* piecesOf(member.upkeep.snapshot(signal))
}

/** One after the other, however they are asked for; leaving the loop ends the stream. */
export async function* piecesOf(stream: SnapshotStream): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    for (;;) {
      const piece = await stream.next()
      if (piece === undefined) return
      yield piece
    }
  } finally {
    stream.close()
  }
}
