/** R24, R26 and R27: what the log says of who may do what, of alarms and of quotas of prefixes, is shown to be looked at. */
import { describe, expect, test } from 'vitest'
import { ANONYMOUS, MEMBER, type Identity } from '../../../src/auth/authorize.js'
import type { AuthCommand } from '../../../src/auth/command.js'
import type { ErrorCode } from '../../../src/base/errors.js'
import { encodeCommand } from '../../../src/machine/command-codec.js'
import type { Request } from '../../../src/machine/command.js'
import type { Applied, Outcome } from '../../../src/machine/outcome.js'
import type { Event } from '../../../src/mvcc/types.js'
import type { Entry } from '../../../src/raft/types.js'
import { configuring, put as event, settled, type ForgedCluster } from './forged.js'

interface Step {
  readonly identity?: Identity
  readonly request: Request
  /** What came of it; default: success. */
  readonly refused?: ErrorCode
  readonly events?: readonly Event[]
}

/** What the first member to apply them says of these. */
function log(...steps: readonly Step[]): ForgedCluster {
  const entries = steps.map(({ identity = MEMBER, request }, at): Entry => {
    const proposal = { member: 1, incarnation: 1, sequence: at + 1 }
    return { index: at + 1, term: 1, kind: 'normal', data: Buffer.from(encodeCommand({ proposal, identity, request })) }
  })
  const cluster = settled(entries)
  for (const [at, { request, refused, events = [] }] of steps.entries()) {
    const outcome: Outcome =
      refused === undefined ? { ok: true, response: responseOf(request) } : { ok: false, code: refused, message: '' }
    const change: Partial<Applied> = { proposal: { member: 1, incarnation: 1, sequence: at + 1 }, outcome, events }
    cluster.apply('a', entries[at] as Entry, change)
  }
  return cluster
}

function responseOf(request: Request): Extract<Outcome, { ok: true }>['response'] {
  if (request.type === 'lease-grant') return { type: 'lease-grant', id: request.id, ttlSeconds: request.ttlSeconds }
  if (request.type === 'lease-revoke') return { type: 'lease-revoke', id: request.id }
  if (request.type === 'prefix-quota') return { type: 'prefix-quota' }
  if (request.type === 'alarm') return { type: 'alarm', alarms: [request] }
  return { type: 'auth' }
}

const ann = (authRevision: number): Identity => ({ type: 'user', name: 'ann', authRevision })
const auth = (command: AuthCommand, refused?: ErrorCode): Step => ({
  request: { type: 'auth', command },
  ...(refused === undefined ? {} : { refused }),
})
const putRequest = (key: string, lease = 0n) => ({ type: 'put', key, value: Buffer.from('x'), lease }) as const
const write = (identity: Identity, key: string, refused?: ErrorCode): Step => ({
  identity,
  request: putRequest(key),
  ...(refused === undefined ? {} : { refused }),
})

/** Ann may write from a to before c in two parts, and read c. Eight changes: users and roles are at 9 then. */
const ENABLED: readonly Step[] = [
  auth({ type: 'user-add', name: 'root', password: undefined }),
  auth({ type: 'user-grant-role', name: 'root', role: 'root' }),
  auth({ type: 'user-add', name: 'ann', password: undefined }),
  auth({ type: 'role-add', name: 'writer' }),
  auth({
    type: 'role-grant-permission',
    name: 'writer',
    permission: { type: 'readwrite', key: 'a', rangeEnd: 'b' },
  }),
  auth({ type: 'role-grant-permission', name: 'writer', permission: { type: 'write', key: 'b', rangeEnd: 'c' } }),
  auth({ type: 'role-grant-permission', name: 'writer', permission: { type: 'read', key: 'c' } }),
  auth({ type: 'user-grant-role', name: 'ann', role: 'writer' }),
  auth({ type: 'auth-enable' }),
]

