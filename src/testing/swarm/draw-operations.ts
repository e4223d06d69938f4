/**
 * What the clients of a run ask for, drawn from its seed: few keys, so that they get into each other's way, and every
 * kind of call.
 *
 * Always: each operation is drawn under its number. Always: an operation that takes its time (a watch, a lock) belongs to a
 * client that does nothing else.
 */
import { assertNever } from '../../base/assert.js'
import type { Draw } from './draw.js'
import { drawAdministration, USERS } from './draw-administration.js'
import type { Operation, OperationKind, OperationType } from './operation.js'

export interface OperationsFor {
  readonly members: readonly string[]
  readonly forMs: number
  readonly perSecond: number
  /** Users ask, with permissions that change. Default: in one of three runs. */
  readonly authorization?: boolean
  /** An operator makes room, now and then. */
  readonly quota: boolean
}

/** Those that are drawn by themselves; others are asked instead of one of them, now and then (`rarely`). */
type CommonType = Exclude<
  OperationType,
  'leases-at-once' | 'time-to-live' | 'leases' | 'hash' | 'make-room' | 'limit-prefix' | 'administer' | 'change-members'
>

/** How often each kind of call is made, of those that a client makes one after the other. */
const WEIGHTS: readonly (readonly [CommonType, number])[] = [
  ['put', 26],
  ['read', 26],
  ['range', 12],
  ['swap', 10],
  ['transaction', 8],
  ['delete', 6],
  ['put-with-lease', 5],
  ['keep-alive', 4],
  ['revoke', 2],
  ['compact', 1],
]

const TIMEOUT_MS_MIN = 50
const TIMEOUT_MS_MAX = 5_000
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j']
const AFTER_KEYS = 'k'
/** Watches and locks for each of the slow clients, on average one in so long. */
const SLOW_EVERY_MS = 8_000
const ADMINISTER_EVERY_MS = 4_000

export function drawOperations(draw: Draw, options: OperationsFor): Operation[] {
  const { members, forMs, perSecond, quota } = options
  const { authorization = draw.of('authorization').oneIn(3) } = options
  const kinds = drawKinds(draw.of('kinds'))
  const rares = { quota, limits: draw.of('limits').oneIn(6) }
  const keys = KEYS.slice(0, draw.between(2, KEYS.length))
  const quick = draw.between(3, 8)
  const slow = draw.between(2, 4)
  const everyMs = (1000 * quick) / perSecond
  const operations: Operation[] = []
  let id = 0
  for (let client = 1; client <= quick + slow; client++) {
    const isSlow = client > quick
    const home = draw.of('home', client).pick(members)
    const user = authorization ? drawUser(draw.of('user', client)) : undefined
    const gapMs = isSlow ? SLOW_EVERY_MS : everyMs
    for (let nth = 0; nth * gapMs < forMs; nth++) {
      const each = draw.of('operation', client, nth)
      const type = isSlow ? each.pick(['watch', 'lock'] as const) : each.pick(kinds)
      operations.push({
        id: ++id,
        atMs: Math.floor(nth * gapMs) + each.below(gapMs),
        client,
        member: each.oneIn(4) ? each.pick(members) : home,
        timeoutMs: each.spread(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX),
        ...(each.oneIn(25) ? { abortAfterMs: each.spread(1, 1_000) } : {}),
        ...rarely(each, drawOne(each, type, keys), keys, rares),
        ...(type === 'lock' ? {} : user),
      })
    }
  }
  if (authorization) {
    const client = quick + slow + 1
    for (let nth = 0; nth * ADMINISTER_EVERY_MS < forMs; nth++) {
      operations.push(drawAdministration(draw.of('administer', nth), { id: ++id, client, nth, members }))
    }
  }
  return operations.filter(({ atMs }) => atMs < forMs).sort((a, b) => a.atMs - b.atMs || a.id - b.id)
}

/** What is asked by whoever may do everything is no test of authorization, but goes on beside it. */
function drawUser(draw: Draw): Pick<Operation, 'as' | 'token'> | undefined {
  const as = draw.pick([undefined, ...USERS, ...USERS])
  if (as === undefined) return undefined
  return draw.oneIn(2) ? { as, token: true } : { as }
}

/** Some kinds are left out of a run altogether; those left are repeated by their weight. Reads and puts there are always. */
function drawKinds(draw: Draw): CommonType[] {
  return WEIGHTS.flatMap(([type, weight]) => {
    const leftOut = weight < 20 && draw.of(type).oneIn(5)
    return leftOut ? [] : new Array<CommonType>(weight).fill(type)
  })
}

