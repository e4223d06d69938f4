/**
 * The shapes of what clients send, message by message. Tested against the .proto files: a field that is missing here, or is
 * another kind of number there, fails a test.
 */
import { CampaignRequest, LeaderKey, LeaderRequest, ProclaimRequest, ResignRequest } from '../generated/election.js'
import { LockRequest, UnlockRequest } from '../generated/lock.js'
import {
  AlarmRequest,
  AlarmRequest_AlarmAction,
  AlarmType,
  AuthDisableRequest,
  AuthEnableRequest,
  AuthenticateRequest,
  AuthRoleAddRequest,
  AuthRoleDeleteRequest,
  AuthRoleGetRequest,
  AuthRoleGrantPermissionRequest,
  AuthRoleListRequest,
  AuthRoleRevokePermissionRequest,
  AuthStatusRequest,
  AuthUserAddRequest,
  AuthUserChangePasswordRequest,
  AuthUserDeleteRequest,
  AuthUserGetRequest,
  AuthUserGrantRoleRequest,
  AuthUserListRequest,
  AuthUserRevokeRoleRequest,
  CompactionRequest,
  Compare,
  Compare_CompareResult,
  Compare_CompareTarget,
  DefragmentRequest,
  DeleteRangeRequest,
  DowngradeRequest,
  DowngradeRequest_DowngradeAction,
  HashKVRequest,
  HashRequest,
  LeaseGrantRequest,
  LeaseKeepAliveRequest,
  LeaseLeasesRequest,
  LeaseRevokeRequest,
  LeaseTimeToLiveRequest,
  MemberAddRequest,
  MemberListRequest,
  MemberPromoteRequest,
  MemberRemoveRequest,
  MemberUpdateRequest,
  MoveLeaderRequest,
  Permission,
  Permission_Type,
  PutRequest,
  RangeRequest,
  RangeRequest_SortOrder,
  RangeRequest_SortTarget,
  RequestOp,
  SnapshotRequest,
  StatusRequest,
  TxnRequest,
  UserAddOptions,
  WatchCancelRequest,
  WatchCreateRequest,
  WatchCreateRequest_FilterType,
  WatchProgressRequest,
  WatchRequest,
} from '../generated/rpc.js'
import {
  bytes,
  enumeration,
  int64,
  list,
  message,
  messageShape,
  oneof,
  text,
  truth,
  uint64,
  type MessageShape,
} from './shapes.js'

// Keys and values

export const rangeRequest = messageShape(RangeRequest, {
  key: bytes,
  range_end: bytes,
  limit: int64,
  revision: int64,
  sort_order: enumeration(RangeRequest_SortOrder),
  sort_target: enumeration(RangeRequest_SortTarget),
  serializable: truth,
  keys_only: truth,
  count_only: truth,
  min_mod_revision: int64,
  max_mod_revision: int64,
  min_create_revision: int64,
  max_create_revision: int64,
})

export const putRequest = messageShape(PutRequest, {
  key: bytes,
  value: bytes,
  lease: int64,
  prev_kv: truth,
  ignore_value: truth,
  ignore_lease: truth,
})

export const deleteRangeRequest = messageShape(DeleteRangeRequest, { key: bytes, range_end: bytes, prev_kv: truth })

const compare = messageShape(Compare, {
  result: enumeration(Compare_CompareResult),
  target: enumeration(Compare_CompareTarget),
  key: bytes,
  target_union: oneof({
    version: int64,
    create_revision: int64,
    mod_revision: int64,
    value: bytes,
    lease: int64,
  }),
  range_end: bytes,
})

const requestOp = messageShape(RequestOp, {
  request: oneof({
    request_range: message(() => rangeRequest),
    request_put: message(() => putRequest),
    request_delete_range: message(() => deleteRangeRequest),
    request_txn: message(() => txnRequest),
  }),
})

export const txnRequest: MessageShape<TxnRequest> = messageShape(TxnRequest, {
  compare: list(message(() => compare)),
  success: list(message(() => requestOp)),
  failure: list(message(() => requestOp)),
})

export const compactionRequest = messageShape(CompactionRequest, { revision: int64, physical: truth })

// Watches

const watchCreateRequest = messageShape(WatchCreateRequest, {
  key: bytes,
  range_end: bytes,
  start_revision: int64,
  progress_notify: truth,
  filters: list(enumeration(WatchCreateRequest_FilterType)),
  prev_kv: truth,
  watch_id: int64,
  fragment: truth,
})

const watchCancelRequest = messageShape(WatchCancelRequest, { watch_id: int64 })
const watchProgressRequest = messageShape(WatchProgressRequest, {})

