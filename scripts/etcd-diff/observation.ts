/**
 * What an operation was answered with, in one form for both stores: told apart by nothing but what the stores say.
 * Names of fields are etcd's.
 */
import type { Bytes, LeaseName } from './operation.js'

export interface SeenKeyValue {
  readonly key: Bytes
  readonly createRevision: number
  readonly modRevision: number
  readonly version: number
  readonly value: Bytes
  readonly lease: LeaseName
}

export interface SeenRange {
  readonly type: 'range'
  readonly kvs: readonly SeenKeyValue[]
  readonly more: boolean
  readonly count: number
}

export interface SeenPut {
  readonly type: 'put'
  readonly prevKv: SeenKeyValue | undefined
}

export interface SeenDelete {
  readonly type: 'delete'
  readonly deleted: number
  readonly prevKvs: readonly SeenKeyValue[]
}

export interface SeenTransaction {
  readonly type: 'transaction'
  readonly succeeded: boolean
  readonly responses: readonly SeenKeyResponse[]
}

export type SeenKeyResponse = SeenRange | SeenPut | SeenDelete | SeenTransaction

export interface SeenEvent {
  readonly type: 'PUT' | 'DELETE'
  readonly kv: SeenKeyValue
  readonly prevKv: SeenKeyValue | undefined
}

export interface SeenWatch {
  readonly watch: string
  readonly events: readonly SeenEvent[]
  /** Why it ended, if it did. */
  readonly ended: { readonly compactRevision: number; readonly reason: string } | undefined
}

export type SeenResponse =
  | SeenKeyResponse
  | { readonly type: 'compact' }
  | { readonly type: 'grant'; readonly lease: LeaseName; readonly ttlSeconds: number; readonly revoked: boolean }
  | { readonly type: 'revoke' }
  | { readonly type: 'keep-alive'; readonly ttlSeconds: number }
  | {
      readonly type: 'time-to-live'
      readonly grantedTtlSeconds: number
      /** Time passes between two calls: whether next to nothing of what was granted is gone, or how much is left. */
      readonly remaining: 'all' | 'none' | number
    }
  | { readonly type: 'watch' }
  | { readonly type: 'cancel' }
  | { readonly type: 'settle'; readonly watches: readonly SeenWatch[] }

export type Observation = { readonly revision: number; readonly response: SeenResponse } | { readonly error: SeenError }

export interface SeenError {
  /** Name of the gRPC status. */
  readonly status: string
  readonly text: string
}

/** A lease that a programme has for as long as it lasts has lost no more than this. */
const ELAPSED_SECONDS_MAX = 60

export function remainingOf(grantedSeconds: number, remainingSeconds: number): 'all' | 'none' | number {
  if (remainingSeconds < 0) return 'none'
  const elapsed = grantedSeconds - remainingSeconds
  return elapsed >= 0 && elapsed <= ELAPSED_SECONDS_MAX ? 'all' : remainingSeconds
}
