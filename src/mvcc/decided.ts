/**
 * Which part of a range the index decides, and which is left to whoever reads the records.
 *
 *                      latest revision    older revision
 *     key              index              index
 *     mod revision     index              index
 *     create revision  index              records
 *     version          index              records
 *     value            records            records
 *
 * An order that the index knows is left to the reader as well where it would show more than `planSortKeysMax` keys: the
 * index answers in one step, the reader in slices, and it reads what is shown in any case.
 */
import { LIMITS } from '../base/limits.js'
import { BY_KEY, type Sortable } from './sort.js'
import type { RangeChoice, RangeRequest, RangeSort } from './types.js'

/** Undefined: the order of the index. */
export function orderOf({ sort }: RangeRequest): RangeSort | undefined {
  return sort?.target === 'key' && sort.order === 'ascending' ? undefined : sort
}

/** Undefined where the index decides everything. */
export function choiceLeft(request: RangeRequest, latest: boolean): RangeChoice | undefined {
  const minCreateRevision = latest ? 0 : lowest(request.minCreateRevision)
  const maxCreateRevision = latest ? Infinity : highest(request.maxCreateRevision)
  const limit = highest(request.limit)
  const order = orderOf(request)
  const passed = minCreateRevision === 0 && maxCreateRevision === Infinity
  const ordered = order === undefined || (isKnown(order, latest) && limit <= LIMITS.planSortKeysMax)
  if (passed && ordered) return undefined
  return { sort: order ?? BY_KEY, limit, minCreateRevision, maxCreateRevision }
}

function isKnown({ target }: RangeSort, latest: boolean): boolean {
  return target === 'key' || target === 'mod-revision' || (latest && target !== 'value')
}

/** What the index leaves out. */
export function filterOf(request: RangeRequest, latest: boolean): (version: Sortable) => boolean {
  const minMod = lowest(request.minModRevision)
  const maxMod = highest(request.maxModRevision)
  const minCreate = latest ? lowest(request.minCreateRevision) : 0
  const maxCreate = latest ? highest(request.maxCreateRevision) : Infinity
  if (minMod === 0 && maxMod === Infinity && minCreate === 0 && maxCreate === Infinity) return everything
  return ({ createRevision, modRevision }) =>
    modRevision >= minMod && modRevision <= maxMod && createRevision >= minCreate && createRevision <= maxCreate
}

function everything(): boolean {
  return true
}

/** 0 and undefined mean that there is no bound. */
function lowest(bound: number | undefined): number {
  return bound ?? 0
}

function highest(bound: number | undefined): number {
  return bound ? bound : Infinity
}
