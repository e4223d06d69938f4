/**
 * The end of leaving a cluster (store/force-new-cluster.ts), at the first open under the new name: nothing of the old cluster's
 * membership is left, neither in the state nor in the log.
 *
 *     replay     all that the log holds is committed by the only voter there is: it goes into the state, except for what changes
 *                the members of the old cluster
 *     forget     the members that the state knows
 *     begin      the log begins anew behind that, in one durable step: the member of a new cluster of one
 *
 * Always: a crash before the last step leaves a log that ends where the old cluster was left, and a state that is some way
 * along it: the next open does the same again. After that step the log goes on beyond that end, or is empty behind it.
 * So a newcomer of the new cluster never gets an entry of the old one: it is sent a snapshot, as from any log that begins
 * later.
 */
import { LIMITS } from '../base/limits.js'
import type { FormerCluster } from '../base/former-cluster.js'
import type { Machine } from '../machine/machine.js'
import type { Storage } from '../storage/storage.js'
import { loadState, type LoadingState } from './load-state.js'

/** Before the state is loaded for the member; rejects as {@link loadState}. */
export async function leaveFormerCluster(storage: Storage, loading: LoadingState): Promise<void> {
  const former = storage.formerClusters.at(-1)
  if (former === undefined || !isUnfinished(storage, former)) return
  const { machine, stored } = await loadState(storage, loading)
  for (const { index, term, kind, data } of stored.entries) {
    if (index <= machine.appliedIndex) continue
    if (kind === 'normal') machine.apply(index, term, data)
    else machine.skip(index, term)
    if (storage.state.stagedBytes >= LIMITS.stateBufferBytesMax) await write(machine, storage)
  }
  machine.forgetMembers()
  await write(machine, storage)
  await storage.log.beginAlone({ index: machine.appliedIndex, term: machine.appliedTerm })
}

/** Whatever was appended since was so after the log had begun anew, or by a version to which there were no changes of members. */
function isUnfinished({ log }: Storage, { lastIndex }: FormerCluster): boolean {
  if (log.last.index !== lastIndex) return false
  return log.base.index < lastIndex || log.promises === 'lost' || log.joined
}

async function write(machine: Machine, { state }: Storage): Promise<void> {
  machine.checkpoint()
  await state.commit()
}
