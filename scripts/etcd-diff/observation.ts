/**
 * What an operation was answered with, in one form for both stores: told apart by nothing but what the stores say.
 * Names of fields are etcd's.
 */
import type { AlarmMember, AlarmType, Bytes, LeaseName, Permission } from './operation.js'

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

export interface SeenAlarm {
  readonly member: AlarmMember
  readonly alarm: AlarmType
}

export type SeenAuth =
  | { readonly type: 'auth' }
  | { readonly type: 'user-list'; readonly users: readonly string[] }
  | { readonly type: 'user-get' | 'role-list'; readonly roles: readonly string[] }
  | { readonly type: 'role-get'; readonly permissions: readonly Permission[] }

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
      /** Undefined where there are none, or they were not asked for. */
      readonly keys: readonly Bytes[] | undefined
    }
  /** Whether the key was gone in time. */
  | { readonly type: 'expire'; readonly expired: boolean }
  | { readonly type: 'leases'; readonly leases: readonly LeaseName[] }
  /** Undefined for an alarm that was raised. */
  | { readonly type: 'alarm'; readonly alarms: readonly SeenAlarm[] | undefined }
  | SeenAuth
  | { readonly type: 'hash'; readonly compactRevision: number }
  | { readonly type: 'watch' }
  | { readonly type: 'cancel' }
  /** Of what was noticed. */
  | { readonly type: 'progress'; readonly revisions: readonly number[] }
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

/** In an order that does not depend on the ids of members. */
export function sortedAlarms(alarms: readonly SeenAlarm[]): readonly SeenAlarm[] {
  const text = ({ member, alarm }: SeenAlarm): string => `${member} ${alarm}`
  return [...alarms].sort((a, b) => (text(a) < text(b) ? -1 : 1))
}

/** How long it may take until a lease of two seconds is ended, on a machine that has much else to do. */
const EXPIRY_MS_MAX = 20_000
const LOOK_EVERY_MS = 100

/** Whether it comes to hold in the time in which a lease must have ended. */
export async function eventually(holds: () => Promise<boolean>): Promise<boolean> {
  const lastMs = performance.now() + EXPIRY_MS_MAX
  while (performance.now() < lastMs) {
    if (await holds()) return true
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS))
  }
  return false
}
