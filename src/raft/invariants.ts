/**
 * What must hold between any two calls, whatever came in. The simulation asks after every event; the costlier looks,
 * which grow with the log, only where `thorough` is asked for.
 *
 * These are the invariants that one member can see by itself. Those of the cluster (one leader per term, logs that agree)
 * are the simulation's to check.
 */
import { assert } from '../base/assert.js'
import { entryBytes } from './log.js'
import { hardStateIsDurable } from './outbox.js'
import type { Progress } from './progress.js'
import type { RaftState } from './state.js'
import { NOBODY } from './types.js'

export function checkInvariants(state: RaftState, options: { readonly thorough?: boolean } = {}): void {
  const { log, id } = state
  const holds = (condition: boolean, what: string): void => assert(condition, () => `member ${id}: ${what}`)

  holds(log.compacted.index <= state.deliveredIndex, 'the log is compacted beyond what was handed out to be applied')
  holds(state.deliveredIndex <= state.commitIndex, 'more was handed out than is committed')
  holds(state.deliveredIndex <= log.durableIndex, 'more was handed out than is durable here')
  holds(state.commitIndex <= log.lastIndex, 'more is committed than is in the log')
  holds(log.durableIndex <= log.writingIndex && log.writingIndex <= log.lastIndex, 'the cursors of the log are crossed')
  holds(log.lastTerm <= state.term, 'the log holds a later term than the current one')
  holds(state.durable.term <= state.term, 'a later term is durable than the current one')
  holds(state.establishedIndex <= log.lastIndex, 'more is established than is in the log')
  holds(
    state.durable.term < state.term || state.durable.vote === NOBODY || state.durable.vote === state.vote,
    'a durable vote was changed within its term',
  )

  holds(state.configuration === state.configurations.current.configuration, 'an old configuration is in force')
  let known = -1
  for (const { index } of state.configurations.all) {
    holds(index > known, 'the configurations in memory are not in the order of their entries')
    holds(known >= 0 || index <= state.deliveredIndex, 'the first configuration is one that may not have been applied')
    known = index
  }
  holds(state.configurations.current.index <= log.lastIndex, 'a configuration is in force that is not in the log')
  holds(state.transfer === undefined || state.role === 'leader', 'leadership is handed over by one that has none')
  holds(
    (state.transfer?.deadlineMs ?? Infinity) > state.nowMs,
    'leadership is still being handed over after the time for it',
  )

  holds(state.promises === 'kept' || state.role === 'follower', 'a member that lost its promises campaigns')
  holds(
    state.restore === undefined || log.compacted.index === state.restore.position.index,
    'a state is to be restored that is not where the log begins',
  )

  switch (state.role) {
    case 'leader':
      holds(state.leader === id, 'a leader follows somebody else')
      holds(hardStateIsDurable(state) && state.vote === id, 'a leader whose election is not durable')
      holds(log.termAt(state.termStartIndex) === state.term || log.firstIndex > state.termStartIndex, 'no own entry')
      checkMembership(state, holds)
      for (const follower of state.followers.values()) checkProgress(state, follower, holds)
      break
    case 'candidate':
      holds(state.vote === id && state.leader === NOBODY, 'a candidate that did not vote for itself')
      holds(state.followers.size === 0, 'followers of a candidate')
      break
    case 'pre-candidate':
      holds(state.leader === NOBODY, 'a pre-candidate with a leader')
      holds(state.followers.size === 0, 'followers of a pre-candidate')
      break
    case 'follower':
      holds(state.leader !== id, 'a follower of itself')
      holds(state.followers.size === 0, 'followers of a follower')
      break
  }
  if (options.thorough === true) checkLog(state, holds)
}

/** R14 and R15, as far as a leader sees them by itself. */
function checkMembership(state: RaftState, holds: (condition: boolean, what: string) => void): void {
  const { configurations, commitIndex, termStartIndex } = state
  const ownTermIsCommitted = commitIndex >= termStartIndex
  // Before, it may not know of what is committed.
  if (ownTermIsCommitted) holds(configurations.countAfter(commitIndex) <= 1, 'two changes of membership are in flight')
  else holds(configurations.current.index < termStartIndex, 'a change was proposed before the own term was committed')
  for (const id of state.followers.keys()) holds(id !== state.id, 'a leader follows itself')
}

function checkProgress(state: RaftState, follower: Progress, holds: (condition: boolean, what: string) => void): void {
  const { id, matchIndex, nextIndex, inflight } = follower
  holds(matchIndex < nextIndex, `follower ${id} is to be sent what it has`)
  holds(matchIndex <= state.log.lastIndex, `follower ${id} has more than we`)
  holds(follower.state === 'replicate' || inflight.count === 0, `follower ${id} has a window in ${follower.state}`)
  holds(
    follower.state !== 'replicate' || inflight.count > 0 || nextIndex === matchIndex + 1,
    `follower ${id} is streamed to with an empty window, but its next entry is not the one behind its match`,
  )
}

function checkLog(state: RaftState, holds: (condition: boolean, what: string) => void): void {
  const { log } = state
  let previous = log.compacted
  let bytes = 0
  for (let index = log.firstIndex; index <= log.lastIndex; index++) {
    const entry = log.entryAt(index)
    holds(entry.index === index && entry.term >= previous.term, `entry ${index} does not continue the log`)
    bytes += entryBytes(entry)
    previous = entry
  }
  holds(bytes === log.bytes, 'the bytes of the log are miscounted')
}
