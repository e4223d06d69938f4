/** The vocabulary of the key space: what is stored, asked and answered. Words and rules are etcd's. */
import type { Key } from '../base/bytes.js'
import type { LeaseId } from '../base/lease-id.js'

export { NO_LEASE, type LeaseId } from '../base/lease-id.js'

/** Counts the writes that changed something; an empty store is at 1, the first write makes 2. */
export type Revision = number

/** One version of one key. */
export interface KeyValue {
  readonly key: Key
  readonly value: Uint8Array
  /** Revision of the put that created the key after it last did not exist. */
  readonly createRevision: Revision
  /** Revision of the put that made this version. */
  readonly modRevision: Revision
  /** 1 when created, one more with every put since. */
  readonly version: number
  readonly lease: LeaseId
}

/** Names one record: the transaction's revision and the place of the change within it. */
export interface RevisionId {
  readonly main: Revision
  readonly sub: number
  /** What the record holds, where it was at hand: then nobody has to read it. No part of the name. */
  readonly cached?: KeyValue
}

export interface RangeRequest {
  readonly type: 'range'
  readonly key: Key
  /** Undefined: the one key. FROM_KEY_ON ('\0'): every key from `key` on. Else keys from `key` to before it. */
  readonly rangeEnd?: Key | undefined
  /** 0 or undefined: the latest. */
  readonly revision?: Revision | undefined
  /** 0 or undefined: no limit. */
  readonly limit?: number | undefined
  readonly countOnly?: boolean | undefined
  readonly keysOnly?: boolean | undefined
  /** Undefined: by key, ascending. Everything in the range is sorted, then `limit` cuts off. */
  readonly sort?: RangeSort | undefined
  /** Leave out versions of lower revisions; 0 or undefined: none. What is left out counts, but not towards `limit`. */
  readonly minModRevision?: Revision | undefined
  /** The same for higher ones. */
  readonly maxModRevision?: Revision | undefined
  readonly minCreateRevision?: Revision | undefined
  readonly maxCreateRevision?: Revision | undefined
}

/** Of versions that are equal in it the one with the lower key comes first, in either order. */
export interface RangeSort {
  readonly target: 'key' | 'version' | 'create-revision' | 'mod-revision' | 'value'
  readonly order: 'ascending' | 'descending'
}

export interface PutRequest {
  readonly type: 'put'
  readonly key: Key
  readonly value: Uint8Array
  readonly lease: LeaseId
  readonly previousKeyValue?: boolean | undefined
  readonly ignoreValue?: boolean | undefined
  readonly ignoreLease?: boolean | undefined
}

export interface DeleteRequest {
  readonly type: 'delete'
  readonly key: Key
  readonly rangeEnd?: Key | undefined
  readonly previousKeyValue?: boolean | undefined
}

export type CompareTarget =
  | { readonly target: 'value'; readonly value: Uint8Array }
  | { readonly target: 'version'; readonly version: number }
  | { readonly target: 'create-revision'; readonly createRevision: Revision }
  | { readonly target: 'mod-revision'; readonly modRevision: Revision }
  | { readonly target: 'lease'; readonly lease: LeaseId }

export type Relation = '=' | '!=' | '<' | '>'

export type Compare = CompareTarget & {
  readonly key: Key
  /** Every key of the range must satisfy it. */
  readonly rangeEnd?: Key | undefined
  readonly relation: Relation
}

export interface TransactionRequest {
  readonly type: 'transaction'
  /** All of them hold: `success` is done, else `failure`. None: `success`. */
  readonly compare: readonly Compare[]
  readonly success: readonly Operation[]
  readonly failure: readonly Operation[]
}

/** What may stand in a branch of a transaction. */
export type Operation = RangeRequest | PutRequest | DeleteRequest | TransactionRequest

export interface RangeResponse {
  readonly type: 'range'
  readonly keyValues: readonly KeyValue[]
  /** Keys in the range, whatever the limit and the filters. */
  readonly count: number
  readonly more: boolean
}

export interface PutResponse {
  readonly type: 'put'
  readonly previous: KeyValue | undefined
}

export interface DeleteResponse {
  readonly type: 'delete'
  readonly deleted: number
  /** Filled if asked for. */
  readonly previous: readonly KeyValue[]
}

export interface TransactionResponse {
  readonly type: 'transaction'
  readonly succeeded: boolean
  readonly responses: readonly OperationResponse[]
}

export type OperationResponse = RangeResponse | PutResponse | DeleteResponse | TransactionResponse

/** What the index alone says about a range: all of its answer but the records (plan.ts). */
export interface RangePlan {
  readonly type: 'range'
  /** Keys in the range, whatever the limit and the filters. */
  readonly count: number
  readonly more: boolean
  /** The records that hold the answer, in its order. */
  readonly records: readonly RevisionId[]
  /** What is to be shown, where it is known without a record, as the index knows `keysOnly`. Then `records` is empty. */
  readonly known: readonly KeyValue[] | undefined
  readonly keysOnly: boolean
  /** Set where the index could not say which versions are shown, or in what order: then `records` or `known` hold more. */
  readonly choice: RangeChoice | undefined
}

/**
 * What is left to do with the versions that a plan names (choosing.ts). They come in key order; `more` is known only when
 * it is done.
 */
export interface RangeChoice {
  readonly sort: RangeSort
  /** Infinity: all of them. */
  readonly limit: number
  readonly minCreateRevision: Revision
  /** Infinity: any. */
  readonly maxCreateRevision: Revision
}

export interface PutPlan {
  readonly type: 'put'
  readonly previous: RevisionId | undefined
}

export interface DeletePlan {
  readonly type: 'delete'
  readonly deleted: number
  readonly previous: readonly RevisionId[]
}

export interface TransactionPlan {
  readonly type: 'transaction'
  readonly succeeded: boolean
  readonly responses: readonly OperationPlan[]
}

/** The response to an operation, with the names of records in place of what they hold. */
export type OperationPlan = RangePlan | PutPlan | DeletePlan | TransactionPlan

/** One change of one key, as watchers see it. */
export interface Event {
  readonly type: 'put' | 'delete'
  /** For a deletion only `key` and `modRevision` are set; the value is empty, the rest 0. */
  readonly keyValue: KeyValue
  /** The record of the version before, where there was one; fetched only for watchers that ask for it. */
  readonly previous: RevisionId | undefined
}
