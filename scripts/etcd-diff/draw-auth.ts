/** Operations on users, roles and permissions, and who asks for the others. */
import { assertNever } from '../../src/base/assert.js'
import type { Draw } from '../../src/testing/swarm/draw.js'
import type { Values } from './draw-values.js'
import { FROM_KEY_ON, ROOT, type AuthOperation, type Operation } from './operation.js'

/** The last one is never added. */
const USERS = ['ann', 'bob', 'cy'] as const
const UNKNOWN_USER = 'dan'
const ROLES = ['r1', 'r2'] as const
const UNKNOWN_ROLE = 'r3'
const PASSWORD = 'right'
const TYPES = ['READ', 'WRITE', 'READWRITE'] as const
/** The drawn operations before it is enabled, and after it is disabled. */
const WHILE_DISABLED = 20

type AuthType = AuthOperation['type']

const WEIGHTS: Readonly<Record<AuthType, number>> = {
  login: 14,
  become: 30,
  'auth-enable': 0,
  'auth-disable': 0,
  'user-add': 5,
  'user-delete': 2,
  'user-password': 3,
  'user-get': 4,
  'user-list': 2,
  'user-grant': 6,
  'user-revoke': 3,
  'role-add': 3,
  'role-delete': 1,
  'role-get': 5,
  'role-list': 2,
  'role-grant': 12,
  'role-revoke': 4,
}

const WEIGHTED = Object.entries(WEIGHTS).flatMap(([type, weight]) => new Array<AuthType>(weight).fill(type as AuthType))

/** Before it root cannot enable authorization, after it it can; ann may read and write from aa to c. */
export const SETUP: readonly Operation[] = [
  { type: 'auth-enable' },
  { type: 'user-add', ...ROOT },
  { type: 'auth-enable' },
  { type: 'role-add', role: ROOT.name },
  { type: 'user-grant', name: ROOT.name, role: ROOT.name },
  { type: 'user-add', name: USERS[0], password: PASSWORD },
  { type: 'role-add', role: ROLES[0] },
  { type: 'role-grant', role: ROLES[0], permission: 'READWRITE', key: 'aa', rangeEnd: 'c' },
  { type: 'user-grant', name: USERS[0], role: ROLES[0] },
]

/**
 * First what can be asked for while it is disabled, then by users who may and users who may not; at the end it is disabled
 * again, which voids every token.
 */
export function withAuth(drawn: readonly Operation[]): readonly Operation[] {
  return [
    ...SETUP,
    ...drawn.slice(0, WHILE_DISABLED),
    { type: 'auth-enable' },
    { type: 'login', ...ROOT },
    { type: 'auth-enable' },
    ...drawn.slice(WHILE_DISABLED, -WHILE_DISABLED).flatMap(byWhoMay),
    { type: 'become', name: ROOT.name },
    { type: 'auth-disable' },
    // etcd refuses a void token also where none is needed.
    { type: 'become', name: '' },
    ...drawn.slice(-WHILE_DISABLED).filter(({ type }) => type !== 'become' && type !== 'login'),
  ]
}

/** etcd 3.4 lets everybody grant and revoke leases and compact; what only one of the two does would set them apart. */
function byWhoMay(operation: Operation): readonly Operation[] {
  const { type } = operation
  if (type !== 'grant' && type !== 'revoke' && type !== 'compact') return [operation]
  return [{ type: 'become', name: ROOT.name }, operation]
}

export function drawAuth(draw: Draw, values: Values): AuthOperation {
  const type = draw.pick(WEIGHTED)
  const name = drawUser(draw)
  const role = draw.oneIn(8) ? UNKNOWN_ROLE : draw.oneIn(40) ? '' : draw.pick(ROLES)
  switch (type) {
    case 'login':
      return { type, ...drawLogin(draw) }
    case 'become':
      return { type, name: draw.pick([ROOT.name, ROOT.name, ...USERS, USERS[0], '']) }
    case 'user-add':
      return { type, name: draw.oneIn(20) ? '' : name, password: draw.oneIn(6) ? undefined : PASSWORD }
    case 'user-password':
      return { type, name, password: PASSWORD }
    case 'user-delete':
      return { type, name: draw.oneIn(4) ? ROOT.name : name }
    case 'user-get':
      return { type, name: draw.oneIn(4) ? ROOT.name : name }
    case 'user-grant':
      return { type, name, role }
    case 'user-revoke':
      return draw.oneIn(5) ? { type, name: ROOT.name, role: ROOT.name } : { type, name, role }
    case 'role-add':
    case 'role-get':
      return { type, role: draw.oneIn(6) ? ROOT.name : role }
    case 'role-delete':
      return { type, role: draw.oneIn(4) ? ROOT.name : role }
    case 'role-grant': {
      const key = values.key(draw)
      const rangeEnd = values.permissionEnd(key)
      // etcd 3.4 grants also what holds no key.
      const holdsKeys = key !== '' && (rangeEnd === '' || rangeEnd === FROM_KEY_ON || rangeEnd > key)
      return { type, role: holdsKeys ? role : UNKNOWN_ROLE, permission: draw.pick(TYPES), key, rangeEnd }
    }
    case 'role-revoke': {
      const key = values.key(draw)
      return { type, role, key, rangeEnd: values.permissionEnd(key) }
    }
    case 'auth-enable':
    case 'auth-disable':
    case 'user-list':
    case 'role-list':
      return { type }
    default:
      return assertNever(type, 'type')
  }
}

function drawUser(draw: Draw): string {
  return draw.oneIn(10) ? UNKNOWN_USER : draw.pick(USERS)
}

function drawLogin(draw: Draw): { readonly name: string; readonly password: string } {
  if (draw.oneIn(3)) return ROOT
  return { name: drawUser(draw), password: draw.oneIn(5) ? 'wrong' : PASSWORD }
}
