/**
 * What a programme asks of both stores, as data, in the words of etcd's client protocol.
 *
 * Always: an operation means the same when others are left out of its programme, so revisions are told from where the
 * store stands when it is sent, and a lease whose id the store chooses goes by a name.
 * Always: an operation leaves both stores in the same state, whatever difference in their answers is expected.
 */
import { assertNever } from '../../src/base/assert.js'

/** Keys and values: one character, U+0000 to U+00FF, per byte. */
export type Bytes = string

/** `plus` from 0, from the store's revision, or from the one it was last compacted at. */
export interface RevisionFrom {
  readonly base: 'zero' | 'current' | 'compacted'
  readonly plus: number
}

/** Of a lease: a decimal 64-bit number, '0' for none, or '#n', a name for the one that the store chooses. */
export type LeaseName = string

export type SortOrder = 'NONE' | 'ASCEND' | 'DESCEND'
export type SortTarget = 'KEY' | 'VERSION' | 'CREATE' | 'MOD' | 'VALUE'

export interface RangeOperation {
  readonly type: 'range'
  readonly key: Bytes
  readonly rangeEnd: Bytes
  readonly revision: RevisionFrom
  readonly limit: number
  readonly sortOrder: SortOrder
  readonly sortTarget: SortTarget
  readonly serializable: boolean
  readonly keysOnly: boolean
  readonly countOnly: boolean
  readonly minModRevision: RevisionFrom
  readonly maxModRevision: RevisionFrom
  readonly minCreateRevision: RevisionFrom
  readonly maxCreateRevision: RevisionFrom
}

export interface PutOperation {
  readonly type: 'put'
  readonly key: Bytes
  readonly value: Bytes
  readonly lease: LeaseName
  readonly prevKv: boolean
  readonly ignoreValue: boolean
  readonly ignoreLease: boolean
}

export interface DeleteOperation {
  readonly type: 'delete'
  readonly key: Bytes
  readonly rangeEnd: Bytes
  readonly prevKv: boolean
}

export type CompareResult = 'EQUAL' | 'GREATER' | 'LESS' | 'NOT_EQUAL'

export type CompareOperation = {
  readonly key: Bytes
  readonly rangeEnd: Bytes
  readonly result: CompareResult
} & (
  | { readonly target: 'VERSION'; readonly version: number }
  | { readonly target: 'CREATE'; readonly revision: RevisionFrom }
  | { readonly target: 'MOD'; readonly revision: RevisionFrom }
  | { readonly target: 'VALUE'; readonly value: Bytes }
  | { readonly target: 'LEASE'; readonly lease: LeaseName }
)

export interface TransactionOperation {
  readonly type: 'transaction'
  readonly compare: readonly CompareOperation[]
  readonly success: readonly KeyOperation[]
  readonly failure: readonly KeyOperation[]
}

/** What may also stand in a transaction. */
export type KeyOperation = RangeOperation | PutOperation | DeleteOperation | TransactionOperation

export interface GrantOperation {
  readonly type: 'grant'
  /** '#n' where the store is to choose the id. */
  readonly lease: LeaseName
  readonly ttlSeconds: number
  /** Ends it again: one that would expire within the programme, or that only one of the two grants. */
  readonly revokeAtOnce: boolean
}

export interface WatchOperation {
  readonly type: 'watch'
  /** Tells the watches of a programme apart. */
  readonly watch: string
  readonly key: Bytes
  readonly rangeEnd: Bytes
  readonly startRevision: RevisionFrom
  readonly noPut: boolean
  readonly noDelete: boolean
  readonly prevKv: boolean
  readonly fragment: boolean
}

export type AlarmType = 'NOSPACE' | 'CORRUPT'
/** The one member there is, or one that there is not. */
export type AlarmMember = 'own' | 'other'

export type AlarmOperation =
  /** Without an alarm: any. */
  | {
      readonly type: 'alarm'
      readonly action: 'GET'
      readonly member: AlarmMember | undefined
      readonly alarm: AlarmType | undefined
    }
  | {
      readonly type: 'alarm'
      readonly action: 'ACTIVATE' | 'DEACTIVATE'
      readonly member: AlarmMember
      readonly alarm: AlarmType
    }

