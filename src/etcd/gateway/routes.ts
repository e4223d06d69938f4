/**
 * The paths of etcd's JSON gateway: which method of which service each of them is, what its request looks like, and how its
 * response becomes JSON. KV.RangeStream has no path, as in etcd; three methods of leases have two.
 */
import {
  CampaignResponse,
  ElectionService,
  LeaderResponse,
  ProclaimResponse,
  ResignResponse,
} from '../generated/election.js'
import { LockResponse, LockService, UnlockResponse } from '../generated/lock.js'
import * as rpc from '../generated/rpc.js'
import type { MethodDefinition } from '../server/service.js'
import * as shapes from './request-shapes.js'
import type { MessageShape } from './shapes.js'

/** One path, of whatever types. */
export interface Route {
  readonly path: string
  readonly definition: Definition<unknown>
  readonly request: MessageShape<unknown>
  readonly response: { toJSON(response: unknown): unknown }
}

interface Definition<Request> {
  readonly path: string
  readonly requestSerialize: (request: Request) => Buffer
}

interface ResponseJson<Response> {
  toJSON(response: Response): unknown
}

const { KVService, WatchService, LeaseService, ClusterService, MaintenanceService, AuthService } = rpc

export const ROUTES: readonly Route[] = [
  route('/v3/kv/range', KVService.range, shapes.rangeRequest, rpc.RangeResponse),
  route('/v3/kv/put', KVService.put, shapes.putRequest, rpc.PutResponse),
  route('/v3/kv/deleterange', KVService.deleteRange, shapes.deleteRangeRequest, rpc.DeleteRangeResponse),
  route('/v3/kv/txn', KVService.txn, shapes.txnRequest, rpc.TxnResponse),
  route('/v3/kv/compaction', KVService.compact, shapes.compactionRequest, rpc.CompactionResponse),

  route('/v3/watch', WatchService.watch, shapes.watchRequest, rpc.WatchResponse),

  route('/v3/lease/grant', LeaseService.leaseGrant, shapes.leaseGrantRequest, rpc.LeaseGrantResponse),
  route('/v3/lease/revoke', LeaseService.leaseRevoke, shapes.leaseRevokeRequest, rpc.LeaseRevokeResponse),
  route('/v3/kv/lease/revoke', LeaseService.leaseRevoke, shapes.leaseRevokeRequest, rpc.LeaseRevokeResponse),
  route('/v3/lease/keepalive', LeaseService.leaseKeepAlive, shapes.leaseKeepAliveRequest, rpc.LeaseKeepAliveResponse),
  route(
    '/v3/lease/timetolive',
    LeaseService.leaseTimeToLive,
    shapes.leaseTimeToLiveRequest,
    rpc.LeaseTimeToLiveResponse,
  ),
  route(
    '/v3/kv/lease/timetolive',
    LeaseService.leaseTimeToLive,
    shapes.leaseTimeToLiveRequest,
    rpc.LeaseTimeToLiveResponse,
  ),
  route('/v3/lease/leases', LeaseService.leaseLeases, shapes.leaseLeasesRequest, rpc.LeaseLeasesResponse),
  route('/v3/kv/lease/leases', LeaseService.leaseLeases, shapes.leaseLeasesRequest, rpc.LeaseLeasesResponse),

  route('/v3/cluster/member/add', ClusterService.memberAdd, shapes.memberAddRequest, rpc.MemberAddResponse),
  route('/v3/cluster/member/remove', ClusterService.memberRemove, shapes.memberRemoveRequest, rpc.MemberRemoveResponse),
  route('/v3/cluster/member/update', ClusterService.memberUpdate, shapes.memberUpdateRequest, rpc.MemberUpdateResponse),
  route('/v3/cluster/member/list', ClusterService.memberList, shapes.memberListRequest, rpc.MemberListResponse),
  route(
    '/v3/cluster/member/promote',
    ClusterService.memberPromote,
    shapes.memberPromoteRequest,
    rpc.MemberPromoteResponse,
  ),

  route('/v3/maintenance/alarm', MaintenanceService.alarm, shapes.alarmRequest, rpc.AlarmResponse),
  route('/v3/maintenance/status', MaintenanceService.status, shapes.statusRequest, rpc.StatusResponse),
  route('/v3/maintenance/defragment', MaintenanceService.defragment, shapes.defragmentRequest, rpc.DefragmentResponse),
  route('/v3/maintenance/hash', MaintenanceService.hash, shapes.hashRequest, rpc.HashResponse),
  route('/v3/maintenance/hashkv', MaintenanceService.hashKv, shapes.hashKvRequest, rpc.HashKVResponse),
  route('/v3/maintenance/snapshot', MaintenanceService.snapshot, shapes.snapshotRequest, rpc.SnapshotResponse),
  route(
    '/v3/maintenance/transfer-leadership',
    MaintenanceService.moveLeader,
    shapes.moveLeaderRequest,
    rpc.MoveLeaderResponse,
  ),
  route('/v3/maintenance/downgrade', MaintenanceService.downgrade, shapes.downgradeRequest, rpc.DowngradeResponse),

  route('/v3/auth/authenticate', AuthService.authenticate, shapes.authenticateRequest, rpc.AuthenticateResponse),
  route('/v3/auth/enable', AuthService.authEnable, shapes.authEnableRequest, rpc.AuthEnableResponse),
  route('/v3/auth/disable', AuthService.authDisable, shapes.authDisableRequest, rpc.AuthDisableResponse),
  route('/v3/auth/status', AuthService.authStatus, shapes.authStatusRequest, rpc.AuthStatusResponse),
  route('/v3/auth/user/add', AuthService.userAdd, shapes.userAddRequest, rpc.AuthUserAddResponse),
  route('/v3/auth/user/get', AuthService.userGet, shapes.userGetRequest, rpc.AuthUserGetResponse),
  route('/v3/auth/user/list', AuthService.userList, shapes.userListRequest, rpc.AuthUserListResponse),
  route('/v3/auth/user/delete', AuthService.userDelete, shapes.userDeleteRequest, rpc.AuthUserDeleteResponse),
  route(
    '/v3/auth/user/changepw',
    AuthService.userChangePassword,
    shapes.userChangePasswordRequest,
    rpc.AuthUserChangePasswordResponse,
  ),
  route('/v3/auth/user/grant', AuthService.userGrantRole, shapes.userGrantRoleRequest, rpc.AuthUserGrantRoleResponse),
  route(
    '/v3/auth/user/revoke',
    AuthService.userRevokeRole,
    shapes.userRevokeRoleRequest,
    rpc.AuthUserRevokeRoleResponse,
  ),
  route('/v3/auth/role/add', AuthService.roleAdd, shapes.roleAddRequest, rpc.AuthRoleAddResponse),
  route('/v3/auth/role/get', AuthService.roleGet, shapes.roleGetRequest, rpc.AuthRoleGetResponse),
  route('/v3/auth/role/list', AuthService.roleList, shapes.roleListRequest, rpc.AuthRoleListResponse),
  route('/v3/auth/role/delete', AuthService.roleDelete, shapes.roleDeleteRequest, rpc.AuthRoleDeleteResponse),
  route(
    '/v3/auth/role/grant',
    AuthService.roleGrantPermission,
    shapes.roleGrantPermissionRequest,
    rpc.AuthRoleGrantPermissionResponse,
  ),
  route(
    '/v3/auth/role/revoke',
    AuthService.roleRevokePermission,
    shapes.roleRevokePermissionRequest,
    rpc.AuthRoleRevokePermissionResponse,
  ),

  route('/v3/lock/lock', LockService.lock, shapes.lockRequest, LockResponse),
  route('/v3/lock/unlock', LockService.unlock, shapes.unlockRequest, UnlockResponse),

  route('/v3/election/campaign', ElectionService.campaign, shapes.campaignRequest, CampaignResponse),
  route('/v3/election/proclaim', ElectionService.proclaim, shapes.proclaimRequest, ProclaimResponse),
  route('/v3/election/leader', ElectionService.leader, shapes.leaderRequest, LeaderResponse),
  route('/v3/election/observe', ElectionService.observe, shapes.leaderRequest, LeaderResponse),
  route('/v3/election/resign', ElectionService.resign, shapes.resignRequest, ResignResponse),
]

/** The compiler sees that the four belong together; from here on they are of any types. */
function route<Request, Response>(
  path: string,
  definition: MethodDefinition<Request, Response> & Definition<Request>,
  request: MessageShape<Request>,
  response: ResponseJson<Response>,
): Route {
  return { path, definition, request, response } as Route
}
