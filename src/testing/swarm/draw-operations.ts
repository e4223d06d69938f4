/**
 * What the clients of a run ask for, drawn from its seed: few keys, so that they get into each other's way, and every
 * kind of call.
 *
 * Always: each operation is drawn under its number. Always: an operation that takes its time (a watch, a lock) belongs to a
 * client that does nothing else.
 */
import { assertNever } from '../../base/assert.js'
import type { Draw } from './draw.js'
import type { Operation, OperationKind, OperationType } from './operation.js'

export interface OperationsFor {
  readonly members: readonly string[]
  readonly forMs: number
  readonly perSecond: number
}

/** How often each kind of call is made, of those that a client makes one after the other. */
const WEIGHTS: readonly (readonly [OperationType, number])[] = [
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

export function drawOperations(draw: Draw, { members, forMs, perSecond }: OperationsFor): Operation[] {
  const kinds = drawKinds(draw.of('kinds'))
  const keys = KEYS.slice(0, draw.between(2, KEYS.length))
  const quick = draw.between(3, 8)
  const slow = draw.between(2, 4)
  const everyMs = (1000 * quick) / perSecond
  const operations: Operation[] = []
  let id = 0
  for (let client = 1; client <= quick + slow; client++) {
    const isSlow = client > quick
    const home = draw.of('home', client).pick(members)
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
        ...drawOne(each, type, keys),
      })
    }
  }
  return operations.filter(({ atMs }) => atMs < forMs).sort((a, b) => a.atMs - b.atMs || a.id - b.id)
}

/** Some kinds are left out of a run altogether; those left are repeated by their weight. Reads and puts there are always. */
function drawKinds(draw: Draw): OperationType[] {
  return WEIGHTS.flatMap(([type, weight]) => {
    const leftOut = weight < 20 && draw.of(type).oneIn(5)
    return leftOut ? [] : new Array<OperationType>(weight).fill(type)
  })
}

function drawOne(draw: Draw, type: OperationType, keys: readonly string[]): OperationKind {
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
      }
    case 'delete':
      return draw.oneIn(5) ? { type, key, end: AFTER_KEYS } : { type, key }
    case 'swap':
      return { type, key }
    case 'transaction':
      return { type, compared: key, keys: draw.some(keys, draw.between(1, 4)) }
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
      return { type, keep: draw.spread(1, 500) }
    case 'watch':
      return {
        type,
        back: draw.oneIn(2) ? 0 : draw.spread(1, 300),
        ...(draw.of('oldest').oneIn(4) ? { fromOldest: draw.of('from').pick([0, 0, 1, -1]) } : {}),
        ...(draw.of('previous').oneIn(3) ? { previous: true } : {}),
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
