/** etcd's Maintenance: what operators ask of one member, and of the cluster through it. */
import type { StoreStatus } from '../../../api/store.js'
import { ERRORS, isStoreError } from '../../../base/errors.js'
import {
  DowngradeRequest_DowngradeAction,
  type DowngradeRequest,
  type MaintenanceService,
  type StatusResponse,
} from '../../generated/rpc.js'
import { revisionOf } from '../../wire/numbers.js'
import { ETCD_VERSION } from '../../wire/version.js'
import { requireRoot } from '../administrator.js'
import type { Face } from '../face.js'
import { Refusal } from '../refusal.js'
import type { Call, Service } from '../service.js'
import { answerAlarm, describeAlarm } from './alarm.js'
import { snapshotMessages } from './snapshot.js'

/** etcd's answer where nothing was ever compacted; a store here says 0. */
const NEVER_COMPACTED = -1n
/** Of a store without a quota: etcd's flag has a negative number for it. */
const NO_QUOTA = -1n

export function maintenanceService(face: Face): Service<typeof MaintenanceService> {
  return {
    alarm: (request, call) => answerAlarm(face, request, call),
    status: (_, call) => statusOf(face, call),
    async defragment(_, { store }) {
      await store.maintenance.defragment()
      return { header: undefined }
    },
    async hash(_, { store, signal }) {
      const { hash } = await store.maintenance.hash({ signal })
      return { header: face.header(), hash: shortHash(hash) }
    },
    async hashKv({ revision }, { store, signal }) {
      const hashed = await store.maintenance.hash({ revision: revisionOf(revision), signal })
      const compactRevision = BigInt(hashed.compactRevision)
      return {
        header: face.header(),
        hash: shortHash(hashed.hash),
        compact_revision: compactRevision === 0n ? NEVER_COMPACTED : compactRevision,
        hash_revision: BigInt(hashed.revision),
      }
    },
    snapshot: (_, call) => snapshotMessages(call),
    async moveLeader({ targetID }, call) {
      await moveLeader(targetID, call)
      return { header: undefined }
    },
    async downgrade(request, call) {
      await requireRoot(call)
      return refuseDowngrade(request)
    },
  }
}

/** Of our 64 bits, as many as the message has room for: equal where all are. */
function shortHash(hash: string): number {
  return Number.parseInt(hash.slice(-8), 16)
}

/** Without a quorum, too: what this member knows. */
async function statusOf(face: Face, { store }: Call): Promise<StatusResponse> {
  // A signed token is checked with this, and refused.
  await store.auth.whoami()
  const status = store.status()
  const { diskBytes, sizeInUseBytes, quotaBytes } = await store.maintenance.sizes()
  return {
    header: face.header(status.revision),
    version: ETCD_VERSION.server,
    dbSize: BigInt(Math.max(diskBytes ?? 0, sizeInUseBytes)),
    dbSizeInUse: BigInt(sizeInUseBytes),
    dbSizeQuota: Number.isFinite(quotaBytes) ? BigInt(quotaBytes) : NO_QUOTA,
    leader: leaderIdOf(status),
    raftIndex: BigInt(status.commitIndex),
    raftTerm: BigInt(status.term),
    raftAppliedIndex: BigInt(status.appliedIndex),
    errors: errorsOf(status),
    isLearner: status.learner,
    storageVersion: ETCD_VERSION.storage,
    downgradeInfo: { enabled: false, targetVersion: '' },
  }
}

/** 0: this member knows of none. */
function leaderIdOf({ leader, members }: StoreStatus): bigint {
  const found = members.find(({ name }) => name === leader)
  return leader === undefined || found === undefined ? 0n : BigInt(found.id)
}

function errorsOf(status: StoreStatus): string[] {
  const noLeader = leaderIdOf(status) === 0n ? [ERRORS.NO_LEADER.etcd] : []
  return [...noLeader, ...status.alarms.map(describeAlarm)]
}

/** Only where it leads: whoever asks is to know that, though any member of this store could pass it on. */
async function moveLeader(targetID: bigint, { store, signal }: Call): Promise<void> {
  await store.auth.whoami()
  const { role, members } = store.status()
  if (role !== 'leader') throw new Refusal('FAILED_PRECONDITION', 'etcdserver: not leader')
  const target = members.find(({ id }) => BigInt(id) === targetID)
  if (target === undefined) throw new Refusal('FAILED_PRECONDITION', ERRORS.TRANSFEREE_INVALID.etcd)
  try {
    await store.cluster.moveLeader({ id: target.id }, { signal })
  } catch (error) {
    if (!isStoreError(error, 'TIMEOUT')) throw error
    throw new Refusal('UNKNOWN', 'etcdserver: request timed out, leader transfer took too long')
  }
}

const TARGET_VERSION = /^\d+\.\d+(\.\d+)?$/

/** There is no older version that would read what this one writes, and so none to go down to. */
function refuseDowngrade({ action, version }: DowngradeRequest): never {
  switch (action) {
    case DowngradeRequest_DowngradeAction.VALIDATE:
    case DowngradeRequest_DowngradeAction.ENABLE:
      if (!TARGET_VERSION.test(version)) {
        throw new Refusal('INVALID_ARGUMENT', 'etcdserver: wrong downgrade target version format')
      }
      throw new Refusal('INVALID_ARGUMENT', 'etcdserver: invalid downgrade target version')
    case DowngradeRequest_DowngradeAction.CANCEL:
      throw new Refusal('FAILED_PRECONDITION', 'etcdserver: no inflight downgrade job')
    case DowngradeRequest_DowngradeAction.UNRECOGNIZED:
    default:
      throw new Refusal('UNKNOWN', 'etcdserver: unknown downgrade action')
  }
}
