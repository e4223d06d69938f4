/**
 * A cluster of its own out of one member of a cluster whose majority is lost for good: `open({ forceNewCluster })`.
 *
 *     read       log and state as the member of the old cluster, verified as at every open
 *     change     who the directory belongs to, and the record of that, in one durable step (storage/former-cluster.ts)
 *     open       as the member of the new cluster, whose first open takes in what the log holds, and leaves the members of the
 *                old cluster behind (member/leave-former-cluster.ts)
 *
 * Always: before the change the directory is that of the old member, after it that of the new one; a crash leaves the one or
 * the other. The new cluster has another id, so that no member of the old one can ever speak to it, nor open this directory.
 * Always: all that the log holds is kept. Behind what this member knows to be committed there may be entries that were
 * acknowledged; that there may also be some that never were is the lesser evil.
 * Done once: where the directory belongs to the new cluster already, there is nothing to do, so that the option may stay in a
 * configuration by mistake.
 */
import type { FormerCluster } from '../base/former-cluster.js'
import type { Environment } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { memberOfOriginKey, ORIGIN_PREFIX } from '../machine/state-records.js'
import type { Disk } from '../storage/disk.js'
import { FORMER_MEMBERS_MAX } from '../storage/former-cluster.js'
import { type HighWaterContent, readHighWater } from '../storage/high-water.js'
import { sameIdentity } from '../storage/identity.js'
import { openStorage, type Storage } from '../storage/storage.js'
import { loadState } from './load-state.js'
import type { Settings } from './options.js'

export interface Forcing {
  readonly disk: Disk
  readonly settings: Settings
  readonly environment: Environment
}

/** Rejects with `NO_DATA`, `WRONG_MEMBER`, `CLUSTER_ID_REUSED`, `DATA_DAMAGED`, and what an open rejects with. */
export async function forceNewCluster(forcing: Forcing): Promise<void> {
  const { disk, settings, environment } = forcing
  const content = await ownerOf(disk)
  if (sameIdentity(content.identity, settings)) return
  refuseOthers(content, settings, disk)
  const withLosses = settings.forceNewCluster === 'with-losses'
  const options = { recover: withLosses, incarnationFloor: Math.max(0, Math.floor(environment.clock.wallMs())) }
  const storage = await openStorage(disk, content.identity, options)
  try {
    const former = await recordOf(storage, forcing, content)
    await storage.leaveCluster(settings, [...content.former, former])
    environment.logger.warn('this member left its cluster and is a new cluster of its own', {
      ...{ ...former, members: former.members.join(', '), newClusterId: settings.clusterId },
      damage: storage.damage.join('; ') || undefined,
    })
  } finally {
    await storage.close()
  }
}

async function ownerOf(disk: Disk): Promise<HighWaterContent> {
  const bytes = await disk.peek('high-water')
  if (bytes !== undefined) return readHighWater(bytes, disk.location)
  throw new StoreError(
    'NO_DATA',
    `There is no data of a member in ${disk.location}, so there is nothing to make a new cluster of. Nothing was changed.`,
  )
}

function refuseOthers({ identity }: HighWaterContent, settings: Settings, { location }: Disk): void {
  if (identity.name !== settings.name) {
    throw new StoreError(
      'WRONG_MEMBER',
      `${location} holds the data of member ${quote(identity.name)}, not of ${quote(settings.name)}. Nothing was changed.`,
    )
  }
  if (identity.clusterId !== settings.clusterId) return
  const why = 'would be that of the old cluster. Give a clusterToken of its own. Nothing was changed.'
  throw new StoreError('CLUSTER_ID_REUSED', `The id ${settings.clusterId} of the new cluster ${why}`)
}

async function recordOf(
  storage: Storage,
  { settings, environment }: Forcing,
  old: HighWaterContent,
): Promise<FormerCluster> {
  const { machine } = await loadState(storage)
  const withLosses = storage.promises === 'lost' || storage.damage.length > 0
  if (withLosses && settings.forceNewCluster !== 'with-losses') {
    throw new StoreError(
      'DATA_DAMAGED',
      `The member in ${storage.location} lost some of what it had acknowledged, and had not got it back from the others yet. ` +
        "Choose another member of the old cluster. If there is none, forceNewCluster: 'with-losses' goes on without it.",
    )
  }
  const { last } = storage.log
  const known = machine.members?.book.map(({ id }) => id) ?? []
  const { clusterId, memberId } = old.identity
  return {
    ...{ clusterId, memberId, withLosses, appliedIndex: machine.appliedIndex },
    leftAtMs: Math.max(0, Math.floor(environment.clock.wallMs())),
    lastIndex: last.index,
    lastTerm: last.term,
    members: [...new Set([memberId, ...known, ...(await proposersIn(storage))])].slice(0, FORMER_MEMBERS_MAX),
  }
}

async function proposersIn({ state }: Storage): Promise<number[]> {
  const members: number[] = []
  for await (const records of state.iterate(ORIGIN_PREFIX, `${ORIGIN_PREFIX}\xff`)) {
    for (const [key] of records) members.push(memberOfOriginKey(key))
  }
  return members
}
