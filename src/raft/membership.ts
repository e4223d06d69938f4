/**
 * Changes of the membership: the leader proposes them, every member puts them in force where it appends them.
 *
 * Always (R14): a leader proposes a change only after an entry of its own term is committed, and only when the one before
 * it is committed. Without the first, two leaders of different terms could each commit a change of the same configuration,
 * and their quorums would miss each other (Ongaro's bug of one-step changes; braft issue 182).
 * Always (R15): who is no voter is not counted, the leader itself included: electorate.ts counts by the configuration.
 *
 * A joint configuration is left by the leader as soon as it is committed; so does a later leader, after its own term's
 * first entry. A leader that votes no more steps down when that is committed, not before: until then nobody else may know.
 * It then tells the best of the others to campaign at once, so that the cluster is not without a leader for a timeout.
 *
 * Thesis chapter 4. Differs from etcd: docs/DIVERGENCE.md.
 */
import { LIMITS } from '../base/limits.js'
import { assert } from '../base/assert.js'
import type { ConfigurationChange, ConfigurationRefusal, ProposeConfigurationResult } from './confchange/change.js'
import { changeSimply, enterJoint, leaveJoint, type Changed } from './confchange/changer.js'
import { encodeConfiguration } from './confchange/codec.js'
import { isJoint, membersOf, type CompleteConfiguration } from './configuration.js'
import { commitByCounting } from './commit.js'
import { isVoter } from './electorate.js'
import { syncFollowers } from './followers.js'
import { isRecovering } from './progress.js'
import { reachedByJointMajority } from './quorum/joint.js'
import { confirmRounds, ownTermIsCommitted } from './read-index.js'
import type { RaftState } from './state.js'
import { sendTimeoutNow, bestTarget } from './transfer.js'
import { becomeFollower } from './transitions.js'
import { NOBODY, type Entry, type Index } from './types.js'

export function proposeConfiguration(state: RaftState, change: ConfigurationChange): ProposeConfigurationResult {
  const dataBytes = change.data?.byteLength ?? 0
  if (dataBytes > LIMITS.requestBytesMax) {
    throw new RangeError(`data of a configuration: ${dataBytes} bytes, at most ${LIMITS.requestBytesMax} are possible`)
  }
  const decided = decide(state, change)
  if (decided.refused !== undefined) {
    state.settings.trace?.({ type: 'configuration-refused', node: state.id, reason: decided.refused })
    return { accepted: false, reason: decided.refused, leader: state.leader }
  }
  const index = appendConfiguration(state, decided.configuration, change.data ?? NO_DATA)
  return { accepted: true, index, term: state.term }
}

/** An entry that brings a configuration has been appended to the log. */
export function adoptConfiguration(state: RaftState, entry: Entry): void {
  state.configurations.append(entry)
  putInForce(state, 'configuration-adopted', entry.index)
}

/** The entries from `from` on are no longer in the log. */
export function rollBackConfigurations(state: RaftState, from: Index): void {
  if (!state.configurations.truncate(from)) return
  putInForce(state, 'configuration-rolled-back', from)
}

/** The log has been replaced by a snapshot up to `index`. */
export function resetConfigurations(state: RaftState, index: Index, configuration: CompleteConfiguration): void {
  state.configurations.reset(index, configuration)
  putInForce(state, 'configuration-adopted', index)
}

/** What is in force, since before the log begins, is told by a state. */
export function learnConfiguration(state: RaftState, configuration: CompleteConfiguration): void {
  state.configurations.learn(configuration)
  putInForce(state, 'configuration-adopted', state.configurations.current.index)
}

/** Whether the joint configuration in force is committed and to be left by us now. */
export function leavingJointIsDue(state: RaftState): boolean {
  const { configuration } = state
  return isJoint(configuration) && configuration.autoLeave && state.transfer === undefined && changesAreSettled(state)
}

export function leaveJointNow(state: RaftState): void {
  const left = leaveJoint(state.configuration)
  assert(left.refused === undefined, 'a joint configuration cannot be left')
  appendConfiguration(state, left.configuration, NO_DATA)
}

/** Whether we lead a configuration in which we have no vote, and that is committed. */
export function steppingDownIsDue(state: RaftState): boolean {
  return !isVoter(state, state.id) && changesAreSettled(state)
}

