/** What Patroni asks of etcd's gateway, in its order: it keeps who leads a cluster of PostgreSQL. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { OpenCall, base64 as b, post } from './http.js'
import { serve, type ServedHttp } from './served-http.js'

let served: ServedHttp
let url: string

beforeAll(async () => {
  served = await serve()
  url = served.url
})
afterAll(() => served.close())

const PREFIX = '/service/batman/'
const END = b('/service/batman0')
const leader = b(`${PREFIX}leader`)

interface Body {
  readonly header: { readonly cluster_id: string; readonly revision: string; readonly raft_term: string }
  readonly [field: string]: unknown
}

async function rpc(path: string, fields: object): Promise<Body> {
  const { status, body } = await post(url, `/v3${path}`, fields)
  expect(status, JSON.stringify(body)).toBe(200)
  return body as Body
}

describe('Patroni', () => {
  let lease: string

  it('takes the version for one whose paths begin with /v3', async () => {
    const version = (await (await fetch(`${url}/version`)).json()) as Record<string, string>
    for (const name of ['etcdserver', 'etcdcluster']) {
      const numbers = (version[name] ?? '').split('.').map(Number)
      expect(numbers.every(Number.isInteger) && numbers.length === 3).toBe(true)
      expect((numbers[0] ?? 0) * 100 + (numbers[1] ?? 0)).toBeGreaterThanOrEqual(304)
    }
  })

  it('finds a lease by its id as text, and keeps it by single requests', async () => {
    const granted = await rpc('/lease/grant', { TTL: 30 })
    expect(granted['ID']).toMatch(/^[1-9]\d*$/)
    lease = granted['ID'] as string
    const { body } = await post(url, '/v3/lease/keepalive', { ID: lease })
    expect((body as { result: Body }).result['TTL']).toBe('30')
    const gone = await post(url, '/v3/lease/keepalive', { ID: '123' })
    expect((gone.body as { result: Body }).result['TTL']).toBeUndefined()
  })

  it('becomes leader where nobody is, once', async () => {
    const take = {
      compare: [{ target: 'CREATE', create_revision: '0', key: leader }],
      success: [{ request_put: { key: leader, value: b('first'), lease } }],
    }
    expect(await rpc('/kv/txn', take)).toMatchObject({ succeeded: true })
    expect(await rpc('/kv/txn', take)).not.toHaveProperty('succeeded')
  })

  it('keeps leading by a transaction within the failure of another', async () => {
    const put = { request_put: { key: leader, value: b('first'), lease } }
    const kept = await rpc('/kv/txn', {
      compare: [{ target: 'VALUE', key: leader, value: b('other') }],
      success: [put],
      failure: [
        { request_txn: { compare: [{ target: 'CREATE', create_revision: '2', key: leader }], success: [put] } },
      ],
    })
    expect(kept).not.toHaveProperty('succeeded')
    expect(kept['responses']).toMatchObject([
      { response_txn: { succeeded: true, responses: [{ response_put: { header: { revision: '3' } } }] } },
    ])
  })

  it('reads all that it keeps, and watches it from there', async () => {
    await rpc('/kv/put', { key: b(`${PREFIX}config`), value: b('{"ttl":30}') })
    const all = await rpc('/kv/range', { key: b(PREFIX), range_end: END, serializable: true })
    expect(all['kvs']).toMatchObject([{ key: b(`${PREFIX}config`) }, { key: leader, value: b('first'), lease }])
    const start = all.header.revision
    const watch = new OpenCall(url, '/v3/watch', { connection: 'close' })
      .send({ create_request: { key: b(PREFIX), range_end: END, start_revision: start, filters: [] } })
      .end()
    expect(await watch.next()).toMatchObject({ result: { created: true } })
    expect(await watch.next()).toMatchObject({
      result: { events: [{ kv: { key: b(`${PREFIX}config`), mod_revision: start } }] },
    })
    await rpc('/kv/txn', {
      compare: [{ target: 'MOD', mod_revision: '3', key: leader }],
      success: [{ request_delete_range: { key: leader } }],
    })
    expect(await watch.next()).toMatchObject({
      result: { events: [{ type: 'DELETE', kv: { key: leader, mod_revision: '5' } }] },
    })
    watch.abort()
  })

  it('knows errors by their text and code, wherever they stand', async () => {
    const { status, body } = await post(url, '/v3/kv/put', { key: leader, value: b('first'), lease: '5' })
    expect(status).toBe(404)
    expect(body).toEqual({
      error: 'etcdserver: requested lease not found',
      code: 5,
      message: 'etcdserver: requested lease not found',
      details: [],
    })
    const disabled = await post(url, '/v3/auth/authenticate', { name: 'a', password: 'b' })
    expect(disabled.body).toMatchObject({ code: 9, error: 'etcdserver: authentication is not enabled' })
  })

  it('sees one cluster id, and a term that does not fall', async () => {
    const headers = [await rpc('/kv/range', { key: leader }), await rpc('/cluster/member/list', {})].map(
      (each) => each.header,
    )
    expect(headers[0]?.cluster_id).toBe(headers[1]?.cluster_id)
    expect(headers.map(({ raft_term }) => Number(raft_term) > 0)).toEqual([true, true])
  })

  it('finds the members by the URLs that they tell', async () => {
    const { members } = await rpc('/cluster/member/list', {})
    expect((members as { clientURLs?: string[] }[]).flatMap(({ clientURLs = [] }) => clientURLs)).not.toEqual([])
  })
})