describe('R24: the log', () => {
  test('what is allowed takes effect and what is not does not', () => {
    const both: Request = { type: 'delete', key: 'a', rangeEnd: 'c' }
    const legal = log(
      ...ENABLED,
      write(ann(9), 'a'),
      { identity: ann(9), request: both },
      write(ann(9), 'c', 'PERMISSION_DENIED'),
      write(ann(8), 'a', 'AUTH_REVISION_OLD'),
      write(ANONYMOUS, 'a', 'USER_EMPTY'),
      write(MEMBER, 'c'),
      { identity: ann(9), request: { type: 'lease-grant', id: 7n, ttlSeconds: 9 } },
      { request: login('ann', 9), refused: 'MEMBER_REMOVED' },
    )
    expect(legal.violation).toBe('')
  })

  test.each<[string, Step, string]>([
    ['a write without permission', write(ann(9), 'c'), 'the put of ann at entry 10 (a) takes effect, it is to be'],
    ['a write by nobody', write(ANONYMOUS, 'a'), 'the put of anonymous at entry 10 (a) takes effect'],
    ['a write by who was identified before a change', write(ann(8), 'a'), 'to be refused with AUTH_REVISION_OLD'],
    ['a refusal of what is allowed', write(ann(9), 'b', 'PERMISSION_DENIED'), 'with PERMISSION_DENIED, it is allowed'],
    ['a refusal for another reason', write(ann(9), 'c', 'AUTH_REVISION_OLD'), 'it is to be with PERMISSION_DENIED'],
    ['a range that goes beyond', { identity: ann(9), request: { type: 'delete', key: 'a', rangeEnd: 'd' } }, 'delete'],
    [
      'a previous value of what may only be written',
      { identity: ann(9), request: { ...putRequest('b'), previousKeyValue: true } },
      'the put of ann',
    ],
    [
      'what stands in a transaction within one, in the branch that is not taken',
      {
        identity: ann(9),
        request: {
          type: 'transaction',
          ...{ compare: [], success: [] },
          failure: [{ type: 'transaction', compare: [], success: [], failure: [putRequest('c')] }],
        },
      },
      'the transaction of ann',
    ],
    ['a compaction', { identity: ann(9), request: { type: 'compact', revision: 1 } }, 'the compact of ann'],
    [
      'a user who administers',
      { identity: ann(9), request: { type: 'auth', command: { type: 'auth-disable' } } },
      'the auth of ann',
    ],
    [
      'a user who is added twice',
      auth({ type: 'user-add', name: 'ann', password: undefined }),
      'is to come to USER_EX',
    ],
    ['a login of nobody', { request: login('eve', 9) }, 'the login of eve at entry 10 succeeds'],
  ])('%s is found', (_, step, message) => {
    const { violation } = log(...ENABLED, step)
    expect(violation).toMatch(/^R24 violated/)
    expect(violation).toContain(message)
  })

  test('a lease goes with all its keys: who may not write each of them may not end it, or hang another one on it', () => {
    const grant: Step = { request: { type: 'lease-grant', id: 7n, ttlSeconds: 9 } }
    const hang = (key: string, revision: number): Step => ({
      request: putRequest(key, 7n),
      events: [event(key, revision, 7n)],
    })
    const revoke = (refused?: ErrorCode): Step => ({
      identity: ann(9),
      request: { type: 'lease-revoke', id: 7n },
      ...(refused === undefined ? { events: [{ ...event('c', 3), type: 'delete' }] } : { refused }),
    })
    expect(log(...ENABLED, grant, hang('c', 2), revoke('PERMISSION_DENIED')).violation).toBe('')
    expect(log(...ENABLED, grant, hang('c', 2), revoke()).violation).toContain('the lease-revoke of ann')
    const other: Step = { identity: ann(9), request: putRequest('a', 7n), events: [event('a', 3, 7n)] }
    expect(log(...ENABLED, grant, hang('c', 2), other).violation).toContain('the put of ann at entry 12')
  })

  test('a permission that is taken away is gone at its place of the log, and for who reads after it', () => {
    const revoke = auth({ type: 'role-revoke-permission', name: 'writer', key: 'a', rangeEnd: 'b' })
    const { checkers, violation } = log(
      ...ENABLED,
      write(ann(9), 'a'),
      revoke,
      write(ann(10), 'a', 'PERMISSION_DENIED'),
    )
    expect(violation).toBe('')
    expect(log(...ENABLED, revoke, write(ann(10), 'a')).violation).toMatch(/^R24 violated: the put of ann at entry 11/)
    const { auth: checker } = checkers
    expect(checker.latest).toBe(11)
    expect(checker.mayRead('ann', 'a', 10, Infinity)).toBe(true)
    expect(checker.mayRead('ann', 'a', 11, Infinity)).toBe(false)
    expect(checker.mayRead('ann', 'a', 0, 8)).toBe(true)
    expect(checker.mayRead('ann', 'c', 11, Infinity)).toBe(true)
    expect(checker.mayRead('ann', 'b', 9, Infinity)).toBe(false)
    expect(checker.mayRead('eve', 'a', 9, Infinity)).toBe(false)
  })
})

