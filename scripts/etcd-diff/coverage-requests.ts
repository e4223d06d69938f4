/** The classes that the values of request fields fall into. */
import { assertNever } from '../../src/base/assert.js'
import { prefixEnd } from '../../src/base/bytes.js'
import type { Cell, Fields } from './coverage.js'
import {
  FROM_KEY_ON,
  NO_LEASE,
  isAuthOperation,
  partsOf,
  revisionAt,
  ROOT,
  type AuthOperation,
  type Bearings,
  type Bytes,
  type CompareOperation,
  type KeyOperation,
  type LeaseName,
  type Operation,
  type RevisionFrom,
} from './operation.js'

const FLAG = ['false', 'true']
const KEY = ['absent', 'zero byte', '0xff', 'one byte', 'binary', 'text', 'long']
const RANGE_END = ['absent', 'without end', 'prefix', 'the key', 'before the key', 'behind the key']
const LEASE = ['none', 'positive', 'negative', 'chosen by the store', 'unknown']
const REVISION = ['zero', 'compacted', 'at the compaction', 'old', 'current', 'future']
const BOUND = ['none', 'past', 'current', 'future']
const VALUE = ['empty', 'one byte', 'binary', 'text', 'large']
const NUMBER = ['zero', 'positive', 'negative']
const SIZE = ['none', 'one', 'several', 'too many']

export const REQUEST_FIELDS: Fields = {
  'RangeRequest.key': [...KEY, 'too long'],
  'RangeRequest.range_end': RANGE_END,
  'RangeRequest.limit': ['zero', 'one', 'several', 'negative'],
  'RangeRequest.revision': [...REVISION, 'negative'],
  'RangeRequest.serializable': FLAG,
  'RangeRequest.keys_only': FLAG,
  'RangeRequest.count_only': FLAG,
  'RangeRequest.sort_order': ['NONE', 'ASCEND', 'DESCEND'],
  'RangeRequest.sort_target': ['KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE'],
  'RangeRequest.min_mod_revision': BOUND,
  'RangeRequest.max_mod_revision': BOUND,
  'RangeRequest.min_create_revision': BOUND,
  'RangeRequest.max_create_revision': BOUND,
  'PutRequest.key': KEY,
  'PutRequest.value': [...VALUE, 'too large'],
  'PutRequest.lease': LEASE,
  'PutRequest.prev_kv': FLAG,
  'PutRequest.ignore_value': FLAG,
  'PutRequest.ignore_lease': FLAG,
  'DeleteRangeRequest.key': KEY,
  'DeleteRangeRequest.range_end': RANGE_END,
  'DeleteRangeRequest.prev_kv': FLAG,
  'TxnRequest.compare': ['none', 'one', 'several'],
  'TxnRequest.success': SIZE,
  'TxnRequest.failure': SIZE,
  'TxnRequest nested': ['not', 'once', 'several deep', 'too deep'],
  'RequestOp.request': ['range', 'put', 'delete', 'transaction'],
  'Compare.key': KEY,
  'Compare.range_end': RANGE_END,
  'Compare.result': ['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL'],
  'Compare.target': ['VERSION', 'CREATE', 'MOD', 'VALUE', 'LEASE'],
  'Compare.version': NUMBER,
  'Compare.create_revision': ['zero', 'positive'],
  'Compare.mod_revision': ['zero', 'positive'],
  'Compare.value': VALUE,
  'Compare.lease': LEASE,
  'CompactionRequest.revision': REVISION,
  'CompactionRequest.physical': FLAG,
  'LeaseGrantRequest.ID': ['positive', 'negative', 'chosen by the store'],
  'LeaseGrantRequest.TTL': [
    'zero',
    'negative',
    'under the least',
    'ordinary',
    'the greatest',
    'too great',
    'until it is over',
  ],
  'LeaseRevokeRequest.ID': ['positive', 'negative', 'chosen by the store', 'unknown'],
  'LeaseKeepAliveRequest.ID': ['positive', 'negative', 'chosen by the store', 'unknown'],
  'LeaseTimeToLiveRequest.ID': ['positive', 'negative', 'chosen by the store', 'unknown'],
  'LeaseTimeToLiveRequest.keys': FLAG,
  LeaseLeasesRequest: ['sent'],
  'AlarmRequest.action': ['GET', 'ACTIVATE', 'DEACTIVATE'],
  'AlarmRequest.memberID': ['none', 'own', 'other'],
  'AlarmRequest.alarm': ['NONE', 'NOSPACE', 'CORRUPT'],
  'HashKVRequest.revision': REVISION,
  'WatchCreateRequest.key': KEY,
  'WatchCreateRequest.range_end': RANGE_END,
  'WatchCreateRequest.start_revision': REVISION,
  'WatchCreateRequest.filters': ['none', 'NOPUT', 'NODELETE', 'both'],
  'WatchCreateRequest.prev_kv': FLAG,
  'WatchCreateRequest.fragment': FLAG,
  WatchCancelRequest: ['sent'],
  WatchProgressRequest: ['sent'],
}

