/**
 * Opens and loads what a member has on its disk. Where that is damaged, whether it may be given up depends on who else there
 * is: others make up for it, and alone there is nobody to ask.
 *
 *     whole       nothing is to be decided
 *     damaged     by the members that log and state still name: the cluster may have grown or shrunk since it began;
 *                 where neither names any, by what the member was opened with
 */
import { NEVER } from '../base/buggify.js'
import { isStoreError } from '../base/errors.js'
import { openStorage, type Storage, type StorageOptions } from '../storage/storage.js'
import { leaveFormerCluster } from './leave-former-cluster.js'
import { loadState, type LoadedState } from './load-state.js'
import type { MemberOptions } from './member-options.js'
import { readRecordedMembers, type RecordedMembers } from './recorded-members.js'
import { sayWhileSlow } from './say-while-slow.js'

export interface OpenedData {
  readonly storage: Storage
  readonly loaded: LoadedState
  /** Who is in the cluster, where that was read from what is damaged. */
  readonly recorded?: RecordedMembers | undefined
}

/** Rejects as `openStorage` and `loadState`; everything is closed then. */
export async function openData(options: MemberOptions): Promise<OpenedData> {
  try {
    return await openAndLoad(options, false)
  } catch (error) {
    if (!isStoreError(error, 'DATA_DAMAGED')) throw error
    const { disk, memberId, members, joining } = options
    const recorded = await readRecordedMembers(disk, memberId)
    const others = recorded?.othersVote ?? (joining || members.length > 1)
    if (!others) throw error
    return { ...(await openAndLoad(options, true)), recorded }
  }
}

async function openAndLoad(options: MemberOptions, recover: boolean): Promise<OpenedData> {
  const { clusterId, memberId, name, disk, diskTimeoutMs, valueCacheBytesMax, joining } = options
  const { buggify = NEVER, timers, clock, logger } = options.environment
  // An origin that does not know how often it was opened must not meet its own proposals of before.
  const incarnationFloor = Math.max(0, Math.floor(clock.wallMs()))
  const settings = { recover, beginning: beginningOf(options), incarnationFloor, timers, diskTimeoutMs, buggify }
  const opening = openStorage(disk, { clusterId, memberId, name }, settings)
  // How long reading takes depends on how much there is: it is waited for, but the operator is told.
  const storage = await sayWhileSlow(opening, diskTimeoutMs, timers, (forMs) => {
    logger.warn('opening the data takes long: the disk may not answer', { location: disk.location, forMs })
  })
  try {
    if (!joining) await leaveFormerCluster(storage, { valueCacheBytesMax })
    return { storage, loaded: await loadState(storage, { valueCacheBytesMax }) }
  } catch (error) {
    await storage.close()
    throw error
  }
}

function beginningOf({ joining, rejoin }: MemberOptions): StorageOptions['beginning'] {
  if (joining) return 'joining'
  return rejoin ? 'rejoining' : undefined
}
