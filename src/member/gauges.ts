/** How things stand with a member at one moment, for whoever keeps books of it: a copy, made when it is asked for. */
import type { Gauges } from '../base/telemetry.js'
import type { MeasuredTransport } from './measured-transport.js'
import type { Parts } from './parts.js'

export function gaugesOf(
  parts: Parts,
  transport: MeasuredTransport | undefined,
  { defragmenting }: { readonly defragmenting: boolean },
): Gauges {
  const { machine, proposals, reads, watches, snapshots, states } = parts
  return {
    proposalsWaiting: proposals.waiting,
    readsWaiting: reads.waiting,
    keys: machine.store.size,
    leases: machine.lessor.size,
    authRevision: machine.auth.revision,
    watches: watches.count,
    watchesLagging: watches.lagging,
    watchBufferBytes: watches.bufferedBytes,
    reachablePeers: transport?.reachablePeers ?? [],
    snapshots: snapshots.count,
    sendingTo: states.sender.receivers,
    receivingFrom: states.receiver.sender,
    installing: states.repair.installing,
    defragmenting,
  }
}
