/**
 * The naive twin of the store: every version that ever was, in one array, searched from end to end. No index, no
 * generations, no bytes; whatever it answers the store must answer.
 */
import { FROM_KEY_ON, type Key } from '../../src/base/bytes.js'
import { isStoreError, StoreError, type ErrorCode } from '../../src/base/errors.js'
import type {
  Compare,
  Event,
  KeyValue,
  Operation,
  OperationResponse,
  RangeRequest,
  RangeResponse,
  RangeSort,
  RevisionId,
} from '../../src/mvcc/types.js'

export interface Change {
  readonly id: RevisionId
  readonly key: Key
  /** Undefined: a tombstone. */
  readonly keyValue: KeyValue | undefined
}

export type Result =
  | { readonly ok: true; readonly response: OperationResponse; readonly events: readonly Event[] }
  | { readonly ok: false; readonly code: ErrorCode }

export class ModelStore {
  revision = 1
  compactRevision = 0
  changes: Change[] = []
  readonly leases: Set<bigint>

  constructor(leases: Iterable<bigint>) {
    this.leases = new Set(leases)
  }

  run(operation: Operation): Result {
    if (hasDuplicates(operation)) return { ok: false, code: 'DUPLICATE_KEY' }
    const before = this.changes.length
    const atFirst = this.#liveAt(this.revision)
    try {
      this.#check(operation, atFirst)
      const response = this.#perform(operation, atFirst)
      const made = this.changes.slice(before)
      const events = made.map((change) => this.#eventOf(change, atFirst))
      if (made.length > 0) this.revision++
      return { ok: true, response, events }
    } catch (error) {
      this.changes.length = before
      if (!isStoreError(error)) throw error
      return { ok: false, code: error.code }
    }
  }

  /** A range as a client reads it. */
  range(request: RangeRequest): RangeResponse {
    this.#checkRevision(request)
    return this.#range(request, request.revision ? request.revision : this.revision)
  }

  compact(revision: number): void {
    if (revision <= this.compactRevision) throw new StoreError('COMPACTED', 'model')
    if (revision > this.revision) throw new StoreError('FUTURE_REVISION', 'model')
    this.compactRevision = revision
  }

  /** What must still be there of history: everything a reader at the compact revision or later can ask for. */
  kept(): readonly Change[] {
    return this.changes.filter((change) => {
      if (change.id.main >= this.compactRevision) return true
      const newest = this.changes.filter((other) => other.key === change.key && other.id.main <= this.compactRevision)
      return newest.at(-1) === change && change.keyValue !== undefined
    })
  }

  live(): readonly KeyValue[] {
    return [...this.#liveAt(this.revision).values()].sort(byKey)
  }

  #liveAt(revision: number): Map<Key, KeyValue> {
    const live = new Map<Key, KeyValue>()
    for (const { id, key, keyValue } of this.changes) {
      if (id.main > revision) continue
      if (keyValue) live.set(key, keyValue)
      else live.delete(key)
    }
    return live
  }

  #check(operation: Operation, atFirst: ReadonlyMap<Key, KeyValue>): void {
    switch (operation.type) {
      case 'range':
        this.#checkRevision(operation)
        return
      case 'put':
        if (operation.lease !== 0n && !this.leases.has(operation.lease))
          throw new StoreError('LEASE_NOT_FOUND', 'model')
        if ((operation.ignoreValue || operation.ignoreLease) && !atFirst.has(operation.key)) {
          throw new StoreError('KEY_NOT_FOUND', 'model')
        }
        return
      case 'delete':
        return
      case 'transaction':
        for (const nested of branchOf(operation, atFirst)) this.#check(nested, atFirst)
    }
  }

  #checkRevision({ revision = 0 }: RangeRequest): void {
    if (revision !== 0 && revision < this.compactRevision) throw new StoreError('COMPACTED', 'model')
    if (revision > this.revision) throw new StoreError('FUTURE_REVISION', 'model')
  }

  #perform(operation: Operation, atFirst: ReadonlyMap<Key, KeyValue>): OperationResponse {
    const now = this.#liveAt(this.revision + 1)
    switch (operation.type) {
      case 'range':
        return this.#range(operation, operation.revision ? operation.revision : this.revision + 1)
      case 'put': {
        const { key } = operation
        const previous = now.get(key)
        const id = this.#nextId()
        const keyValue = {
          key,
          value: operation.ignoreValue ? (previous as KeyValue).value : operation.value,
          createRevision: previous?.createRevision ?? id.main,
          modRevision: id.main,
          version: (previous?.version ?? 0) + 1,
          lease: operation.ignoreLease ? (previous as KeyValue).lease : operation.lease,
        }
        this.changes.push({ id, key, keyValue })
        return { type: 'put', previous: operation.previousKeyValue ? previous : undefined }
      }
      case 'delete': {
        const doomed = [...now.values()].filter(({ key }) => within(operation, key)).sort(byKey)
        for (const { key } of doomed) this.changes.push({ id: this.#nextId(), key, keyValue: undefined })
        return { type: 'delete', deleted: doomed.length, previous: operation.previousKeyValue ? doomed : [] }
      }
      case 'transaction': {
        const succeeded = operation.compare.every((compare) => holds(compare, atFirst))
        const responses = branchOf(operation, atFirst).map((nested) => this.#perform(nested, atFirst))
        return { type: 'transaction', succeeded, responses }
      }
    }
  }

  #range(request: RangeRequest, revision: number): RangeResponse {
    const found = [...this.#liveAt(revision).values()].filter(({ key }) => within(request, key)).sort(byKey)
    const count = found.length
    if (request.countOnly) return { type: 'range', keyValues: [], count, more: false }
    const passing = found.filter((keyValue) => passes(request, keyValue))
    if (request.sort) passing.sort(inOrder(request.sort))
    const keyValues = request.limit ? passing.slice(0, request.limit) : passing
    const shown = request.keysOnly
      ? keyValues.map((keyValue) => ({ ...keyValue, value: new Uint8Array(0), lease: 0n }))
      : keyValues
    return { type: 'range', keyValues: shown, count, more: shown.length < passing.length }
  }

  #nextId(): RevisionId {
    const main = this.revision + 1
    return { main, sub: this.changes.filter(({ id }) => id.main === main).length }
  }

  #eventOf({ id, key, keyValue }: Change, atFirst: ReadonlyMap<Key, KeyValue>): Event {
    const before = this.changes.filter((other) => other.key === key && other.id.main < id.main).at(-1)
    const previous = atFirst.has(key) ? before?.id : undefined
    if (keyValue) return { type: 'put', keyValue, previous }
    const gone = { key, value: new Uint8Array(0), createRevision: 0, modRevision: id.main, version: 0, lease: 0n }
    return { type: 'delete', keyValue: gone, previous }
  }
}

