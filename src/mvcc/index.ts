/** The entry point `quorate/mvcc`: the versioned key space alone, over a backend of your own. */
export type { Backend } from './backend.js'
export { NO_LEASES, type LeaseBook } from './lease-book.js'
export type { RangePlan } from './range.js'
export { keyOnly } from './range.js'
export { decodeRecord, isRecordKey, recordKey, type Record } from './record.js'
export { MvccStore, type Written } from './store.js'
export {
  NO_LEASE,
  type Compare,
  type CompareTarget,
  type DeleteRequest,
  type DeleteResponse,
  type Event,
  type KeyValue,
  type LeaseId,
  type Operation,
  type OperationResponse,
  type PutRequest,
  type PutResponse,
  type RangeRequest,
  type RangeResponse,
  type Relation,
  type Revision,
  type RevisionId,
  type TransactionRequest,
  type TransactionResponse,
} from './types.js'
export { validateKeys, validateOperation, validateRevision } from './validate.js'
