/**
 * What stands in the log: one request together with the id that makes it apply at most once, and with who asks for it.
 * Time and random values are chosen by the proposer and carried here; applying asks nobody.
 */
import type { AuthCommand } from '../auth/command.js'
import type { AuthRevision } from '../auth/types.js'
import type { Digest } from '../base/checksum.js'
import type { LeaseCheckpoint } from '../lease/lease.js'
import type { DeleteRequest, LeaseId, PutRequest, Revision, TransactionRequest } from '../mvcc/types.js'
import type { Alarm } from './alarms.js'
import type { Identity } from './identity.js'
import type { PrefixQuotaSetting } from './prefix-quota.js'

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
  /**
   * By a leader, for a lease whose time is over: the index that it had applied. One that was granted later under the same id
   * is another lease, and is not meant.
   */
  readonly grantedUpTo?: number | undefined
}

/** By the leader, of its own accord: how much of these leases is left by its clock. */
export interface LeaseCheckpointRequest {
  readonly type: 'lease-checkpoint'
  /** The index that it had applied: leases that were granted later are others, and are not meant. */
  readonly grantedUpTo: number
  readonly checkpoints: readonly LeaseCheckpoint[]
}

export interface AlarmRequest extends Alarm {
  readonly type: 'alarm'
  readonly action: 'activate' | 'deactivate'
}

/** Changes users, roles and permissions. */
export interface AuthRequest {
  readonly type: 'auth'
  readonly command: AuthCommand
}

/**
 * Ends a login: the password was found right by the member that proposes this (auth/auth-store.ts). Never the password,
 * and never the token.
 */
export interface LoginRequest {
  readonly type: 'login'
  readonly name: string
  /** Of users and roles when the password was checked. */
  readonly checkedAt: AuthRevision
  /** SHA-256 of the token by which the user is known from then on; undefined where the token is a signed one. */
  readonly tokenHash: Uint8Array | undefined
}

/** Each member notes the digest of its state at this entry (member/verifier.ts). */
export interface CheckRequest {
  readonly type: 'check'
}

/** What a leader noted at the check that stood at `index`. */
export interface VerifyRequest {
  readonly type: 'verify'
  readonly index: number
  readonly digest: Digest
}

/** Sets the quota of a prefix, or ends it. */
export interface PrefixQuotaRequest extends PrefixQuotaSetting {
  readonly type: 'prefix-quota'
}

export type Request =
  | PutRequest
  | DeleteRequest
  | TransactionRequest
  | CompactRequest
  | LeaseGrantRequest
  | LeaseRevokeRequest
  | AlarmRequest
  | AuthRequest
  | LoginRequest
  | PrefixQuotaRequest
  | CheckRequest
  | VerifyRequest
  | LeaseCheckpointRequest

export interface Command {
  readonly proposal: ProposalId
  readonly identity: Identity
  readonly request: Request
}
