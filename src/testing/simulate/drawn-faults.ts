/**
 * The faults of one seed.
 *
 * Always: each seed has some of the kinds, not all (swarm testing): a run without crashes finds what crashes would hide.
 */
import { checkFaults } from '../faults/check-faults.js'
import { drawFaultsOfType, membersNeededFor } from '../faults/draw.js'
import { FAULT_TYPES, type Fault, type FaultType } from '../faults/fault.js'
import { Draw } from '../swarm/draw.js'
import type { Settings } from './options.js'

/** What nobody recovers from by itself, or where it hits too many at a time: it has to be asked for by name. */
const FOR_GOOD: readonly FaultType[] = ['disk-rot', 'state-rot', 'disk-wipe', 'disk-low']

export function faultsOfSeed<Observed, Exposed>(settings: Settings<Observed, Exposed>, seed: number): readonly Fault[] {
  const { faults, nodes, forMs } = settings
  if (typeof faults === 'function') {
    const drawn = faults({ seed, nodes, forMs })
    checkFaults(drawn, nodes, forMs)
    return drawn
  }
  if (!('kinds' in faults)) return faults
  const all = (Object.keys(FAULT_TYPES) as FaultType[]).filter((type) => !FOR_GOOD.includes(type))
  const kinds = (faults.kinds === 'all' ? all : faults.kinds).filter((type) => nodes.length >= membersNeededFor(type))
  const draw = new Draw('simulate', seed)
  const chosen = kinds.filter((type) => draw.of('chosen', type).oneIn(2))
  const some = chosen.length > 0 ? chosen : kinds.slice(0, 1)
  const drawn = some.flatMap((type) =>
    drawFaultsOfType(draw.of(type), type, { members: nodes, forMs, everyMs: faults.everyMs * some.length }),
  )
  return drawn.sort((a, b) => a.atMs - b.atMs)
}