export function within({ key, rangeEnd }: { key: Key; rangeEnd?: Key | undefined }, candidate: Key): boolean {
  if (rangeEnd === undefined) return candidate === key
  return candidate >= key && (rangeEnd === FROM_KEY_ON || candidate < rangeEnd)
}

function passes(request: RangeRequest, { modRevision, createRevision }: KeyValue): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = request
  if (minModRevision && modRevision < minModRevision) return false
  if (maxModRevision && modRevision > maxModRevision) return false
  if (minCreateRevision && createRevision < minCreateRevision) return false
  return !(maxCreateRevision && createRevision > maxCreateRevision)
}

/** For what is in key order already: a sort leaves what is equal in its order. */
export function inOrder({ target, order }: RangeSort): (a: KeyValue, b: KeyValue) => number {
  const fields = {
    key: ({ key }: KeyValue) => key,
    version: ({ version }: KeyValue) => version,
    'create-revision': ({ createRevision }: KeyValue) => createRevision,
    'mod-revision': ({ modRevision }: KeyValue) => modRevision,
    value: ({ value }: KeyValue) => latin1(value),
  }
  const field = fields[target]
  const sign = order === 'ascending' ? 1 : -1
  return (a, b) => sign * (field(a) < field(b) ? -1 : field(a) > field(b) ? 1 : 0)
}

function branchOf(
  operation: Extract<Operation, { type: 'transaction' }>,
  atFirst: ReadonlyMap<Key, KeyValue>,
): readonly Operation[] {
  return operation.compare.every((compare) => holds(compare, atFirst)) ? operation.success : operation.failure
}

function holds(compare: Compare, live: ReadonlyMap<Key, KeyValue>): boolean {
  const found = [...live.values()].filter(({ key }) => within(compare, key))
  if (found.length === 0) return compare.target !== 'value' && related(compare, undefined)
  return found.every((keyValue) => related(compare, keyValue))
}

function related(compare: Compare, keyValue: KeyValue | undefined): boolean {
  const [mine, theirs] = sides(compare, keyValue)
  const relations = { '=': mine === theirs, '!=': mine !== theirs, '<': mine < theirs, '>': mine > theirs }
  return relations[compare.relation]
}

function sides(compare: Compare, keyValue: KeyValue | undefined): [bigint | string, bigint | string] {
  switch (compare.target) {
    case 'value':
      return [latin1(keyValue?.value ?? new Uint8Array(0)), latin1(compare.value)]
    case 'version':
      return [BigInt(keyValue?.version ?? 0), BigInt(compare.version)]
    case 'create-revision':
      return [BigInt(keyValue?.createRevision ?? 0), BigInt(compare.createRevision)]
    case 'mod-revision':
      return [BigInt(keyValue?.modRevision ?? 0), BigInt(compare.modRevision)]
    case 'lease':
      return [keyValue?.lease ?? 0n, compare.lease]
  }
}

/** Every pair of changes is looked at: do they meet, and can both be done? */
export function hasDuplicates(operation: Operation): boolean {
  const changes = flatten(operation, [])
  return changes.some((a, at) =>
    changes.slice(at + 1).some((b) => !exclusive(a.path, b.path) && meet(a.change, b.change)),
  )
}

type Changing = Extract<Operation, { type: 'put' | 'delete' }>
/** Which branch of which transaction, from the outside in. */
type Path = readonly { readonly transaction: Operation; readonly place: string }[]

function flatten(operation: Operation, path: Path): { change: Changing; path: Path }[] {
  switch (operation.type) {
    case 'range':
      return []
    case 'put':
    case 'delete':
      return [{ change: operation, path }]
    case 'transaction':
      return (['success', 'failure'] as const).flatMap((branch) =>
        operation[branch].flatMap((nested, at) =>
          flatten(nested, [...path, { transaction: operation, place: `${branch} ${at}` }]),
        ),
      )
  }
}

/** Where the two ways part, they part into the two branches of one transaction. */
function exclusive(a: Path, b: Path): boolean {
  for (let at = 0; at < Math.min(a.length, b.length); at++) {
    const [mine, theirs] = [a[at]?.place.split(' '), b[at]?.place.split(' ')]
    if (mine?.[0] !== theirs?.[0]) return true
    if (mine?.[1] !== theirs?.[1]) return false
  }
  return false
}

function meet(a: Changing, b: Changing): boolean {
  if (a.type === 'delete') return b.type === 'put' && within(a, b.key)
  return b.type === 'put' ? a.key === b.key : within(b, a.key)
}

function byKey(a: KeyValue, b: KeyValue): number {
  return a.key < b.key ? -1 : 1
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}
