/** The faults of scenarios: dense, since a run of a scenario is short, and with pauses that outlive a lease. */
import { FAULT_TYPES, type Fault, type FaultDrawer, type FaultType } from 'quorate/testing'
import { drawFaultsOfType, membersNeededFor } from '../../../src/testing/faults/draw.js'
import { Draw } from '../../../src/testing/swarm/draw.js'

/** The TTL of sessions in scenarios: short, so that many end within a run. */
export const TTL_MS = 2_000

export interface DrawingOptions {
  readonly kinds: readonly FaultType[]
  /** Milliseconds between two faults, on average. Default 1000. */
  readonly everyMs?: number
  /**
   * In every second seed, at least, one process or more is stopped for longer than this. Default {@link TTL_MS}; undefined
   * means that it need not be.
   */
  readonly longPausesMs?: number | undefined
}

/** Nobody recovers from these without an operator, or where they hit too many. */
const FOR_GOOD: readonly FaultType[] = ['disk-rot', 'state-rot', 'disk-wipe', 'disk-low']
const OF_CLOCKS: readonly FaultType[] = ['clock-drift', 'clock-freeze']

/** All from which a cluster recovers, and its programs with it. */
export const RECOVERABLE = (Object.keys(FAULT_TYPES) as FaultType[]).filter((type) => !FOR_GOOD.includes(type))

/** Every kind. Where a clock is wrong, only what the store compares is promised: tokens and guarded writes. */
export const everyFault: FaultDrawer = drawing({ kinds: RECOVERABLE })

/** The same with monotonic clocks that go right: then the signal of a session is promised, too. */
export const steadyClocks: FaultDrawer = drawing({ kinds: RECOVERABLE.filter((type) => !OF_CLOCKS.includes(type)) })

export function drawing({ kinds, everyMs = 1_000, longPausesMs = TTL_MS }: DrawingOptions): FaultDrawer {
  return ({ seed, nodes, forMs }) => {
    const draw = new Draw('scenario', seed)
    const possible = kinds.filter((type) => nodes.length >= membersNeededFor(type))
    const chosen = possible.filter((type) => draw.of('chosen', type).oneIn(2))
    const faults: Fault[] = chosen.flatMap((type) =>
      drawFaultsOfType(draw.of(type), type, { members: nodes, forMs, everyMs: everyMs * chosen.length }),
    )
    if (longPausesMs !== undefined && seed % 2 === 0)
      faults.push(...longPauses(draw.of('long pauses'), nodes, forMs, longPausesMs))
    return faults.sort((a, b) => a.atMs - b.atMs)
  }
}

function longPauses(draw: Draw, nodes: readonly string[], forMs: number, longerThanMs: number): Fault[] {
  return Array.from({ length: draw.between(1, 2) }, () => {
    // Longer than the lease by so much that another one has it, and uses it, even where a leader is elected in between.
    const pauseMs = draw.between(longerThanMs + 1, 4 * longerThanMs)
    return {
      type: 'pause',
      member: draw.pick(nodes),
      atMs: draw.between(0, Math.max(0, forMs - pauseMs)),
      forMs: pauseMs,
    }
  })
}