function login(name: string, checkedAt: number): Request {
  return { type: 'login', name, checkedAt, tokenHash: undefined }
}

describe('R26: while an alarm is active', () => {
  const raise = (alarm: 'no-space' | 'corrupt', action: 'activate' | 'deactivate' = 'activate'): Step => ({
    request: { type: 'alarm', action, alarm, member: 1 },
  })
  const nested: Step = {
    request: {
      type: 'transaction',
      ...{ compare: [], failure: [] },
      success: [{ type: 'transaction', compare: [], success: [], failure: [putRequest('a')] }],
    },
  }

  test('nothing is added, or changed at all, that should not be', () => {
    const remove: Step = { request: { type: 'delete', key: 'a' } }
    const refused = write(MEMBER, 'a', 'NO_SPACE')
    expect(log(raise('no-space'), refused, remove, raise('no-space', 'deactivate'), nested).violation).toBe('')
    expect(log(raise('no-space'), write(MEMBER, 'a')).violation).toBe(
      'R26 violated: the put at entry 2 takes effect though NOSPACE is active (a)',
    )
    expect(log(raise('no-space'), nested).violation).toContain('the transaction at entry 2 takes effect')
    expect(log(raise('corrupt'), remove).violation).toContain('the delete at entry 2 takes effect though CORRUPT')
  })

  test('which ends with the member that it is about', () => {
    const about = (member: number): string => {
      const requests = [{ type: 'alarm', action: 'activate', alarm: 'no-space', member }, putRequest('a')] as const
      const [alarm, written] = requests.map((request, at): Entry => {
        const proposal = { member: 2, incarnation: 1, sequence: at + 1 }
        const data = Buffer.from(encodeCommand({ proposal, identity: MEMBER, request }))
        return { index: 1 + 2 * at, term: 1, kind: 'normal', data }
      }) as [Entry, Entry]
      const voters = [1, 2]
      const members = voters.map((id) => ({ id, name: `${id}`, address: `${id}` }))
      const removal = configuring(2, 1, { voters }, { members, removed: [3] })
      const done = { outcome: { ok: true, response: { type: 'auth' } } } as const
      const cluster = settled([alarm]).apply('a', alarm, done)
      for (const name of ['a', 'b'] as const) cluster.adopt(name, removal, { voters }).write(name, [written])
      cluster.commit('a', 3).apply('a', removal, { outcome: undefined })
      return cluster.apply('a', written, done).violation
    }
    expect(about(3)).toBe('')
    expect(about(1)).toBe('R26 violated: the put at entry 3 takes effect though NOSPACE is active (a)')
  })
})

describe('R27: under a prefix with a quota', () => {
  const limit = (prefix: string, keysMax?: number, bytesMax?: number): Step => ({
    request: { type: 'prefix-quota', prefix, limits: { keysMax, bytesMax } },
  })
  const written = (key: string, revision: number): Step => ({
    request: putRequest(key),
    events: [event(key, revision)],
  })

  test('nothing grows beyond it, and nothing is refused that does not', () => {
    const refused = write(MEMBER, 'ab', 'PREFIX_QUOTA_EXCEEDED')
    expect(log(written('a', 2), limit('a', 1), refused, written('a', 3), written('b', 4)).violation).toBe('')
    expect(log(limit('a', 1), written('a', 2), written('ab', 3)).violation).toBe(
      "R27 violated: the put at entry 3 (a) takes 'a' to 2 keys of 1",
    )
    expect(log(limit('a', undefined, 3), written('a', 2)).violation).toContain('4 bytes of 3')
    expect(log(limit('a', 1), refused).violation).toBe(
      "R27 violated: the put of 'ab' at entry 2 (a) is refused by a quota that it does not break",
    )
  })
})
