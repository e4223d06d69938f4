/** etcd's port as a whole: what it takes calls over, whom it lets in, and how it ends. */
import { credentials, type ClientReadableStream } from '@grpc/grpc-js'
import { once } from 'node:events'
import { mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { MemoryNetwork, open, type OpenOptions, type Store } from '../../src/index.js'
import { serveEtcd, type ServeEtcdOptions } from '../../src/etcd/index.js'
import { FrontDoor } from '../../src/etcd/server/front-door.js'
import { HealthCheckResponse_ServingStatus as Serving, HealthService } from '../../src/etcd/generated/health.js'
import { LockService } from '../../src/etcd/generated/lock.js'
import { KVService, LeaseService, MaintenanceService } from '../../src/etcd/generated/rpc.js'
import { call, clientOf, duplex, listen, refusalOf, serve, targetOf, type Served } from './served.js'

const A = { key: Buffer.from('a') }
const PUT = { ...A, value: Buffer.from('1') }
const HAS_LEADER = { hasleader: 'true' }

let served: Served

beforeAll(async () => {
  served = await serve()
})

afterAll(() => served.close())

describe('The port', () => {
  it('carries gRPC known to be spoken', async () => {
    const { client } = served
    const { header } = await call(client, KVService.put, PUT)
    expect(header?.revision).toBe(2n)
    const { kvs, count } = await call(client, KVService.range, A)
    expect(count).toBe(1n)
    expect(kvs.map(({ value }) => value.toString())).toEqual(['1'])
  })

  it('carries HTTP/1', async () => {
    const { port } = new URL(`http://${served.target}`)
    const asked = request({ host: '127.0.0.1', port, path: '/version', agent: false }).end()
    const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>]
    let body = ''
    for await (const piece of response) body += piece.toString()
    expect(JSON.parse(body)).toMatchObject({ etcdserver: expect.stringMatching(/^3\./) as string })
  })

  it('tells who speaks TLS that none is spoken here', async () => {
    const socket = connectTls({
      host: '127.0.0.1',
      port: Number(served.target.split(':')[1]),
      rejectUnauthorized: false,
    })
    const [error] = (await once(socket, 'error')) as unknown as [Error]
    expect(error.message).toMatch(/alert protocol version/)
  })

  it('is a socket of this machine, where that is asked for', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'quorate-'))
    const server = await serveEtcd(served.store, { listenClientUrls: [`unix://${directory}/etcd.sock`] })
    const client = clientOf(targetOf(server))
    expect(await refusalOf(call(client, KVService.range, A))).toBe('OK')
    client.close()
    await server.close()
    await rm(directory, { recursive: true })
  })

  it('takes the place of a socket that was left behind, and of nothing else', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'quorate-'))
    const path = join(directory, 'etcd.sock')
    const listenClientUrls = [`unix://${path}`]
    const before = createServer().listen(`${path}.before`)
    await once(before, 'listening')
    await rename(`${path}.before`, path)
    await expect(serveEtcd(served.store, { listenClientUrls })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    before.close()
    await once(before, 'close')
    await (await serveEtcd(served.store, { listenClientUrls })).close()
    await writeFile(path, 'of somebody')
    await expect(serveEtcd(served.store, { listenClientUrls })).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' })
    expect(await readFile(path, 'utf8')).toBe('of somebody')
    await rm(directory, { recursive: true })
  })

  it('is refused where somebody else has it, or it is none', async () => {
    const { clientUrls } = served.server
    await expect(serveEtcd(served.store, { listenClientUrls: clientUrls })).rejects.toMatchObject({
      code: 'ADDRESS_IN_USE',
    })
    for (const url of ['localhost:2379', 'ftp://localhost', 'http://localhost/path', 'http://user@localhost']) {
      const listening = serveEtcd(served.store, { listenClientUrls: [url] })
      await expect(listening).rejects.toMatchObject({ code: 'ADDRESS_INVALID' })
    }
    const misspelt = { listenClientUrl: 'http://localhost:0' } as ServeEtcdOptions
    await expect(serveEtcd(served.store, misspelt)).rejects.toThrow(/did you mean listenClientUrls/)
  })

  it('closes what has no call under way where there are as many connections as there may be', async () => {
    const busy: string[] = []
    const came: Socket[] = []
    const nobody = { take: () => undefined, busyPeers: () => busy }
    const { environment } = served.store
    const door = new FrontDoor({ grpc: nobody, http: nobody, tls: undefined, environment, connectionsMax: 2 })
    const server = createServer((socket) => {
      came.push(socket)
      door.take(socket, false)
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    const join = async (): Promise<Socket> => {
      const socket = connect(port, '127.0.0.1').on('error', () => undefined)
      await once(server, 'connection')
      return socket
    }
    const [working, idle] = [await join(), await join()]
    busy.push(`127.0.0.1:${working.localPort}`)
    const closed = once(idle, 'close')
    const newest = await join()
    await closed
    expect(came.map(({ destroyed }) => destroyed)).toEqual([false, true, false])
    busy.push(`127.0.0.1:${newest.localPort}`)
    await join()
    expect(came.map(({ destroyed }) => destroyed)).toEqual([false, true, false, true])
    door.close()
    server.close()
  })

  it('closes on who says nothing', async () => {
    const timers: (() => void)[] = []
    const after = (_delayMs: number, action: () => void): (() => void) => {
      timers.push(action)
      return () => undefined
    }
    const { environment } = served.store
    const taken: Socket[] = []
    const nobody = { take: (socket: Socket) => taken.push(socket), busyPeers: () => [] }
    const door = new FrontDoor({
      ...{ grpc: nobody, http: nobody, tls: undefined },
      environment: { ...environment, timers: { ...environment.timers, after } },
    })
    const server = createServer((socket) => door.take(socket, false)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const silent = connect((server.address() as AddressInfo).port, '127.0.0.1')
    await once(server, 'connection')
    expect(timers).toHaveLength(1)
    timers[0]?.()
    await once(silent, 'close')
    expect(taken).toEqual([])
    server.close()
  })
})

describe('The door of gRPC', () => {
  it('refuses by the status and text of etcd', async () => {
    expect(await refusalOf(call(served.client, KVService.range))).toBe(
      'INVALID_ARGUMENT etcdserver: key is not provided',
    )
  })

  it('refuses what it does not know, and what it cannot read, and serves on', async () => {
    const unknown = { ...KVService.range, path: '/etcdserverpb.KV/Guess' }
    expect(await refusalOf(call(served.client, unknown, A))).toMatch(/^UNIMPLEMENTED /)
    const broken = { ...KVService.range, requestSerialize: () => Buffer.from([0x0a, 0xff]) }
    expect(await refusalOf(call(served.client, broken, A))).toMatch(/^INTERNAL /)
    expect(await refusalOf(call(served.client, KVService.range, A))).toBe('OK')
  })

  it('tells health, of the whole server only', async () => {
    expect((await call(served.client, HealthService.check)).status).toBe(Serving.SERVING)
    const other = call(served.client, HealthService.check, { service: 'etcdserverpb.KV' })
    expect(await refusalOf(other)).toBe('NOT_FOUND unknown service')
    const watched = listen(served.client, HealthService.watch)
    const [first] = (await once(watched, 'data')) as [{ status: Serving }]
    expect(first.status).toBe(Serving.SERVING)
    watched.on('error', () => undefined)
    watched.cancel()
  })

  it('lets calls with a leader pass that want one', async () => {
    expect(await refusalOf(call(served.client, KVService.range, A, HAS_LEADER))).toBe('OK')
  })

  it('ends streams and calls that wait when it closes, each with its reason', async () => {
    const closing = await serve()
    const stream = duplex(closing.client, LeaseService.leaseKeepAlive)
    const ended = refusalOf(stream)
    stream.write({ ID: 1n })
    await once(stream, 'data')
    const locked = call(closing.client, LockService.lock, { name: Buffer.from('a') })
    await locked
    const waiting = refusalOf(call(closing.client, LockService.lock, { name: Buffer.from('a') }))
    // What comes later on the same connection is answered later: then the one before has begun.
    await call(closing.client, KVService.range, A)
    await closing.server.close()
    expect(await ended).toBe('UNAVAILABLE etcdserver: server stopped')
    expect(await waiting).toBe('UNAVAILABLE etcdserver: server stopped')
    // The store is its owner's.
    await closing.store.put('b', '1')
    await closing.close()
  })
})

describe('A member without a leader, or without a vote', () => {
  const network = new MemoryNetwork()
  const stores: Store[] = []
  const closers: (() => Promise<void>)[] = []

  async function start(name: string, address: string, options: OpenOptions): Promise<Store> {
    const transport: OpenOptions['transport'] = ({ timers }) => network.transport(address, timers)
    const store = await open({ name, transport, durability: 'none', electionTimeoutMs: 300, ...options })
    stores.push(store)
    return store
  }

  async function clientTo(store: Store) {
    const server = await serveEtcd(store, { listenClientUrls: ['http://127.0.0.1:0'] })
    const client = clientOf(targetOf(server), credentials.createInsecure())
    closers.push(async () => {
      client.close()
      await server.close()
    })
    return client
  }

  afterAll(async () => {
    for (const close of closers) await close()
    await Promise.all(stores.map((store) => store.close()))
  })

  it('answers what it has, refuses who wants a leader, and ends their streams', async () => {
    const cluster = { a: '10.0.0.1:1', b: '10.0.0.2:1' }
    const [a, b] = await Promise.all([start('a', cluster.a, { cluster }), start('b', cluster.b, { cluster })])
    await a.put('a', '1')
    const client = await clientTo(a)
    const stream = listen(client, HealthService.watch, {}, HAS_LEADER)
    await once(stream, 'data')
    await b.close()
    expect(await refusalOf(stream as ClientReadableStream<unknown>)).toBe('UNAVAILABLE etcdserver: no leader')
    expect(await refusalOf(call(client, KVService.put, PUT, HAS_LEADER))).toBe('UNAVAILABLE etcdserver: no leader')
    const again = listen(client, HealthService.watch, {}, HAS_LEADER)
    expect(await refusalOf(again)).toBe('UNAVAILABLE etcdserver: no leader')
    expect((await call(client, KVService.range, { ...A, serializable: true })).count).toBe(1n)
  })

  it('answers as a learner what it knows by itself, and nothing else', async () => {
    const leader = await start('l', '10.0.1.1:1', { cluster: { l: '10.0.1.1:1' } })
    await leader.put('a', '1')
    await leader.cluster.add({ name: 'm', address: '10.0.1.2:1', role: 'learner' })
    const learner = await start('m', '10.0.1.2:1', { join: ['10.0.1.1:1'], advertise: '10.0.1.2:1' })
    await learner.ready()
    const client = await clientTo(learner)
    const refused = 'FAILED_PRECONDITION etcdserver: rpc not supported for learner'
    expect(await refusalOf(call(client, KVService.put, PUT))).toBe(refused)
    expect(await refusalOf(call(client, KVService.range, A))).toBe(refused)
    expect(await refusalOf(listen(client, HealthService.watch))).toBe(refused)
    expect((await call(client, KVService.range, { ...A, serializable: true })).count).toBe(1n)
    expect((await call(client, MaintenanceService.status)).isLearner).toBe(true)
  })
})
