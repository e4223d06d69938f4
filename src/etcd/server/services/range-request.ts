/** What a request of a range asks for, in the words of the store. */
import { StoreError } from '../../../base/errors.js'
import type { ReadOptions, Sort } from '../../../api/operations.js'
import type { RangeResult } from '../../../api/store.js'
import type { RangeRequest, RangeResponse, ResponseHeader } from '../../generated/rpc.js'
import { keyValueMessage } from '../../wire/key-value.js'
import { limitOf, numberOf, revisionOf } from '../../wire/numbers.js'
import { Refusal } from '../refusal.js'

/** By the number of the message. */
const SORT_TARGETS: readonly NonNullable<Sort['by']>[] = ['key', 'version', 'createRevision', 'modRevision', 'value']
const SORT_ORDERS: readonly ('none' | 'ascending' | 'descending')[] = ['none', 'ascending', 'descending']

/** For a range that stands by itself: a revision that is no revision is the latest. Throws a {@link Refusal}. */
export function readOptionsOf(request: RangeRequest): ReadOptions {
  return { ...choiceOf(request), revision: revisionOf(request.revision) }
}

/**
 * For one inside a transaction, where etcd takes less than 0 for a revision that was compacted. It does so only in the branch
 * that is done; here the branches are not known yet.
 */
export function operationOptionsOf(request: RangeRequest): ReadOptions {
  if (request.revision < 0n) {
    throw new StoreError('COMPACTED', `A range of a transaction asks for the revision ${request.revision}.`)
  }
  return readOptionsOf(request)
}

export function rangeResponse(result: Omit<RangeResult, 'revision'>, header: ResponseHeader): RangeResponse {
  return {
    header,
    kvs: result.items.map(keyValueMessage),
    more: result.more,
    count: BigInt(result.count),
  }
}

/** Whether it comes in the order of its keys. Throws a {@link Refusal} for an order that is none. */
export function isInKeyOrder(request: RangeRequest): boolean {
  const sort = sortOf(request)
  return sort === undefined || (sort.by === 'key' && sort.order === 'ascending')
}

/** Whether some keys are left out for their revisions. */
export function isFiltered(request: RangeRequest): boolean {
  const { min_mod_revision, max_mod_revision, min_create_revision, max_create_revision } = request
  return [min_mod_revision, max_mod_revision, min_create_revision, max_create_revision].some((bound) => bound !== 0n)
}

function choiceOf(request: RangeRequest): ReadOptions {
  const choice = {
    limit: limitOf(request.limit),
    countOnly: request.count_only,
    keysOnly: request.keys_only,
    sort: sortOf(request),
  }
  return isFiltered(request) ? { ...choice, ...boundsOf(request) } : choice
}

/** An order without a direction is an ascending one. */
function sortOf({ sort_order, sort_target }: RangeRequest): Sort | undefined {
  const by = SORT_TARGETS[sort_target]
  const order = SORT_ORDERS[sort_order]
  if (by === undefined || order === undefined) {
    throw new Refusal('INVALID_ARGUMENT', 'etcdserver: invalid sort option')
  }
  if (order !== 'none') return { by, order }
  return by === 'key' ? undefined : { by, order: 'ascending' }
}

type Bounds = Pick<ReadOptions, 'minModRevision' | 'maxModRevision' | 'minCreateRevision' | 'maxCreateRevision'>

function boundsOf(request: RangeRequest): Bounds {
  const mod = interval(request.min_mod_revision, request.max_mod_revision)
  const create = interval(request.min_create_revision, request.max_create_revision)
  return {
    minModRevision: mod.least,
    maxModRevision: mod.most,
    minCreateRevision: create.least,
    maxCreateRevision: create.most,
  }
}

/** 0 is no bound. Nothing is below an upper bound under 0: then it takes a lower bound that nothing reaches. */
function interval(least: bigint, most: bigint): { readonly least?: number; readonly most?: number } {
  if (most < 0n) return { least: Number.MAX_SAFE_INTEGER }
  return { least: Math.max(0, numberOf(least)), most: numberOf(most) }
}
