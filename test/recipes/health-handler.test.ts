/** Probes, as etcd answers them. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import {
  healthHandler,
  type HealthHandler,
  type HealthHandlerOptions,
} from '../../src/recipes/health/health-handler.js'
import { RunningWorld } from '../store/clusters.js'

interface Answered {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

/** Asks without a socket. */
function ask(handler: HealthHandler, url: string, method = 'GET'): Promise<Answered> {
  return new Promise((resolve) => {
    let head = { status: 0, headers: {} }
    const response = {
      writeHead: (status: number, headers: object) => (head = { status, headers: { ...headers } }),
      end: (body: string) => {
        resolve({ ...head, body })
      },
    }
    handler({ url, method }, response as unknown as Parameters<HealthHandler>[1])
  })
}

async function probes(members: readonly string[] = ['a', 'b', 'c'], options?: HealthHandlerOptions) {
  const world = await RunningWorld.start({ members })
  const store = world.leader
  return { world, store, handler: healthHandler(store, options) }
}

const READY = [
  'data_corruption',
  'serializable_read',
  'linearizable_read',
  'non_learner',
  'promises_kept',
  'not_closing',
]
const lines = (...names: readonly string[]): string => names.map((name) => `[+]${name} ok\n`).join('')

test('a healthy member answers ok, with all its checks where they are asked for', async () => {
  const { world, handler } = await probes()
  for (const [url, body] of [
    ['/livez', 'ok\n'],
    ['/livez?verbose', '[+]serializable_read ok\nok\n'],
    ['/livez/serializable_read', 'ok\n'],
    ['/readyz', 'ok\n'],
    ['/readyz?verbose', `${lines(...READY)}ok\n`],
    [
      '/readyz?verbose&exclude=linearizable_read&exclude=non_learner&exclude=unknown',
      `${lines(...READY.filter((name) => name !== 'linearizable_read' && name !== 'non_learner'))}ok\n`,
    ],
    ['/readyz/linearizable_read?verbose', '[+]linearizable_read ok\nok\n'],
    ['/health', '{"health":"true","reason":""}'],
    ['/health?serializable=true', '{"health":"true","reason":""}'],
  ] as const) {
    expect(await ask(handler, url), url).toMatchObject({ status: 200, body })
  }
  await world.halt()
})

test('a member without a leader is alive and not ready, and says so in time', async () => {
  const { world, store, handler } = await probes()
  world.isolate(store.status().name)
  await world.until(() => store.status().leader === undefined)
  expect(await ask(handler, '/livez')).toMatchObject({ status: 200, body: 'ok\n' })
  const beganMs = world.nowMs
  const { status, body } = await ask(handler, '/readyz')
  expect(world.nowMs - beganMs).toBeLessThan(1_100)
  expect([status, body]).toEqual([
    503,
    lines(READY[0] ?? '', READY[1] ?? '') +
      '[-]linearizable_read failed: range error: TIMEOUT\n' +
      lines(...READY.slice(3)),
  ])
  expect(await ask(handler, '/health')).toMatchObject({
    status: 503,
    body: '{"health":"false","reason":"RAFT NO LEADER"}',
  })
  expect((await ask(handler, '/health?serializable=true')).status).toBe(200)
  await world.halt()
})

test('alarms are told as etcd tells them, and can be left out', async () => {
  const { world, store, handler } = await probes(['a'])
  const { memberId } = store.status()
  await store.maintenance.raise({ alarm: 'no-space', memberId })
  expect(await ask(handler, '/health')).toMatchObject({
    status: 503,
    body: '{"health":"false","reason":"ALARM NOSPACE"}',
  })
  expect((await ask(handler, '/health?exclude=NOSPACE')).status).toBe(200)
  expect((await ask(handler, '/readyz')).status).toBe(200)
  await store.maintenance.raise({ alarm: 'corrupt', memberId })
  expect(await ask(handler, '/health?exclude=NOSPACE')).toMatchObject({
    body: '{"health":"false","reason":"ALARM CORRUPT"}',
  })
  expect(await ask(handler, '/readyz/data_corruption')).toMatchObject({
    status: 503,
    body: '[-]data_corruption failed: the alarm CORRUPT is active for a\n',
  })
  expect((await ask(handler, '/livez')).status).toBe(200)
  await world.halt()
})

