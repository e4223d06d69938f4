/**
 * More of what a mutant needs: a plan as its seed draws it, with faults and operations of some kinds added, as other seeds
 * draw them, and some rare ways open.
 *
 * Always: what is added is what some seed draws, so nothing is asked of the simulation that a longer search would not.
 */
import { BUGGIFY_POINTS, type BuggifyPoint } from '../../src/base/buggify.js'
import { drawPlan, type Plan } from '../../src/testing/index.js'

/** Additional faults, and operations, of each kind in a minute. */
const FAULTS_PER_MINUTE = 8
const OPERATIONS_PER_MINUTE = 60
const OTHERS_MAX = 60

export function emphasised(plan: Plan, kinds: readonly string[]): Plan {
  if (kinds.length === 0) return plan
  const { seed, members, safetyMs } = plan
  const minutes = safetyMs / 60_000
  const faults = [...plan.faults]
  const operations = [...plan.operations]
  const wanted = new Map(kinds.map((kind) => [kind, { faults: FAULTS_PER_MINUTE, operations: OPERATIONS_PER_MINUTE }]))
  for (let other = 1; other <= OTHERS_MAX; other++) {
    const drawn = drawPlan(seed * 1_000 + other, { safetyMs })
    if (drawn.members.length !== members.length) continue
    for (const fault of drawn.faults) {
      const left = wanted.get(fault.type)
      if (left !== undefined && left.faults-- > -FAULTS_PER_MINUTE * (minutes - 1)) faults.push(fault)
    }
    for (const operation of drawn.operations) {
      const left = wanted.get(operation.type)
      if (left === undefined || left.operations-- <= -OPERATIONS_PER_MINUTE * (minutes - 1)) continue
      const { id, client } = operation
      operations.push({ ...operation, id: other * 1_000_000 + id, client: other * 1_000 + client })
    }
  }
  faults.sort((a, b) => a.atMs - b.atMs)
  operations.sort((a, b) => a.atMs - b.atMs || a.id - b.id)
  const points = (Object.keys(BUGGIFY_POINTS) as BuggifyPoint[]).filter((point) => kinds.includes(point))
  // A log that is kept short, and a state that is rarely written: what lies between is all that a restart has.
  const settings = kinds.includes('short-log')
    ? { ...plan.settings, logRetainBytes: 2_000, stateBufferBytesMax: 50_000 }
    : plan.settings
  return { ...plan, settings, faults, operations, buggify: [...new Set([...plan.buggify, ...points])] }
}
