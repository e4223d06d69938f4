/**
 * What operators do about the members of a run: add, promote, replace, remove, move, hand over; several of them, who know
 * nothing of each other, at whatever member they reach.
 *
 * Always: each step is drawn under its number. Always: it may make no sense when its time comes: then it is refused, which
 * is to be seen too.
 */
import type { Draw } from './draw.js'
import type { MembersStep, Operation } from './operation.js'

export interface MembershipFor {
  /** Of everybody who is, or may become, a member. */
  readonly names: readonly string[]
  readonly forMs: number
  /** Ids and clients from here on are free. */
  readonly firstId: number
  readonly firstClient: number
}

const OPERATORS = 2
/** Between two steps of one of them, on average, at least and at most. */
const EVERY_MS_MIN = 2_000
const EVERY_MS_MAX = 20_000
/** Whoever is added must start, and catch up. */
const TIMEOUT_MS_MIN = 500
const TIMEOUT_MS_MAX = 20_000

const WEIGHTS: readonly (readonly [MembersStep['step'], number])[] = [
  ['add', 7],
  ['remove', 4],
  ['promote', 2],
  ['replace', 2],
  ['move-leader', 3],
  ['update', 1],
  ['list', 1],
]
const STEPS = WEIGHTS.flatMap(([step, weight]) => new Array<MembersStep['step']>(weight).fill(step))
/** A process may listen at its place, or at its place with one of these behind. */
const PORTS = ['', '#2', '#3'] as const

export function drawMembership(draw: Draw, { names, forMs, firstId, firstClient }: MembershipFor): Operation[] {
  const operations: Operation[] = []
  let id = firstId
  for (let operator = 0; operator < OPERATORS; operator++) {
    const everyMs = draw.of('every', operator).spread(EVERY_MS_MIN, EVERY_MS_MAX)
    for (let nth = 0; nth * everyMs < forMs; nth++) {
      const each = draw.of('step', operator, nth)
      operations.push({
        id: id++,
        atMs: nth * everyMs + each.below(everyMs),
        client: firstClient + operator,
        member: each.pick(names),
        timeoutMs: each.spread(TIMEOUT_MS_MIN, TIMEOUT_MS_MAX),
        ...(each.oneIn(20) ? { abortAfterMs: each.spread(1, 2_000) } : {}),
        type: 'change-members',
        step: drawStep(each.of('which'), names),
      })
    }
  }
  return operations.filter(({ atMs }) => atMs < forMs)
}

function drawStep(draw: Draw, names: readonly string[]): MembersStep {
  const step = draw.pick(STEPS)
  const [name, by] = draw.of('names').some(names, 2) as [string, string]
  switch (step) {
    case 'add':
      return { step, name, role: draw.oneIn(4) ? 'learner' : 'voter' }
    case 'remove':
    case 'promote':
      return { step, name }
    case 'replace':
      return { step, name, by }
    case 'update':
      return { step, name, address: `${name}${draw.pick(PORTS)}` }
    case 'move-leader':
      return draw.oneIn(2) ? { step } : { step, name }
    case 'list':
      return { step, consistency: draw.pick(['linearizable', 'local'] as const) }
  }
}
