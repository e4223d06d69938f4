/** The first programme of every run: what is drawn too seldom, or only happens to stores that nothing happened to yet. */
import { SETUP } from './draw-auth.js'
import {
  NO_LEASE,
  NO_REVISION,
  ROOT,
  type KeyOperation,
  type Operation,
  type Programme,
  type PutOperation,
  type RangeOperation,
  type TransactionOperation,
  type WatchOperation,
} from './operation.js'

/** One key, read without any option. */
export const PLAIN_RANGE: RangeOperation = {
  type: 'range',
  key: 'x',
  rangeEnd: '',
  revision: NO_REVISION,
  limit: 0,
  sortOrder: 'NONE',
  sortTarget: 'KEY',
  serializable: false,
  keysOnly: false,
  countOnly: false,
  minModRevision: NO_REVISION,
  maxModRevision: NO_REVISION,
  minCreateRevision: NO_REVISION,
  maxCreateRevision: NO_REVISION,
}

const PUT: PutOperation = {
  type: 'put',
  key: 'x',
  value: 'of x',
  lease: NO_LEASE,
  prevKv: false,
  ignoreValue: false,
  ignoreLease: false,
}

const WATCH_FROM_COMPACTION: WatchOperation = {
  type: 'watch',
  watch: 'w1',
  key: PUT.key,
  rangeEnd: '',
  startRevision: { base: 'compacted', plus: 0 },
  noPut: false,
  noDelete: false,
  prevKv: false,
  fragment: false,
}

const LEASE = '1'

/** What is permitted is looked at in the branch that is not taken, too. */
function notTaken(...failure: readonly KeyOperation[]): TransactionOperation {
  return { type: 'transaction', compare: [], success: [], failure }
}

const OPERATIONS: readonly Operation[] = [
  { type: 'hash', revision: NO_REVISION },
  { type: 'compact', revision: NO_REVISION, physical: false },
  { type: 'user-list' },
  { type: 'role-list' },

  PUT,
  { type: 'delete', key: PUT.key, rangeEnd: '', prevKv: false },
  { type: 'compact', revision: { base: 'current', plus: 0 }, physical: true },
  WATCH_FROM_COMPACTION,
  { type: 'settle' },

  { type: 'alarm', action: 'ACTIVATE', member: 'own', alarm: 'NOSPACE' },
  { type: 'alarm', action: 'ACTIVATE', member: 'own', alarm: 'CORRUPT' },
  { type: 'alarm', action: 'GET', member: undefined, alarm: undefined },
  { type: 'alarm', action: 'DEACTIVATE', member: 'own', alarm: 'NOSPACE' },
  { type: 'alarm', action: 'DEACTIVATE', member: 'own', alarm: 'CORRUPT' },

  { type: 'grant', lease: LEASE, ttlSeconds: 700, revokeAtOnce: false },
  { ...PUT, lease: LEASE },
  ...SETUP,
  { type: 'role-grant', role: 'r1', permission: 'WRITE', key: 'w', rangeEnd: '' },
  { type: 'auth-enable' },
  { type: 'login', ...ROOT },
  { type: 'role-grant', role: 'r3', permission: 'READ', key: 'b', rangeEnd: 'b' },
  { type: 'role-grant', role: 'r3', permission: 'READ', key: 'b', rangeEnd: 'a' },
  { type: 'role-revoke', role: 'r1', key: 'b', rangeEnd: 'b' },
  { type: 'role-revoke', role: 'r1', key: 'b', rangeEnd: 'a' },
  { type: 'user-revoke', name: 'ann', role: '' },
  { type: 'user-add', name: 'cy', password: 'right' },
  { type: 'login', name: 'ann', password: 'right' },
  { type: 'time-to-live', lease: LEASE, keys: true },
  notTaken({ ...PUT, key: 'w', prevKv: true }),
  notTaken(notTaken(PUT)),
  { type: 'login', name: 'cy', password: 'right' },
  PLAIN_RANGE,
  { type: 'become', name: ROOT.name },
  { type: 'auth-disable' },
  { type: 'become', name: '' },
]

export const OPENING: Programme = { kind: 'opening', operations: OPERATIONS }