test('a member that is being closed is alive and not ready, and one that is closed is neither', async () => {
  const { world, store, handler } = await probes()
  world.isolate(store.status().name)
  const put = store.put('key', 'x').catch(() => undefined)
  const closing = store.close()
  expect((await ask(handler, '/livez')).status).toBe(200)
  const { status, body } = await ask(handler, '/readyz')
  expect(status).toBe(503)
  expect(body).toContain('[-]serializable_read failed: range error: CLOSED\n')
  expect(body).toContain('[-]not_closing failed: it is being closed\n')
  await Promise.all([closing, put])
  expect(await ask(handler, '/livez')).toMatchObject({
    status: 503,
    body: '[-]serializable_read failed: this member is closed, or stopped itself\n',
  })
  await world.halt()
})

test('however many ask at once, one read is made', async () => {
  const { world, store } = await probes(['a'])
  let reads = 0
  const counted: Pick<Store, 'get' | 'health'> = {
    get: (key, options) => (reads++, store.get(key, options)),
    health: () => store.health(),
  }
  const handler = healthHandler(counted)
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(handler, '/readyz/linearizable_read')))
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
  expect(reads).toBe(1)
  await world.halt()
})

test('a handle that may not read is answered all the same: that is no illness', async () => {
  const { world, store } = await probes(['a'])
  const { auth } = store
  await auth.users.add('root', { password: 'secret' })
  await auth.users.grantRole('root', 'root')
  await auth.enable()
  const noReads: Pick<Store, 'get' | 'health'> = {
    get: (key, options) => store.as('anonymous').get(key, options),
    health: () => store.health(),
  }
  expect(await ask(healthHandler(noReads), '/readyz')).toMatchObject({ status: 200 })
  await world.halt()
})

describe('over HTTP', () => {
  test('only GET and HEAD are answered, other paths go on', async () => {
    const { world, store } = await probes(['a'])
    const handler = healthHandler(store, { path: '/internal' })
    const server = createServer((request, response) => {
      handler(request, response, () => response.writeHead(418).end())
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const got = await fetch(`${at}/internal/readyz`)
    expect([got.status, await got.text()]).toEqual([200, 'ok\n'])
    expect(Object.fromEntries(got.headers)).toMatchObject({
      'content-type': 'text/plain; charset=utf-8',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
    })
    const head = await fetch(`${at}/internal/health`, { method: 'HEAD' })
    expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '29', ''])
    const posted = await fetch(`${at}/internal/livez`, { method: 'POST' })
    expect([posted.status, posted.headers.get('allow')]).toEqual([405, 'GET, HEAD'])
    expect((await fetch(`${at}/readyz`)).status).toBe(418)
    server.close()
    await world.halt()
  })

  test('without anybody behind it what is none of its paths is not found', async () => {
    const { world, handler } = await probes(['a'])
    for (const url of ['/', '/readyz/', '/readyz/unknown', '/livezz', '//livez', '*']) {
      expect((await ask(handler, url)).status, url).toBe(404)
    }
    await world.halt()
  })
})

test.each([
  [{ path: 'internal' }, /path must begin with a slash/],
  [{ path: '/internal/' }, /path must begin with a slash/],
  [{ timeoutMs: 0 }, /timeoutMs must be a positive number/],
  [{ timeoutMs: Infinity }, /timeoutMs must be a positive number/],
  [{ timeout: 5 } as never, /timeout/],
])('options that make no sense are refused: %j', async (options, message) => {
  const { world, store } = await probes(['a'])
  expect(() => healthHandler(store, options)).toThrow(message)
  await world.halt()
})

test.each([null, undefined, {}])('what is no store is refused at once: %j', (store) => {
  expect(() => healthHandler(store as never)).toThrow(/takes a store/)
})
