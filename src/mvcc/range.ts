/**
 * Planning a range: which records answer it, told by the index alone.
 *
 * The plan is completed by whoever reads the records (plan.ts): a member with asynchronous reads, so that a disk that
 * hangs does not hang the loop.
 */
import type { Key } from '../base/bytes.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { NO_LEASE } from '../base/lease-id.js'
import type { KeyIndex } from './key-index.js'
import type { KeySpace } from './key-space.js'
import { keyAnswerBytes, NO_VALUE } from './plan.js'
import type { KeyValue, RangePlan, RangeRequest, Revision, RevisionId } from './types.js'

export interface PlannedRange extends RangePlan {
  /** The store's revision when the plan was made: for the header, whatever revision is read. */
  readonly revision: Revision
}

/** Throws `COMPACTED`, `FUTURE_REVISION`; `RESPONSE_TOO_LARGE` where the keys alone are too much. */
export function planRange(space: KeySpace, request: RangeRequest): PlannedRange {
  const wanted = request.revision ?? 0
  if (wanted !== 0) space.checkReadable(wanted)
  const at = wanted === 0 ? space.revision : wanted
  const plan = planRangeAt(space, request, at, at === space.revision, LIMITS.responseBytesMax)
  return { ...plan, revision: space.revision }
}

/** A range inside a transaction that has written up to `space.revision + 1`: it sees those writes unless it names a revision. */
export function planInTransaction(space: KeySpace, request: RangeRequest): RangePlan {
  const wanted = request.revision ?? 0
  // Of any size: its keys were counted before (transaction.ts), and a write is not refused for its answer.
  return planRangeAt(space, request, wanted === 0 ? space.revision + 1 : wanted, wanted === 0, Infinity)
}

function planRangeAt(
  space: KeySpace,
  request: RangeRequest,
  at: Revision,
  latest: boolean,
  keyBytesMax: number,
): RangePlan {
  const limit = request.countOnly ? 0 : request.limit ? request.limit : Infinity
  const keysOnly = request.keysOnly === true
  const records: RevisionId[] = []
  const known: KeyValue[] | undefined = keysOnly && latest ? [] : undefined
  let count = 0
  let keyBytes = 0
  space.index.visit(request.key, request.rangeEnd, (found) => {
    const id = latest ? found.current : found.at(at)
    if (id === undefined) return true
    count++
    if (count > limit) return true
    keyBytes += keyAnswerBytes(found.key.length)
    if (keyBytes > keyBytesMax) throw tooLarge()
    if (known) known.push(describeLatest(found))
    else records.push(id)
    return true
  })
  const more = !request.countOnly && count > limit
  return { type: 'range', count, more, records, known, keysOnly }
}

/**
 * How many keys a range holds at `at`, up to one more than `most`. Keys, not histories: of those that only history holds,
 * some are swept on one member and not yet on another, and members must count alike.
 */
export function countKeys(
  space: KeySpace,
  range: { readonly key: Key; readonly rangeEnd?: Key | undefined },
  at: Revision,
  most: number,
): number {
  const latest = at === space.revision
  let count = 0
  space.index.visit(range.key, range.rangeEnd, (found) => {
    if (latest ? found.live : found.at(at) !== undefined) count++
    return count <= most
  })
  return count
}

/** For reads; a write that was done says so (member/response-reader.ts). */
export function tooLarge(): StoreError {
  return new StoreError(
    'RESPONSE_TOO_LARGE',
    `The answer has more than ${LIMITS.responseBytesMax} bytes: read it in parts with \`limit\`.`,
  )
}

function describeLatest(found: KeyIndex): KeyValue {
  return {
    key: found.key,
    value: NO_VALUE,
    createRevision: found.createRevision,
    modRevision: found.modRevision,
    version: found.version,
    lease: NO_LEASE,
  }
}
