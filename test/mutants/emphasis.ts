/**
 * More of what a mutant needs: a plan as its seed draws it, with faults and operations of some kinds added, as other seeds
 * draw them, and some rare ways open.
 *
 * Always: what is added is what some seed draws, so nothing is asked of the simulation that a longer search would not.
 */
import { BUGGIFY_POINTS, type BuggifyPoint } from '../../src/base/buggify.js'
import { drawPlan, FAULT_TYPES, type DrawOptions, type Plan } from '../../src/testing/index.js'

/** Additional faults, and operations, of each kind in a minute. */
const FAULTS_PER_MINUTE = 8
const OPERATIONS_PER_MINUTE = 60
const OTHERS_MAX = 60
/** No kinds of faults: settings with a log that is kept short, a quota that is soon reached, users who ask. */
const SHORT_LOG = 'short-log'
const SMALL_QUOTA = 'small-quota'
const AUTHORIZATION = 'authorization'
/** Members come and go; without it they stay, so that what seeds have found before they find again. */
const MEMBERSHIP = 'membership'
const SETTINGS: readonly string[] = [SHORT_LOG, SMALL_QUOTA, AUTHORIZATION, MEMBERSHIP]
const SMALL_QUOTA_BYTES = 40_000

export function emphasised(seed: number, safetyMs: number, kinds: readonly string[]): Plan {
  const membership = kinds.includes(MEMBERSHIP)
  const plan = drawn(seed, { safetyMs, membership }, kinds)
  if (kinds.length === 0) return plan
  const { members } = plan
  const settings = settingsFor(plan, kinds)
  const minutes = safetyMs / 60_000
  const faults = [...plan.faults]
  const authorization = kinds.includes(AUTHORIZATION)
  const operations = [
    ...(authorization ? drawn(seed, { safetyMs, membership, authorization }, kinds) : plan).operations,
  ]
  const wanted = new Map<string, number>(
    kinds.flatMap((kind) =>
      isPoint(kind) || SETTINGS.includes(kind) ? [] : [[kind, Math.ceil(minutes * perMinute(kind))]],
    ),
  )
  const take = (type: string): boolean => {
    const left = wanted.get(type) ?? 0
    if (left > 0) wanted.set(type, left - 1)
    return left > 0
  }
  for (let other = 1; other <= OTHERS_MAX && [...wanted.values()].some((left) => left > 0); other++) {
    const options = { safetyMs, membership, ...(authorization ? { authorization } : {}) }
    const others = drawn(seed * 1_000 + other, options, kinds)
    if (others.members.length !== members.length || others.spares?.length !== plan.spares?.length) continue
    for (const fault of others.faults) {
      if (take(fault.type)) faults.push(fault)
    }
    for (const operation of others.operations) {
      if (!take(operation.type)) continue
      const { id, client } = operation
      operations.push({ ...operation, id: other * 1_000_000 + id, client: other * 1_000 + client })
    }
  }
  faults.sort((a, b) => a.atMs - b.atMs)
  operations.sort((a, b) => a.atMs - b.atMs || a.id - b.id)
  const points = kinds.filter(isPoint)
  return { ...plan, settings, faults, operations, buggify: [...new Set([...plan.buggify, ...points])] }
}

/** Faults that came later are left out where they are not asked for, for the same reason. */
function drawn(seed: number, options: DrawOptions, kinds: readonly string[]): Plan {
  const plan = drawPlan(seed, options)
  return { ...plan, faults: plan.faults.filter(({ type }) => type !== 'old-version' || kinds.includes(type)) }
}

function isPoint(kind: string): kind is BuggifyPoint {
  return Object.hasOwn(BUGGIFY_POINTS, kind)
}

function perMinute(kind: string): number {
  return Object.hasOwn(FAULT_TYPES, kind) ? FAULTS_PER_MINUTE : OPERATIONS_PER_MINUTE
}

function settingsFor({ settings }: Plan, kinds: readonly string[]): Plan['settings'] {
  // A log that is kept short, and a state that is rarely written: what lies between is all that a restart has.
  if (kinds.includes(SMALL_QUOTA)) return { ...settings, quotaBytes: SMALL_QUOTA_BYTES }
  if (kinds.includes(SHORT_LOG)) return { ...settings, logRetainBytes: 2_000, stateBufferBytesMax: 50_000 }
  return settings
}
