/**
 * Expands a request into all that it would touch, for auth/authorize.ts to decide on.
 *
 * Always: both branches of a transaction count, and those nested in them, whichever is taken: the refusal must not depend
 * on what the compares find, or it would tell.
 * Always: what a request shows counts as read: ranges, compares, previous values. What it changes counts as written: with
 * a lease that it attaches or revokes, all keys that hang on the lease, since they go when the lease goes.
 *
 * Expects a request that was validated (mvcc/validate.ts), so that its depth is bounded. Lazy: where everything is allowed,
 * nobody looks at the keys of a lease.
 */
import { accessOfAuth, type Access } from '../auth/access.js'
import type { AuthQuery } from '../auth/command.js'
import { rangeOf } from '../auth/key-range.js'
import { assertNever } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import { NO_LEASE, type LeaseId } from '../base/lease-id.js'
import type { DeleteRequest, Operation, PutRequest, RangeRequest, TransactionRequest } from '../mvcc/types.js'
import type { Request } from './command.js'

/** What a member answers without a command in the log, as far as it must be allowed. */
export type Question =
  | RangeRequest
  | AuthQuery
  | { readonly type: 'watch'; readonly key: Key; readonly rangeEnd?: Key | undefined }
  | { readonly type: 'lease-keep-alive'; readonly id: LeaseId }
  | { readonly type: 'lease-time-to-live'; readonly id: LeaseId; readonly keys: boolean }
  | { readonly type: 'lease-list' }
  /** Which members, alarms and leader there are. */
  | { readonly type: 'member-list' | 'alarm-list' | 'status' }
  /** Which quotas of prefixes there are, and what is used of them: past all permissions. */
  | { readonly type: 'prefix-quota-list' }
  /** To have a password hashed; what it is for is decided on when it is applied. */
  | { readonly type: 'set-password' }
  /** What concerns the whole cluster or the disk of a member, or shows the state past all permissions. */
  | { readonly type: 'member-change' | 'move-leader' | 'defragment' | 'snapshot' | 'hash' }

/** The keys that hang on each lease now; the lessor has them. */
export interface LeaseKeys {
  leases(): readonly { readonly id: LeaseId }[]
  /** In no order that means anything; none for a lease that does not exist. */
  attachedTo(id: LeaseId): Iterable<Key>
}

export function* accessesOf(request: Request | Question, leaseKeys: LeaseKeys): Generator<Access, void, undefined> {
  switch (request.type) {
    case 'range':
    case 'put':
    case 'delete':
    case 'transaction':
      yield* accessesOfOperation(request, leaseKeys, new Set())
      return
    case 'watch':
      yield { kind: 'read', range: rangeOf(request.key, request.rangeEnd) }
      return
    case 'lease-revoke':
    case 'lease-keep-alive':
      yield writeLease(request.id, leaseKeys)
      return
    case 'lease-time-to-live':
      if (request.keys) yield readLease(request.id, leaseKeys)
      else yield { kind: 'be-known' }
      return
    case 'lease-list':
      for (const { id } of leaseKeys.leases()) yield readLease(id, leaseKeys)
      return
    case 'auth':
      yield accessOfAuth(request.command)
      return
    case 'auth-status':
    case 'user-get':
    case 'user-list':
    case 'role-get':
    case 'role-list':
      yield accessOfAuth(request)
      return
    case 'login':
      yield { kind: 'ask' }
      return
    case 'lease-grant':
    case 'member-list':
    case 'alarm-list':
    case 'status':
      yield { kind: 'be-known' }
      return
    case 'compact':
    case 'lease-checkpoint':
    case 'member-change':
    case 'alarm':
    case 'prefix-quota':
    case 'prefix-quota-list':
    case 'check':
    case 'verify':
    case 'move-leader':
    case 'defragment':
    case 'snapshot':
    case 'hash':
    case 'set-password':
      yield { kind: 'administer' }
      return
    default:
      assertNever(request, 'request')
  }
}

/** `seen`: leases that were looked at already; a transaction often puts many keys under one. */
function* accessesOfOperation(
  operation: Operation,
  leaseKeys: LeaseKeys,
  seen: Set<LeaseId>,
): Generator<Access, void, undefined> {
  switch (operation.type) {
    case 'range':
      yield { kind: 'read', range: rangeOf(operation.key, operation.rangeEnd) }
      return
    case 'put':
      yield* accessesOfPut(operation, leaseKeys, seen)
      return
    case 'delete':
      yield* accessesOfDelete(operation)
      return
    case 'transaction':
      yield* accessesOfTransaction(operation, leaseKeys, seen)
      return
    default:
      assertNever(operation, 'operation')
  }
}

/** Ignoring the value or the lease shows neither: the one that is there stays, unseen. */
function* accessesOfPut(
  { key, lease, previousKeyValue }: PutRequest,
  leaseKeys: LeaseKeys,
  seen: Set<LeaseId>,
): Generator<Access, void, undefined> {
  const range = rangeOf(key, undefined)
  yield { kind: 'write', range }
  if (previousKeyValue) yield { kind: 'read', range }
  if (lease === NO_LEASE || seen.has(lease)) return
  seen.add(lease)
  yield writeLease(lease, leaseKeys)
}

function* accessesOfDelete({ key, rangeEnd, previousKeyValue }: DeleteRequest): Generator<Access, void, undefined> {
  const range = rangeOf(key, rangeEnd)
  yield { kind: 'write', range }
  if (previousKeyValue) yield { kind: 'read', range }
}

function* accessesOfTransaction(
  { compare, success, failure }: TransactionRequest,
  leaseKeys: LeaseKeys,
  seen: Set<LeaseId>,
): Generator<Access, void, undefined> {
  for (const { key, rangeEnd } of compare) yield { kind: 'read', range: rangeOf(key, rangeEnd) }
  for (const operation of success) yield* accessesOfOperation(operation, leaseKeys, seen)
  for (const operation of failure) yield* accessesOfOperation(operation, leaseKeys, seen)
}

function writeLease(lease: LeaseId, leaseKeys: LeaseKeys): Access {
  return { kind: 'write-lease', lease, keys: leaseKeys.attachedTo(lease) }
}

function readLease(lease: LeaseId, leaseKeys: LeaseKeys): Access {
  return { kind: 'read-lease', lease, keys: leaseKeys.attachedTo(lease) }
}
