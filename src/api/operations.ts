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
  RangeSort,
  Relation,
  Revision,
  TransactionRequest,
} from '../mvcc/types.js'
import { checkBoolean } from './check-boolean.js'
import { checkFields, type Fields } from './check-fields.js'
import { rangeOf, type KeyRange, type Selection } from './key-value.js'
import { checkMade, isMadeTransaction, made } from './made.js'

export type { Compare, DeleteRequest, PutRequest, RangeRequest, Relation, Revision } from '../mvcc/types.js'

export interface PutOptions {
  /** The key is deleted when this lease ends. Without it, an earlier lease is detached. */
  readonly lease?: LeaseId | undefined
  /** Return the version before in `previous`. Default false. */
  readonly previous?: boolean | undefined
  /** Keep the value that the key has; `''` is given for the value then. `KEY_NOT_FOUND` without the key. Default false. */
  readonly ignoreValue?: boolean | undefined
  /** Keep the lease that the key has, or its having none. `KEY_NOT_FOUND` without the key. Default false. */
  readonly ignoreLease?: boolean | undefined
}

export const PUT_FIELDS: Fields<PutOptions> = { lease: true, previous: true, ignoreValue: true, ignoreLease: true }

export interface ReadOptions {
  /** As it was after this revision. Default: the latest. */
  readonly revision?: Revision | undefined
  /** At most so many keys, the first ones in the order of `sort`. Default: all. */
  readonly limit?: number | undefined
  /** Only count. Default false. */
  readonly countOnly?: boolean | undefined
  /** Leave the values out. Default false. */
  readonly keysOnly?: boolean | undefined
  /** The order of the keys. Default: by key, ascending. What is equal is in the order of its keys. */
  readonly sort?: Sort | undefined
  /** Leave out keys last written before this revision; `count` counts them all the same. Default, and 0: none. */
  readonly minModRevision?: Revision | undefined
  /** The same for those last written after it. */
  readonly maxModRevision?: Revision | undefined
  /** The same for those created before it. */
  readonly minCreateRevision?: Revision | undefined
  /** The same for those created after it. */
  readonly maxCreateRevision?: Revision | undefined
}

/**
 * How a range is sorted. To sort by value, and by version or create revision at an older revision, everything in the range
 * is read, whatever the limit.
 */
export interface Sort {
  /** Values as bytes. Default: `key`. */
  readonly by?: 'key' | 'version' | 'createRevision' | 'modRevision' | 'value' | undefined
  /** Default: `ascending`. */
  readonly order?: 'ascending' | 'descending' | undefined
}

export const READ_FIELDS: Fields<ReadOptions> = {
  revision: true,
  limit: true,
  countOnly: true,
  keysOnly: true,
  sort: true,
  minModRevision: true,
  maxModRevision: true,
  minCreateRevision: true,
  maxCreateRevision: true,
}

export interface DeleteOptions {
  /** Return what was deleted in `previous`. Default false. */
  readonly previous?: boolean | undefined
}

export const DELETE_FIELDS: Fields<DeleteOptions> = { previous: true }

/** An operation inside a transaction; made by {@link put}, {@link get}, {@link del} and {@link txn}. */
export type Operation = PutRequest | RangeRequest | DeleteRequest | TransactionRequest

export function put(key: BytesLike, value: BytesLike, options?: PutOptions): PutRequest {
  checkFields(options, PUT_FIELDS, 'put()')
  return made(putRequest(key, value, options))
}

export function get(selection: Selection, options?: ReadOptions): RangeRequest {
  checkFields(options, READ_FIELDS, 'get()')
  return made(rangeRequest(selection, options))
}

export function del(selection: Selection, options?: DeleteOptions): DeleteRequest {
  checkFields(options, DELETE_FIELDS, 'del()')
  return made(deleteRequest(selection, options))
}

