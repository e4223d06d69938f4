/** What is served over HTTP besides calls, and what holds for every request: methods, browsers, sizes, tokens. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { once } from 'node:events'
import { request as httpRequest } from 'node:http'
import { text } from 'node:stream/consumers'
import { connect } from 'node:tls'
import { MemoryNetwork, type Environment } from '../../../src/index.js'
import { LIMITS } from '../../../src/base/limits.js'
import { certificateAuthority } from '../../certificates.js'
import { base64 as b, post } from './http.js'
import { serve, type ServedHttp } from './served-http.js'

let served: ServedHttp
let url: string

beforeAll(async () => {
  served = await serve()
  url = served.url
})
afterAll(() => served.close())

interface Seen {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

async function ask(path: string, { at = url, ...options }: RequestInit & { at?: string } = {}): Promise<Seen> {
  const response = await fetch(`${at}${path}`, options)
  return { status: response.status, headers: response.headers, text: await response.text() }
}

/** With a header Host that fetch() would not send. */
function askAs(host: string, target: string): Promise<{ status: number | undefined; text: string }> {
  const { hostname, port } = new URL(target)
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, path: '/version', headers: { host } }, (response) => {
      let text = ''
      response.on('data', (chunk: Buffer) => (text += chunk.toString()))
      response.on('end', () => resolve({ status: response.statusCode, text }))
    })
    request.on('error', reject).end()
  })
}

