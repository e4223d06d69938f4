/**
 * What each path of the gateway answers, in the order in which a story needs them.
 *
 * A header is written as its revision; `<member>`, `<lease>` and the like stand for what is different each time.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { serve } from './served-http.js'
import { base64 as b, post } from './http.js'

interface Step {
  readonly path: string
  readonly request: unknown
  /** Of a call that succeeds: the body. Of one that fails: `400 3 the text`. Of a stream: its lines. */
  readonly answer: unknown
}

const step = (path: string, request: unknown, answer: unknown): Step => ({ path, request, answer })
const at = (revision: number): string => `revision ${revision}`

const foo = { key: b('foo'), create_revision: '2', mod_revision: '2', version: '1', value: b('bar') }

const STORY: readonly Step[] = [
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
  step('/v3beta/kv/put', { key: b('foo'), value: b('2'), prevKv: true }, { header: at(3), prev_kv: foo }),
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
        {
          response_range: {
            header: { revision: '4' },
            kvs: [{ key: b('a'), create_revision: '4', mod_revision: '4', version: '1', value: b('1') }],
            count: '1',
          },
        },
      ],
    },
  ),
  step(
    '/v3/kv/txn',
    { compare: [{ key: b('foo'), target: 'CREATE', create_revision: 0 }], failure: [] },
    { header: at(4) },
  ),
  step(
    '/v3/kv/deleterange',
    { key: b('a'), prev_kv: true },
    {
      header: at(5),
      deleted: '1',
      prev_kvs: [{ key: b('a'), create_revision: '4', mod_revision: '4', version: '1', value: b('1') }],
    },
  ),
  step('/v3/kv/compaction', { revision: 4, physical: true }, { header: at(5) }),
  step('/v3/kv/compaction', { revision: 3 }, '400 11 etcdserver: mvcc: required revision has been compacted'),
]

describe('the JSON gateway', () => {
  let served: Awaited<ReturnType<typeof serve>>
  let url: string

  beforeAll(async () => {
    served = await serve()
    url = `http://${served.target}`
  })
  afterAll(() => served.close())

  it.each(STORY.map((each, index) => [index + 1, each.path, each] as const))('%i: %s', async (_, path, each) => {
    const { status, body } = await post(url, path, each.request)
    expect(readable(status, body)).toEqual(each.answer)
  })

  function readable(status: number, body: unknown): unknown {
    if (status === 200) return withHeader(body)
    const { code, message, error, details } = body as Record<string, unknown>
    expect({ error, details }).toEqual({ error: message, details: [] })
    return `${status} ${code as number} ${message as string}`
  }

  function withHeader(body: unknown): unknown {
    const { header, ...rest } = body as { header?: Record<string, string> }
    if (header === undefined) return rest
    const { clusterId, memberId, term } = served.store.status()
    const { revision, ...ids } = header
    expect(ids).toEqual({ cluster_id: `${clusterId}`, member_id: `${memberId}`, raft_term: `${term}` })
    return { header: `revision ${revision}`, ...rest }
  }
})
