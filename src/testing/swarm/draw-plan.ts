/**
 * A whole plan from a seed: how large the cluster is, how it is set up, what goes wrong, what is asked.
 *
 * Always: the same seed and options give the same plan. Always: the plan is one that a correct cluster survives: it is
 * recoverable (faults/draw.ts), and its settings are such as a user may choose.
 */
import { BUGGIFY_POINTS, type BuggifyPoint } from '../../base/buggify.js'
import { drawFaults } from '../faults/draw.js'
import type { NetworkFaults } from '../sim/sim-network.js'
import { drawMembership } from './draw-membership.js'
import { drawOperations } from './draw-operations.js'
import { Draw } from './draw.js'
import type { Operation } from './operation.js'
import type { Plan, PlanSettings } from './plan.js'

export interface DrawOptions {
  /** Milliseconds of faults and operations. Default five minutes. */
  readonly safetyMs?: number
  /** Operations of all clients together. Default 20. */
  readonly operationsPerSecond?: number
  /** Whether users ask, with permissions that change. Default: in one of three plans. */
  readonly authorization?: boolean
  /** Whether members come and go. Default: in one of four plans. */
  readonly membership?: boolean
}

const SAFETY_MS = 300_000
const OPERATIONS_PER_SECOND = 20
/** Log that no run fills: a member that was away finds everything it misses. */
const LOG_KEPT_BYTES = 1 << 30
/** How late a frame may come a second time. The end of a run waits for that. */
export const DUPLICATE_MS_MAX = 3_000

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f']
const SPARES_MAX = 2
/** Operations per second where members come and go: more members, and more of their own to do. */
const MEMBERSHIP_OPERATIONS_SHARE = 0.6

export function drawPlan(seed: number, options: DrawOptions = {}): Plan {
  if (!Number.isSafeInteger(seed) || seed < 0)
    throw new RangeError(`seed must be a whole number from 0 on, not ${seed}`)
  const { safetyMs = SAFETY_MS, operationsPerSecond: perSecond = OPERATIONS_PER_SECOND } = options
  const draw = new Draw('plan', seed)
  const { membership = draw.of('membership').oneIn(4) } = options
  const count = draw.of('members').pick([1, 3, 3, 3, 3, 3, 5, 5])
  // With five there is one more to come, at most.
  const members = NAMES.slice(0, membership && count === 5 ? draw.of('fewer').between(1, 4) : count)
  const spares = membership ? NAMES.slice(members.length).slice(0, draw.of('spares').between(1, SPARES_MAX)) : []
  const names = [...members, ...spares]
  const settings = drawSettings(draw.of('settings'))
  const quota = settings.quotaBytes !== undefined
  const operations = drawOperations(draw.of('operations'), {
    ...{ members: names, forMs: safetyMs, quota },
    perSecond: membership ? MEMBERSHIP_OPERATIONS_SHARE * perSecond : perSecond,
    ...(options.authorization === undefined ? {} : { authorization: options.authorization }),
  })
  return {
    seed,
    members,
    ...(membership ? { spares } : {}),
    settings,
    network: drawNetwork(draw.of('network')),
    buggify: drawBuggify(draw.of('buggify')),
    faults: drawFaults(draw.of('faults'), { members: names, forMs: safetyMs, operator: quota, membership }),
    operations: membership ? withMembership(operations, draw.of('changes'), names, safetyMs) : operations,
    safetyMs,
  }
}

function withMembership(
  operations: readonly Operation[],
  draw: Draw,
  names: readonly string[],
  forMs: number,
): Operation[] {
  const after = (numbers: readonly number[]): number => 1 + Math.max(0, ...numbers)
  const changes = drawMembership(draw, {
    ...{ names, forMs },
    firstId: after(operations.map(({ id }) => id)),
    firstClient: after(operations.map(({ client }) => client)),
  })
  return [...operations, ...changes].sort((a, b) => a.atMs - b.atMs || a.id - b.id)
}

function drawSettings(draw: Draw): PlanSettings {
  const electionTimeoutMs = draw.between(300, 1_000)
  return {
    electionTimeoutMs,
    heartbeatIntervalMs: Math.floor(electionTimeoutMs / draw.between(5, 10)),
    // Small, so that a run sees the state written and the log trimmed many times.
    stateBufferBytesMax: draw.spread(200, 200_000),
    // Where it is short, members that were away are sent snapshots.
    logRetainBytes: draw.oneIn(2) ? draw.spread(2_000, 200_000) : LOG_KEPT_BYTES,
    ...drawCheckpoints(draw.of('lease checkpoints'), electionTimeoutMs),
    ...(draw.of('quota').oneIn(8) ? { quotaBytes: draw.of('quota bytes').spread(20_000, 300_000) } : {}),
    ...(draw.of('disk timeout').oneIn(2) ? { diskTimeoutMs: draw.of('disk timeout ms').between(2_000, 5_000) } : {}),
    ...(draw.of('auto compaction').oneIn(4) ? { autoCompactionMs: draw.of('retention').spread(1_000, 60_000) } : {}),
  }
}

/** Short enough for the leases of a plan to be checkpointed, in three of four runs. */
function drawCheckpoints(draw: Draw, electionTimeoutMs: number): Pick<PlanSettings, 'leaseCheckpointIntervalMs'> {
  return draw.oneIn(4) ? {} : { leaseCheckpointIntervalMs: 4 * electionTimeoutMs }
}

/** What happens to frames all the time. Half of the rates are 0 in each run. */
function drawNetwork(draw: Draw): Partial<NetworkFaults> {
  const sometimes = (name: string, least: number, most: number): number => {
    const each = draw.of(name)
    return each.oneIn(2) ? 0 : each.spread(least, most)
  }
  return {
    lossPerMillion: sometimes('loss', 100, 150_000),
    delayMsMin: draw.of('delay').below(3),
    delayMsHalf: draw.of('half').spread(1, 15),
    spikePerMillion: sometimes('spike', 100, 20_000),
    spikeMs: draw.of('spike by').spread(10, 1_000),
    reorderPerMillion: sometimes('reorder', 100, 200_000),
    reorderMsMax: draw.of('reorder by').spread(1, 200),
    duplicatePerMillion: sometimes('duplicate', 100, 200_000),
    duplicateMsMax: draw.of('duplicate after').spread(10, DUPLICATE_MS_MAX),
    noticeMs: draw.of('notice').below(200),
  }
}

/** In half of the runs none; else each with the same chance, which is drawn. */
function drawBuggify(draw: Draw): BuggifyPoint[] {
  if (draw.oneIn(2)) return []
  const perMillion = draw.spread(50_000, 1_000_000)
  return (Object.keys(BUGGIFY_POINTS) as BuggifyPoint[]).filter((point) => draw.of(point).happens(perMillion))
}
