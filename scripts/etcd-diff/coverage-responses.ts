/** The classes that the values of response fields fall into, and the errors that a programme can meet. */
import { assertNever } from '../../src/base/assert.js'
import type { Cell, Fields } from './coverage.js'
import type { SeenEvent, SeenKeyValue, SeenResponse, SeenWatch } from './observation.js'
import { NO_LEASE } from './operation.js'

const FLAG = ['false', 'true']
const SIZE = ['none', 'one', 'several']

export const RESPONSE_FIELDS: Fields = {
  'KeyValue.create_revision': ['of this version', 'of an earlier one', 'none'],
  'KeyValue.version': ['first', 'later', 'none'],
  'KeyValue.value': ['empty', 'given'],
  'KeyValue.lease': ['none', 'given'],
  'RangeResponse.kvs': SIZE,
  'RangeResponse.more': FLAG,
  'RangeResponse.count': SIZE,
  'PutResponse.prev_kv': ['absent', 'given'],
  'DeleteRangeResponse.deleted': SIZE,
  'DeleteRangeResponse.prev_kvs': SIZE,
  'TxnResponse.succeeded': FLAG,
  'TxnResponse.responses': SIZE,
  'LeaseGrantResponse.TTL': ['raised to the least', 'as asked for'],
  'LeaseKeepAliveResponse.TTL': ['none', 'given'],
  'LeaseTimeToLiveResponse.TTL': ['all', 'none'],
  'LeaseTimeToLiveResponse.grantedTTL': ['none', 'given'],
  'LeaseTimeToLiveResponse.keys': SIZE,
  lease: ['expired with its key'],
  'LeaseLeasesResponse.leases': SIZE,
  'AlarmResponse.alarms': SIZE,
  'HashKVResponse.compact_revision': ['none', 'given'],
  'AuthUserListResponse.users': SIZE,
  'AuthUserGetResponse.roles': SIZE,
  'AuthRoleListResponse.roles': SIZE,
  'AuthRoleGetResponse.perm': SIZE,
  'Event.type': ['PUT', 'DELETE'],
  'Event.prev_kv': ['absent', 'given'],
  'WatchResponse.events': SIZE,
  'WatchResponse without events': ['seen'],
  'WatchResponse.canceled': FLAG,
  'WatchResponse.compact_revision': ['none', 'given'],
}

export const ERROR_TEXTS: readonly string[] = [
  'etcdserver: key is not provided',
  'etcdserver: key not found',
  'etcdserver: value is provided',
  'etcdserver: lease is provided',
  'etcdserver: too many operations in txn request',
  'etcdserver: duplicate key given in txn request',
  'etcdserver: request is too large',
  'etcdserver: mvcc: required revision has been compacted',
  'etcdserver: mvcc: required revision is a future revision',
  'etcdserver: requested lease not found',
  'etcdserver: lease already exists',
  'etcdserver: too large lease TTL',
  'etcdserver: mvcc: database space exceeded',
  'etcdserver: corrupt cluster',
  'etcdserver: root user does not exist',
  'etcdserver: root user does not have root role',
  'etcdserver: user name already exists',
  'etcdserver: user name is empty',
  'etcdserver: user name not found',
  'etcdserver: role name already exists',
  'etcdserver: role name not found',
  'etcdserver: authentication failed, invalid user ID or password',
  'etcdserver: permission denied',
  'etcdserver: role is not granted to the user',
  'etcdserver: permission is not granted to the role',
  'etcdserver: authentication is not enabled',
  'etcdserver: invalid auth token',
  'etcdserver: invalid auth management',
]

