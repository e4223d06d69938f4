/**
 * From one configuration to the next, by the rules of joint consensus (thesis 4.1 to 4.3). Leaf: configurations only, no
 * state; what a leader asks besides (membership.ts) is not known here.
 *
 * Always: every quorum of the result shares a voter with every quorum of what it was made from.
 *
 *     simple          voters 1 2 3                   -> voters 1 2        at most one voter more or less
 *     enter joint     voters 1 2 3                   -> voters 3 4 5, outgoing 1 2 3
 *     leave joint     voters 3 4 5, outgoing 1 2 3   -> voters 3 4 5
 *
 * The same as confchange.Changer of etcd-io/raft, whose recorded cases it passes.
 */
import { assertNever } from '../../base/assert.js'
import { isJoint, sortedIds, votersChanged, type CompleteConfiguration } from '../configuration.js'
import { NOBODY, type NodeId } from '../types.js'
import type { ConfigurationRefusal, MemberChange } from './change.js'

export type Changed =
  | { readonly refused?: undefined; readonly configuration: CompleteConfiguration }
  | { readonly refused: ConfigurationRefusal }

export function changeSimply(before: CompleteConfiguration, changes: readonly MemberChange[]): Changed {
  if (isJoint(before)) return { refused: 'joint' }
  const configuration = changed(before, changes)
  if (configuration.voters.length === 0) return { refused: 'no-voters-left' }
  if (votersChanged(before.voters, configuration.voters) > 1) return { refused: 'several-voters-at-once' }
  return { configuration }
}

export function enterJoint(
  before: CompleteConfiguration,
  changes: readonly MemberChange[],
  autoLeave: boolean,
): Changed {
  if (isJoint(before)) return { refused: 'joint' }
  if (before.voters.length === 0) return { refused: 'no-voters-yet' }
  const configuration = changed({ ...before, outgoing: before.voters, autoLeave }, changes)
  return configuration.voters.length === 0 ? { refused: 'no-voters-left' } : { configuration }
}

export function leaveJoint(before: CompleteConfiguration): Changed {
  if (!isJoint(before)) return { refused: 'not-joint' }
  const { voters, learners, learnersNext } = before
  return {
    configuration: {
      voters,
      outgoing: [],
      learners: sortedIds([...learners, ...learnersNext]),
      learnersNext: [],
      autoLeave: false,
    },
  }
}

function changed(before: CompleteConfiguration, changes: readonly MemberChange[]): CompleteConfiguration {
  const voters = new Set(before.voters)
  const learners = new Set(before.learners)
  const learnersNext = new Set(before.learnersNext)
  const remove = (id: NodeId): void => {
    voters.delete(id)
    learners.delete(id)
    learnersNext.delete(id)
  }
  for (const { type, id } of changes) {
    if (id === NOBODY) continue
    switch (type) {
      case 'voter':
        remove(id)
        voters.add(id)
        break
      case 'learner':
        remove(id)
        // Whoever still counts on the outgoing side must not be a learner at the same time.
        if (before.outgoing.includes(id)) learnersNext.add(id)
        else learners.add(id)
        break
      case 'remove':
        remove(id)
        break
      case 'update':
        break
      default:
        assertNever(type, 'member change')
    }
  }
  return {
    voters: sortedIds(voters),
    outgoing: before.outgoing,
    learners: sortedIds(learners),
    learnersNext: sortedIds(learnersNext),
    autoLeave: before.autoLeave,
  }
}
