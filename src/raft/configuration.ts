/**
 * A configuration with every part filled in, as the core and the log hold it.
 *
 * Always: ids are sorted and not repeated. A learner is no voter of either side. `learnersNext` are voters of the outgoing
 * side that have been demoted: they count until the joint configuration is left, and are learners from then on.
 * Always: outside of a joint configuration `outgoing` and `learnersNext` are empty and `autoLeave` is false.
 */
import { NOBODY, type Configuration, type NodeId } from './types.js'

export type CompleteConfiguration = Required<Configuration>

export function completeConfiguration(configuration: Configuration): CompleteConfiguration {
  return {
    voters: sortedIds(configuration.voters),
    outgoing: sortedIds(configuration.outgoing ?? []),
    learners: sortedIds(configuration.learners ?? []),
    learnersNext: sortedIds(configuration.learnersNext ?? []),
    autoLeave: configuration.autoLeave ?? false,
  }
}

export function sortedIds(ids: Iterable<NodeId>): NodeId[] {
  return [...ids].sort((left, right) => left - right)
}

export function isJoint(configuration: CompleteConfiguration): boolean {
  return configuration.outgoing.length > 0
}

/** Everybody who takes part in any way. */
export function membersOf(configuration: CompleteConfiguration): NodeId[] {
  const { voters, outgoing, learners } = configuration
  // learnersNext are among the outgoing voters.
  return outgoing.length === 0 && learners.length === 0
    ? [...voters]
    : sortedIds(new Set([...voters, ...outgoing, ...learners]))
}

/** Why these lists are no configuration; undefined if they are one. */
export function whyNotConfiguration(configuration: CompleteConfiguration): string | undefined {
  const { voters, outgoing, learners, learnersNext, autoLeave } = configuration
  for (const [name, ids] of Object.entries({ voters, outgoing, learners, learnersNext })) {
    let previous = NOBODY
    for (const id of ids) {
      if (!Number.isSafeInteger(id) || id <= previous) return `${name} are not sorted ids: ${ids.join(' ')}`
      previous = id
    }
  }
  for (const id of learners) {
    if (voters.includes(id) || outgoing.includes(id)) return `${id} is a voter and a learner`
  }
  for (const id of learnersNext) {
    if (!outgoing.includes(id) || voters.includes(id)) return `${id} is to become a learner and is no outgoing voter`
  }
  return outgoing.length === 0 && autoLeave ? 'automatic leaving of what is not joint' : undefined
}

/**
 * Whether every quorum of `after` shares a voter with every quorum of `before`, by the rules that guarantee it: at most
 * one voter more or less, or into a joint configuration, or out of one (thesis 4.1, 4.3).
 */
export function followsSafely(before: CompleteConfiguration, after: CompleteConfiguration): boolean {
  if (isJoint(before)) return !isJoint(after) && same(before.voters, after.voters)
  if (isJoint(after)) return same(before.voters, after.outgoing)
  return votersChanged(before.voters, after.voters) <= 1
}

/** How many ids are in one of the two and not in the other. */
export function votersChanged(before: readonly NodeId[], after: readonly NodeId[]): number {
  const gone = before.filter((id) => !after.includes(id)).length
  const added = after.filter((id) => !before.includes(id)).length
  return gone + added
}

/** `voters 1 2 3, outgoing 1, learners 4`; what is empty is left out. */
export function describeConfiguration(configuration: Configuration): string {
  const { voters, outgoing, learners, learnersNext, autoLeave } = completeConfiguration(configuration)
  const parts = Object.entries({ voters, outgoing, learners, 'learners-next': learnersNext })
    .filter(([, ids]) => ids.length > 0)
    .map(([name, ids]) => `${name} ${ids.join(' ')}`)
  if (outgoing.length > 0 && !autoLeave) parts.push('left when asked')
  return parts.length === 0 ? 'nobody' : parts.join(', ')
}

function same(left: readonly NodeId[], right: readonly NodeId[]): boolean {
  return left.length === right.length && left.every((id, at) => id === right[at])
}
