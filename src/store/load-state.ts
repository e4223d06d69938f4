/** The state of an opened storage as a machine, for what works on a directory without running a member in it. */
import { StoreError } from '../base/errors.js'
import { Machine } from '../machine/machine.js'
import { applyConfiguration } from '../member/apply-configuration.js'
import type { Entry, StoredState } from '../storage/log-store.js'
import type { Storage } from '../storage/storage.js'

export interface LoadedState {
  readonly machine: Machine
  /** As the log was found. */
  readonly stored: StoredState
  /** What the log holds behind the state. */
  readonly behind: readonly Entry[]
}

/** Rejects with `DATA_DAMAGED` where there is no state that is whole and meets the log; one that could be given up is not. */
export async function loadState(storage: Storage): Promise<LoadedState> {
  const machine = await loadMachine(storage)
  const applied = { index: machine.appliedIndex, term: machine.appliedTerm }
  const stands = await storage.meet(applied)
  if (!stands)
    throw new StoreError('DATA_DAMAGED', `There is no state in ${storage.location}: ${storage.damage.join('; ')}.`)
  const stored = storage.log.storedState(applied)
  return { machine, stored, behind: stored.entries.filter(({ index }) => index > applied.index) }
}

/** The state alone, whatever the log says. Rejects with `DATA_DAMAGED` where it is not whole. */
export async function loadMachine(storage: Storage): Promise<Machine> {
  const machine = new Machine({ backend: storage.state })
  for await (const records of storage.state.iterateAll()) {
    for (const [key, record] of records) machine.load(key, record)
  }
  machine.finishLoading()
  return machine
}

/** Brings the machine to the end of the log. */
export function replay({ machine, behind }: LoadedState): void {
  for (const { index, term, kind, data } of behind) {
    if (kind === 'normal') machine.apply(index, term, data)
    else if (kind === 'configuration') applyConfiguration(machine, { index, term, data })
    else machine.skip(index, term)
  }
}
