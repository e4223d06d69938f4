/** What comes out of applying one entry. */
import type { AuthRevision } from '../auth/types.js'
import type { Digest } from '../base/checksum.js'
import type { ErrorCode } from '../base/errors.js'
import type { LeaseCheckpoint } from '../lease/lease.js'
import type { DeletePlan, Event, LeaseId, PutPlan, Revision, TransactionPlan } from '../mvcc/types.js'
import type { Alarm } from './alarms.js'
import type { ProposalId } from './command.js'

export interface CompactResponse {
  readonly type: 'compact'
}

export interface LeaseGrantResponse {
  readonly type: 'lease-grant'
  readonly id: LeaseId
  readonly ttlSeconds: number
}

export interface LeaseRevokeResponse {
  readonly type: 'lease-revoke'
  readonly id: LeaseId
}

export interface LeaseCheckpointResponse {
  readonly type: 'lease-checkpoint'
  /** Those that were noted: not those of leases that are gone. */
  readonly checkpoints: readonly LeaseCheckpoint[]
}

export interface AlarmResponse {
  readonly type: 'alarm'
  /** Those that it was about: an alarm that was to be disarmed and was not active is not among them. */
  readonly alarms: readonly Alarm[]
}

export interface AuthResponse {
  readonly type: 'auth'
}

/** Each member takes note of the token when it applies this (member/token-book.ts). */
export interface LoginResponse {
  readonly type: 'login'
  readonly name: string
  readonly authRevision: AuthRevision
  readonly tokenHash: Uint8Array | undefined
}

export interface PrefixQuotaResponse {
  readonly type: 'prefix-quota'
}

/**
 * The digest of the state at this entry, which is `index`. The one response that is each member's own: it is equal on all
 * whose states are, which is what it is for.
 */
export interface CheckResponse {
  readonly type: 'check'
  readonly index: number
  readonly digest: Digest
}

/** What the leader that proposed it had noted at `index`. */
export interface VerifyResponse {
  readonly type: 'verify'
  readonly index: number
  readonly digest: Digest
}

/** What everything but keys is answered with: nothing of it stands in a record of a revision. */
export type PlainResponse =
  | CompactResponse
  | LeaseGrantResponse
  | LeaseRevokeResponse
  | LeaseCheckpointResponse
  | AlarmResponse
  | AuthResponse
  | LoginResponse
  | PrefixQuotaResponse
  | CheckResponse
  | VerifyResponse

/**
 * Of what keys hold only names: applying reads no value for an answer. Every member applies each command, and again at
 * each replay, but one caller waits for it, on one member; that member reads the records (member/response-reader.ts).
 */
export type Response = PutPlan | DeletePlan | TransactionPlan | PlainResponse

/** A refusal is a value, the same on every member: it is part of the replicated result, not a failure of the machine. */
export type Outcome =
  | { readonly ok: true; readonly response: Response }
  | { readonly ok: false; readonly code: ErrorCode; readonly message: string; readonly compactRevision?: Revision }

export interface Applied {
  /** Whose proposal it was: that member's waiter gets `outcome`. */
  readonly proposal: ProposalId
  /** Undefined: a repetition of a proposal that was applied before; nothing was done. */
  readonly outcome: Outcome | undefined
  /** The store's revision after it. */
  readonly revision: Revision
  /** What watchers see, all of one revision; empty if nothing changed. */
  readonly events: readonly Event[]
}