export function stepDownAsRemoved(state: RaftState): void {
  state.settings.trace?.({ type: 'leader-removed', node: state.id, term: state.term })
  const heir = bestTarget(state)
  if (heir !== undefined && state.followers.get(heir)?.matchIndex === state.log.lastIndex) sendTimeoutNow(state, heir)
  becomeFollower(state, state.term, NOBODY)
}

function decide(state: RaftState, change: ConfigurationChange): Changed {
  if (state.role !== 'leader') return { refused: 'not-leader' }
  if (state.transfer !== undefined) return { refused: 'transferring' }
  if (!ownTermIsCommitted(state)) return { refused: 'own-term-not-committed' }
  if (state.configurations.current.index > state.commitIndex) return { refused: 'change-in-progress' }
  const before = state.configuration
  const decided = change.type === 'leave-joint' ? leaveJoint(before) : changeMembers(before, change)
  if (decided.refused !== undefined) return decided
  const refused = reasonAgainst(state, before, decided.configuration)
  return refused === undefined ? decided : { refused }
}

function changeMembers(
  before: CompleteConfiguration,
  { members, transition = 'automatic' }: Extract<ConfigurationChange, { type: 'change' }>,
): Changed {
  const valid = members.every(({ id }) => Number.isSafeInteger(id) && id > NOBODY)
  if (members.length === 0 || members.length > LIMITS.membersMax || !valid) return { refused: 'invalid' }
  if (transition !== 'automatic') return enterJoint(before, members, transition === 'joint')
  const simply = changeSimply(before, members)
  return simply.refused === 'several-voters-at-once' ? enterJoint(before, members, true) : simply
}

function reasonAgainst(
  state: RaftState,
  before: CompleteConfiguration,
  after: CompleteConfiguration,
): ConfigurationRefusal | undefined {
  if (membersOf(after).length > LIMITS.membersMax) return 'too-many-members'
  for (const id of after.voters) {
    if (before.learners.includes(id) && !isCaughtUp(state, id)) return 'learner-not-caught-up'
  }
  // Its own commit would need those that are not counted, and that it takes a commit to have counted again: for ever.
  const keepsPromises = (id: number): number => (isRecovering(state.followers.get(id)) ? 0 : 1)
  const joint = { incoming: after.voters, outgoing: after.outgoing }
  return reachedByJointMajority(joint, keepsPromises) === 1 ? undefined : 'promises-lost'
}

/**
 * A learner counts from the moment it is promoted: it must not hold up what is being committed. It answers, keeps its
 * promises, is not waiting for a snapshot, and what it lacks fits in one append.
 */
function isCaughtUp(state: RaftState, id: number): boolean {
  const follower = state.followers.get(id)
  if (follower?.state !== 'replicate' || isRecovering(follower)) return false
  if (state.nowMs - follower.lastContactMs >= state.settings.electionTimeoutMs) return false
  const { log, settings } = state
  return log.bytesBetween(Math.max(follower.matchIndex + 1, log.firstIndex), log.lastIndex) <= settings.appendBytesMax
}

function appendConfiguration(state: RaftState, configuration: CompleteConfiguration, data: Uint8Array): Index {
  const { log, term } = state
  const entry: Entry = {
    index: log.lastIndex + 1,
    term,
    kind: 'configuration',
    data: encodeConfiguration({ configuration, data }),
  }
  log.append(entry)
  adoptConfiguration(state, entry)
  return entry.index
}

/** The last change is committed, and we could propose another. */
function changesAreSettled(state: RaftState): boolean {
  return state.configurations.current.index <= state.commitIndex && ownTermIsCommitted(state)
}

/** Told before anything follows from it: what was proposed before may be committed by the new configuration at once. */
function putInForce(state: RaftState, type: 'configuration-adopted' | 'configuration-rolled-back', index: Index): void {
  const { configuration } = state.configurations.current
  state.configuration = configuration
  state.settings.trace?.({ type, node: state.id, index, configuration })
  if (state.role !== 'leader') return
  syncFollowers(state, state.configuration, state.id, { ...state.settings, nextIndex: state.log.lastIndex + 1 })
  // The quorum is another one: what it has done, and when it was heard, is to be looked at anew.
  if (state.settings.checkQuorum) state.quorumDeadlineMs = state.nowMs
  commitByCounting(state)
  confirmRounds(state)
}

const NO_DATA = new Uint8Array(0)
