/**
 * Reading a range: first a plan, made of the index alone, then its records.
 *
 * A client's range is planned here, and completed by the member with asynchronous reads, so that a disk that hangs does
 * not hang the loop. Only a range inside a transaction, which is part of applying, is read on the spot.
 */
import { NO_LEASE } from '../base/lease-id.js'
import type { KeyIndex } from './key-index.js'
import type { KeySpace } from './key-space.js'
import type { KeyValue, RangeRequest, RangeResponse, Revision, RevisionId } from './types.js'

export interface RangePlan {
  /** The store's revision when the plan was made: for the header, whatever revision is read. */
  readonly revision: Revision
  /** Keys in the range, whatever the limit. */
  readonly count: number
  readonly more: boolean
  /** The records that hold the answer, in key order. One that is not there was compacted meanwhile: plan again. */
  readonly records: readonly RevisionId[]
  /** For `keysOnly`, where the index knows the whole answer: it. Then the records need not be read. */
  readonly known: readonly KeyValue[] | undefined
}

/** Throws `COMPACTED`, `FUTURE_REVISION`. */
export function planRange(space: KeySpace, request: RangeRequest): RangePlan {
  const wanted = request.revision ?? 0
  if (wanted !== 0) space.checkReadable(wanted)
  const at = wanted === 0 ? space.revision : wanted
  return planRangeAt(space, request, at, at === space.revision)
}

/** A range inside a transaction that has written up to `space.revision + 1`: it sees those writes unless it names a revision. */
export function readInTransaction(space: KeySpace, request: RangeRequest): RangeResponse {
  const wanted = request.revision ?? 0
  const plan = planRangeAt(space, request, wanted === 0 ? space.revision + 1 : wanted, wanted === 0)
  const keyValues = plan.known ?? plan.records.map((id) => space.read(id))
  return {
    type: 'range',
    keyValues: request.keysOnly ? keyValues.map(keyOnly) : keyValues,
    count: plan.count,
    more: plan.more,
  }
}

/** What `keysOnly` shows of a version: neither value nor lease, as etcd since 3.7, which does not read the record for it. */
export function keyOnly(keyValue: KeyValue): KeyValue {
  return { ...keyValue, value: NO_VALUE, lease: NO_LEASE }
}

const NO_VALUE = new Uint8Array(0)

function planRangeAt(space: KeySpace, request: RangeRequest, at: Revision, latest: boolean): RangePlan {
  const limit = request.countOnly ? 0 : request.limit ? request.limit : Infinity
  const records: RevisionId[] = []
  const known: KeyValue[] | undefined = request.keysOnly && latest ? [] : undefined
  let count = 0
  space.index.visit(request.key, request.rangeEnd, (found) => {
    const id = latest ? found.current : found.at(at)
    if (id === undefined) return true
    count++
    if (count > limit) return true
    records.push(id)
    known?.push(describeLatest(found))
    return true
  })
  const more = !request.countOnly && count > limit
  return { revision: space.revision, count, more, records, known }
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
