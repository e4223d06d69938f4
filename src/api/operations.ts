/**
 * The parts a transaction is made of: compares, and the operations of its two branches.
 *
 * @example
 * await store.txn({
 *   compare: [compare('config/db').modRevision('=', 0)],
 *   success: [put('config/db', 'postgres://db1')],
 *   failure: [get('config/db')],
 * })
 */
import { copyBytes, keyOf, type BytesLike } from '../base/bytes.js'
import { checkLeaseId, NO_LEASE, type LeaseId } from '../base/lease-id.js'
import type {
  Compare,
  CompareTarget,
  DeleteRequest,
  PutRequest,
  RangeRequest,
  Relation,
  Revision,
  TransactionRequest,
} from '../mvcc/types.js'
import { rangeOf, type Selection } from './key-value.js'

export type { Compare, Relation, Revision } from '../mvcc/types.js'

export interface PutOptions {
  /** The key is deleted when this lease ends. Without it, an earlier lease is detached. */
  readonly lease?: LeaseId | undefined
  /** Return the version before in `previous`. Default false. */
  readonly previous?: boolean | undefined
}

export interface ReadOptions {
  /** As it was after this revision. Default: the latest. */
  readonly revision?: Revision | undefined
  /** At most so many keys, in key order. Default: all. */
  readonly limit?: number | undefined
  /** Only count. Default false. */
  readonly countOnly?: boolean | undefined
  /** Leave the values out. Default false. */
  readonly keysOnly?: boolean | undefined
}

export interface DeleteOptions {
  /** Return what was deleted in `previous`. Default false. */
  readonly previous?: boolean | undefined
}

/** An operation inside a transaction; made by {@link put}, {@link get}, {@link del} and {@link txn}. */
export type Operation = PutRequest | RangeRequest | DeleteRequest | TransactionRequest

export function put(key: BytesLike, value: BytesLike, options: PutOptions = {}): PutRequest {
  return {
    type: 'put',
    key: keyOf(key),
    value: copyBytes(value, 'value'),
    lease: options.lease === undefined ? NO_LEASE : checkLeaseId(options.lease),
    previousKeyValue: options.previous,
  }
}

export function get(selection: Selection, options: ReadOptions = {}): RangeRequest {
  const { revision, limit, countOnly, keysOnly } = options
  return { type: 'range', ...rangeOf(selection), revision, limit, countOnly, keysOnly }
}

export function del(selection: Selection, options: DeleteOptions = {}): DeleteRequest {
  return { type: 'delete', ...rangeOf(selection), previousKeyValue: options.previous }
}

/** A transaction as the store takes it: all of `compare` hold, or else. Also an operation inside another one. */
export interface Transaction {
  readonly compare?: readonly Compare[]
  readonly success?: readonly Operation[]
  readonly failure?: readonly Operation[]
}

/** Throws TypeError for what {@link compare}, {@link put}, {@link get}, {@link del} and {@link txn} did not make. */
export function txn(transaction: Transaction): TransactionRequest {
  const { compare = [], success = [], failure = [] } = transaction
  for (const each of compare) checkPart(each, 'compare', TARGETS, 'target', 'compare(key).modRevision("=", 0)')
  for (const each of success) checkPart(each, 'success', OPERATIONS, 'type', 'put(), get(), del() and txn()')
  for (const each of failure) checkPart(each, 'failure', OPERATIONS, 'type', 'put(), get(), del() and txn()')
  return { type: 'transaction', compare, success, failure }
}

const TARGETS = ['value', 'version', 'create-revision', 'mod-revision', 'lease']
const OPERATIONS = ['put', 'range', 'delete', 'transaction']
const RELATIONS = ['=', '!=', '<', '>']

function checkPart(part: unknown, list: string, known: readonly string[], field: string, makers: string): void {
  const found = typeof part === 'object' && part !== null ? (part as Record<string, unknown>)[field] : undefined
  if (typeof found === 'string' && known.includes(found)) return
  throw new TypeError(`${list} of a transaction takes what ${makers} return`)
}

function checkNumber(value: number, what: string): number {
  if (typeof value !== 'number') throw new TypeError(`${what} must be a number, not ${typeof value}`)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new RangeError(`${what} must be a whole number from 0 on, not ${value}`)
}

/** Starts a compare of a key, or of every key of a selection. A missing key has revision, version and lease 0 and no value. */
export function compare(selection: Selection): CompareBuilder {
  return new CompareBuilder(selection)
}

/** What can be compared; each method finishes the compare. */
export class CompareBuilder {
  readonly #selection: Selection

  /** @internal */
  constructor(selection: Selection) {
    this.#selection = selection
  }

  value(relation: Relation, value: BytesLike): Compare {
    return this.#finish(relation, { target: 'value', value: copyBytes(value, 'value') })
  }

  version(relation: Relation, version: number): Compare {
    return this.#finish(relation, { target: 'version', version: checkNumber(version, 'version') })
  }

  createRevision(relation: Relation, createRevision: Revision): Compare {
    checkNumber(createRevision, 'createRevision')
    return this.#finish(relation, { target: 'create-revision', createRevision })
  }

  modRevision(relation: Relation, modRevision: Revision): Compare {
    checkNumber(modRevision, 'modRevision')
    return this.#finish(relation, { target: 'mod-revision', modRevision })
  }

  lease(relation: Relation, lease: LeaseId): Compare {
    return this.#finish(relation, { target: 'lease', lease: lease === NO_LEASE ? lease : checkLeaseId(lease) })
  }

  /** The key exists. */
  exists(): Compare {
    return this.createRevision('!=', 0)
  }

  /** The key does not exist. */
  missing(): Compare {
    return this.createRevision('=', 0)
  }

  #finish(relation: Relation, target: CompareTarget): Compare {
    if (!RELATIONS.includes(relation))
      throw new TypeError(`the relation must be '=', '!=', '<' or '>', not ${String(relation)}`)
    return { ...rangeOf(this.#selection), relation, ...target }
  }
}
