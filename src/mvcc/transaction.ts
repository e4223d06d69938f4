/**
 * Transactions: if all compares hold, do this, else that; nested to a bounded depth.
 *
 * In three passes. *Choose*: every compare, the outer ones and those of the nested transactions on the path taken, is
 * evaluated against the state before the transaction. *Check*: whatever could still refuse an operation on that path is
 * looked for (leases, keys that `ignore…` relies on, revisions to read, how many keys and how much of values it touches). *Do*: the operations in
 * their order; ranges see what was written before them. So a transaction that fails has written nothing, and has failed for the same reason on
 * every member.
 *
 * A single put or delete takes the same way, as a transaction of one.
 *
 * No value is read for an answer: ranges and `previous` come out as plans (plan.ts).
 *
 * Never are the ranges left out where nobody waits for their answer: etcd did, and a transaction that failed because of a
 * range then failed on one member only (its issue 18667).
 */
import { assert, assertNever } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import { quoteKey } from '../base/quote.js'
import { StoreError } from '../base/errors.js'
import { NO_LEASE } from '../base/lease-id.js'
import { Budget } from './budget.js'
import { compareHolds } from './compare.js'
import type { KeySpace } from './key-space.js'
import type { Growth } from './prefix-quotas.js'
import { countKeys, planInTransaction } from './range.js'
import { contentBytes } from './record.js'
import type {
  DeleteRequest,
  Operation,
  OperationPlan,
  PutRequest,
  TransactionPlan,
  TransactionRequest,
} from './types.js'
import type { Write } from './write.js'

/** Throws `LEASE_NOT_FOUND`, `KEY_NOT_FOUND`, `COMPACTED`, `FUTURE_REVISION`, `TOO_MANY_OPERATIONS`, `PREFIX_QUOTA_EXCEEDED`, with nothing written. */
export function execute(space: KeySpace, operation: Operation, write: Write): OperationPlan {
  if (operation.type !== 'transaction') {
    check(space, operation)
    // What only deletes makes nothing grow, however many keys it takes.
    if (operation.type === 'put') checkQuotas(space, { succeeded: true, operations: [operation], nested: NO_PATHS })
    return perform(space, operation, NO_PATHS, write)
  }
  const budget = new Budget()
  const path = choose(space, operation, budget)
  checkPath(space, path, budget)
  checkQuotas(space, path)
  return performPath(space, path, write)
}

/** The branch of one transaction that is taken. */
interface Path {
  readonly succeeded: boolean
  readonly operations: readonly Operation[]
  /** Of the transactions among `operations`. */
  readonly nested: ReadonlyMap<TransactionRequest, Path>
}

const NO_PATHS: ReadonlyMap<TransactionRequest, Path> = new Map()

function choose(space: KeySpace, request: TransactionRequest, budget: Budget): Path {
  const succeeded = request.compare.every((compare) => compareHolds(space, compare, budget))
  const operations = succeeded ? request.success : request.failure
  const transactions = operations.filter((operation) => operation.type === 'transaction')
  if (transactions.length === 0) return { succeeded, operations, nested: NO_PATHS }
  const nested = new Map(transactions.map((each) => [each, choose(space, each, budget)]))
  return { succeeded, operations, nested }
}

function checkPath(space: KeySpace, path: Path, budget: Budget): void {
  for (const operation of path.operations) {
    const nested = operation.type === 'transaction' ? path.nested.get(operation) : undefined
    if (nested) {
      checkPath(space, nested, budget)
    } else {
      check(space, operation)
      budget.spendKeys(keysOf(space, operation, budget.keysLeft))
      if (operation.type === 'put' && operation.ignoreValue) budget.spendValueBytes(bytesToKeep(space, operation.key))
    }
  }
}

/** Kept values are written again: a small request could make the state, and what waits to be written, grow without bound. */
function bytesToKeep(space: KeySpace, key: Key): number {
  const current = space.index.get(key)?.current
  assert(current !== undefined, () => `${JSON.stringify(key)} was checked to exist`)
  return space.read(current).value.byteLength
}

