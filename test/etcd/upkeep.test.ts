/** Auth, maintenance, locks and elections as clients of etcd meet them over gRPC: status, text and whole streams. */
import { createHash } from 'node:crypto'
import { status } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Mutex } from 'quorate'
import { ElectionService } from '../../src/etcd/generated/election.js'
import { LockService } from '../../src/etcd/generated/lock.js'
import { AuthService, ClusterService, MaintenanceService, Permission_Type } from '../../src/etcd/generated/rpc.js'
import { call, listen, refusalOf, serve, type Served } from './served.js'

const NAME = Buffer.from('lock')

let served: Served

beforeAll(async () => {
  served = await serve({}, { auth: { scrypt: { costLog2: 10, blockSize: 8, parallelization: 1 } } })
})

afterAll(() => served.close())

test('a snapshot is streamed whole, with its digest', async () => {
  const { client, store } = served
  for (let key = 0; key < 20; key++) await store.put(`big/${key}`, Buffer.alloc(10_000, key))
  const blobs: Buffer[] = []
  for await (const { blob } of listen(client, MaintenanceService.snapshot) as AsyncIterable<{ blob: Buffer }>) {
    blobs.push(blob)
  }
  const content = Buffer.concat(blobs.slice(0, -1))
  expect(blobs.at(-1)).toEqual(createHash('sha256').update(content).digest())
  expect(content.byteLength % 512).toBe(0)
})

test('a client that cancels its lock while it waits leaves no key', async () => {
  const { client, store } = served
  const held = await new Mutex(store, 'lock').lock()
  const { id } = await store.leases.grant({ ttlMs: 60_000 })
  const { path, requestSerialize, responseDeserialize } = LockService.lock
  const keys = store.watch({ prefix: 'lock/' })[Symbol.asyncIterator]()
  const cancelled = await new Promise<status | undefined>((resolve, reject) => {
    const request = { name: NAME, lease: id }
    const locking = client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, (error) => {
      resolve(error?.code)
    })
    keys.next().then(() => {
      locking.cancel()
    }, reject)
  })
  expect(cancelled).toBe(status.CANCELLED)
  expect((await keys.next()).value).toMatchObject({ type: 'delete', key: `lock/${id.toString(16)}` })
  await keys.return?.()
  await held.unlock()
  const { key } = await call(client, LockService.lock, { name: NAME, lease: id })
  await call(client, LockService.unlock, { key })
})

test('what is refused has the status and the text of etcd', async () => {
  const { client } = served
  expect(await refusalOf(call(client, MaintenanceService.moveLeader, { targetID: 7n }))).toBe(
    'FAILED_PRECONDITION etcdserver: bad leader transferee',
  )
  expect(await refusalOf(call(client, MaintenanceService.hashKv, { revision: 999n }))).toBe(
    'OUT_OF_RANGE etcdserver: mvcc: required revision is a future revision',
  )
  expect(await refusalOf(call(client, ElectionService.leader, { name: NAME }))).toBe('UNKNOWN election: no leader')
  expect(await refusalOf(call(client, ElectionService.resign))).toBe('UNKNOWN "leader" field must be provided')
  expect(await refusalOf(call(client, LockService.lock, { name: NAME, lease: 7n }))).toBe(
    'NOT_FOUND etcdserver: requested lease not found',
  )
  expect(await refusalOf(call(client, AuthService.roleGrantPermission, { name: 'x' }))).toBe(
    'INVALID_ARGUMENT etcdserver: permission not given',
  )
  expect(await refusalOf(call(client, AuthService.authenticate, { name: 'x', password: 'y' }))).toBe(
    'FAILED_PRECONDITION etcdserver: authentication is not enabled',
  )
})

test('with authorization a lock takes what its keys take, and a token is what a login gave', async () => {
  const { client, store } = served
  for (const name of ['root', 'ann']) await call(client, AuthService.userAdd, { name, password: `of ${name}` })
  await call(client, AuthService.userGrantRole, { user: 'root', role: 'root' })
  await call(client, AuthService.roleAdd, { name: 'locks' })
  const perm = { permType: Permission_Type.READWRITE, key: Buffer.from('lock/'), range_end: Buffer.from('lock0') }
  await call(client, AuthService.roleGrantPermission, { name: 'locks', perm })
  await call(client, AuthService.userGrantRole, { user: 'ann', role: 'locks' })
  await call(client, AuthService.authEnable)

  const { token } = await call(client, AuthService.authenticate, { name: 'ann', password: 'of ann' })
  const as = { token }
  const { key } = await call(client, LockService.lock, { name: NAME }, as)
  await call(client, LockService.unlock, { key }, as)
  const denied = 'PERMISSION_DENIED etcdserver: permission denied'
  expect(await refusalOf(call(client, LockService.lock, { name: Buffer.from('other') }, as))).toBe(denied)
  expect(await refusalOf(call(client, MaintenanceService.hash, {}, as))).toBe(denied)
  expect(await refusalOf(listen(client, MaintenanceService.snapshot, {}, as))).toBe(denied)
  // Before it is told whether there is such a member, or room for another one.
  const [own] = (await call(client, ClusterService.memberList, {}, as)).members
  const peerURLs = ['http://10.0.0.9:2380']
  expect(await refusalOf(call(client, ClusterService.memberAdd, { peerURLs, isLearner: true }, as))).toBe(denied)
  for (const id of [own?.ID ?? 0n, 7n]) {
    expect(await refusalOf(call(client, ClusterService.memberPromote, { ID: id }, as))).toBe(denied)
    expect(await refusalOf(call(client, ClusterService.memberRemove, { ID: id }, as))).toBe(denied)
  }
  expect((await call(client, MaintenanceService.status, {}, as)).leader).toBe(BigInt(store.status().memberId))
  expect(await refusalOf(call(client, MaintenanceService.status))).toBe(
    'INVALID_ARGUMENT etcdserver: user name is empty',
  )
  expect(await refusalOf(call(client, MaintenanceService.status, {}, { token: 'void' }))).toBe(
    'UNAUTHENTICATED etcdserver: invalid auth token',
  )
})