function drawOne(draw: Draw, type: CommonType, keys: readonly string[]): OperationKind {
  const key = draw.pick(keys)
  switch (type) {
    case 'put':
      return { type, key, valueBytes: draw.oneIn(50) ? draw.spread(1_000, 60_000) : draw.spread(8, 100) }
    case 'read':
      return { type, key, consistency: draw.oneIn(6) ? 'local' : 'linearizable' }
    case 'range':
      return {
        type,
        key,
        end: AFTER_KEYS,
        limit: draw.oneIn(2) ? 0 : draw.between(1, 5),
        back: draw.oneIn(3) ? draw.spread(1, 200) : 0,
        ...drawShape(draw.of('shape')),
      }
    case 'delete':
      return draw.oneIn(5) ? { type, key, end: AFTER_KEYS } : { type, key }
    case 'swap':
      return { type, key }
    case 'transaction':
      return { type, compared: key, keys: draw.some(keys, draw.between(1, 4)), ...drawExtras(draw.of('extras')) }
    case 'put-with-lease':
      return {
        type,
        ttlMs: draw.between(1, 10) * 1_000,
        keys: draw.oneIn(2) ? [key] : draw.some(keys, draw.between(2, 3)),
      }
    case 'keep-alive':
    case 'revoke':
      return { type }
    case 'compact':
      return { type, keep: draw.spread(1, 500), ...(draw.of('physical').oneIn(2) ? { physical: true } : {}) }
    case 'watch':
      return {
        type,
        back: draw.oneIn(2) ? 0 : draw.spread(1, 300),
        ...(draw.of('oldest').oneIn(4) ? { fromOldest: draw.of('from').pick([0, 0, 1, -1]) } : {}),
        ...(draw.of('previous').oneIn(3) ? { previous: true } : {}),
        ...drawWatched(draw.of('watched'), keys),
        slowMs: draw.pick([0, 0, 1, 50]),
        forMs: draw.spread(100, 20_000),
      }
    case 'lock':
      return {
        type,
        name: draw.pick(['lock/x', 'lock/y']),
        holdMs: draw.spread(1, 4_000),
        ttlMs: draw.between(1, 4) * 1_000,
      }
    default:
      return assertNever(type, 'a kind of operation')
  }
}

function drawShape(
  draw: Draw,
): Omit<Extract<OperationKind, { type: 'range' }>, 'type' | 'key' | 'end' | 'limit' | 'back'> {
  return {
    ...(draw.oneIn(3) ? { sort: { by: draw.of('by').pick(SORT_FIELDS), descending: draw.of('order').oneIn(2) } } : {}),
    ...(draw.of('written').oneIn(6) ? { writtenBack: draw.of('written').spread(1, 200) } : {}),
    ...(draw.of('created').oneIn(6) ? { createdBack: draw.of('created').spread(1, 200) } : {}),
    ...(draw.of('only').oneIn(8) ? { only: draw.of('what').pick(['count', 'keys'] as const) } : {}),
  }
}

const SORT_FIELDS = ['key', 'version', 'createRevision', 'modRevision', 'value'] as const

function drawExtras(draw: Draw): Omit<Extract<OperationKind, { type: 'transaction' }>, 'type' | 'compared' | 'keys'> {
  return {
    ...(draw.of('nested').oneIn(3) ? { nested: true } : {}),
    ...(draw.of('range').oneIn(5) ? { comparedTo: AFTER_KEYS } : {}),
    ...(draw.of('lease').oneIn(5) ? { comparesLease: true } : {}),
    ...(draw.of('previous').oneIn(3) ? { previous: true } : {}),
    ...(draw.of('keeps').oneIn(4) ? { keeps: draw.of('what').pick(['value', 'lease'] as const) } : {}),
  }
}

function drawWatched(
  draw: Draw,
  keys: readonly string[],
): Pick<Extract<OperationKind, { type: 'watch' }>, 'from' | 'end' | 'without' | 'progressMs' | 'asks'> {
  const from = draw.of('from').pick(keys)
  return {
    ...(draw.of('keys').oneIn(2) ? { from, ...(draw.of('prefix').oneIn(3) ? {} : { end: AFTER_KEYS }) } : {}),
    ...(draw.of('without').oneIn(5) ? { without: draw.of('what').pick(['puts', 'deletes'] as const) } : {}),
    ...(draw.of('progress').oneIn(2) ? { progressMs: draw.of('every').spread(100, 3_000) } : {}),
    ...(draw.of('asks').oneIn(2) ? { asks: true } : {}),
  }
}

/** Another kind in place of the one that was drawn, now and then, so that the others stay what they are. */
function rarely(
  draw: Draw,
  drawn: OperationKind,
  keys: readonly string[],
  { quota, limits }: { readonly quota: boolean; readonly limits: boolean },
): OperationKind {
  const rare = draw.of('rare')
  const { type } = drawn
  if (type === 'range' && rare.oneIn(40)) return { type: 'hash' }
  if (type === 'delete' && quota && rare.oneIn(6)) return { type: 'make-room' }
  if (type === 'revoke' && limits && rare.oneIn(3)) return drawLimit(rare.of('limit'), keys)
  if (type === 'keep-alive' && rare.oneIn(4)) {
    return { type: rare.of('what').pick(['time-to-live', 'time-to-live', 'leases'] as const) }
  }
  if (type === 'put-with-lease' && rare.oneIn(8)) {
    return { type: 'leases-at-once', keys: keys.map((key) => `${key}+`), ttlMs: drawn.ttlMs }
  }
  return drawn
}

/** Of one key and those that begin with it; so tight that writes run into it, and ended as often as set. */
function drawLimit(draw: Draw, keys: readonly string[]): OperationKind {
  const type = 'limit-prefix'
  const prefix = draw.of('prefix').pick(keys)
  if (draw.oneIn(2)) return { type, prefix }
  if (draw.of('bytes').oneIn(2)) return { type, prefix, bytesMax: draw.of('most').spread(10, 200) }
  return { type, prefix, keysMax: draw.of('most').between(0, 1) }
}
