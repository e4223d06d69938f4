/** What a store answers to a put, range, delete or transaction in a given state, and the state it is in then. */
import { assertNever } from '../../base/assert.js'
import type { OrderedMap } from '../../base/ordered-map.js'
import type {
  EtcdCompare,
  EtcdDelete,
  EtcdOperation,
  EtcdPut,
  EtcdRange,
  EtcdResult,
  EtcdSort,
  EtcdTransaction,
} from './etcd-calls.js'
import { Draft, leaseExists, versionAt, type EtcdState, type Version } from './etcd-state.js'

export interface Performed {
  readonly state: EtcdState
  readonly result: EtcdResult
}

/** Undefined where it is refused: then it changes nothing. */
export function perform(state: EtcdState, operation: EtcdOperation): Performed | undefined {
  if (operation.type === 'range') {
    return readable(state, operation.revision) ? { state, result: rangeOf(state, operation) } : undefined
  }
  const chosen = choose(state, operation)
  if (!allowed(state, chosen)) return undefined
  const draft = new Draft(state)
  const result = performIn(draft, chosen)
  return { state: draft.finish(), result }
}

export function rangeOf(state: EtcdState, range: EtcdRange): EtcdResult {
  return read(state.keys, range, range.revision ?? state.revision)
}

/** Whether history still has that revision. */
export function readable(state: EtcdState, revision: number | undefined): boolean {
  return revision === undefined || (revision <= state.revision && revision >= state.compacted)
}

/** An operation whose branches are chosen: all compares look at the state before the whole transaction. */
type Chosen =
  | Exclude<EtcdOperation, EtcdTransaction>
  | { readonly type: 'chosen'; readonly succeeded: boolean; readonly operations: readonly Chosen[] }

function choose(state: EtcdState, operation: EtcdOperation): Chosen {
  if (operation.type !== 'txn') return operation
  const succeeded = operation.compare.every((compare) => holds(state, compare))
  const branch = succeeded ? operation.success : operation.failure
  return { type: 'chosen', succeeded, operations: branch.map((each) => choose(state, each)) }
}

function allowed(state: EtcdState, chosen: Chosen): boolean {
  switch (chosen.type) {
    case 'chosen':
      return chosen.operations.every((each) => allowed(state, each))
    case 'range':
      return readable(state, chosen.revision)
    case 'delete':
      return true
    case 'put': {
      if (chosen.lease !== undefined && !leaseExists(state.leases, chosen.lease)) return false
      const keeps = chosen.ignoreValue === true || chosen.ignoreLease === true
      return !keeps || (state.keys.get(chosen.key)?.version ?? 0) > 0
    }
    default:
      return assertNever(chosen, 'operation')
  }
}

function performIn(draft: Draft, chosen: Chosen): EtcdResult {
  switch (chosen.type) {
    case 'chosen': {
      const { succeeded, operations } = chosen
      return { type: 'txn', succeeded, results: operations.map((each) => performIn(draft, each)) }
    }
    case 'range':
      return read(draft.keys, chosen, chosen.revision ?? draft.revision)
    case 'put':
      return putIn(draft, chosen)
    case 'delete':
      return deleteIn(draft, chosen)
    default:
      return assertNever(chosen, 'operation')
  }
}

function putIn(draft: Draft, { key, value, lease, previous, ignoreValue, ignoreLease }: EtcdPut): EtcdResult {
  const last = draft.keys.get(key)
  const before = last?.version === 0 ? undefined : last
  draft.put(key, ignoreValue === true ? (before?.value ?? '') : value, ignoreLease === true ? before?.lease : lease)
  return previous === true && before !== undefined ? { type: 'put', previous: before } : PUT
}

const PUT: EtcdResult = { type: 'put' }

function deleteIn(draft: Draft, { key, end, previous }: EtcdDelete): EtcdResult {
  const doomed: Version[] = []
  visit(draft.keys, key, end, (version) => {
    if (version.version > 0) doomed.push(version)
  })
  for (const version of doomed) draft.delete(version)
  return { type: 'delete', deleted: doomed.length, previous: previous === true ? doomed : [] }
}

