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
import { keyAnswerBytes, NO_VALUE } from './answer.js'
import type { KeyIndex } from './key-index.js'
import type { KeySpace } from './key-space.js'
import { choiceLeft, filterOf, orderOf } from './decided.js'
import { firstInOrder, type Sortable } from './sort.js'
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
  const plan = planAt(space, request, at, at === space.revision, LIMITS.responseBytesMax)
  return { ...plan, revision: space.revision }
}

/** A range inside a transaction that has written up to `space.revision + 1`: it sees those writes unless it names a revision. */
export function planInTransaction(space: KeySpace, request: RangeRequest): RangePlan {
  const wanted = request.revision ?? 0
  // Of any size: its keys were counted before (transaction.ts), and a write is not refused for its answer.
  return planAt(space, request, wanted, wanted === 0, Infinity)
}

function planAt(space: KeySpace, request: RangeRequest, at: Revision, latest: boolean, keyBytesMax: number): RangePlan {
  return latest ? planSeen(space, request, LATEST, keyBytesMax) : planSeen(space, request, older(at), keyBytesMax)
}

function planSeen<V extends Sortable>(
  space: KeySpace,
  request: RangeRequest,
  view: View<V>,
  keyBytesMax: number,
): RangePlan {
  const choice = request.countOnly ? undefined : choiceLeft(request, view.latest)
  const order = choice === undefined ? orderOf(request) : undefined
  const limit = choice === undefined && request.limit ? request.limit : Infinity
  const passes = request.countOnly ? nothing : filterOf(request, view.latest)
  const keysOnly = request.keysOnly === true
  const isKnown = keysOnly && view.latest && choice?.sort.target !== 'value'
  const known: KeyValue[] | undefined = isKnown ? [] : undefined
  const records: RevisionId[] = []
  const first = firstInOrder<V>(order, limit, (version) => {
    if (known) known.push(withoutValue(version))
    else records.push(view.idOf(version))
  })
  let count = 0
  let keyBytes = 0
  space.index.visit(request.key, request.rangeEnd, (found) => {
    const version = view.versionOf(found)
    if (version === undefined) return true
    count++
    if (!passes(version)) return true
    const dropped = first.add(version)
    if (dropped === version) return true
    keyBytes += keyAnswerBytes(version.key.length)
    if (dropped !== undefined) keyBytes -= keyAnswerBytes(dropped.key.length)
    if (keyBytes > keyBytesMax) throw tooLarge()
    return true
  })
  first.finish()
  return { type: 'range', count, more: first.more, records, known, keysOnly, choice }
}

function nothing(): boolean {
  return false
}

/** The key space as it is seen at one revision. */
interface View<V extends Sortable> {
  readonly latest: boolean
  /** The version of a key that is seen, as far as the index knows it. */
  versionOf(found: KeyIndex): V | undefined
  idOf(version: V): RevisionId
}

/** Makes nothing for the keys that it only counts. */
const LATEST: View<KeyIndex> = {
  latest: true,
  versionOf: (found) => (found.live ? found : undefined),
  idOf: (found) => found.current as RevisionId,
}

interface OlderVersion extends Sortable {
  readonly id: RevisionId
}

/** `createRevision` and `version` are not known of an older version, and not looked at (decided.ts). */
function older(at: Revision): View<OlderVersion> {
  return {
    latest: false,
    versionOf: (found) => {
      const id = found.at(at)
      return id && { key: found.key, createRevision: 0, modRevision: id.main, version: 0, id }
    },
    idOf: ({ id }) => id,
  }
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
    `The answer, or what must be kept to find it, has more than ${LIMITS.responseBytesMax} bytes: read it in parts with ` +
      '`limit`, or a smaller range.',
  )
}

function withoutValue({ key, createRevision, modRevision, version }: Sortable): KeyValue {
  return { key, value: NO_VALUE, createRevision, modRevision, version, lease: NO_LEASE }
}
