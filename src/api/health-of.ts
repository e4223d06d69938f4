/**
 * What the status of a store comes to: whether its member works, whether calls should be sent to it, and why not. One judgement
 * for everybody who asks: `store.health()`, the probes of `healthHandler`, and what speaks etcd's protocol.
 *
 * Pure. What only a call can tell, like whether a quorum confirms a read, is not known here.
 */
import type { Health, HealthCode, HealthReason } from './health.js'
import type { StoreStatus } from './store.js'

/** Of a disk, or of turns of the loop, from this share of an election timeout on: as the member itself judges. */
const SLOW_SHARE = 1 / 4

export function healthOf(status: StoreStatus): Health {
  const over = overOf(status)
  const reasons = over === undefined ? [...unreadyOf(status), ...noticeableOf(status)] : [over]
  return { live: over === undefined, ready: reasons.every(({ affects }) => affects === 'nothing'), reasons }
}

function overOf({ role }: StoreStatus): HealthReason | undefined {
  if (role === 'removed') return reason('REMOVED', 'live', 'this member was removed from the cluster')
  if (role === 'stopped') return reason('STOPPED', 'live', 'this member is closed, or stopped itself')
  return undefined
}

/**
 * A member without its promises is not counted by the others: who restarts one member after the other must wait for it,
 * though it serves calls.
 */
function unreadyOf(status: StoreStatus): HealthReason[] {
  const { closing, leader, learner, awaitsState, promises } = status
  return [
    ...when(closing, 'CLOSING', 'ready', 'it is being closed'),
    ...when(leader === undefined, 'NO_LEADER', 'ready', 'it knows no leader'),
    ...when(learner, 'LEARNER', 'ready', 'it is a learner'),
    ...when(awaitsState, 'AWAITS_STATE', 'ready', 'its state is damaged or missing, and it waits for another one'),
    ...when(promises === 'lost', 'PROMISES_LOST', 'ready', 'its disk lost what it promised, and it is not counted yet'),
    ...alarm(status, 'corrupt', 'CORRUPT', 'ready'),
  ]
}

function noticeableOf(status: StoreStatus): HealthReason[] {
  const { disk, eventLoop, electionTimeoutMs } = status
  const slowMs = SLOW_SHARE * electionTimeoutMs
  const { lastSyncMs = 0 } = disk
  const { maxMs = 0 } = eventLoop
  return [
    ...alarm(status, 'no-space', 'NOSPACE', 'nothing'),
    ...when(lastSyncMs >= slowMs, 'DISK_SLOW', 'nothing', `its last sync took ${Math.round(lastSyncMs)} ms`),
    ...when(
      ...([maxMs >= slowMs, 'EVENT_LOOP_STALLED', 'nothing'] as const),
      `its event loop stood still for ${Math.round(maxMs)} ms within the last minute`,
    ),
  ]
}

function alarm(
  { alarms, members }: StoreStatus,
  name: StoreStatus['alarms'][number]['alarm'],
  code: HealthCode,
  affects: HealthReason['affects'],
): HealthReason[] {
  const of = alarms.filter((each) => each.alarm === name).map(({ memberId }) => memberId)
  const names = of.map((id) => members.find((member) => member.id === id)?.name ?? `${id}`)
  return when(of.length > 0, code, affects, `the alarm ${code} is active for ${names.join(', ')}`)
}

function when(holds: boolean, ...[code, affects, message]: Parameters<typeof reason>): HealthReason[] {
  return holds ? [reason(code, affects, message)] : []
}

function reason(code: HealthCode, affects: HealthReason['affects'], message: string): HealthReason {
  return { code, affects, message }
}
