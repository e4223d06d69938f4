/**
 * What an administrator does in a run with authorization: sets it up, and then grants and takes away, so that users ask
 * while what they may do changes under them.
 *
 * Always: what was undone is set up again now and then.
 */
import type { Draw } from './draw.js'
import type { AuthStep, Operation, RoleGrant } from './operation.js'

/** Besides root. Each has a role of its own name. */
export const USERS = ['ann', 'bob'] as const

const TIMEOUT_MS = 5_000
/** Where ranges of keys that are granted begin and end; the keys of a plan are from a to j. */
const EDGES = ['a', 'c', 'd', 'f', 'h', 'k'] as const
const FIRST = EDGES[0]
const LAST = EDGES[EDGES.length - 1] as string

export interface AdministrationFor {
  readonly id: number
  readonly client: number
  /** Which one of the run it is. */
  readonly nth: number
  readonly members: readonly string[]
}

export function drawAdministration(draw: Draw, { id, client, nth, members }: AdministrationFor): Operation {
  const asRoot = draw.of('root').oneIn(2)
  return {
    id,
    client,
    atMs: nth * 4_000 + (nth === 0 ? draw.between(0, 1_000) : draw.below(4_000)),
    member: draw.of('member').pick(members),
    timeoutMs: TIMEOUT_MS,
    ...(asRoot ? { as: 'root' } : {}),
    type: 'administer',
    step: nth === 0 || draw.of('set up').oneIn(4) ? setUp(draw.of('grants')) : drawStep(draw.of('step')),
  }
}

/** Everybody may read and write most keys; some of it in parts that lie side by side. */
function setUp(draw: Draw): AuthStep {
  const split = draw.pick(['d', 'f'] as const)
  return {
    step: 'set-up',
    grants: [
      { role: 'ann', allow: 'readwrite', from: FIRST, to: LAST },
      { role: 'bob', allow: 'readwrite', from: FIRST, to: split },
      { role: 'bob', allow: draw.of('rest').pick(['read', 'readwrite'] as const), from: split, to: LAST },
    ],
  }
}

function drawStep(draw: Draw): AuthStep {
  const user = draw.of('user').pick(USERS)
  const role = draw.of('role').pick(USERS)
  const kind = draw.pick([
    ...(['grant', 'grant', 'grant', 'revoke', 'revoke', 'revoke', 'give-role', 'take-role'] as const),
    ...(['change-password', 'delete-user', 'delete-role', 'disable'] as const),
  ])
  switch (kind) {
    case 'grant':
      return { step: kind, ...drawGrant(draw.of('grant'), role) }
    case 'revoke': {
      // Of those that there may be at all.
      const [from, to] = draw.of('which').pick([
        [FIRST, LAST],
        [FIRST, 'd'],
        [FIRST, 'f'],
        ['d', LAST],
        ['f', LAST],
      ] as const)
      return { step: kind, role, from, to }
    }
    case 'give-role':
    case 'take-role':
      return { step: kind, user, role }
    case 'change-password':
    case 'delete-user':
      return { step: kind, user }
    case 'delete-role':
      return { step: kind, role }
    case 'disable':
      return { step: kind }
  }
}

function drawGrant(draw: Draw, role: string): RoleGrant {
  const at = draw.below(EDGES.length - 1)
  const to = EDGES[draw.between(at + 1, EDGES.length - 1)] ?? LAST
  return { role, allow: draw.pick(['read', 'write', 'readwrite'] as const), from: EDGES[at] ?? FIRST, to }
}