/** The keys that an operation touches, up to one more than `most`. Of a range all of them, whatever its limit: it counts them. */
function keysOf(space: KeySpace, operation: Operation, most: number): number {
  switch (operation.type) {
    case 'range':
      return countKeys(space, operation, operation.revision ? operation.revision : space.revision, most)
    case 'delete':
      return countKeys(space, operation, space.revision, most)
    case 'put':
      return 1
    case 'transaction':
      return 0
    default:
      return assertNever(operation, 'operation')
  }
}

function check(space: KeySpace, operation: Operation): void {
  switch (operation.type) {
    case 'range':
      if (operation.revision) space.checkReadable(operation.revision)
      return
    case 'put':
      checkPut(space, operation)
      return
    case 'delete':
    case 'transaction':
      return
    default:
      assertNever(operation, 'operation')
  }
}

/**
 * Whether the key exists is asked of the state before the transaction. It cannot have changed by the time the put is
 * done: no branch may put and delete one key.
 */
function checkPut(space: KeySpace, request: PutRequest): void {
  if (request.lease !== NO_LEASE && !space.leases.exists(request.lease)) {
    throw new StoreError('LEASE_NOT_FOUND', `Lease ${request.lease} does not exist: it ended or was never granted.`)
  }
  if ((request.ignoreValue || request.ignoreLease) && space.index.get(request.key)?.live !== true) {
    throw new StoreError('KEY_NOT_FOUND', `${quoteKey(request.key)} does not exist, so it has nothing to keep.`)
  }
}

/** After everything else was checked: how many keys are looked at is limited by then. */
function checkQuotas(space: KeySpace, path: Path): void {
  if (space.quotas.size === 0) return
  const growth = space.quotas.growth()
  addGrowth(space, path, growth, new Set())
  growth.check()
}

/** `gone`: keys that an earlier delete of the transaction has taken; two of them may overlap. */
function addGrowth(space: KeySpace, path: Path, growth: Growth, gone: Set<Key>): void {
  for (const operation of path.operations) {
    const nested = operation.type === 'transaction' ? path.nested.get(operation) : undefined
    if (nested) addGrowth(space, nested, growth, gone)
    else if (operation.type === 'put') addPut(space, operation, growth)
    else if (operation.type === 'delete') addDelete(space, operation, growth, gone)
  }
}

function addPut(space: KeySpace, { key, value, ignoreValue }: PutRequest, growth: Growth): void {
  const found = space.index.get(key)
  const before = found?.live === true ? contentBytes(found.bytes) : undefined
  const after = ignoreValue === true && before !== undefined ? before : key.length + value.byteLength
  growth.add(key, before === undefined ? 1 : 0, after - (before ?? 0))
}

function addDelete(space: KeySpace, { key, rangeEnd }: DeleteRequest, growth: Growth, gone: Set<Key>): void {
  space.index.visit(key, rangeEnd, (found) => {
    if (!found.live || gone.has(found.key)) return true
    gone.add(found.key)
    growth.add(found.key, -1, -contentBytes(found.bytes))
    return true
  })
}

function performPath(space: KeySpace, path: Path, write: Write): TransactionPlan {
  const responses = path.operations.map((operation) => perform(space, operation, path.nested, write))
  return { type: 'transaction', succeeded: path.succeeded, responses }
}

function perform(
  space: KeySpace,
  operation: Operation,
  nested: ReadonlyMap<TransactionRequest, Path>,
  write: Write,
): OperationPlan {
  switch (operation.type) {
    case 'range':
      return planInTransaction(space, operation)
    case 'put':
      return write.put(operation)
    case 'delete':
      return write.delete(operation)
    case 'transaction': {
      const path = nested.get(operation)
      assert(path !== undefined, 'a nested transaction has no chosen path')
      return performPath(space, path, write)
    }
    default:
      return assertNever(operation, 'operation')
  }
}
