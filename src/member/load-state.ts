/**
 * What a member begins with: its state, loaded and verified, and its log, which must fit it.
 *
 * A state that is damaged is given up where another one can be had: from the log, where that goes back to its beginning, or
 * from the leader. Then the member waits for that (state-repair.ts). Alone there is no leader to give one: it does not start.
 * What becomes of a damaged log was decided before (storage/open-log.ts).
 */
import { isStoreError } from '../base/errors.js'
import { Machine } from '../machine/machine.js'
import type { Index, StoredState } from '../raft/types.js'
import type { Storage } from '../storage/storage.js'

export interface LoadedState {
  readonly machine: Machine
  readonly stored: StoredState
  /** There is no state, and the log begins behind this index: one is needed. */
  readonly needed: Index | undefined
  /**
   * The state was lost together with the log, and comes back entry by entry: until it has caught up it lacks what this
   * member may have shown before.
   */
  readonly behind: boolean
}

export interface LoadingState {
  readonly valueCacheBytesMax: number
}

/** Rejects with `DATA_DAMAGED`, `FORMAT_TOO_NEW`, `DISK_FAILED`. */
export async function loadState(storage: Storage, loading: LoadingState): Promise<LoadedState> {
  const found = await findState(storage, loading)
  const machine = found ?? emptyMachine(storage, loading)
  const { log } = storage
  const needed = found === undefined && log.base.index > 0 ? log.base.index : undefined
  const applied = { index: machine.appliedIndex, term: machine.appliedTerm }
  // Durably: when it is opened next, there may be some of it, which does not show what is missing.
  const lost = applied.index === 0 && log.promises === 'lost'
  if (lost && !log.awaitsState) await log.awaitState()
  const behind = needed === undefined && log.awaitsState
  return { machine, stored: log.storedState(needed === undefined ? applied : undefined), needed, behind }
}

/** Undefined where it was given up. */
async function findState(storage: Storage, loading: LoadingState): Promise<Machine | undefined> {
  let machine: Machine
  try {
    machine = await loadMachine(storage, loading)
  } catch (error) {
    const { last, promises } = storage.log
    // A log that is whole and empty never had a state beside it: this is a restore that did not come to its end.
    const unfinished = last.index === 0 && promises === 'kept'
    if (!isStoreError(error, 'DATA_DAMAGED') || unfinished) throw error
    // Alone, and with a log that does not bring it back, this refuses.
    await storage.giveUpState(error)
    return undefined
  }
  const stands = await storage.meet({ index: machine.appliedIndex, term: machine.appliedTerm })
  // It may have been given up by an open before this one.
  const awaited = storage.log.awaitsState && machine.appliedIndex === 0
  return stands && !awaited ? machine : undefined
}

async function loadMachine(storage: Storage, { valueCacheBytesMax }: LoadingState): Promise<Machine> {
  const machine = new Machine({ backend: storage.state, valueCacheBytesMax })
  for await (const records of storage.state.iterateAll()) {
    for (const [key, record] of records) machine.load(key, record)
  }
  machine.finishLoading()
  return machine
}

function emptyMachine(storage: Storage, { valueCacheBytesMax }: LoadingState): Machine {
  const machine = new Machine({ backend: storage.state, valueCacheBytesMax })
  machine.finishLoading()
  return machine
}
