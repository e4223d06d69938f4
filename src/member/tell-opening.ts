/** What was found when a member was opened: for its operator, and for those who observe it. */
import type { Machine } from '../machine/machine.js'
import type { Index, StoredState } from '../raft/types.js'
import type { Storage } from '../storage/storage.js'
import { initialConfiguration } from './initial-configuration.js'
import type { MemberOptions } from './member-options.js'

export interface Opening {
  readonly machine: Machine
  readonly stored: StoredState
  /** A state is needed, at this index or later. */
  readonly needed: Index | undefined
}

export function tellOpening(options: MemberOptions, storage: Storage, opening: Opening): void {
  tellPromises(options, storage, opening)
  const { memberId: member, name, observe } = options
  const { machine, stored, needed } = opening
  if (observe === undefined) return
  const { revision, compactRevision, digest, appliedIndex, appliedTerm, lessor } = machine
  observe({
    ...{ type: 'recovered', member, name },
    configuration: initialConfiguration({ options, machine, needed, joined: storage.log.joined }),
    ...{ incarnation: storage.incarnation, stored, applied: { index: appliedIndex, term: appliedTerm } },
    ...{ revision, compactRevision, digest },
    leases: lessor.leases().map(({ id }) => id),
  })
}

function tellPromises({ environment }: MemberOptions, { damage, promises, log }: Storage, opening: Opening): void {
  const { logger } = environment
  for (const what of damage) logger.error('damage was found on the disk, and what it concerns given up', { what })
  if (promises === 'kept') return
  const { stored, needed } = opening
  if (log.joined && damage.length === 0 && stored.compacted.index === 0 && stored.entries.length === 0) {
    logger.info('this member has nothing yet: it is not counted until a leader has given it what the others have')
    return
  }
  logger.warn('this member lost promises: it does not vote and is not counted until a leader has made up for them', {
    stateNeeded: needed,
  })
}