export type PermissionType = 'READ' | 'WRITE' | 'READWRITE'

export type AuthOperation =
  | { readonly type: 'auth-enable' | 'auth-disable' | 'user-list' | 'role-list' }
  /** Whoever is logged in asks from then on, as far as it succeeds. */
  | { readonly type: 'login'; readonly name: string; readonly password: string }
  /** From then on asks who logged in under this name before; nobody, where nobody did. */
  | { readonly type: 'become'; readonly name: string }
  /** Without a password: one who is known by a certificate. */
  | { readonly type: 'user-add'; readonly name: string; readonly password: string | undefined }
  | { readonly type: 'user-password'; readonly name: string; readonly password: string }
  | { readonly type: 'user-delete' | 'user-get'; readonly name: string }
  | { readonly type: 'user-grant' | 'user-revoke'; readonly name: string; readonly role: string }
  | { readonly type: 'role-add' | 'role-delete' | 'role-get'; readonly role: string }
  | ({ readonly type: 'role-grant'; readonly role: string } & Permission)
  | { readonly type: 'role-revoke'; readonly role: string; readonly key: Bytes; readonly rangeEnd: Bytes }

export interface Permission {
  readonly permission: PermissionType
  readonly key: Bytes
  readonly rangeEnd: Bytes
}

/** What a store is asked by itself; to read out watches takes both. */
export type Asked = Exclude<Operation, { readonly type: 'settle' | 'progress' }>

export type Operation =
  | KeyOperation
  | { readonly type: 'compact'; readonly revision: RevisionFrom; readonly physical: boolean }
  | GrantOperation
  | { readonly type: 'revoke'; readonly lease: LeaseName }
  | { readonly type: 'keep-alive'; readonly lease: LeaseName }
  | { readonly type: 'time-to-live'; readonly lease: LeaseName; readonly keys: boolean }
  | { readonly type: 'leases' }
  /** Grants the shortest lease that there is, puts the key under it and waits until both are gone. */
  | { readonly type: 'expire'; readonly lease: LeaseName; readonly key: Bytes }
  | AlarmOperation
  | AuthOperation
  | { readonly type: 'hash'; readonly revision: RevisionFrom }
  | WatchOperation
  | { readonly type: 'cancel'; readonly watch: string }
  /** Waits until every watch has delivered what there is, and compares it. */
  | { readonly type: 'settle' }
  /** Asks how far the watches have come, once they have delivered what there is. */
  | { readonly type: 'progress' }

export interface Programme {
  readonly kind: string
  readonly operations: readonly Operation[]
}

/** Where the store stands. */
export interface Bearings {
  readonly revision: number
  readonly compactRevision: number
}

/** From where the store stands, at least 1: what is less means something else. */
export function revisionAt(from: RevisionFrom, bearings: Bearings): number {
  switch (from.base) {
    case 'zero':
      return from.plus
    case 'current':
      return Math.max(1, bearings.revision + from.plus)
    case 'compacted':
      return Math.max(1, bearings.compactRevision + from.plus)
    default:
      return assertNever(from.base, 'base')
  }
}

export const NO_REVISION: RevisionFrom = { base: 'zero', plus: 0 }
export const NO_LEASE: LeaseName = '0'
/** Whom no programme takes away. */
export const ROOT = { name: 'root', password: 'of root' } as const
/** As a range end: every key from the first on. */
export const FROM_KEY_ON: Bytes = '\0'
/** Of a member that there is not. */
export const OTHER_MEMBER = 5

export function isAuthOperation(operation: Operation): operation is AuthOperation {
  const { type } = operation
  return /^(auth|user|role)-/.test(type) || type === 'login' || type === 'become'
}

/** The operations of a transaction, however deep, itself included. */
export function* partsOf(operation: Operation): Generator<Operation> {
  yield operation
  if (operation.type !== 'transaction') return
  for (const branch of [operation.success, operation.failure]) for (const part of branch) yield* partsOf(part)
}
