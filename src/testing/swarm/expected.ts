/**
 * Everything that a long run of many seeds must have seen. What a swarm cannot bring about, it does not test.
 *
 * Always: whatever is not expected says why, here, so that a hole is a decision. New kinds of faults, decisions and
 * operations are expected by themselves: the tables are checked by the compiler.
 */
import { BUGGIFY_POINTS } from '../../base/buggify.js'
import type { ErrorCode } from '../../base/errors.js'
import type { RaftEventType } from '../../raft/trace.js'
import { FAULT_TYPES } from '../faults/fault.js'
import type { SimDiskEventKind } from '../sim/sim-disk.js'
import type { NetworkEvent } from '../sim/sim-network.js'
import type { OperationOutcome } from './clients.js'
import type { Coverage } from './coverage.js'
import type { MembersStep, OperationType } from './operation.js'

/** True: it must be seen. A text: why it cannot be, in this version. */
type Expectations<Name extends string> = Readonly<Record<Name, true | string>>

export const DECISIONS: Expectations<RaftEventType> = {
  'became-follower': true,
  'became-pre-candidate': true,
  'became-candidate': true,
  'became-leader': true,
  'leader-changed': true,
  'quorum-lost': true,
  'campaign-postponed': true,
  'pre-vote-granted': true,
  'pre-vote-refused': true,
  'vote-granted': true,
  'vote-refused': true,
  'election-lost': true,
  'append-rejected': true,
  'log-truncated': true,
  'log-compacted': true,
  'commit-advanced': true,
  'write-durable': true,
  'progress-probe': true,
  'progress-replicate': true,
  'progress-snapshot': true,
  'snapshot-requested': true,
  'snapshot-sent': true,
  'snapshot-failed': true,
  'snapshot-accepted': true,
  'snapshot-refused': true,
  'snapshot-restored': true,
  'recovery-started': true,
  'promises-restored': true,
  'follower-asked-again': true,
  'proposal-refused': true,
  'read-round-started': true,
  'read-round-confirmed': true,
  'configuration-adopted': true,
  'configuration-rolled-back': true,
  'configuration-refused': true,
  'leader-removed': 'a leader that is to be removed hands over before; test/raft/membership.test.ts has it',
  'transfer-started': true,
  'transfer-refused': true,
  'transfer-aborted': true,
  'told-to-campaign': true,
  'reads-dropped': true,
  'message-ignored': true,
}

const FRAMES: Expectations<NetworkEvent['type']> = {
  sent: true,
  lost: true,
  cut: true,
  reordered: true,
  duplicated: true,
  delivered: true,
  undeliverable: true,
  flipped: true,
  reset: true,
  overflow: 'clients that wait for answers do not fill a queue of 32 MiB; test/testing/sim has it',
}

const NOT_NOTICED = 'one member alone cannot notice it, so that plans leave it out (docs/DISK-FAULTS.md)'

const DISK: Expectations<SimDiskEventKind> = {
  'lost-suffix': true,
  'kept-suffix': true,
  'torn-tail': true,
  'rotation-hole': 'members sync a write before they begin another one; test/testing/sim/disk*.ts has it',
  hole: true,
  'bit-flip': true,
  unreadable: true,
  unopenable: true,
  'sync-failed': true,
  'write-failed': true,
  'read-failed': 'no fault of a plan makes reads fail; test/testing/sim/disk.test.ts does',
  'sync-lied': NOT_NOTICED,
  'slot-torn': true,
  'slot-lost': true,
  'slot-missing': true,
  held: true,
  wiped: true,
  restored: NOT_NOTICED,
}

export const OPERATIONS: Readonly<Record<OperationType, true>> = {
  put: true,
  read: true,
  range: true,
  delete: true,
  swap: true,
  transaction: true,
  'put-with-lease': true,
  'leases-at-once': true,
  'keep-alive': true,
  'time-to-live': true,
  leases: true,
  revoke: true,
  compact: true,
  hash: true,
  'make-room': true,
  'limit-prefix': true,
  administer: true,
  'change-members': true,
  watch: true,
  lock: true,
}