const USER = ['root', 'known', 'unknown', 'none']
const ROLE = ['root', 'known', 'unknown', 'none']

export const AUTH_FIELDS: Fields = {
  AuthEnableRequest: ['sent'],
  AuthDisableRequest: ['sent'],
  'AuthenticateRequest.name': ['root', 'known', 'unknown'],
  'AuthenticateRequest.password': ['right', 'wrong'],
  'AuthUserAddRequest.name': USER,
  'AuthUserAddRequest.options.no_password': FLAG,
  'AuthUserDeleteRequest.name': ['root', 'known', 'unknown'],
  'AuthUserChangePasswordRequest.name': ['known', 'unknown'],
  'AuthUserGetRequest.name': ['root', 'known', 'unknown'],
  AuthUserListRequest: ['sent'],
  'AuthUserGrantRoleRequest.user': ['root', 'known', 'unknown'],
  'AuthUserGrantRoleRequest.role': ROLE,
  'AuthUserRevokeRoleRequest.name': ['root', 'known', 'unknown'],
  'AuthUserRevokeRoleRequest.role': ROLE,
  'AuthRoleAddRequest.name': ROLE,
  'AuthRoleDeleteRequest.role': ROLE,
  'AuthRoleGetRequest.role': ROLE,
  AuthRoleListRequest: ['sent'],
  'AuthRoleGrantPermissionRequest.name': ['known', 'unknown', 'none'],
  'Permission.permType': ['READ', 'WRITE', 'READWRITE'],
  'Permission.key': KEY,
  'Permission.range_end': RANGE_END,
  'AuthRoleRevokePermissionRequest.role': ['known', 'unknown', 'none'],
  'AuthRoleRevokePermissionRequest.key': KEY,
  'AuthRoleRevokePermissionRequest.range_end': RANGE_END,
}

export function* requestCells(operation: Operation, at: Bearings): Generator<Cell> {
  for (const part of partsOf(operation)) yield* cellsOf(part, at)
  if (operation.type === 'transaction') yield ['TxnRequest nested', depthClass(depthOf(operation))]
}

