/** Whom a member begins to speak to, before its log and its state say who there is. */
import { StoreError } from '../base/errors.js'
import type { MemberAddress } from '../machine/member-book.js'
import type { Storage } from '../storage/storage.js'
import type { LoadedState } from './load-state.js'
import type { MemberOptions } from './member-options.js'

/**
 * Those of the options; of one that joined and was told nothing yet, those that others name. Rejects as `whoElse`, and with
 * `JOIN_FAILED` for a first member whose log does not say whom the cluster began with.
 */
export async function firstMembers(
  { members, whoElse }: Pick<MemberOptions, 'members' | 'whoElse'>,
  storage: Storage,
  { machine, stored }: LoadedState,
): Promise<readonly MemberAddress[]> {
  if (members.length > 0 || whoElse === undefined) return members
  const isKnown = machine.members !== undefined || stored.entries.some(({ kind }) => kind === 'configuration')
  if (isKnown) return members
  const { log, location } = storage
  if (!log.joined && log.promises === 'kept' && log.last.index > 0) {
    throw new StoreError(
      'JOIN_FAILED',
      `The member in ${location} is one of the first of its cluster, and its log knows of no change of the members since: open it ` +
        'with `cluster`, as at its first start, and not with `join`.',
    )
  }
  return whoElse()
}