export const STEPS: Readonly<Record<MembersStep['step'], true>> = {
  add: true,
  remove: true,
  promote: true,
  replace: true,
  update: true,
  'move-leader': true,
  list: true,
}

/** What whoever runs the machines does about the members. */
const MACHINES = {
  'a process joins': true,
  'a removed one is told': true,
  'a removed one begins anew with an empty directory': true,
  'a process moves to another address': true,
} as const
export type MachineWork = keyof typeof MACHINES

const OUTCOMES: Readonly<Record<OperationOutcome, true>> = {
  ok: true,
  refused: true,
  unknown: true,
  pending: true,
  skipped: true,
}

/** What operations are refused with that no fault of a plan brings about by itself: alarms, permissions, what is gone. */
const REFUSALS = {
  NO_SPACE: true,
  PREFIX_QUOTA_EXCEEDED: true,
  PERMISSION_DENIED: true,
  AUTH_FAILED: true,
  AUTH_TOKEN_INVALID: true,
  AUTH_REVISION_OLD: true,
  LEASE_NOT_FOUND: true,
  KEY_NOT_FOUND: true,
  COMPACTED: true,
  MEMBER_REMOVED: true,
  MEMBER_NOT_FOUND: true,
  MEMBER_EXISTS: true,
  NOT_A_LEARNER: true,
  LEARNER_NOT_READY: true,
  QUORUM_AT_RISK: true,
  MEMBERS_TOO_OLD: true,
  TRANSFEREE_INVALID: true,
} as const satisfies Partial<Readonly<Record<ErrorCode, true>>>

/** What reads have no outcome for: they change nothing. */
const NEVER_UNKNOWN: readonly OperationType[] = ['read', 'range', 'watch', 'leases', 'hash']

export interface Expected {
  readonly group: string
  readonly name: string
  readonly expected: true | string
}

export function expectations(): readonly Expected[] {
  return [
    ...namesOf('fault', FAULT_TYPES),
    ...rowsOf('network', FRAMES),
    ...rowsOf('disk', DISK),
    ...namesOf('disk', { 'read through': true }),
    ...namesOf('slow way', BUGGIFY_POINTS),
    ...rowsOf('decision', DECISIONS),
    ...operationRows(),
    ...namesOf('refusal', REFUSALS),
    ...Object.keys(STEPS).flatMap((step) => namesOf('members', { [`${step} ok`]: true, [`${step} refused`]: true })),
    ...namesOf('machines', MACHINES),
    ...namesOf('watch', { progress: true }),
    ...namesOf('hash', { 'the same on another member': true }),
  ]
}

/** What never happened though it should have; empty for a complete run. */
export function neverSeen(coverage: Coverage): readonly string[] {
  return expectations()
    .filter(({ expected }) => expected === true)
    .filter(({ group, name }) => (coverage[group]?.[name] ?? 0) === 0)
    .map(({ group, name }) => `${group}: ${name}`)
}

/** What happened though it is said that it cannot: the reason is out of date. */
export function unexpected(coverage: Coverage): readonly string[] {
  return expectations()
    .filter(({ expected }) => expected !== true)
    .filter(({ group, name }) => (coverage[group]?.[name] ?? 0) > 0)
    .map(({ group, name, expected }) => `${group}: ${name}, though ${expected}`)
}

function operationRows(): Expected[] {
  return Object.keys(OPERATIONS).flatMap((type) =>
    Object.keys(OUTCOMES).map((outcome): Expected => {
      const impossible = outcome === 'unknown' && NEVER_UNKNOWN.some((each) => each === type)
      const expected = impossible ? 'it changes nothing, so it is refused' : true
      return { group: 'operation', name: `${type} ${outcome}`, expected }
    }),
  )
}

function namesOf(group: string, table: object): Expected[] {
  return Object.keys(table).map((name): Expected => ({ group, name, expected: true }))
}

function rowsOf(group: string, table: Expectations<string>): Expected[] {
  return Object.entries(table).map(([name, expected]): Expected => ({ group, name, expected }))
}