function cellsOf(operation: Operation, at: Bearings): readonly Cell[] {
  if (isAuthOperation(operation)) return authCells(operation)
  switch (operation.type) {
    case 'range':
      return [
        ['RangeRequest.key', keyClass(operation.key)],
        ['RangeRequest.range_end', rangeEndClass(operation)],
        ['RangeRequest.limit', limitClass(operation.limit)],
        ['RangeRequest.revision', revisionClass(operation.revision, at)],
        ['RangeRequest.serializable', String(operation.serializable)],
        ['RangeRequest.keys_only', String(operation.keysOnly)],
        ['RangeRequest.count_only', String(operation.countOnly)],
        ['RangeRequest.sort_order', operation.sortOrder],
        ['RangeRequest.sort_target', operation.sortTarget],
        ['RangeRequest.min_mod_revision', boundClass(operation.minModRevision, at)],
        ['RangeRequest.max_mod_revision', boundClass(operation.maxModRevision, at)],
        ['RangeRequest.min_create_revision', boundClass(operation.minCreateRevision, at)],
        ['RangeRequest.max_create_revision', boundClass(operation.maxCreateRevision, at)],
      ]
    case 'put':
      return [
        ['PutRequest.key', keyClass(operation.key)],
        ['PutRequest.value', valueClass(operation.value)],
        ['PutRequest.lease', leaseClass(operation.lease)],
        ['PutRequest.prev_kv', String(operation.prevKv)],
        ['PutRequest.ignore_value', String(operation.ignoreValue)],
        ['PutRequest.ignore_lease', String(operation.ignoreLease)],
      ]
    case 'delete':
      return [
        ['DeleteRangeRequest.key', keyClass(operation.key)],
        ['DeleteRangeRequest.range_end', rangeEndClass(operation)],
        ['DeleteRangeRequest.prev_kv', String(operation.prevKv)],
      ]
    case 'transaction':
      return [
        ['TxnRequest.compare', sizeClass(operation.compare)],
        ['TxnRequest.success', sizeClass(operation.success)],
        ['TxnRequest.failure', sizeClass(operation.failure)],
        ...[...operation.success, ...operation.failure].map((part): Cell => ['RequestOp.request', part.type]),
        ...operation.compare.flatMap((each) => compareCells(each, at)),
      ]
    case 'compact':
      return [
        ['CompactionRequest.revision', revisionClass(operation.revision, at)],
        ['CompactionRequest.physical', String(operation.physical)],
      ]
    case 'grant':
      return [
        ['LeaseGrantRequest.ID', leaseClass(operation.lease)],
        ['LeaseGrantRequest.TTL', ttlClass(operation.ttlSeconds)],
      ]
    case 'revoke':
      return [['LeaseRevokeRequest.ID', leaseClass(operation.lease)]]
    case 'keep-alive':
      return [['LeaseKeepAliveRequest.ID', leaseClass(operation.lease)]]
    case 'time-to-live':
      return [
        ['LeaseTimeToLiveRequest.ID', leaseClass(operation.lease)],
        ['LeaseTimeToLiveRequest.keys', String(operation.keys)],
      ]
    case 'expire':
      return [['LeaseGrantRequest.TTL', 'until it is over']]
    case 'leases':
      return [['LeaseLeasesRequest', 'sent']]
    case 'alarm':
      return [
        ['AlarmRequest.action', operation.action],
        ['AlarmRequest.memberID', operation.member ?? 'none'],
        ['AlarmRequest.alarm', operation.alarm ?? 'NONE'],
      ]
    case 'hash':
      return [['HashKVRequest.revision', revisionClass(operation.revision, at)]]
    case 'watch':
      return [
        ['WatchCreateRequest.key', keyClass(operation.key)],
        ['WatchCreateRequest.range_end', rangeEndClass(operation)],
        ['WatchCreateRequest.start_revision', revisionClass(operation.startRevision, at)],
        ['WatchCreateRequest.filters', filtersClass(operation)],
        ['WatchCreateRequest.prev_kv', String(operation.prevKv)],
        ['WatchCreateRequest.fragment', String(operation.fragment)],
      ]
    case 'cancel':
      return [['WatchCancelRequest', 'sent']]
    case 'progress':
      return [['WatchProgressRequest', 'sent']]
    case 'settle':
      return []
    default:
      return assertNever(operation, 'operation')
  }
}

