/**
 * The faults of a run, drawn from its seed: which kinds it has at all (swarm testing), how often each, and each by itself.
 *
 * Always: what is drawn can be recovered from. Disks rot one at a time: another one is left alone until the first member is
 * whole again and counts (inject.ts), since what is gone from two of three disks nobody could bring back. Faults of any
 * number may overlap.
 * Always: each fault is drawn under its kind and number: another kind more or less leaves it as it was.
 */
import { assertNever } from '../../base/assert.js'
import type { Draw } from '../swarm/draw.js'
import { FAULT_TYPES, type Fault, type FaultKind, type FaultType } from './fault.js'

export interface DrawnFor {
  readonly members: readonly string[]
  readonly forMs: number
  /** Whether somebody makes room and disarms alarms. */
  readonly operator: boolean
  /** Whether the members change: then one whose disk is wiped may come back by asking the others who it is. */
  readonly membership: boolean
}

/** Of so many seeds one has a given kind of fault. */
const KIND_ONE_IN = 3
/** What rots concerns each seed in so many: the disk is where members are hurt for longest. */
const ROT_ONE_IN = 2
/** Between two faults of a kind, on average, at least and at most. */
const EVERY_MS_MIN = 5_000
/** What somebody does to a member, and not often. */
const RARE: readonly FaultType[] = ['old-version', 'disk-wipe']
const RARELY_EVERY_MS_MIN = 30_000
const EVERY_MS_MAX = 120_000
/** A fault may end in the moment everything heals, not later. */
const FOR_MS_MIN = 20
const FOR_MS_MAX = 15_000

const MEMBERS_FOR: Partial<Record<FaultType, number>> = {
  cut: 2,
  'cut-one-way': 2,
  partition: 2,
  ring: 5,
  clog: 2,
  swizzle: 2,
  'slow-link': 2,
  reset: 2,
  'bit-flips': 2,
  'disk-rot': 3,
  'state-rot': 3,
  'old-version': 2,
}

/** Decisions of a member in whose very moment its power may fail. */
export const FAILPOINTS = [
  'became-leader',
  'vote-granted',
  'commit-advanced',
  'write-durable',
  'append-rejected',
] as const

export function drawFaults(draw: Draw, drawn: DrawnFor): Fault[] {
  const faults = (Object.keys(FAULT_TYPES) as FaultType[]).flatMap((type) => drawKind(draw.of(type), type, drawn))
  return faults.sort((a, b) => a.atMs - b.atMs)
}

function drawKind(draw: Draw, type: FaultType, drawn: DrawnFor): Fault[] {
  const oneIn = type === 'disk-rot' || type === 'state-rot' ? ROT_ONE_IN : KIND_ONE_IN
  if (!draw.oneIn(oneIn) || drawn.members.length < membersNeededFor(type)) return []
  if (type === 'disk-low' && !drawn.operator) return []
  if (type === 'disk-wipe' && !drawn.membership) return []
  const everyMs = draw.spread(RARE.includes(type) ? RARELY_EVERY_MS_MIN : EVERY_MS_MIN, EVERY_MS_MAX)
  return drawFaultsOfType(draw, type, { ...drawn, everyMs })
}

/** Members that a fault of this kind needs to make sense. */
export function membersNeededFor(type: FaultType): number {
  return MEMBERS_FOR[type] ?? 1
}

/** Faults of one kind, `everyMs` apart on average. */
export function drawFaultsOfType(
  draw: Draw,
  type: FaultType,
  { members, forMs, everyMs }: Pick<DrawnFor, 'members' | 'forMs'> & { readonly everyMs: number },
): Fault[] {
  const faults: Fault[] = []
  let atMs = 0
  for (let nth = 0; ; nth++) {
    const each = draw.of(nth)
    atMs += 1 + each.below(2 * everyMs)
    if (atMs >= forMs) return faults
    faults.push({ atMs, ...drawOne(each, type, members, forMs - atMs) })
  }
}

function drawOne(draw: Draw, type: FaultType, members: readonly string[], leftMs: number): FaultKind {
  const [member, other] = draw.some(members, 2) as [string, string]
  const between = { from: member, to: other }
  const forMs = Math.min(draw.spread(FOR_MS_MIN, FOR_MS_MAX), leftMs)
  const downMs = draw.spread(1, 10_000)
  switch (type) {
    case 'crash':
      return { type, member, disk: draw.pick(['process', 'power'] as const), downMs }
    case 'crash-loop':
      return { type, member, times: draw.between(2, 8), everyMs: draw.spread(5, 1_000) }
    case 'crash-at':
      return { type, member, event: draw.pick(FAILPOINTS), downMs }
    case 'restart':
      return { type, member, downMs }
    case 'rolling-restart':
      return { type, downMs: draw.spread(10, 2_000), pauseMs: draw.spread(50, 3_000) }
    case 'pause':
    case 'old-version':
      return { type, member, forMs }
    case 'lag':
      return { type, member, lateMs: draw.spread(5, 1_000), forMs }
    case 'clock-drift':
      return { type, member, perMillion: (draw.oneIn(2) ? 1 : -1) * draw.spread(100, 200_000), forMs }
    case 'clock-freeze':
      return { type, member, forMs }
    case 'wall-jump':
      return { type, member, byMs: (draw.oneIn(2) ? 1 : -1) * draw.spread(1, 100_000_000) }
    case 'wall-swing':
      return { type, member, byMs: draw.spread(10, 60_000), periodMs: draw.spread(100, 10_000), forMs }
    case 'cut':
    case 'cut-one-way':
    case 'clog':
      return { type, ...between, forMs }
    case 'partition':
      return { type, groups: drawGroups(draw, members), forMs }
    case 'ring':
      return { type, forMs }
    case 'swizzle':
      return { type, members: draw.some(members, draw.between(1, members.length)), stepMs: draw.spread(20, 2_000) }
    case 'slow-link':
      return { type, ...between, bytesPerSecond: draw.spread(1_000, 100_000), forMs }
    case 'reset':
      return { type, ...between }
    case 'bit-flips':
      return { type, ...between, perMillion: draw.spread(1_000, 200_000), forMs }
    case 'disk-slow':
      return { type, member, factor: draw.spread(2, 500), forMs }
    case 'disk-hang':
      return { type, member, forMs }
    case 'sync-failure':
      return { type, member, downMs }
    case 'disk-full':
    case 'disk-low':
      return { type, member, forMs }
    case 'disk-rot': {
      const rot = draw.pick(['torn-tail', 'hole', 'bit-flip', 'unopenable'] as const)
      const part = draw.pick(['log', 'log', 'state', 'state', 'high-water'] as const)
      return { type, member, rot, part, downMs }
    }
    case 'state-rot':
      return { type, member, rot: draw.pick(['hole', 'bit-flip', 'bit-flip'] as const) }
    case 'disk-wipe':
      return { type, member, downMs }
    default:
      return assertNever(type, 'a kind of fault')
  }
}

/** Two groups, or three; each with somebody in it. */
function drawGroups(draw: Draw, members: readonly string[]): string[][] {
  const shuffled = draw.some(members, members.length)
  const first = draw.between(1, members.length - 1)
  const groups = [shuffled.slice(0, first), shuffled.slice(first)]
  const rest = groups[1] as string[]
  if (rest.length > 1 && draw.oneIn(4)) groups.push(rest.splice(draw.between(1, rest.length - 1)))
  return groups
}
