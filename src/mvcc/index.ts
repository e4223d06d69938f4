/** The entry point `quorate/mvcc`: the versioned key space alone, over a backend of your own. */
export { keyOnly } from './answer.js'
export type { Backend } from './backend.js'
export { Choosing } from './choosing.js'
export { NO_LEASES, type LeaseBook } from './lease-book.js'
export type { PlannedRange } from './range.js'
export { completePlan } from './plan.js'
export { decodeRecord, isRecordKey, recordKey, type Record } from './record.js'
export { MvccStore, type Written } from './store.js'
export {
  NO_LEASE,
  type Compare,
  type CompareTarget,
  type DeletePlan,
  type DeleteRequest,
  type DeleteResponse,
  type Event,
  type KeyValue,
  type LeaseId,
  type Operation,
  type OperationPlan,
  type OperationResponse,
  type PutPlan,
  type PutRequest,
  type PutResponse,
  type RangeChoice,
  type RangePlan,
  type RangeRequest,
  type RangeResponse,
  type RangeSort,
  type Relation,
  type Revision,
  type RevisionId,
  type TransactionPlan,
  type TransactionRequest,
  type TransactionResponse,
} from './types.js'
export { validateKeys, validateOperation, validateRevision } from './validate.js'
