/**
 * What stands in the log: one request together with the id that makes it apply at most once.
 * Time and random values are chosen by the proposer and carried here; applying asks nobody.
 */
import type { DeleteRequest, LeaseId, PutRequest, Revision, TransactionRequest } from '../mvcc/types.js'
import type { Alarm } from './alarms.js'

/** One run of one member: a restart is a new origin. */
export interface Origin {
  readonly member: number
  /** Grows with every start of the member. */
  readonly incarnation: number
}

export interface ProposalId extends Origin {
  /** Counts the proposals of this origin from 1. A repetition of a proposal carries the same number. */
  readonly sequence: number
}

export interface CompactRequest {
  readonly type: 'compact'
  readonly revision: Revision
}

export interface LeaseGrantRequest {
  readonly type: 'lease-grant'
  /** Chosen by the proposer; never 0. */
  readonly id: LeaseId
  readonly ttlSeconds: number
}

export interface LeaseRevokeRequest {
  readonly type: 'lease-revoke'
  readonly id: LeaseId
}

export interface AlarmRequest extends Alarm {
  readonly type: 'alarm'
  readonly action: 'activate' | 'deactivate'
}

export type Request =
  | PutRequest
  | DeleteRequest
  | TransactionRequest
  | CompactRequest
  | LeaseGrantRequest
  | LeaseRevokeRequest
  | AlarmRequest

export interface Command {
  readonly proposal: ProposalId
  readonly request: Request
}