function authCells(operation: AuthOperation): readonly Cell[] {
  switch (operation.type) {
    case 'auth-enable':
      return [['AuthEnableRequest', 'sent']]
    case 'auth-disable':
      return [['AuthDisableRequest', 'sent']]
    case 'user-list':
      return [['AuthUserListRequest', 'sent']]
    case 'role-list':
      return [['AuthRoleListRequest', 'sent']]
    case 'login':
      return [
        ['AuthenticateRequest.name', nameClass(operation.name)],
        ['AuthenticateRequest.password', operation.password === 'wrong' ? 'wrong' : 'right'],
      ]
    case 'become':
      return []
    case 'user-add':
      return [
        ['AuthUserAddRequest.name', nameClass(operation.name)],
        ['AuthUserAddRequest.options.no_password', String(operation.password === undefined)],
      ]
    case 'user-password':
      return [['AuthUserChangePasswordRequest.name', nameClass(operation.name)]]
    case 'user-delete':
      return [['AuthUserDeleteRequest.name', nameClass(operation.name)]]
    case 'user-get':
      return [['AuthUserGetRequest.name', nameClass(operation.name)]]
    case 'user-grant':
      return [
        ['AuthUserGrantRoleRequest.user', nameClass(operation.name)],
        ['AuthUserGrantRoleRequest.role', nameClass(operation.role)],
      ]
    case 'user-revoke':
      return [
        ['AuthUserRevokeRoleRequest.name', nameClass(operation.name)],
        ['AuthUserRevokeRoleRequest.role', nameClass(operation.role)],
      ]
    case 'role-add':
      return [['AuthRoleAddRequest.name', nameClass(operation.role)]]
    case 'role-delete':
      return [['AuthRoleDeleteRequest.role', nameClass(operation.role)]]
    case 'role-get':
      return [['AuthRoleGetRequest.role', nameClass(operation.role)]]
    case 'role-grant':
      return [
        ['AuthRoleGrantPermissionRequest.name', nameClass(operation.role)],
        ['Permission.permType', operation.permission],
        ['Permission.key', keyClass(operation.key)],
        ['Permission.range_end', rangeEndClass(operation)],
      ]
    case 'role-revoke':
      return [
        ['AuthRoleRevokePermissionRequest.role', nameClass(operation.role)],
        ['AuthRoleRevokePermissionRequest.key', keyClass(operation.key)],
        ['AuthRoleRevokePermissionRequest.range_end', rangeEndClass(operation)],
      ]
    default:
      return assertNever(operation, 'operation')
  }
}

/** Whom no programme adds (draw-auth.ts). */
const UNKNOWN_NAMES = ['dan', 'r3']

function nameClass(name: string): string {
  if (name === '') return 'none'
  if (name === ROOT.name) return 'root'
  return UNKNOWN_NAMES.includes(name) ? 'unknown' : 'known'
}

function compareCells(compare: CompareOperation, at: Bearings): readonly Cell[] {
  return [
    ['Compare.key', keyClass(compare.key)],
    ['Compare.range_end', rangeEndClass(compare)],
    ['Compare.result', compare.result],
    ['Compare.target', compare.target],
    comparedCell(compare, at),
  ]
}

function comparedCell(compare: CompareOperation, at: Bearings): Cell {
  switch (compare.target) {
    case 'VERSION':
      return ['Compare.version', numberClass(compare.version)]
    case 'CREATE':
      return ['Compare.create_revision', numberClass(revisionAt(compare.revision, at))]
    case 'MOD':
      return ['Compare.mod_revision', numberClass(revisionAt(compare.revision, at))]
    case 'VALUE':
      return ['Compare.value', valueClass(compare.value)]
    case 'LEASE':
      return ['Compare.lease', leaseClass(compare.lease)]
    default:
      return assertNever(compare, 'compare')
  }
}

const LONG = 1_000
/** As many bytes as we take of a key, and as both take of a request. */
const KEY_BYTES_MAX = 64 * 1024
const REQUEST_BYTES_MAX = 1.5 * 1024 * 1024

