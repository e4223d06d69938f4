import { credentials, type Client } from '@grpc/grpc-js'
import { once } from 'node:events'
import { request } from 'node:https'
import { connect as connectPlain } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { open, type Store } from '../../src/index.js'
import { serveEtcd, type EtcdServer } from '../../src/etcd/index.js'
import { KVService } from '../../src/etcd/generated/rpc.js'
import { certificateAuthority, type Certificate } from '../certificates.js'
import { call, clientOf, refusalOf, targetOf } from './served.js'

const authority = certificateAuthority()
const own = authority.issue({ name: 'server' })

let store: Store
/** Takes any client. */
let open1: EtcdServer
/** Wants certificates, and takes their names for users. */
let mutual: EtcdServer
const clients: Client[] = []

beforeAll(async () => {
  store = await open({ auth: { scrypt: { costLog2: 10, blockSize: 8, parallelization: 1 } } })
  await store.ready()
  const listenClientUrls = ['https://127.0.0.1:0']
  open1 = await serveEtcd(store, { listenClientUrls, tls: own })
  mutual = await serveEtcd(store, {
    listenClientUrls,
    tls: { ...own, trustedCa: authority.cert, clientCertAuth: true, allowedNames: ['ann', 'bob'] },
  })
})

afterAll(async () => {
  for (const client of clients) client.close()
  await Promise.all([open1.close(), mutual.close()])
  await store.close()
})

function clientWith(server: EtcdServer, certificate?: Certificate, ca = authority.cert): Client {
  const [key, cert] = [certificate?.key, certificate?.cert].map((text) =>
    text === undefined ? null : Buffer.from(text),
  )
  const client = clientOf(targetOf(server), credentials.createSsl(Buffer.from(ca), key, cert))
  clients.push(client)
  return client
}

const A = { key: Buffer.from('a') }
const PUT = { ...A, value: Buffer.from('1') }

describe('TLS for clients', () => {
  it('carries gRPC', async () => {
    const client = clientWith(open1)
    await call(client, KVService.put, PUT)
    expect((await call(client, KVService.range, A)).count).toBe(1n)
  })

  it('carries HTTP/1 on the same port', async () => {
    const { hostname, port } = new URL(open1.clientUrls[0] as string)
    const asked = request({ hostname, port, path: '/', ca: authority.cert, agent: false }).end()
    const [response] = (await once(asked, 'response')) as [{ statusCode: number; resume(): void }]
    response.resume()
    expect(response.statusCode).toBe(404)
  })

  it('tells who speaks no TLS what is spoken here', async () => {
    const socket = connectPlain(Number(new URL(open1.clientUrls[0] as string).port), '127.0.0.1')
    socket.write('GET /version HTTP/1.1\r\nHost: here\r\n\r\n')
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(answer.toString()).toMatch(/^HTTP\/1.1 400 Bad Request\r\n.*This port speaks TLS: use https\.\n$/s)
  })

  it('wants a certificate of clients where it knows their authority', async () => {
    expect(await refusalOf(call(clientWith(mutual), KVService.range, A))).toMatch(/^UNAVAILABLE /)
    const stranger = certificateAuthority('another one').issue({ name: 'ann' })
    expect(await refusalOf(call(clientWith(mutual, stranger), KVService.range, A))).toMatch(/^UNAVAILABLE /)
    const ann = clientWith(mutual, authority.issue({ name: 'ann' }))
    expect(await refusalOf(call(ann, KVService.range, A))).toBe('OK')
  })

  it('takes only the names that are allowed', async () => {
    const eve = clientWith(mutual, authority.issue({ name: 'eve' }))
    expect(await refusalOf(call(eve, KVService.range, A))).toMatch(/^UNAVAILABLE /)
  })

  it('speaks TLS 1.2 at least', async () => {
    const { port } = new URL(open1.clientUrls[0] as string)
    const socket = connectTls({ port: Number(port), ca: authority.cert, minVersion: 'TLSv1', maxVersion: 'TLSv1.1' })
    const [error] = (await once(socket, 'error')) as unknown as [Error]
    expect(error.message).toMatch(/protocol/i)
  })

  it('takes the name of a certificate for the user, once authorization is enabled', async () => {
    const { auth } = store
    await auth.users.add('root', { password: 'root' })
    await auth.roles.add('root')
    await auth.users.grantRole('root', 'root')
    await auth.users.add('ann', { noPassword: true })
    await auth.roles.add('reader')
    await auth.roles.grant('reader', { type: 'read', key: 'a' })
    await auth.users.grantRole('ann', 'reader')
    await auth.enable()
    try {
      const ann = clientWith(mutual, authority.issue({ name: 'ann' }))
      expect(await refusalOf(call(ann, KVService.range, A))).toBe('OK')
      expect(await refusalOf(call(ann, KVService.put, PUT))).toBe('PERMISSION_DENIED etcdserver: permission denied')
      const root = await auth.login('root', 'root')
      expect(await refusalOf(call(ann, KVService.put, PUT, { token: root }))).toBe('OK')
      const bob = clientWith(mutual, authority.issue({ name: 'bob' }))
      expect(await refusalOf(call(bob, KVService.range, A))).toBe('PERMISSION_DENIED etcdserver: permission denied')
      // Whoever shows none is nobody.
      const nobody = clientWith(open1)
      expect(await refusalOf(call(nobody, KVService.range, A))).toBe('INVALID_ARGUMENT etcdserver: user name is empty')
      for (const authorization of [root, `Bearer ${root}`]) {
        expect(await refusalOf(call(nobody, KVService.range, A, { authorization }))).toBe('OK')
      }
      const wrong = call(nobody, KVService.range, A, { token: 'wrong' })
      expect(await refusalOf(wrong)).toBe('UNAUTHENTICATED etcdserver: invalid auth token')
    } finally {
      await auth.disable()
    }
  })
})

describe('serveEtcd()', () => {
  it('refuses URLs with TLS without a certificate, and certificates that are none', async () => {
    await expect(serveEtcd(store, { listenClientUrls: ['https://127.0.0.1:0'] })).rejects.toThrow(/certFile/)
    const tls = { cert: 'none', key: 'none' }
    await expect(serveEtcd(store, { listenClientUrls: ['https://127.0.0.1:0'], tls })).rejects.toMatchObject({
      code: 'TLS_INVALID',
    })
    const noCa = serveEtcd(store, { listenClientUrls: ['https://127.0.0.1:0'], tls: { ...own, clientCertAuth: true } })
    await expect(noCa).rejects.toThrow(/trustedCa/)
  })
})
