/**
 * Draws programmes. Each is one of a few kinds, which lay weight on other operations.
 *
 * Always: what is drawn for one operation does not move what is drawn for another.
 */
import { assertNever } from '../../src/base/assert.js'
import { isStoreError } from '../../src/base/errors.js'
import { checkDuplicateKeys } from '../../src/mvcc/duplicate-keys.js'
import type { Operation as StoreOperation, TransactionRequest } from '../../src/mvcc/types.js'
import { Draw } from '../../src/testing/swarm/draw.js'
import { drawAuth, withAuth } from './draw-auth.js'
import { OPENING } from './opening.js'
import { KEY_TOO_LONG, VALUE_TOO_LARGE, Values } from './draw-values.js'
import {
  FROM_KEY_ON,
  NO_LEASE,
  NO_REVISION,
  type AlarmOperation,
  type AuthOperation,
  type CompareOperation,
  type CompareResult,
  type DeleteOperation,
  type GrantOperation,
  type KeyOperation,
  type LeaseName,
  type Operation,
  type Programme,
  type PutOperation,
  type RangeOperation,
  type TransactionOperation,
  type WatchOperation,
} from './operation.js'

type Kind = 'keys' | 'transactions' | 'leases' | 'watches' | 'limits' | 'alarms' | 'auth'

const KINDS: readonly Kind[] = [
  'keys',
  'keys',
  'keys',
  'transactions',
  'transactions',
  'leases',
  'watches',
  'limits',
  'alarms',
  'auth',
]

/** How often each operation is drawn in a programme of each kind. */
const WEIGHTS: Readonly<Record<Kind, Partial<Record<Drawn, number>>>> = {
  keys: { put: 30, range: 40, delete: 10, transaction: 10, compact: 2, grant: 2 },
  transactions: { put: 10, range: 5, delete: 3, transaction: 60, compact: 1, grant: 2 },
  leases: {
    put: 20,
    range: 10,
    delete: 3,
    transaction: 10,
    grant: 12,
    revoke: 8,
    'keep-alive': 8,
    'time-to-live': 8,
    leases: 4,
  },
  watches: {
    put: 30,
    delete: 10,
    transaction: 15,
    compact: 2,
    watch: 8,
    cancel: 3,
    settle: 6,
    progress: 3,
    grant: 2,
    revoke: 2,
  },
  auth: {
    auth: 40,
    put: 20,
    range: 15,
    delete: 5,
    transaction: 10,
    grant: 4,
    revoke: 3,
    compact: 1,
    'keep-alive': 2,
    'time-to-live': 2,
    nested: 2,
  },
  limits: { put: 20, range: 10, transaction: 5, odd: 10, hash: 2 },
  alarms: {
    alarm: 20,
    nested: 4,
    put: 20,
    range: 10,
    delete: 5,
    transaction: 10,
    grant: 5,
    revoke: 5,
    compact: 2,
    'keep-alive': 2,
  },
}

type Drawn = Exclude<Operation['type'], AuthOperation['type'] | 'expire'> | 'auth' | 'odd' | 'nested'

const OPERATIONS_PER_PROGRAMME = 150
const NESTED_DEPTH_MAX = 3
/** Without space left, and without permission, etcd 3.4 does within a nested transaction what it would refuse outside. */
const NESTED_DEPTH_MAX_WITH_CHECKS = 1
const WATCHES = ['w1', 'w2', 'w3', 'w4', 'w5', 'w6']
/** No lease of a programme expires within it. */
const TTL_SECONDS_MIN = 600
/** More than one transaction may have. */
const TOO_MANY_OPERATIONS = 129
/** Deeper than we take; etcd would take deeper ones. */
const TOO_DEEP = 10

export function drawProgramme(seed: number, nth: number): Programme {
  if (nth === 0) return OPENING
  const draw = new Draw('etcd-diff', seed, nth)
  const kind = draw.of('kind').pick(KINDS)
  const values = new Values(draw, { emptyRanges: kind !== 'auth' })
  const weighted = Object.entries(WEIGHTS[kind]).flatMap(([type, weight]) =>
    new Array<Drawn>(weight).fill(type as Drawn),
  )
  const operations = Array.from({ length: OPERATIONS_PER_PROGRAMME }, (_, at) => {
    const each = draw.of('operation', at)
    return drawOne(each, each.pick(weighted), values, kind)
  })
  const expires = kind === 'leases' && draw.of('expires').oneIn(EXPIRIES_ONE_IN)
  return { kind, operations: expires ? [...operations, EXPIRE] : complete(kind, operations) }
}

