/**
 * A story that needs every path of the gateway, told to a server: what each request was, and what was answered.
 *
 * What is different each time is hidden: a header is its revision, ids and tokens are `<member>`, `<lease>` and the like.
 */
import { OpenCall, base64 as b, post } from './http.js'

export interface Step {
  readonly path: string
  readonly request: unknown
  /**
   * Of a call that succeeds: the body. Of one that fails: `400 3 the text`. Of a stream: its first lines, after which the
   * client goes away, or all of them where it ended with `end`.
   */
  readonly answer: unknown
  readonly stream?: boolean
}

export const step = (path: string, request: unknown, answer: unknown): Step => ({ path, request, answer })
export const stream = (path: string, request: unknown, answer: readonly unknown[]): Step => ({
  path,
  request,
  answer,
  stream: true,
})

/** Tells one step after the other, as user root once there is a token. */
export class Teller {
  readonly #url: string
  #token: string | undefined
  /** What stands for an id, by the id. */
  readonly #hidden = new Map<string, string>()

  constructor(url: string) {
    this.#url = url
  }

  /** What is answered to a step. */
  async tell({ path, request, answer, stream: isStream }: Step): Promise<unknown> {
    const headers = this.#token === undefined ? {} : { authorization: this.#token }
    if (isStream === true)
      return this.#readable(await this.#lines(path, request, (answer as unknown[]).length, headers))
    const { status, body } = await post(this.#url, path, this.#resolved(request), headers)
    if (status === 200) {
      this.#remember(path, body as Record<string, unknown>)
      return this.#readable(body)
    }
    const { code, message } = body as Record<string, unknown>
    return `${status} ${code as number} ${message as string}`
  }

  async #lines(path: string, request: unknown, count: number, headers: Record<string, string>): Promise<unknown[]> {
    const call = new OpenCall(this.#url, path, headers)
    for (const each of [request].flat()) call.send(this.#resolved(each))
    call.end()
    const lines: unknown[] = []
    while (lines.length < count) {
      const line = await call.next()
      lines.push(line === undefined ? 'end' : line)
      if (line === undefined) break
    }
    call.abort()
    return lines
  }

  #remember(path: string, body: Record<string, unknown>): void {
    const header = body['header'] as Record<string, string> | undefined
    if (header?.['member_id'] !== undefined) this.#hidden.set(header['member_id'], '<member>')
    if (path === '/v3/auth/authenticate') {
      this.#token = body['token'] as string
      this.#hidden.set(this.#token, '<token>')
    }
    if (path === '/v3/auth/disable') this.#token = undefined
  }

  /** With the ids for what stands for them. */
  #resolved(request: unknown): unknown {
    if (typeof request === 'string') return request
    let text = JSON.stringify(request)
    for (const [id, name] of this.#hidden) text = text.replaceAll(name, id)
    return JSON.parse(text) as unknown
  }

  #readable(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((each) => this.#readable(each))
    if (typeof value === 'string') return this.#hidden.get(value) ?? value
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([name, each]): [string, unknown] => {
      if (name === 'header' && 'member_id' in (each as object)) return [name, headerOf(each as Record<string, string>)]
      return [name, HIDDEN_FIELDS.has(name) ? `<${name}>` : this.#readable(each)]
    })
    return Object.fromEntries(entries)
  }
}

/** Sizes, hashes and times are what they are. */
const HIDDEN_FIELDS = new Set([
  'dbSize',
  'dbSizeInUse',
  'raftIndex',
  'raftTerm',
  'raftAppliedIndex',
  'hash',
  'remaining_bytes',
  'blob',
  'peerURLs',
  'clientURLs',
  'name',
])

function headerOf({ cluster_id, member_id, raft_term, revision, ...others }: Record<string, string>): string {
  const isWhole = [cluster_id, member_id, raft_term].every((id) => /^[1-9]\d*$/.test(id ?? ''))
  if (!isWhole || Object.keys(others).length > 0) return 'a header that is none'
  return revision === undefined ? 'no revision' : `revision ${revision}`
}

