/** What happens to the membership in a simulation, drawn at random: sensible changes and those that must be refused. */
import type { ConfigurationChange, MemberChange } from '../../src/raft/confchange/change.js'
import type { CompleteConfiguration } from '../../src/raft/configuration.js'
import type { NodeId } from '../../src/raft/types.js'
import type { Seeded } from './seeded.js'

/** A change of what a leader believes to be the configuration; `ids` are all members there are, in it or not. */
export function drawChange(
  random: Seeded,
  configuration: CompleteConfiguration,
  leader: NodeId,
  ids: readonly NodeId[],
): ConfigurationChange {
  const { voters, learners, outgoing } = configuration
  const outside = ids.filter((id) => !voters.includes(id) && !learners.includes(id))
  const step = (type: MemberChange['type'], among: readonly NodeId[]): MemberChange => ({
    type,
    id: random.pick(among.length > 0 ? among : ids),
  })
  if (outgoing.length > 0 && random.chance(0.5)) return { type: 'leave-joint' }
  switch (random.between(0, 7)) {
    case 0:
      return { type: 'change', members: [step('learner', outside)] }
    case 1:
    case 2:
      return { type: 'change', members: [step('voter', learners)] }
    case 3:
      return { type: 'change', members: [step('voter', outside)] }
    case 4:
      return { type: 'change', members: [step('learner', voters)] }
    case 5:
      return { type: 'change', members: [step('remove', random.chance(0.5) ? [leader] : voters)] }
    default: {
      const members = Array.from({ length: random.between(1, 4) }, () =>
        step(random.pick<MemberChange['type']>(['voter', 'voter', 'learner', 'remove']), ids),
      )
      return { type: 'change', members, transition: random.pick(['automatic', 'automatic', 'joint', 'joint-explicit']) }
    }
  }
}
