/** One step of a programme that changes the members of a cluster, done to a store. */
import type { Cluster } from '../../api/cluster.js'
import type { CallOptions } from '../../api/store.js'
import { assertNever } from '../../base/assert.js'
import type { MembersStep } from './operation.js'

export async function changeMembers(
  cluster: Cluster,
  step: MembersStep,
  call: CallOptions,
  addressOf: (name: string) => string,
): Promise<void> {
  switch (step.step) {
    case 'add': {
      const { name, role } = step
      await cluster.add({ name, address: addressOf(name), role }, call)
      return
    }
    case 'remove':
      await cluster.remove(step.name, call)
      return
    case 'promote':
      await cluster.promote(step.name, call)
      return
    case 'replace':
      await cluster.replace(step.name, { name: step.by, address: addressOf(step.by) }, call)
      return
    case 'update':
      await cluster.update(step.name, { address: step.address }, call)
      return
    case 'move-leader':
      return cluster.moveLeader(step.name, call)
    case 'list':
      await cluster.list({ ...call, consistency: step.consistency })
      return
    default:
      return assertNever(step, 'step')
  }
}