describe('/version', () => {
  it('tells the level of the API in dotted whole numbers', async () => {
    const { status, headers, text } = await ask('/version')
    expect([status, headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(JSON.parse(text)).toEqual({ etcdserver: '3.6.14', etcdcluster: '3.6.0', storage: '3.6.0' })
  })
})

describe('/health', () => {
  it('is true of a member that confirms a read', async () => {
    const { status, headers, text } = await ask('/health')
    expect([status, headers.get('content-type'), text]).toEqual([
      200,
      'application/json',
      '{"health":"true","reason":""}',
    ])
  })

  it('is false while an alarm is active, unless that is excluded', async () => {
    const { memberId } = served.store.status()
    await served.store.maintenance.raise({ alarm: 'no-space', memberId })
    await served.store.maintenance.raise({ alarm: 'corrupt', memberId })
    expect(await ask('/health?exclude=CORRUPT')).toMatchObject({
      status: 503,
      text: '{"health":"false","reason":"ALARM NOSPACE"}',
    })
    expect((await ask('/health?exclude=NOSPACE')).text).toContain('"ALARM CORRUPT"')
    expect((await ask('/health?exclude=NOSPACE&exclude=CORRUPT')).status).toBe(200)
    expect(await ask('/readyz?verbose')).toMatchObject({
      status: 503,
      text:
        '[-]data_corruption failed: alarm activated: CORRUPT\n[+]serializable_read ok\n' +
        '[+]linearizable_read ok\n[+]non_learner ok\n\n',
    })
    expect((await ask('/livez')).status).toBe(200)
    await served.store.maintenance.disarm({})
    expect((await ask('/health')).status).toBe(200)
  })
})

describe('/livez and /readyz', () => {
  it.each([
    ['/livez', 'ok\n'],
    ['/livez?verbose', '[+]serializable_read ok\nok\n'],
    ['/livez/serializable_read?verbose', '[+]serializable_read ok\nok\n'],
    ['/readyz', 'ok\n'],
    [
      '/readyz?verbose&exclude=non_learner&exclude=data_corruption',
      '[+]serializable_read ok\n[+]linearizable_read ok\nok\n',
    ],
    [
      '/readyz?verbose',
      '[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\nok\n',
    ],
    ['/readyz/data_corruption', 'ok\n'],
    ['/readyz/non_learner?verbose', '[+]non_learner ok\nok\n'],
  ])('answer %s', async (path, text) => {
    const seen = await ask(path)
    expect([seen.status, seen.headers.get('content-type'), seen.text]).toEqual([200, 'text/plain; charset=utf-8', text])
  })

  it('know no other checks', async () => {
    expect((await ask('/readyz/nothing')).status).toBe(404)
    expect((await ask('/livez/non_learner')).status).toBe(404)
  })
})

describe('a member without a leader', () => {
  let alone: ServedHttp
  let at: string

  beforeAll(async () => {
    const network = new MemoryNetwork()
    const transport = ({ timers }: Environment) => network.transport('a', timers)
    alone = await serve(
      {},
      { name: 'a', cluster: { a: 'a', b: 'b', c: 'c' }, transport, durability: 'none', drainMs: 0 },
    )
    at = alone.url
  })
  afterAll(() => alone.close())

  it('is not healthy, but for what it has itself', async () => {
    expect(await ask('/health', { at })).toMatchObject({
      status: 503,
      text: '{"health":"false","reason":"RAFT NO LEADER"}',
    })
    expect(await ask('/health?serializable=true', { at })).toMatchObject({ status: 200 })
  })

  it('is alive, and not ready', async () => {
    expect((await ask('/livez', { at })).text).toBe('ok\n')
    expect(await ask('/readyz', { at })).toMatchObject({
      status: 503,
      text:
        '[+]data_corruption ok\n[+]serializable_read ok\n[-]linearizable_read failed: etcdserver: no leader\n' +
        '[+]non_learner ok\n\n',
    })
  })
})

describe('a request', () => {
  it.each(['/', '/v2/keys/a', '/v3', '/v3alpha/kv/put', '/debug/pprof', '//v3/kv/put', '/%zz'])(
    'for %s finds nothing',
    async (path) => {
      expect(await ask(path, { method: 'POST' })).toMatchObject({ status: 404, text: '404 page not found\n' })
    },
  )

  it('for another path below /v3/ finds nothing, as JSON', async () => {
    expect(await post(url, '/v3/kv/rangestream')).toEqual({
      status: 404,
      body: { error: 'Not Found', code: 5, message: 'Not Found', details: [] },
    })
  })

  it('of another method than there is is told which', async () => {
    const call = await ask('/v3/kv/put')
    expect([call.status, call.headers.get('allow')]).toEqual([405, 'POST'])
    expect(JSON.parse(call.text)).toMatchObject({ code: 12, error: 'Method Not Allowed' })
    const probe = await ask('/health', { method: 'POST' })
    expect([probe.status, probe.headers.get('allow'), probe.text]).toEqual([405, 'GET, HEAD', 'Method Not Allowed\n'])
  })

  it.each(['/health', '/version', '/readyz'])('HEAD %s has the head of what GET has', async (path) => {
    const [head, get] = [await ask(path, { method: 'HEAD' }), await ask(path)]
    expect([head.status, head.text]).toEqual([200, ''])
    for (const name of ['content-type', 'content-length']) expect(head.headers.get(name)).toBe(get.headers.get(name))
  })

  it('that is malformed is told what is wrong where', async () => {
    const details = "etcdserver: malformed request: limit must be a whole number, not 'many'"
    expect(await post(url, '/v3/kv/range', { key: b('a'), limit: 'many' })).toEqual({
      status: 400,
      body: { error: details, code: 3, message: details, details: [] },
    })
  })

  it('that is too large is refused, and the connection goes on', async () => {
    const tooLarge = { status: 400, body: { code: 3, message: 'etcdserver: request is too large' } }
    const huge = 'A'.repeat(LIMITS.requestBytesMax * 2)
    expect(await post(url, '/v3/kv/put', { key: b('a'), value: huge })).toMatchObject(tooLarge)
    const large = 'A'.repeat((LIMITS.requestBytesMax / 3) * 4)
    expect(await post(url, '/v3/kv/put', { key: b('a'), value: large })).toMatchObject(tooLarge)
    const fits = 'A'.repeat((LIMITS.requestBytesMax / 3) * 4 - 4096)
    expect((await post(url, '/v3/kv/put', { key: b('a'), value: fits })).status).toBe(200)
  })

  it('acts for whom its token names, with or without Bearer', async () => {
    const { auth } = served.store
    await auth.users.add('root', { password: 'secret' })
    await auth.roles.add('root')
    await auth.users.grantRole('root', 'root')
    await auth.enable()
    const token = await auth.login('root', 'secret')
    const get = (headers: Record<string, string>) =>
      post(url, '/v3/kv/range', { key: b('a'), count_only: true }, headers)
    expect(await get({})).toMatchObject({ status: 400, body: { code: 3, error: 'etcdserver: user name is empty' } })
    expect(await get({ authorization: 'no.token' })).toMatchObject({
      status: 401,
      body: { code: 16, error: 'etcdserver: invalid auth token' },
    })
    expect((await get({ authorization: token })).status).toBe(200)
    expect((await get({ authorization: `Bearer ${token}` })).status).toBe(200)
    expect((await ask('/health')).status).toBe(200)
    await served.store.as({ token }).auth.disable()
  })
})

describe('a page in a browser', () => {
  it('may call from anywhere, unless origins are listed', async () => {
    const { status, headers } = await ask('/v3/kv/put', { method: 'OPTIONS', headers: { origin: 'https://a.example' } })
    expect([status, headers.get('access-control-allow-origin')]).toEqual([200, '*'])
    expect(headers.get('access-control-allow-methods')).toBe('POST, GET, OPTIONS, PUT, DELETE')
    expect(headers.get('access-control-allow-headers')).toBe('accept, content-type, authorization')
  })

  it('may call from a listed origin, and from no other', async () => {
    const listed = await serve({ cors: ['https://a.example'] })
    const at = listed.url
    const of = async (origin: string): Promise<string | null> =>
      (await ask('/version', { at, headers: { origin } })).headers.get('access-control-allow-origin')
    expect(await of('https://a.example')).toBe('https://a.example')
    expect(await of('https://b.example')).toBeNull()
    await listed.close()
  })

  it('must know this host by a listed name', async () => {
    const listed = await serve({ hostWhitelist: ['etcd.example', '::1'] })
    const target = listed.url
    expect((await askAs('etcd.example', target)).status).toBe(200)
    expect((await askAs('etcd.example:2379', target)).status).toBe(200)
    expect((await askAs('[::1]:2379', target)).status).toBe(200)
    const { status, text } = await askAs('evil.example:2379', target)
    expect(status).toBe(421)
    expect(text).toContain("'evil.example'")
    await listed.close()
  })
})

it('without the gateway has the rest', async () => {
  const less = await serve({ enableGrpcGateway: false })
  const at = less.url
  expect((await ask('/v3/kv/put', { at, method: 'POST' })).status).toBe(404)
  expect((await ask('/health', { at })).status).toBe(200)
  await less.close()
})

describe('over TLS', () => {
  it('the gateway is served to who speaks HTTP/1 and HTTP/2 both, and no certificate says who calls', async () => {
    const authority = certificateAuthority()
    const own = authority.issue()
    const tls = { cert: own.cert, key: own.key, trustedCa: authority.cert, clientCertAuth: true }
    const secure = await serve({ listenClientUrls: ['https://127.0.0.1:0'], tls })
    const { auth } = secure.store
    await auth.users.add('root', { password: 'secret' })
    await auth.roles.add('root')
    await auth.users.grantRole('root', 'root')
    await auth.enable()
    const { hostname, port } = new URL(secure.url)
    const root = authority.issue({ name: 'root' })
    const socket = connect({
      host: hostname,
      port: Number(port),
      ca: authority.cert,
      ...root,
      ALPNProtocols: ['h2', 'http/1.1'],
    })
    await once(socket, 'secureConnect')
    expect(socket.alpnProtocol).toBe('http/1.1')
    const body = JSON.stringify({ key: b('a') })
    socket.write(
      `POST /v3/kv/range HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
    const answer = await text(socket)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(answer).toContain('"etcdserver: user name is empty"')
    await secure.close()
  })
})
