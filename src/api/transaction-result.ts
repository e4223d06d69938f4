/**
 * What a transaction gives, by what it was made of: the types only.
 *
 * Always: a list of operations of which no more is known gives a list of `OperationResult`. The types that are computed of
 * literal transactions are narrower than that, never other ones.
 */
import type { DeleteRequest, PutRequest, RangeRequest, Revision } from '../mvcc/types.js'
import type { KeyValue } from './key-value.js'
import type { Operation, TransactionOperation } from './operations.js'

export interface PutOperationResult {
  readonly type: 'put'
  /** The version before; undefined also where it was not asked for. */
  readonly previous: KeyValue | undefined
}

export interface RangeOperationResult {
  readonly type: 'range'
  readonly items: readonly KeyValue[]
  readonly count: number
  readonly more: boolean
}

export interface DeleteOperationResult {
  readonly type: 'delete'
  readonly deleted: number
  /** What was deleted; empty also where it was not asked for. */
  readonly previous: readonly KeyValue[]
}

/** Of a transaction inside another one. */
export type TransactionOperationResult<
  Success extends readonly Operation[] = readonly Operation[],
  Failure extends readonly Operation[] = readonly Operation[],
> =
  | { readonly type: 'transaction'; readonly succeeded: true; readonly results: ResultsOf<Success> }
  | { readonly type: 'transaction'; readonly succeeded: false; readonly results: ResultsOf<Failure> }

/** The result of one operation of a transaction, told apart by `type`. */
export type OperationResult =
  PutOperationResult | RangeOperationResult | DeleteOperationResult | TransactionOperationResult

/** `succeeded` tells whether the compares held, and so which branch was done; `results` are of that one. */
export type TransactionResult<
  Success extends readonly Operation[] = readonly Operation[],
  Failure extends readonly Operation[] = readonly Operation[],
> =
  | { readonly revision: Revision; readonly succeeded: true; readonly results: ResultsOf<Success> }
  | { readonly revision: Revision; readonly succeeded: false; readonly results: ResultsOf<Failure> }

/** In the order of the operations. */
export type ResultsOf<Operations extends readonly Operation[]> = {
  readonly [At in keyof Operations]: ResultOf<Operations[At]>
}

export type ResultOf<One extends Operation> = Operation extends One
  ? OperationResult
  : One extends PutRequest
    ? PutOperationResult
    : One extends RangeRequest
      ? RangeOperationResult
      : One extends DeleteRequest
        ? DeleteOperationResult
        : One extends TransactionOperation<infer Success, infer Failure>
          ? TransactionOperationResult<Success, Failure>
          : never