function read(keys: OrderedMap<Version>, range: EtcdRange, revision: number): EtcdResult {
  const { key, end, limit = Infinity, countOnly, keysOnly, sort } = range
  const shown: Version[] = []
  let count = 0
  visit(keys, key, end, (last) => {
    const version = versionAt(last, revision)
    if (version === undefined) return
    count++
    if (within(range, version)) shown.push(version)
  })
  if (countOnly === true) return { type: 'range', items: [], count, more: false }
  if (sort !== undefined) shown.sort((one, other) => inOrder(sort, one, other))
  const items = shown.slice(0, limit).map((version) => (keysOnly === true ? withoutValue(version) : version))
  return { type: 'range', items, count, more: shown.length > limit }
}

function within(
  { minMod = 0, maxMod = Infinity, minCreate = 0, maxCreate = Infinity }: EtcdRange,
  of: Version,
): boolean {
  return of.mod >= minMod && of.mod <= maxMod && of.create >= minCreate && of.create <= maxCreate
}

/** Keys are one character for each byte, so that text compares as bytes do. */
function inOrder({ by, descending }: EtcdSort, one: Version, other: Version): number {
  const difference = order<string | number>(one[by], other[by])
  return (descending === true ? -difference : difference) || order(one.key, other.key)
}

function withoutValue({ key, create, mod, version }: Version): Version {
  return { key, value: '', create, mod, version, before: undefined }
}

function visit(keys: OrderedMap<Version>, key: string, end: string | undefined, each: (last: Version) => void): void {
  if (end === undefined) {
    const last = keys.get(key)
    if (last !== undefined) each(last)
    return
  }
  keys.visit(key, end, (last) => {
    each(last)
    return true
  })
}

/** A key that does not exist has zeros and no value; of a range every key must satisfy the compare. */
function holds(state: EtcdState, compare: EtcdCompare): boolean {
  let any = false
  let all = true
  visit(state.keys, compare.key, compare.end, (version) => {
    if (version.version === 0) return
    any = true
    all &&= related(compare, version)
  })
  return any ? all : compare.target !== 'value' && related(compare, undefined)
}

function related(compare: EtcdCompare, version: Version | undefined): boolean {
  const { relation } = compare
  switch (compare.target) {
    case 'value':
      return stands(relation, order(version?.value ?? '', compare.value))
    case 'lease':
      return stands(relation, order(BigInt(version?.lease ?? 0), BigInt(compare.value)))
    case 'version':
    case 'create':
    case 'mod':
      return stands(relation, (version?.[compare.target] ?? 0) - compare.value)
    default:
      return assertNever(compare, 'compare')
  }
}

function order<Value extends string | number | bigint>(left: Value, right: Value): number {
  return left < right ? -1 : left > right ? 1 : 0
}

function stands(relation: EtcdCompare['relation'], order: number): boolean {
  switch (relation) {
    case '=':
      return order === 0
    case '!=':
      return order !== 0
    case '<':
      return order < 0
    case '>':
      return order > 0
    default:
      return assertNever(relation, 'relation')
  }
}

/** Whether two answers are the same, in all that was asked for. */
export function sameResult(left: EtcdResult, right: EtcdResult): boolean {
  switch (left.type) {
    case 'put':
      return right.type === 'put' && sameKeyValue(left.previous, right.previous)
    case 'range':
      return (
        right.type === 'range' &&
        left.count === right.count &&
        left.more === right.more &&
        sameList(left.items, right.items, sameKeyValue)
      )
    case 'delete':
      return (
        right.type === 'delete' &&
        left.deleted === right.deleted &&
        sameList(left.previous, right.previous, sameKeyValue)
      )
    case 'txn':
      return (
        right.type === 'txn' && left.succeeded === right.succeeded && sameList(left.results, right.results, sameResult)
      )
    default:
      return assertNever(left, 'result')
  }
}

type Shown = Pick<Version, 'key' | 'value' | 'create' | 'mod' | 'version' | 'lease'>

export function sameKeyValue(left: Shown | undefined, right: Shown | undefined): boolean {
  if (left === undefined || right === undefined) return left === right
  return (
    left.mod === right.mod &&
    left.key === right.key &&
    left.value === right.value &&
    left.create === right.create &&
    left.version === right.version &&
    left.lease === right.lease
  )
}

function sameList<Item>(left: readonly Item[], right: readonly Item[], same: (a: Item, b: Item) => boolean): boolean {
  if (left.length !== right.length) return false
  for (let at = 0; at < left.length; at++) if (!same(left[at] as Item, right[at] as Item)) return false
  return true
}