/** Takes some seconds. */
const EXPIRIES_ONE_IN = 15
const EXPIRE: Operation = { type: 'expire', lease: '99', key: 'b' }

function complete(kind: Kind, drawn: readonly Operation[]): readonly Operation[] {
  if (kind === 'watches') return [...drawn, { type: 'settle' }]
  return kind === 'auth' ? withAuth(drawn) : drawn
}

function drawOne(draw: Draw, type: Drawn, values: Values, kind: Kind): Operation {
  switch (type) {
    case 'range':
      return drawRange(draw, values)
    case 'put':
      return drawPut(draw, values)
    case 'delete':
      return drawDelete(draw, values)
    case 'transaction':
      return drawTransactionOf(draw, values, kind)
    case 'compact':
      return { type, revision: values.someRevision(draw), physical: draw.oneIn(3) }
    case 'grant':
      return drawGrant(draw, values)
    case 'revoke':
    case 'keep-alive':
      return { type, lease: values.lease(draw) }
    case 'time-to-live':
      return { type, lease: values.lease(draw), keys: draw.oneIn(2) }
    case 'leases':
      return { type }
    case 'alarm':
      return drawAlarm(draw, values)
    case 'hash':
      return { type, revision: values.someRevision(draw) }
    case 'watch':
      return drawWatch(draw, values)
    case 'cancel':
      return { type, watch: draw.pick(WATCHES) }
    case 'settle':
    case 'progress':
      return { type }
    case 'auth':
      return drawAuth(draw, values)
    case 'odd':
      return drawOdd(draw, values)
    case 'nested':
      return drawNested(draw, values)
    default:
      return assertNever(type, 'type')
  }
}

function drawTransactionOf(draw: Draw, values: Values, kind: Kind): TransactionOperation {
  if (kind !== 'auth' && kind !== 'alarms') return harmless(drawTransaction(draw, values, NESTED_DEPTH_MAX))
  const transaction = drawTransaction(draw, values, NESTED_DEPTH_MAX_WITH_CHECKS)
  return harmless(kind === 'auth' ? withoutPreviousOfPuts(transaction) : transaction)
}

/** etcd shows what a put in a transaction replaced also to who may not read it. */
function withoutPreviousOfPuts(transaction: TransactionOperation): TransactionOperation {
  const strip = (part: KeyOperation): KeyOperation => (part.type === 'put' ? { ...part, prevKv: false } : part)
  return { ...transaction, success: transaction.success.map(strip), failure: transaction.failure.map(strip) }
}

function drawRange(draw: Draw, values: Values): RangeOperation {
  const key = values.key(draw)
  return {
    type: 'range',
    key,
    rangeEnd: values.rangeEnd(draw, key),
    revision: values.readRevision(draw),
    limit: values.limit(draw),
    ...drawSort(draw),
    serializable: draw.oneIn(3),
    keysOnly: draw.oneIn(6),
    countOnly: draw.oneIn(6),
    minModRevision: values.bound(draw),
    maxModRevision: values.bound(draw),
    minCreateRevision: values.bound(draw),
    maxCreateRevision: values.bound(draw),
  }
}

function drawSort(draw: Draw): Pick<RangeOperation, 'sortOrder' | 'sortTarget'> {
  if (!draw.oneIn(3)) return { sortOrder: 'NONE', sortTarget: 'KEY' }
  return {
    sortOrder: draw.pick(['NONE', 'ASCEND', 'ASCEND', 'DESCEND', 'DESCEND'] as const),
    sortTarget: draw.pick(['KEY', 'VERSION', 'CREATE', 'MOD', 'VALUE'] as const),
  }
}

function drawPut(draw: Draw, values: Values): PutOperation {
  const ignoreValue = draw.oneIn(10)
  const ignoreLease = draw.oneIn(10)
  return {
    type: 'put',
    key: values.key(draw),
    // With a value, and with a lease, it is refused: sometimes.
    value: ignoreValue && !draw.oneIn(4) ? '' : values.value(draw),
    lease: ignoreLease && !draw.oneIn(4) ? NO_LEASE : values.putLease(draw),
    prevKv: draw.oneIn(2),
    ignoreValue,
    ignoreLease,
  }
}

function drawDelete(draw: Draw, values: Values): DeleteOperation {
  const key = values.key(draw)
  // Everything at once is deleted seldom: there would be nothing left to meet.
  const rangeEnd = draw.oneIn(3) ? values.rangeEnd(draw, key) : ''
  return { type: 'delete', key, rangeEnd, prevKv: draw.oneIn(2) }
}