function keyClass(key: Bytes): string {
  if (key === '') return 'absent'
  if (key.length > KEY_BYTES_MAX) return 'too long'
  if (key.length > LONG) return 'long'
  if (key.startsWith('\0')) return 'zero byte'
  if (key.startsWith('\xff')) return '0xff'
  if (key.length === 1) return 'one byte'
  return isText(key) ? 'text' : 'binary'
}

function valueClass(value: Bytes): string {
  if (value === '') return 'empty'
  if (value.length > REQUEST_BYTES_MAX) return 'too large'
  if (value.length > LONG) return 'large'
  if (!isText(value)) return 'binary'
  return value.length === 1 ? 'one byte' : 'text'
}

function isText(bytes: Bytes): boolean {
  return /^[\x20-\x7e]*$/.test(bytes)
}

function rangeEndClass({ key, rangeEnd }: { readonly key: Bytes; readonly rangeEnd: Bytes }): string {
  if (rangeEnd === '') return 'absent'
  if (rangeEnd === FROM_KEY_ON) return 'without end'
  if (rangeEnd === prefixEnd(key)) return 'prefix'
  if (rangeEnd === key) return 'the key'
  return rangeEnd < key ? 'before the key' : 'behind the key'
}

function leaseClass(lease: LeaseName): string {
  if (lease === NO_LEASE) return 'none'
  if (lease.startsWith('#')) return 'chosen by the store'
  if (lease === '404') return 'unknown'
  return lease.startsWith('-') ? 'negative' : 'positive'
}

function revisionClass(from: RevisionFrom, at: Bearings): string {
  const revision = revisionAt(from, at)
  if (revision === 0) return 'zero'
  if (revision < 0) return 'negative'
  if (revision < at.compactRevision) return 'compacted'
  if (revision > at.revision) return 'future'
  if (revision === at.revision) return 'current'
  return revision === at.compactRevision ? 'at the compaction' : 'old'
}

function boundClass(from: RevisionFrom, at: Bearings): string {
  const bound = revisionAt(from, at)
  if (bound === 0) return 'none'
  return bound < at.revision ? 'past' : bound === at.revision ? 'current' : 'future'
}

function limitClass(limit: number): string {
  if (limit < 0) return 'negative'
  return limit === 0 ? 'zero' : limit === 1 ? 'one' : 'several'
}

function numberClass(number: number): string {
  return number === 0 ? 'zero' : number > 0 ? 'positive' : 'negative'
}

const OPERATIONS_MAX = 128

function sizeClass(list: readonly unknown[]): string {
  if (list.length > OPERATIONS_MAX) return 'too many'
  return list.length === 0 ? 'none' : list.length === 1 ? 'one' : 'several'
}

function depthOf(operation: KeyOperation): number {
  if (operation.type !== 'transaction') return -1
  return 1 + Math.max(-1, ...[...operation.success, ...operation.failure].map(depthOf))
}

const DEPTH_MAX = 8

function depthClass(depth: number): string {
  if (depth > DEPTH_MAX) return 'too deep'
  return depth === 0 ? 'not' : depth === 1 ? 'once' : 'several deep'
}

const TTL_SECONDS_MIN = 2
const TTL_SECONDS_MAX = 9_000_000_000

function ttlClass(seconds: number): string {
  if (seconds < 0) return 'negative'
  if (seconds === 0) return 'zero'
  if (seconds < TTL_SECONDS_MIN) return 'under the least'
  if (seconds > TTL_SECONDS_MAX) return 'too great'
  return seconds === TTL_SECONDS_MAX ? 'the greatest' : 'ordinary'
}

function filtersClass({ noPut, noDelete }: { readonly noPut: boolean; readonly noDelete: boolean }): string {
  if (noPut) return noDelete ? 'both' : 'NOPUT'
  return noDelete ? 'NODELETE' : 'none'
}