const at = (revision: number): string => `revision ${revision}`
const none = 'no revision'
const foo = { key: b('foo'), create_revision: '2', mod_revision: '2', version: '1', value: b('bar') }
const won = { key: b('vote/50'), create_revision: '10', mod_revision: '10', version: '1', value: b('me'), lease: '80' }
const a = { key: b('a'), create_revision: '4', mod_revision: '4', version: '1', value: b('1') }

export const STORY: readonly Step[] = [
  // Keys and values
  step('/v3/kv/put', { key: b('foo'), value: b('bar') }, { header: at(2) }),
  step('/v3/kv/range', { key: b('foo') }, { header: at(2), kvs: [foo], count: '1' }),
  step('/v3/kv/range', { key: b('nothing') }, { header: at(2) }),
  step('/v3/kv/range', { key: b('foo'), range_end: b('fop'), count_only: true }, { header: at(2), count: '1' }),
  step('/v3/kv/range', {}, '400 3 etcdserver: key is not provided'),
  step(
    '/v3/kv/range',
    { key: b('foo'), revision: 9 },
    '400 11 etcdserver: mvcc: required revision is a future revision',
  ),
  step('/v3beta/kv/put', { key: b('foo'), value: b('2'), prev_kv: true }, { header: at(3), prev_kv: foo }),
  step('/v3/kv/put', { key: b('foo'), value: b('bar'), lease: '77' }, '404 5 etcdserver: requested lease not found'),
  step(
    '/v3/kv/txn',
    {
      compare: [{ key: b('foo'), target: 'VALUE', value: b('2') }],
      success: [{ request_put: { key: b('a'), value: b('1') } }, { request_range: { key: b('a') } }],
      failure: [{ request_range: { key: b('foo') } }],
    },
    {
      header: at(4),
      succeeded: true,
      responses: [
        { response_put: { header: { revision: '4' } } },
        { response_range: { header: { revision: '4' }, kvs: [a], count: '1' } },
      ],
    },
  ),
  step('/v3/kv/txn', { compare: [{ key: b('foo'), target: 'CREATE', create_revision: 0 }] }, { header: at(4) }),
  step('/v3/kv/deleterange', { key: b('a'), prev_kv: true }, { header: at(5), deleted: '1', prev_kvs: [a] }),
  step('/v3/kv/compaction', { revision: 4, physical: true }, { header: at(5) }),
  step('/v3/kv/compaction', { revision: 3 }, '400 11 etcdserver: mvcc: required revision has been compacted'),

  // Leases
  step('/v3/lease/grant', { TTL: 60, ID: '77' }, { header: at(5), ID: '77', TTL: '60' }),
  step('/v3/lease/grant', { TTL: 60, ID: '77' }, '400 9 etcdserver: lease already exists'),
  step('/v3/kv/put', { key: b('leased'), lease: 77 }, { header: at(6) }),
  step(
    '/v3/lease/timetolive',
    { ID: 77, keys: true },
    {
      header: at(6),
      ID: '77',
      TTL: '59',
      grantedTTL: '60',
      keys: [b('leased')],
    },
  ),
  step('/v3/lease/leases', {}, { header: at(6), leases: [{ ID: '77' }] }),
  stream(
    '/v3/lease/keepalive',
    [{ ID: 77 }, { ID: '78' }],
    [{ result: { header: at(6), ID: '77', TTL: '60' } }, { result: { header: at(6), ID: '78' } }, 'end'],
  ),
  step('/v3/lease/revoke', { ID: 77 }, { header: at(7) }),
  step('/v3/kv/lease/revoke', { ID: 77 }, '404 5 etcdserver: requested lease not found'),
  step('/v3/kv/lease/timetolive', { ID: 77 }, { header: at(7), ID: '77', TTL: '-1' }),
  step('/v3/kv/lease/leases', {}, { header: at(7) }),

  // Watches
  stream('/v3/watch', { create_request: { key: b('foo'), start_revision: 3, prev_kv: true } }, [
    { result: { header: at(7), created: true } },
    { result: { header: none, canceled: true, compact_revision: '4' } },
  ]),
  stream('/v3/watch', { create_request: { key: b('leased'), start_revision: '6' } }, [
    { result: { header: at(7), created: true } },
    {
      result: {
        header: at(7),
        events: [
          { kv: { key: b('leased'), create_revision: '6', mod_revision: '6', version: '1', lease: '77' } },
          { type: 'DELETE', kv: { key: b('leased'), mod_revision: '7' } },
        ],
      },
    },
  ]),

  // Maintenance
  step(
    '/v3/maintenance/status',
    {},
    {
      ...{ header: at(7), version: '3.6.14', storageVersion: '3.6.0', leader: '<member>', downgradeInfo: {} },
      ...{ dbSize: '<dbSize>', dbSizeInUse: '<dbSizeInUse>', dbSizeQuota: '2147483648' },
      ...{ raftIndex: '<raftIndex>', raftTerm: '<raftTerm>', raftAppliedIndex: '<raftAppliedIndex>' },
    },
  ),
  step(
    '/v3/maintenance/alarm',
    { action: 'ACTIVATE', memberID: '<member>', alarm: 'NOSPACE' },
    { header: at(7), alarms: [{ memberID: '<member>', alarm: 'NOSPACE' }] },
  ),
  step('/v3/maintenance/alarm', {}, { header: at(7), alarms: [{ memberID: '<member>', alarm: 'NOSPACE' }] }),
  step('/v3/kv/put', { key: b('foo'), value: b('3') }, '429 8 etcdserver: mvcc: database space exceeded'),
  step(
    '/v3/maintenance/alarm',
    { action: 2, memberID: '<member>', alarm: 'NOSPACE' },
    { header: at(7), alarms: [{ memberID: '<member>', alarm: 'NOSPACE' }] },
  ),
  step('/v3/maintenance/defragment', {}, {}),
  step('/v3/maintenance/hash', {}, { header: at(7), hash: '<hash>' }),
  step('/v3/maintenance/hashkv', {}, { header: at(7), hash: '<hash>', compact_revision: '4', hash_revision: '7' }),
  step('/v3/maintenance/transfer-leadership', { targetID: 1 }, '400 9 etcdserver: bad leader transferee'),
  step('/v3/maintenance/downgrade', { version: '3.5' }, '400 3 etcdserver: invalid downgrade target version'),

  // Users and roles
  step('/v3/auth/status', {}, { header: at(7), authRevision: '1' }),
  step(
    '/v3/auth/authenticate',
    { name: 'root', password: 'secret' },
    '400 9 etcdserver: authentication is not enabled',
  ),
  step('/v3/auth/enable', {}, '400 9 etcdserver: root user does not exist'),
  step('/v3/auth/user/add', { name: 'root', password: 'secret' }, { header: at(7) }),
  step('/v3/auth/user/add', { name: 'ann', password: 'first' }, { header: at(7) }),
  step('/v3/auth/user/add', { name: 'ann', password: 'first' }, '400 9 etcdserver: user name already exists'),
  step('/v3/auth/role/add', { name: 'root' }, { header: at(7) }),
  step('/v3/auth/role/add', { name: 'reader' }, { header: at(7) }),
  step(
    '/v3/auth/role/grant',
    { name: 'reader', perm: { permType: 'READ', key: b('foo'), range_end: b('fop') } },
    { header: at(7) },
  ),
  step('/v3/auth/role/get', { role: 'reader' }, { header: at(7), perm: [{ key: b('foo'), range_end: b('fop') }] }),
  step('/v3/auth/user/grant', { user: 'root', role: 'root' }, { header: at(7) }),
  step('/v3/auth/user/grant', { user: 'ann', role: 'reader' }, { header: at(7) }),
  step('/v3/auth/user/changepw', { name: 'ann', password: 'second' }, { header: at(7) }),
  step('/v3/auth/user/get', { name: 'ann' }, { header: at(7), roles: ['reader'] }),
  step('/v3/auth/user/list', {}, { header: at(7), users: ['ann', 'root'] }),
  step('/v3/auth/role/list', {}, { header: at(7), roles: ['reader', 'root'] }),
  step('/v3/auth/enable', {}, { header: at(7) }),
  step('/v3/kv/range', { key: b('foo') }, '400 3 etcdserver: user name is empty'),
  step(
    '/v3/auth/authenticate',
    { name: 'root', password: 'wrong' },
    '400 3 etcdserver: authentication failed, invalid user ID or password',
  ),
  step('/v3/auth/authenticate', { name: 'root', password: 'secret' }, { header: at(7), token: '<token>' }),
  step('/v3/kv/range', { key: b('foo'), count_only: true }, { header: at(7), count: '1' }),
  step('/v3/auth/role/revoke', { role: 'reader', key: b('foo'), range_end: b('fop') }, { header: at(7) }),
  step('/v3/auth/user/revoke', { name: 'ann', role: 'reader' }, { header: at(7) }),
  step('/v3/auth/user/delete', { name: 'ann' }, { header: at(7) }),
  step('/v3/auth/role/delete', { role: 'reader' }, { header: at(7) }),
  step('/v3/auth/disable', {}, { header: at(7) }),
  stream('/v3/maintenance/snapshot', {}, [{ result: { blob: '<blob>', version: '3.6.0' } }]),

  // Members
  step(
    '/v3/cluster/member/list',
    {},
    { header: none, members: [{ ID: '<member>', name: '<name>', peerURLs: '<peerURLs>', clientURLs: '<clientURLs>' }] },
  ),
  step('/v3/cluster/member/add', { peerURLs: [] }, '400 3 etcdserver: given member URLs are invalid'),
  step('/v3/cluster/member/update', { ID: 1, peerURLs: ['http://127.0.0.1:1'] }, '404 5 etcdserver: member not found'),
  step('/v3/cluster/member/promote', { ID: 1 }, '404 5 etcdserver: member not found'),
  step('/v3/cluster/member/remove', { ID: 1 }, '404 5 etcdserver: member not found'),

  // Locks and elections
  step('/v3/lease/grant', { TTL: 60, ID: '80' }, { header: at(7), ID: '80', TTL: '60' }),
  step('/v3/lock/lock', { name: b('lock'), lease: 80 }, { header: at(8), key: b('lock/50') }),
  step('/v3/lock/unlock', { key: b('lock/50') }, { header: at(9) }),
  step('/v3/election/leader', { name: b('vote') }, '500 2 election: no leader'),
  step(
    '/v3/election/campaign',
    { name: b('vote'), lease: 80, value: b('me') },
    { header: at(10), leader: { name: '<name>', key: b('vote/50'), rev: '10', lease: '80' } },
  ),
  step('/v3/election/leader', { name: b('vote') }, { header: at(10), kv: won }),
  stream('/v3/election/observe', { name: b('vote') }, [{ result: { header: at(10), kv: won } }]),
  step(
    '/v3/election/proclaim',
    { value: b('you'), leader: { name: b('vote'), key: b('vote/50'), rev: 10, lease: 80 } },
    { header: at(11) },
  ),
  step('/v3/election/proclaim', { value: b('you') }, '500 2 "leader" field must be provided'),
  step(
    '/v3/election/resign',
    { leader: { name: b('vote'), key: b('vote/50'), rev: 10, lease: 80 } },
    { header: at(12) },
  ),
]