function drawTransaction(draw: Draw, values: Values, depth: number): TransactionOperation {
  return {
    type: 'transaction',
    compare: Array.from({ length: draw.below(4) }, (_, at) => drawCompare(draw.of('compare', at), values)),
    success: drawBranch(draw.of('success'), values, depth),
    failure: drawBranch(draw.of('failure'), values, depth),
  }
}

function drawBranch(draw: Draw, values: Values, depth: number): KeyOperation[] {
  const readsOnly = draw.oneIn(4)
  return Array.from({ length: draw.below(4) }, (_, at) => {
    const each = draw.of(at)
    if (readsOnly) return drawRange(each, values)
    const type = each.pick(['put', 'put', 'range', 'range', 'delete', 'transaction'] as const)
    if (type === 'transaction') return depth > 1 ? drawTransaction(each, values, depth - 1) : drawPut(each, values)
    if (type === 'range') return drawRange(each, values)
    return type === 'put' ? drawPut(each, values) : drawDelete(each, values)
  })
}

function drawCompare(draw: Draw, values: Values): CompareOperation {
  const key = values.key(draw)
  const result = draw.pick(['EQUAL', 'GREATER', 'LESS', 'NOT_EQUAL'] as const)
  const common = { key, rangeEnd: draw.oneIn(3) ? values.rangeEnd(draw, key) : '', result }
  const target = draw.pick(['VERSION', 'CREATE', 'MOD', 'VALUE', 'LEASE'] as const)
  switch (target) {
    case 'VERSION':
      return { ...common, target, version: draw.pick([0, 0, 1, 2, 3]) }
    case 'CREATE':
    case 'MOD':
      return { ...common, target, revision: draw.oneIn(3) ? NO_REVISION : { base: 'current', plus: -draw.below(10) } }
    case 'VALUE':
      return { ...common, target, value: values.value(draw) }
    case 'LEASE':
      return { ...common, target, lease: drawComparedLease(draw, values, result) }
    default:
      return assertNever(target, 'target')
  }
}

/** Of two ids that the stores chose it is not known which is the greater one. */
function drawComparedLease(draw: Draw, values: Values, result: CompareResult): LeaseName {
  const lease = draw.oneIn(2) ? NO_LEASE : values.lease(draw)
  const ordered = result === 'GREATER' || result === 'LESS'
  return ordered && lease.startsWith('#') ? NO_LEASE : lease
}

function drawGrant(draw: Draw, values: Values): GrantOperation {
  const lease = values.newLease(draw)
  if (draw.oneIn(10)) return { type: 'grant', lease, ttlSeconds: draw.pick([1, 2, 3, 30]), revokeAtOnce: true }
  const ttlSeconds = draw.oneIn(10) ? 9_000_000_000 : TTL_SECONDS_MIN + draw.below(3_000)
  return { type: 'grant', lease, ttlSeconds, revokeAtOnce: false }
}

function drawWatch(draw: Draw, values: Values): WatchOperation {
  const key = draw.oneIn(40) ? '' : draw.oneIn(4) ? '\0' : values.key(draw)
  return {
    type: 'watch',
    watch: draw.pick(WATCHES),
    key,
    rangeEnd: key === '\0' && draw.oneIn(2) ? FROM_KEY_ON : values.rangeEnd(draw, key),
    startRevision: draw.oneIn(2) ? NO_REVISION : values.someRevision(draw),
    noPut: draw.oneIn(6),
    noDelete: draw.oneIn(6),
    prevKv: draw.oneIn(2),
    fragment: draw.oneIn(4),
  }
}

function drawAlarm(draw: Draw, values: Values): AlarmOperation {
  const members = ['own', 'own', 'other'] as const
  const alarms = ['NOSPACE', 'CORRUPT'] as const
  if (draw.oneIn(3)) {
    const member = draw.oneIn(3) ? draw.pick(members) : undefined
    return { type: 'alarm', action: 'GET', member, alarm: draw.oneIn(3) ? draw.pick(alarms) : undefined }
  }
  // Most of the time there should be none.
  const action = draw.oneIn(4) ? 'ACTIVATE' : 'DEACTIVATE'
  // We raise none for a member that there is not.
  const member = action === 'ACTIVATE' ? 'own' : draw.pick(members)
  return { type: 'alarm', action, member, alarm: values.alarm }
}

