/**
 * What clients ask of the store in a run, as data.
 *
 * A client does one thing at a time: an operation begins at its time, or when the one before it by the same client has
 * ended. What an operation writes is told by its `id`, so that every value is written once in a run and leaving out one
 * operation changes no other.
 */
import type { PermissionType } from '../../api/auth.js'

export type Operation = {
  /** Unique in its plan. */
  readonly id: number
  readonly atMs: number
  readonly client: number
  /** The member whose store is asked. When it is not running then, the operation is left out. */
  readonly member: string
  readonly timeoutMs: number
  /** Milliseconds after which the caller aborts it, if it does. */
  readonly abortAfterMs?: number
  /** The user who asks. Default: the process that holds the member, which may do everything. */
  readonly as?: string
  /** The user logs in and is known by the token; else taken at their word. */
  readonly token?: true
} & OperationKind

export type OperationKind =
  | { readonly type: 'put'; readonly key: string; readonly valueBytes: number }
  | { readonly type: 'read'; readonly key: string; readonly consistency: 'linearizable' | 'local' }
  /** From `key` to `end`, as of `back` revisions ago. */
  | {
      readonly type: 'range'
      readonly key: string
      readonly end: string
      readonly limit: number
      readonly back: number
      readonly sort?: { readonly by: SortField; readonly descending: boolean }
      /** Leaves out what was last written before so many revisions ago, or created after. */
      readonly writtenBack?: number
      readonly createdBack?: number
      readonly only?: 'count' | 'keys'
    }
  | { readonly type: 'delete'; readonly key: string; readonly end?: string }
  /** Writes if the key is as this client last read it. */
  | { readonly type: 'swap'; readonly key: string }
  /** Compares one key and changes several, in one transaction. */
  | {
      readonly type: 'transaction'
      readonly compared: string
      readonly keys: readonly string[]
      /** Also compares every key from `compared` to before this one. */
      readonly comparedTo?: string
      /** Also compares the lease of the key with the one that this client granted last. */
      readonly comparesLease?: true
      /** What it writes and reads stands in a transaction within it. */
      readonly nested?: true
      /** Asks for what it replaces, and keeps the value or the lease of the keys. */
      readonly previous?: true
      readonly keeps?: 'value' | 'lease'
    }
  /** Grants a lease and puts the keys under it, one after the other. */
  | { readonly type: 'put-with-lease'; readonly keys: readonly string[]; readonly ttlMs: number }
  /** Grants leases and puts a key under each, all at once, and leaves them to end together. */
  | { readonly type: 'leases-at-once'; readonly keys: readonly string[]; readonly ttlMs: number }
  /** Of the lease that this client granted last. */
  | { readonly type: 'keep-alive' }
  | { readonly type: 'time-to-live' }
  /** Lists all leases. */
  | { readonly type: 'leases' }
  | { readonly type: 'revoke' }
  /** Forgets history but for the last `keep` revisions. */
  | { readonly type: 'compact'; readonly keep: number; readonly physical?: true }
  /** Hashes what its member holds. */
  | { readonly type: 'hash' }
  /** What an operator does about NOSPACE: deletes everything, forgets history, and disarms the alarm. */
  | { readonly type: 'make-room' }
  /** Limits what is under a prefix, or with neither limit ends that. */
  | { readonly type: 'limit-prefix'; readonly prefix: string; readonly keysMax?: number; readonly bytesMax?: number }
  /** Changes who may do what. */
  | { readonly type: 'administer'; readonly step: AuthStep }
  /** Changes who belongs to the cluster, or asks who does. */
  | { readonly type: 'change-members'; readonly step: MembersStep }
  /** Watches everything, or some keys, taking each event `slowMs` after the last, for `forMs`. */
  | {
      readonly type: 'watch'
      /** From so many revisions ago, as far as they are kept. */
      readonly back: number
      /** Or from so many revisions after the oldest that is kept; below 0, which must be refused. */
      readonly fromOldest?: number
      /** Asks for what each change replaced. */
      readonly previous?: boolean
      /** Only keys from this one to before `end`; without `end`, those that begin with it. */
      readonly from?: string
      readonly end?: string
      /** Leaves these out. */
      readonly without?: 'puts' | 'deletes'
      /** Asks for notices of progress, every so often. */
      readonly progressMs?: number
      /** Asks for a notice of progress at once, and again with each change that it is told of. */
      readonly asks?: true
      readonly slowMs: number
      readonly forMs: number
    }
  /** Takes a lock, writes under its guard, holds it for `holdMs`. */
  | { readonly type: 'lock'; readonly name: string; readonly holdMs: number; readonly ttlMs: number }

/** Members by their names; addresses are those of their places, but for `update`. */
export type MembersStep =
  /** As a voter it first catches up, and the step waits for that. */
  | { readonly step: 'add'; readonly name: string; readonly role: 'voter' | 'learner' }
  | { readonly step: 'remove' | 'promote'; readonly name: string }
  | { readonly step: 'replace'; readonly name: string; readonly by: string }
  /** The process moves there some time later. */
  | { readonly step: 'update'; readonly name: string; readonly address: string }
  /** Without a name to whoever is best. */
  | { readonly step: 'move-leader'; readonly name?: string }
  | { readonly step: 'list'; readonly consistency: 'linearizable' | 'local' }

export type OperationType = OperationKind['type']

export type SortField = 'key' | 'version' | 'createRevision' | 'modRevision' | 'value'

/** Users are `root`, and those of the plan; each has the role of its own name at first. */
export type AuthStep =
  /** Adds what is missing of users and roles, grants what they begin with, and enables authorization. */
  | { readonly step: 'set-up'; readonly grants: readonly RoleGrant[] }
  | ({ readonly step: 'grant' } & RoleGrant)
  | { readonly step: 'revoke'; readonly role: string; readonly from: string; readonly to: string }
  | { readonly step: 'give-role' | 'take-role'; readonly user: string; readonly role: string }
  | { readonly step: 'change-password' | 'delete-user'; readonly user: string }
  | { readonly step: 'delete-role'; readonly role: string }
  | { readonly step: 'disable' }

/** Allows keys from `from` to before `to`. */
export interface RoleGrant {
  readonly role: string
  readonly allow: PermissionType
  readonly from: string
  readonly to: string
}
