/** Streams over HTTP: answered while their requests still come, and ended by either side. */
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

const watchOf = (key: string, options: object = {}): object => ({ create_request: { key: b(key), ...options } })

describe('a watch', () => {
  it('answers each request of an open body, and tells of changes in between', async () => {
    const call = new OpenCall(url, '/v3/watch').send(watchOf('one'))
    expect(await call.next()).toMatchObject({ result: { created: true } })
    expect(await call.status()).toBe(200)
    await served.store.put('one', '1')
    expect(await call.next()).toMatchObject({ result: { events: [{ kv: { key: b('one'), value: b('1') } }] } })
    call.send('\n').send(watchOf('two', { watch_id: '7' }))
    expect(await call.next()).toMatchObject({ result: { created: true, watch_id: '7' } })
    await served.store.put('two', '2')
    expect(await call.next()).toMatchObject({ result: { watch_id: '7', events: [{ kv: { key: b('two') } }] } })
    call.send({ cancel_request: { watch_id: 7 } })
    expect(await call.next()).toMatchObject({ result: { canceled: true, watch_id: '7' } })
    call.abort()
  })

  it('goes on when there are no more requests', async () => {
    const call = new OpenCall(url, '/v3/watch').send(watchOf('on')).end()
    expect(await call.next()).toMatchObject({ result: { created: true } })
    await served.store.put('on', '1')
    expect(await call.next()).toMatchObject({ result: { events: [{ kv: { key: b('on') } }] } })
    call.abort()
  })

  it('ends with an error for a request that is malformed, by both its codes', async () => {
    const call = new OpenCall(url, '/v3/watch').send(watchOf('one'))
    await call.next()
    call.send({ create_request: { key: 'a*' } })
    const message = 'etcdserver: malformed request: create_request.key must be base64, and its 2 characters are not'
    expect(await call.next()).toEqual({
      error: { code: 3, message, details: [], grpc_code: 3, http_code: 400, http_status: 'Bad Request' },
    })
    expect(await call.next()).toBeUndefined()
    call.abort()
  })

  it('that begins with something malformed has the status of that', async () => {
    const call = new OpenCall(url, '/v3/watch').send('nonsense').end()
    expect(await call.status()).toBe(400)
    expect(await call.next()).toMatchObject({
      error: { code: 3, message: 'etcdserver: malformed request: each value of the body must be an object' },
    })
  })

  it('holds no more than its client takes', async () => {
    const value = Buffer.alloc(1_000_000, 'x')
    const call = new OpenCall(url, '/v3/watch').send(watchOf('large')).end()
    const response = await call.response()
    response.pause()
    for (let at = 0; at < 40; at++) await served.store.put('large', value)
    // More than sockets hold: what is left waits in the watch, and all of it comes.
    let revisions = 0
    for (let line = (await call.next()) as Line; revisions < 40; line = (await call.next()) as Line) {
      revisions += line.result.events?.length ?? 0
      if (revisions === 40) break
    }
    expect(revisions).toBe(40)
    call.abort()
  })

  it('is gone with its client', async () => {
    const call = new OpenCall(url, '/v3/watch').send(watchOf('gone'))
    await call.next()
    call.abort()
    // Whether it is gone shows when the server closes: it would wait for it.
    const other = await serve()
    const open = new OpenCall(other.url, '/v3/watch').send(watchOf('gone'))
    await open.next()
    open.abort()
    await other.close()
  })
})

interface Line {
  readonly result: { readonly events?: readonly unknown[] }
}

describe('a server that closes', () => {
  it('ends streams with its reason, and refuses what comes after', async () => {
    const closing = await serve()
    const call = new OpenCall(closing.url, '/v3/watch').send(watchOf('one'))
    await call.next()
    const closed = closing.close()
    expect(await call.next()).toEqual({
      error: {
        ...{ code: 14, message: 'etcdserver: server stopped', details: [] },
        ...{ grpc_code: 14, http_code: 503, http_status: 'Service Unavailable' },
      },
    })
    expect(await call.next()).toBeUndefined()
    await closed
  })
})

describe('keep-alives', () => {
  it('are answered one by one, and end with the body', async () => {
    await post(url, '/v3/lease/grant', { TTL: 60, ID: 9 })
    const call = new OpenCall(url, '/v3/lease/keepalive').send({ ID: 9 })
    expect(await call.next()).toMatchObject({ result: { ID: '9', TTL: '60' } })
    call.send({ ID: '9' })
    expect(await call.next()).toMatchObject({ result: { ID: '9', TTL: '60' } })
    call.end()
    expect(await call.next()).toBeUndefined()
  })

  it('without a request are an empty answer', async () => {
    const call = new OpenCall(url, '/v3/lease/keepalive').end()
    expect(await call.status()).toBe(200)
    expect(await call.next()).toBeUndefined()
  })
})