/** What is refused, or beyond a limit; none of it changes anything where only one of the two takes it. */
function drawOdd(draw: Draw, values: Values): Operation {
  const range = drawRange(draw, values)
  const put = drawPut(draw, values)
  switch (draw.below(10)) {
    case 0:
      return { ...range, revision: { base: 'zero', plus: -draw.between(1, 5) } }
    case 1:
      return { ...range, limit: -draw.between(1, 5) }
    case 2:
      return { ...put, value: VALUE_TOO_LARGE }
    case 3:
      return { ...range, key: KEY_TOO_LONG }
    case 4:
      return { type: 'grant', lease: values.newLease(draw), ttlSeconds: 9_000_000_001, revokeAtOnce: true }
    case 5:
      return { type: 'grant', lease: '7', ttlSeconds: -draw.below(3), revokeAtOnce: true }
    case 6: {
      const many = Array.from({ length: TOO_MANY_OPERATIONS - draw.below(2) }, () => ({
        ...range,
        key: 'a',
        rangeEnd: 'b',
      }))
      return { type: 'transaction', compare: [], success: draw.oneIn(2) ? many : [range], failure: many }
    }
    case 7:
      return nested(range, draw.between(2, TOO_DEEP))
    case 8: {
      const compare = [{ ...drawCompare(draw, values), target: 'VERSION' as const, version: -draw.between(1, 3) }]
      return { type: 'transaction', compare, success: [range], failure: [] }
    }
    default:
      return neverDone(drawHidden(draw, values))
  }
}

function nested(operation: KeyOperation, depth: number): KeyOperation {
  if (depth === 0) return operation
  return { type: 'transaction', compare: [], success: [nested(operation, depth - 1)], failure: [] }
}

/** What etcd 3.4 answers otherwise while an alarm is active, or to who may not; nothing is changed by it. */
function drawNested(draw: Draw, values: Values): KeyOperation {
  const range = drawRange(draw, values)
  const put = drawPut(draw, values)
  if (draw.oneIn(3)) return neverDone([{ ...put, prevKv: true }])
  return draw.oneIn(2) ? neverDone([nested(put, 1)]) : nested(range, 2)
}

/** Changes of one key that meet, in the two ways that etcd does not see. */
function drawHidden(draw: Draw, values: Values): readonly KeyOperation[] {
  const put: PutOperation = { ...drawPut(draw, values), key: 'b' }
  const remove: DeleteOperation = { type: 'delete', key: 'a', rangeEnd: FROM_KEY_ON, prevKv: false }
  if (draw.oneIn(2)) return [put, remove]
  return [nested(put, 1), nested({ ...remove, key: 'b', rangeEnd: '' }, 1)]
}

/** A transaction that etcd might take and we refuse must not be done. Of changes that meet etcd sees those side by side. */
function harmless(transaction: TransactionOperation): TransactionOperation {
  const isPlain = [...transaction.success, ...transaction.failure].every(
    (part) => part.type !== 'transaction' && (part.type !== 'delete' || part.rangeEnd !== FROM_KEY_ON),
  )
  return isPlain || !changesMeet(transaction) ? transaction : neverDone([transaction])
}

function changesMeet(transaction: TransactionOperation): boolean {
  try {
    checkDuplicateKeys(changesOf(transaction))
    return false
  } catch (error) {
    if (isStoreError(error, 'DUPLICATE_KEY')) return true
    throw error
  }
}

function changesOf({ success, failure }: TransactionOperation): TransactionRequest {
  return { type: 'transaction', compare: [], success: success.map(changeOf), failure: failure.map(changeOf) }
}

function changeOf(operation: KeyOperation): StoreOperation {
  switch (operation.type) {
    case 'range':
      return { type: 'range', key: operation.key }
    case 'put':
      return { type: 'put', key: operation.key, value: new Uint8Array(), lease: 0n }
    case 'delete':
      return {
        type: 'delete',
        key: operation.key,
        rangeEnd: operation.rangeEnd === '' ? undefined : operation.rangeEnd,
      }
    case 'transaction':
      return changesOf(operation)
    default:
      return assertNever(operation, 'operation')
  }
}

/** Refused where it is seen, and not done where it is not. */
function neverDone(success: readonly KeyOperation[]): TransactionOperation {
  const compare: CompareOperation = { key: '\xfenever', rangeEnd: '', result: 'GREATER', target: 'VERSION', version: 0 }
  return { type: 'transaction', compare: [compare], success, failure: [] }
}
