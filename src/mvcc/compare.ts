/**
 * The guards of a transaction, evaluated against the state before it.
 *
 * A key that does not exist compares as if all its numbers and its lease were 0, so that "create revision = 0" means
 * "does not exist"; it has no value, and no comparison of values holds for it, not even `!=`.
 */
import { assertNever } from '../base/assert.js'
import { asBuffer, type Key } from '../base/bytes.js'
import { NO_LEASE } from '../base/lease-id.js'
import type { Budget } from './budget.js'
import type { KeyIndex } from './key-index.js'
import type { KeySpace } from './key-space.js'
import type { Compare, Relation, RevisionId } from './types.js'

/** Throws `TOO_MANY_OPERATIONS` where it would look at too much. */
export function compareHolds(space: KeySpace, compare: Compare, budget: Budget): boolean {
  let any = false
  let all = true
  space.index.visit(compare.key, compare.rangeEnd, (found) => {
    if (!found.live) return true
    any = true
    budget.spendKeys(1)
    all = holdsFor(space, compare, found, budget)
    return all
  })
  return any ? all : holdsForNothing(compare)
}

function holdsFor(space: KeySpace, compare: Compare, found: KeyIndex, budget: Budget): boolean {
  switch (compare.target) {
    case 'value': {
      const { value } = space.read(found.current as RevisionId)
      budget.spendValueBytes(value.byteLength)
      return holds(compare.relation, asBuffer(value).compare(compare.value))
    }
    case 'version':
      return holds(compare.relation, found.version - compare.version)
    case 'create-revision':
      return holds(compare.relation, found.createRevision - compare.createRevision)
    case 'mod-revision':
      return holds(compare.relation, found.modRevision - compare.modRevision)
    case 'lease':
      return holds(compare.relation, difference(leaseOf(space, found.key), compare.lease))
    default:
      return assertNever(compare, 'compare')
  }
}

function holdsForNothing(compare: Compare): boolean {
  switch (compare.target) {
    case 'value':
      return false
    case 'version':
      return holds(compare.relation, -compare.version)
    case 'create-revision':
      return holds(compare.relation, -compare.createRevision)
    case 'mod-revision':
      return holds(compare.relation, -compare.modRevision)
    case 'lease':
      return holds(compare.relation, difference(NO_LEASE, compare.lease))
    default:
      return assertNever(compare, 'compare')
  }
}

/** `order` is below, at or above 0 as the key's side is below, at or above the one given. */
function holds(relation: Relation, order: number): boolean {
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

function leaseOf(space: KeySpace, key: Key): bigint {
  return space.leases.leaseOf(key)
}

function difference(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0
}