/**
 * A transaction as the store takes it: all of `compare` hold, or else. Also an operation inside another one. `Transaction`
 * alone is one of which no more is known.
 */
export interface Transaction<
  Success extends readonly Operation[] = readonly Operation[],
  Failure extends readonly Operation[] = readonly Operation[],
> {
  readonly compare?: readonly Compare[] | undefined
  /** Done where all compares hold; one result each. */
  readonly success?: Success | undefined
  /** Done where one does not. */
  readonly failure?: Failure | undefined
}

/** A transaction that stands inside another one; {@link txn} makes it. */
export interface TransactionOperation<
  Success extends readonly Operation[] = readonly Operation[],
  Failure extends readonly Operation[] = readonly Operation[],
> extends TransactionRequest {
  readonly success: Success
  readonly failure: Failure
}

const TRANSACTION_FIELDS: Fields<Transaction> = { compare: true, success: true, failure: true }

/** A transaction that does another one where all its compares hold, and else nothing. */
export type GuardedTransaction<
  Success extends readonly Operation[] = readonly Operation[],
  Failure extends readonly Operation[] = readonly Operation[],
> = Transaction<readonly [TransactionOperation<Success, Failure>], readonly []>

/** Throws TypeError for what {@link compare}, {@link put}, {@link get}, {@link del} and {@link txn} did not make. */
export function txn<
  const Success extends readonly Operation[] = readonly [],
  const Failure extends readonly Operation[] = readonly [],
>(transaction: Transaction<Success, Failure>): TransactionOperation<Success, Failure> {
  // The branches are copied as they are.
  return made(transactionRequest(transaction)) as TransactionOperation<Success, Failure>
}

/** @internal What `put()` makes, for whoever has checked the names of the options and uses it at once. */
export function putRequest(key: BytesLike, value: BytesLike, options?: PutOptions): PutRequest {
  const lease = options?.lease
  return {
    type: 'put',
    key: keyOf(key),
    value: copyBytes(value, 'value'),
    lease: lease === undefined ? NO_LEASE : checkLeaseId(lease),
    previousKeyValue: checkBoolean(options?.previous, 'previous'),
    ignoreValue: checkBoolean(options?.ignoreValue, 'ignoreValue'),
    ignoreLease: checkBoolean(options?.ignoreLease, 'ignoreLease'),
  }
}

/** @internal The like of {@link putRequest} for `get()`. */
export function rangeRequest(selection: Selection, options?: ReadOptions): RangeRequest {
  const { key, rangeEnd } = rangeOf(selection)
  return {
    type: 'range',
    key,
    rangeEnd,
    revision: options?.revision,
    limit: options?.limit,
    countOnly: checkBoolean(options?.countOnly, 'countOnly'),
    keysOnly: checkBoolean(options?.keysOnly, 'keysOnly'),
    sort: options?.sort === undefined ? undefined : rangeSort(options.sort),
    minModRevision: checkBound(options?.minModRevision, 'minModRevision'),
    maxModRevision: checkBound(options?.maxModRevision, 'maxModRevision'),
    minCreateRevision: checkBound(options?.minCreateRevision, 'minCreateRevision'),
    maxCreateRevision: checkBound(options?.maxCreateRevision, 'maxCreateRevision'),
  }
}

const SORT_FIELDS: Fields<Sort> = { by: true, order: true }

const SORT_TARGETS: Readonly<Record<NonNullable<Sort['by']>, RangeSort['target']>> = {
  key: 'key',
  version: 'version',
  createRevision: 'create-revision',
  modRevision: 'mod-revision',
  value: 'value',
}

function rangeSort(sort: Sort): RangeSort {
  checkFields(sort, SORT_FIELDS, 'sort')
  const { by = 'key', order = 'ascending' } = sort
  if (!Object.hasOwn(SORT_TARGETS, by)) {
    throw new TypeError(`by of sort must be one of ${Object.keys(SORT_TARGETS).join(', ')}, not ${String(by)}`)
  }
  if (order !== 'ascending' && order !== 'descending') {
    throw new TypeError(`order of sort must be 'ascending' or 'descending', not ${String(order)}`)
  }
  return Object.freeze({ target: SORT_TARGETS[by], order })
}