export const watchRequest = messageShape(WatchRequest, {
  request_union: oneof({
    create_request: message(() => watchCreateRequest),
    cancel_request: message(() => watchCancelRequest),
    progress_request: message(() => watchProgressRequest),
  }),
})

// Leases

export const leaseGrantRequest = messageShape(LeaseGrantRequest, { TTL: int64, ID: int64 })
export const leaseRevokeRequest = messageShape(LeaseRevokeRequest, { ID: int64 })
export const leaseKeepAliveRequest = messageShape(LeaseKeepAliveRequest, { ID: int64 })
export const leaseTimeToLiveRequest = messageShape(LeaseTimeToLiveRequest, { ID: int64, keys: truth })
export const leaseLeasesRequest = messageShape(LeaseLeasesRequest, {})

// Members

export const memberAddRequest = messageShape(MemberAddRequest, { peerURLs: list(text), isLearner: truth })
export const memberRemoveRequest = messageShape(MemberRemoveRequest, { ID: uint64 })
export const memberUpdateRequest = messageShape(MemberUpdateRequest, { ID: uint64, peerURLs: list(text) })
export const memberListRequest = messageShape(MemberListRequest, { linearizable: truth })
export const memberPromoteRequest = messageShape(MemberPromoteRequest, { ID: uint64 })

// Maintenance

export const alarmRequest = messageShape(AlarmRequest, {
  action: enumeration(AlarmRequest_AlarmAction),
  memberID: uint64,
  alarm: enumeration(AlarmType),
})

export const statusRequest = messageShape(StatusRequest, {})
export const defragmentRequest = messageShape(DefragmentRequest, {})
export const hashRequest = messageShape(HashRequest, {})
export const hashKvRequest = messageShape(HashKVRequest, { revision: int64 })
export const snapshotRequest = messageShape(SnapshotRequest, {})
export const moveLeaderRequest = messageShape(MoveLeaderRequest, { targetID: uint64 })
export const downgradeRequest = messageShape(DowngradeRequest, {
  action: enumeration(DowngradeRequest_DowngradeAction),
  version: text,
})

// Users and roles

const userAddOptions = messageShape(UserAddOptions, { no_password: truth })

const permission = messageShape(Permission, {
  permType: enumeration(Permission_Type),
  key: bytes,
  range_end: bytes,
})

export const authEnableRequest = messageShape(AuthEnableRequest, {})
export const authDisableRequest = messageShape(AuthDisableRequest, {})
export const authStatusRequest = messageShape(AuthStatusRequest, {})
export const authenticateRequest = messageShape(AuthenticateRequest, { name: text, password: text })
export const userAddRequest = messageShape(AuthUserAddRequest, {
  name: text,
  password: text,
  options: message(() => userAddOptions),
  hashedPassword: text,
})
export const userGetRequest = messageShape(AuthUserGetRequest, { name: text })
export const userListRequest = messageShape(AuthUserListRequest, {})
export const userDeleteRequest = messageShape(AuthUserDeleteRequest, { name: text })
export const userChangePasswordRequest = messageShape(AuthUserChangePasswordRequest, {
  name: text,
  password: text,
  hashedPassword: text,
})
export const userGrantRoleRequest = messageShape(AuthUserGrantRoleRequest, { user: text, role: text })
export const userRevokeRoleRequest = messageShape(AuthUserRevokeRoleRequest, { name: text, role: text })
export const roleAddRequest = messageShape(AuthRoleAddRequest, { name: text })
export const roleGetRequest = messageShape(AuthRoleGetRequest, { role: text })
export const roleListRequest = messageShape(AuthRoleListRequest, {})
export const roleDeleteRequest = messageShape(AuthRoleDeleteRequest, { role: text })
export const roleGrantPermissionRequest = messageShape(AuthRoleGrantPermissionRequest, {
  name: text,
  perm: message(() => permission),
})
export const roleRevokePermissionRequest = messageShape(AuthRoleRevokePermissionRequest, {
  role: text,
  key: bytes,
  range_end: bytes,
})

// Locks and elections

export const lockRequest = messageShape(LockRequest, { name: bytes, lease: int64 })
export const unlockRequest = messageShape(UnlockRequest, { key: bytes })

const leaderKey = messageShape(LeaderKey, { name: bytes, key: bytes, rev: int64, lease: int64 })

export const campaignRequest = messageShape(CampaignRequest, { name: bytes, lease: int64, value: bytes })
export const proclaimRequest = messageShape(ProclaimRequest, { leader: message(() => leaderKey), value: bytes })
export const leaderRequest = messageShape(LeaderRequest, { name: bytes })
export const resignRequest = messageShape(ResignRequest, { leader: message(() => leaderKey) })
