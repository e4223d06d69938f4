/**
 * The rule that one transaction changes a key at most once (`DUPLICATE_KEY`).
 *
 * Two changes that can both be done must not meet: two puts of one key, or a put and a delete that covers it. Two deletes
 * may, and so may anything in the two branches of one transaction, of which only one is done.
 *
 * Differs from etcd, whose `checkIntervals` has two gaps that we do not share:
 *  (a) a delete from a key on (`rangeEnd` "\0") is an inverted interval there, and is seen to cover only its first key;
 *  (b) of two nested transactions side by side, a put in the first and a delete of it in the second pass unseen.
 * Such a transaction is refused here.
 *
 * Each level merges what its children change, and looks with one sweep over the sorted keys whether changes of *different*
 * children meet; so the cost stays near the number of operations, however a peer shapes them.
 */
import { FROM_KEY_ON, type Key } from '../base/bytes.js'
import { quoteKey } from '../base/quote.js'
import { StoreError } from '../base/errors.js'
import type { Operation, TransactionRequest } from './types.js'

/** Throws `DUPLICATE_KEY`. */
export function checkDuplicateKeys(request: TransactionRequest): void {
  changesOf(request.success)
  changesOf(request.failure)
}

/** From `start` to before `end`; undefined: without end. */
interface Interval {
  readonly start: Key
  readonly end: Key | undefined
}

/** What one child of a branch may change; `child` tells siblings apart. */
interface Changes {
  readonly puts: readonly Key[]
  readonly deletes: readonly Interval[]
}

const NOTHING: Changes = { puts: [], deletes: [] }

function changesOf(operations: readonly Operation[]): Changes {
  const children = operations.map(changesOfOne).filter((changes) => changes !== NOTHING)
  if (children.length === 0) return NOTHING
  if (children.length === 1) return children[0] as Changes
  checkSiblings(children)
  return { puts: children.flatMap((child) => child.puts), deletes: children.flatMap((child) => child.deletes) }
}

function changesOfOne(operation: Operation): Changes {
  switch (operation.type) {
    case 'range':
      return NOTHING
    case 'put':
      return { puts: [operation.key], deletes: [] }
    case 'delete': {
      const { key, rangeEnd } = operation
      if (rangeEnd === undefined) return { puts: [], deletes: [{ start: key, end: key + '\0' }] }
      return { puts: [], deletes: [{ start: key, end: rangeEnd === FROM_KEY_ON ? undefined : rangeEnd }] }
    }
    case 'transaction': {
      const success = changesOf(operation.success)
      const failure = changesOf(operation.failure)
      if (success === NOTHING && failure === NOTHING) return NOTHING
      // One of the two at most is done, so a key in both counts once.
      const puts = [...new Set([...success.puts, ...failure.puts])]
      return { puts, deletes: [...success.deletes, ...failure.deletes] }
    }
  }
}

function checkSiblings(children: readonly Changes[]): void {
  const puts = children.flatMap((changes, child) => changes.puts.map((key) => ({ key, child })))
  const deletes = children.flatMap((changes, child) => changes.deletes.map((interval) => ({ ...interval, child })))
  puts.sort((a, b) => order(a.key, b.key))
  for (let at = 1; at < puts.length; at++) {
    const key = (puts[at] as { key: Key }).key
    if (key === puts[at - 1]?.key) throw duplicate(key, 'is put twice')
  }
  if (deletes.length === 0 || puts.length === 0) return
  deletes.sort((a, b) => order(a.start, b.start))

  // Of the deletes that start at or before the put at hand, the one that reaches farthest, and the one of any other child
  // that does: if neither covers the put from another child, none does.
  const reach = new Reach()
  let next = 0
  for (const { key, child } of puts) {
    for (; next < deletes.length; next++) {
      const interval = deletes[next] as Interval & { readonly child: number }
      if (interval.start > key) break
      reach.add(interval.end, interval.child)
    }
    if (reach.covers(key, child)) throw duplicate(key, 'is put and deleted')
  }
}

/** How far the intervals seen so far reach: the farthest, and the farthest of all children but that one's. */
class Reach {
  #first: { end: Key | undefined; child: number } | undefined
  #second: { end: Key | undefined; child: number } | undefined

  add(end: Key | undefined, child: number): void {
    const added = { end, child }
    if (this.#first === undefined) this.#first = added
    else if (this.#first.child === child) {
      if (farther(end, this.#first.end)) this.#first = added
    } else if (farther(end, this.#first.end)) {
      this.#second = this.#first
      this.#first = added
    } else if (this.#second === undefined || farther(end, this.#second.end)) this.#second = added
  }

  /** Whether an interval of a child other than `child` reaches beyond `key`. */
  covers(key: Key, child: number): boolean {
    const relevant = this.#first?.child === child ? this.#second : this.#first
    return relevant !== undefined && (relevant.end === undefined || relevant.end > key)
  }
}

function farther(a: Key | undefined, b: Key | undefined): boolean {
  return b !== undefined && (a === undefined || a > b)
}

function order(a: Key, b: Key): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function duplicate(key: Key, how: string): StoreError {
  return new StoreError('DUPLICATE_KEY', `${quoteKey(key)} ${how} in one branch of the transaction.`)
}