function checkBound(bound: Revision | undefined, what: string): Revision | undefined {
  return bound === undefined ? undefined : checkNumber(bound, what)
}

/** @internal The like of {@link putRequest} for `del()`. */
export function deleteRequest(selection: Selection, options?: DeleteOptions): DeleteRequest {
  return { type: 'delete', ...rangeOf(selection), previousKeyValue: checkBoolean(options?.previous, 'previous') }
}

/** @internal The like of {@link putRequest} for `txn()`; checks the names itself. */
export function transactionRequest(transaction: Transaction): TransactionRequest {
  if (transaction === undefined) throw new TypeError('a transaction is missing: { compare, success, failure }')
  if (isMadeTransaction(transaction)) return transaction
  checkFields(transaction, TRANSACTION_FIELDS, 'a transaction')
  const { compare = [], success = [], failure = [] } = transaction
  checkMade(compare, 'compare')
  checkMade(success, 'success')
  checkMade(failure, 'failure')
  return { type: 'transaction', compare: [...compare], success: [...success], failure: [...failure] }
}

const RELATIONS = ['=', '!=', '<', '>']

function checkNumber(value: number, what: string): number {
  if (typeof value !== 'number') throw new TypeError(`${what} must be a number, not ${typeof value}`)
  if (Number.isSafeInteger(value) && value >= 0) return value
  throw new RangeError(`${what} must be a whole number from 0 on, not ${value}`)
}

/** A compare of one property. */
export type CompareOf<Target extends Compare['target']> = Extract<Compare, { readonly target: Target }>

/** Starts a compare of a key, or of every key of a selection. A missing key has revision, version and lease 0 and no value. */
export function compare(selection: Selection): CompareBuilder {
  return new CompareBuilder(rangeOf(selection))
}

/** What can be compared; each method finishes the compare. */
export class CompareBuilder {
  readonly #range: KeyRange

  /** @internal */
  constructor(range: KeyRange) {
    this.#range = range
  }

  value(relation: Relation, value: BytesLike): CompareOf<'value'> {
    return this.#finish(relation, { target: 'value', value: copyBytes(value, 'value') })
  }

  version(relation: Relation, version: number): CompareOf<'version'> {
    return this.#finish(relation, { target: 'version', version: checkNumber(version, 'version') })
  }

  createRevision(relation: Relation, createRevision: Revision): CompareOf<'create-revision'> {
    checkNumber(createRevision, 'createRevision')
    return this.#finish(relation, { target: 'create-revision', createRevision })
  }

  modRevision(relation: Relation, modRevision: Revision): CompareOf<'mod-revision'> {
    checkNumber(modRevision, 'modRevision')
    return this.#finish(relation, { target: 'mod-revision', modRevision })
  }

  lease(relation: Relation, lease: LeaseId): CompareOf<'lease'> {
    return this.#finish(relation, { target: 'lease', lease: lease === NO_LEASE ? lease : checkLeaseId(lease) })
  }

  /** The key exists. */
  exists(): CompareOf<'create-revision'> {
    return this.createRevision('!=', 0)
  }

  /** The key does not exist. */
  missing(): CompareOf<'create-revision'> {
    return this.createRevision('=', 0)
  }

  #finish<Target extends CompareTarget>(relation: Relation, target: Target): CompareOf<Target['target']> {
    if (!RELATIONS.includes(relation))
      throw new TypeError(`the relation must be '=', '!=', '<' or '>', not ${String(relation)}`)
    const finished: Compare = { ...this.#range, relation, ...target }
    return made(finished) as CompareOf<Target['target']>
  }
}