export function responseCells(response: SeenResponse): readonly Cell[] {
  switch (response.type) {
    case 'range':
      return [
        ['RangeResponse.kvs', sizeClass(response.kvs.length)],
        ['RangeResponse.more', String(response.more)],
        ['RangeResponse.count', sizeClass(response.count)],
        ...response.kvs.flatMap(keyValueCells),
      ]
    case 'put':
      return [['PutResponse.prev_kv', givenClass(response.prevKv)], ...maybeKeyValueCells(response.prevKv)]
    case 'delete':
      return [
        ['DeleteRangeResponse.deleted', sizeClass(response.deleted)],
        ['DeleteRangeResponse.prev_kvs', sizeClass(response.prevKvs.length)],
        ...response.prevKvs.flatMap(keyValueCells),
      ]
    case 'transaction':
      return [
        ['TxnResponse.succeeded', String(response.succeeded)],
        ['TxnResponse.responses', sizeClass(response.responses.length)],
        ...response.responses.flatMap(responseCells),
      ]
    case 'grant':
      return [
        ['LeaseGrantResponse.TTL', response.ttlSeconds <= TTL_SECONDS_MIN ? 'raised to the least' : 'as asked for'],
      ]
    case 'keep-alive':
      return [['LeaseKeepAliveResponse.TTL', response.ttlSeconds === 0 ? 'none' : 'given']]
    case 'time-to-live':
      return [
        ['LeaseTimeToLiveResponse.TTL', String(response.remaining)],
        ['LeaseTimeToLiveResponse.grantedTTL', response.grantedTtlSeconds === 0 ? 'none' : 'given'],
        ['LeaseTimeToLiveResponse.keys', sizeClass(response.keys?.length ?? 0)],
      ]
    case 'leases':
      return [['LeaseLeasesResponse.leases', sizeClass(response.leases.length)]]
    case 'alarm':
      return response.alarms === undefined ? [] : [['AlarmResponse.alarms', sizeClass(response.alarms.length)]]
    case 'hash':
      return [['HashKVResponse.compact_revision', response.compactRevision > 0 ? 'given' : 'none']]
    case 'settle':
      return response.watches.flatMap(watchCells)
    case 'user-list':
      return [['AuthUserListResponse.users', sizeClass(response.users.length)]]
    case 'user-get':
      return [['AuthUserGetResponse.roles', sizeClass(response.roles.length)]]
    case 'role-list':
      return [['AuthRoleListResponse.roles', sizeClass(response.roles.length)]]
    case 'role-get':
      return [['AuthRoleGetResponse.perm', sizeClass(response.permissions.length)]]
    case 'expire':
      return [['lease', response.expired ? 'expired with its key' : 'did not expire']]
    case 'progress':
      return response.revisions.length > 0 ? [['WatchResponse without events', 'seen']] : []
    case 'auth':
    case 'compact':
    case 'revoke':
    case 'watch':
    case 'cancel':
      return []
    default:
      return assertNever(response, 'response')
  }
}

const TTL_SECONDS_MIN = 2

function watchCells({ events, ended }: SeenWatch): readonly Cell[] {
  return [
    ['WatchResponse.events', sizeClass(events.length)],
    ['WatchResponse.canceled', String(ended !== undefined)],
    ['WatchResponse.compact_revision', ended === undefined || ended.compactRevision === 0 ? 'none' : 'given'],
    ...events.flatMap(eventCells),
  ]
}

function eventCells({ type, kv, prevKv }: SeenEvent): readonly Cell[] {
  return [
    ['Event.type', type],
    ['Event.prev_kv', givenClass(prevKv)],
    ...keyValueCells(kv),
    ...maybeKeyValueCells(prevKv),
  ]
}

function maybeKeyValueCells(kv: SeenKeyValue | undefined): readonly Cell[] {
  return kv === undefined ? [] : keyValueCells(kv)
}

function keyValueCells({ createRevision, modRevision, version, value, lease }: SeenKeyValue): readonly Cell[] {
  return [
    ['KeyValue.create_revision', createClass(createRevision, modRevision)],
    ['KeyValue.version', version === 0 ? 'none' : version === 1 ? 'first' : 'later'],
    ['KeyValue.value', value === '' ? 'empty' : 'given'],
    ['KeyValue.lease', lease === NO_LEASE ? 'none' : 'given'],
  ]
}

function createClass(createRevision: number, modRevision: number): string {
  if (createRevision === 0) return 'none'
  return createRevision === modRevision ? 'of this version' : 'of an earlier one'
}

function sizeClass(size: number): string {
  return size === 0 ? 'none' : size === 1 ? 'one' : 'several'
}

function givenClass(value: unknown): string {
  return value === undefined ? 'absent' : 'given'
}
