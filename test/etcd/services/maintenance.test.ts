/** etcd's Maintenance, as functions. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../../../src/api/store.js'
import {
  AlarmRequest_AlarmAction,
  AlarmType,
  DowngradeRequest_DowngradeAction,
} from '../../../src/etcd/generated/rpc.js'
import { maintenanceService } from '../../../src/etcd/server/services/maintenance.js'
import { open } from '../../../src/store/open.js'
import { snapshotStatus } from '../../../src/store/snapshot-status.js'
import { all, callOf, faceOver, refused } from './called.js'

const { GET, ACTIVATE, DEACTIVATE } = AlarmRequest_AlarmAction
const { VALIDATE, ENABLE, CANCEL } = DowngradeRequest_DowngradeAction

let store: Store
let maintenance: ReturnType<typeof maintenanceService>
let own: bigint

beforeAll(async () => {
  store = await open({ auth: { scrypt: { costLog2: 10, blockSize: 8, parallelization: 1 } } })
  await store.ready()
  own = BigInt(store.status().memberId)
  maintenance = maintenanceService(faceOver(store))
})

afterAll(() => store.close())

describe('alarms', () => {
  async function alarm(action: AlarmRequest_AlarmAction, alarm: AlarmType, memberID = 0n): Promise<unknown[]> {
    return (await maintenance.alarm({ action, memberID, alarm }, callOf(store))).alarms
  }

  const noSpace = (): object => ({ memberID: own, alarm: AlarmType.NOSPACE })

  test('are raised, listed by kind and member, told by the status, and ended one by one', async () => {
    expect(await alarm(ACTIVATE, AlarmType.NOSPACE, own)).toEqual([noSpace()])
    expect(await alarm(ACTIVATE, AlarmType.NOSPACE)).toEqual([noSpace()])
    expect(await alarm(ACTIVATE, AlarmType.CORRUPT)).toEqual([{ memberID: own, alarm: AlarmType.CORRUPT }])
    expect(await alarm(GET, AlarmType.NONE)).toHaveLength(2)
    expect(await alarm(GET, AlarmType.NOSPACE, own)).toEqual([noSpace()])
    expect(await alarm(GET, AlarmType.NONE, own + 1n)).toEqual([])
    const { errors } = await maintenance.status({}, callOf(store))
    expect(errors.toSorted()).toEqual([`memberID:${own} alarm:CORRUPT `, `memberID:${own} alarm:NOSPACE `])
    expect(await alarm(DEACTIVATE, AlarmType.NOSPACE, own + 1n)).toEqual([])
    expect(await alarm(DEACTIVATE, AlarmType.NONE, own)).toEqual([])
    expect(await alarm(DEACTIVATE, AlarmType.NOSPACE, own)).toEqual([noSpace()])
    expect(await alarm(DEACTIVATE, AlarmType.NOSPACE, own)).toEqual([])
    await alarm(DEACTIVATE, AlarmType.CORRUPT, own)
    expect(await alarm(GET, AlarmType.NONE)).toEqual([])
  })

  test('of no kind are not raised, those of members that there are not are refused, and what is no action does nothing', async () => {
    expect(await alarm(ACTIVATE, AlarmType.NONE, own)).toEqual([])
    expect(await alarm(ACTIVATE, 7 as AlarmType, own)).toEqual([])
    expect(await alarm(9 as AlarmRequest_AlarmAction, AlarmType.NOSPACE, own)).toEqual([])
    expect(await refused(alarm(ACTIVATE, AlarmType.NOSPACE, own + 1n))).toBe('MEMBER_NOT_FOUND')
    expect(await refused(alarm(ACTIVATE, AlarmType.NOSPACE, 2n ** 64n - 1n))).toBe('MEMBER_NOT_FOUND')
    expect(await alarm(GET, AlarmType.NONE)).toEqual([])
  })
})

test('the status says what this member is and knows', async () => {
  const status = await maintenance.status({}, callOf(store))
  const { commitIndex, term, sizeInUseBytes } = store.status()
  expect(status).toMatchObject({
    version: '3.6.14',
    storageVersion: '3.6.0',
    leader: own,
    isLearner: false,
    errors: [],
  })
  expect(status).toMatchObject({
    raftIndex: BigInt(commitIndex),
    raftTerm: BigInt(term),
    raftAppliedIndex: BigInt(commitIndex),
  })
  expect(status).toMatchObject({ dbSizeInUse: BigInt(sizeInUseBytes), dbSizeQuota: 2n ** 31n })
  expect(status.dbSize).toBeGreaterThanOrEqual(status.dbSizeInUse)
})

test('a defragmentation and a moved leadership are answered without a header', async () => {
  expect(await maintenance.defragment({}, callOf(store))).toEqual({ header: undefined })
  expect(await maintenance.moveLeader({ targetID: own }, callOf(store))).toEqual({ header: undefined })
  const text = 'FAILED_PRECONDITION etcdserver: bad leader transferee'
  expect(await refused(maintenance.moveLeader({ targetID: 0n }, callOf(store)))).toBe(text)
  expect(await refused(maintenance.moveLeader({ targetID: 2n ** 64n - 1n }, callOf(store)))).toBe(text)
})

test('hashes are of 32 bits, up to a revision that can be read', async () => {
  const hashKv = (revision: bigint) => maintenance.hashKv({ revision }, callOf(store))
  expect(await hashKv(0n)).toMatchObject({ compact_revision: -1n, hash_revision: 1n })
  for (const value of ['1', '2', '3']) await store.put('hashed', value)
  const revision = BigInt(store.status().revision)
  const latest = await hashKv(0n)
  expect(latest).toMatchObject({ compact_revision: -1n, hash_revision: revision })
  expect(latest.hash).toBe(Math.trunc(latest.hash))
  expect(await hashKv(revision)).toEqual(latest)
  const before = await hashKv(revision - 1n)
  expect([before.hash_revision, before.hash === latest.hash]).toEqual([revision - 1n, false])
  await store.compact(Number(revision) - 1)
  expect(await hashKv(revision)).toMatchObject({ compact_revision: revision - 1n })
  expect(await refused(hashKv(revision - 2n))).toBe('COMPACTED')
  expect(await refused(hashKv(revision + 1n))).toBe('FUTURE_REVISION')
  expect(await refused(hashKv(2n ** 62n))).toBe('FUTURE_REVISION')
  expect((await maintenance.hash({}, callOf(store))).hash).toBe((await hashKv(0n)).hash)
})

test("there is nothing that could be downgraded to, which is said in etcd's words", async () => {
  const ask = (action: DowngradeRequest_DowngradeAction, version: string) =>
    refused(maintenance.downgrade({ action, version }, callOf(store)))
  for (const action of [VALIDATE, ENABLE]) {
    expect(await ask(action, '3.5.0')).toBe('INVALID_ARGUMENT etcdserver: invalid downgrade target version')
    expect(await ask(action, 'three')).toBe('INVALID_ARGUMENT etcdserver: wrong downgrade target version format')
  }
  expect(await ask(CANCEL, '')).toBe('FAILED_PRECONDITION etcdserver: no inflight downgrade job')
  expect(await ask(9 as DowngradeRequest_DowngradeAction, '')).toContain('unknown downgrade action')
})

describe('a snapshot', () => {
  test('comes in pieces of 32 KiB with its SHA-256 behind it, and what was saved is restored from', async () => {
    for (let key = 0; key < 40; key++) await store.put(`big/${key}`, Buffer.alloc(10_000, key))
    const messages = await all(maintenance.snapshot({}, callOf(store)))
    const blobs = messages.map(({ blob }) => blob)
    const digest = blobs.at(-1) ?? Buffer.alloc(0)
    const content = Buffer.concat(blobs.slice(0, -1))
    expect(digest).toEqual(createHash('sha256').update(content).digest())
    expect(content.byteLength % 512).toBe(0)
    expect(new Set(blobs.slice(0, -2).map(({ byteLength }) => byteLength))).toEqual(new Set([32 * 1024]))
    const remaining = messages.map(({ remaining_bytes }) => Number(remaining_bytes))
    expect(remaining).toEqual(remaining.toSorted((a, b) => b - a))
    expect(remaining.findIndex((bytes) => bytes === 0)).toBe(messages.length - 2)
    expect(new Set(messages.map(({ version }) => version))).toEqual(new Set(['3.6.0']))
    expect(messages.every(({ header }) => header === undefined)).toBe(true)

    const folder = await mkdtemp(join(tmpdir(), 'quorate-saved-'))
    try {
      const path = join(folder, 'saved.db')
      await writeFile(path, Buffer.concat(blobs))
      const { revision, digest: state } = store.status()
      expect(await snapshotStatus(path)).toMatchObject({ revision, digest: state })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('is made no further than its client takes it, and ends with the call', async () => {
    const giveUp = new AbortController()
    const messages = maintenance.snapshot({}, callOf(store, giveUp.signal))[Symbol.asyncIterator]()
    await messages.next()
    giveUp.abort()
    expect(await refused(all({ [Symbol.asyncIterator]: () => messages }))).toBe('ABORTED')
  })
})

test('with authorization, all but the status and the list of alarms is for root', async () => {
  const { users } = store.auth
  for (const name of ['root', 'ann']) await users.add(name, { noPassword: true })
  await users.grantRole('root', 'root')
  await store.auth.enable()
  const [ann, nobody] = [store.as({ user: 'ann' }), store.as('anonymous')].map((handle) => callOf(handle))
  if (ann === undefined || nobody === undefined) throw new Error('two calls')
  const rootOnly = (call: ReturnType<typeof callOf>): Promise<unknown>[] => [
    maintenance.alarm({ action: ACTIVATE, memberID: own, alarm: AlarmType.NOSPACE }, call),
    maintenance.defragment({}, call),
    maintenance.hash({}, call),
    maintenance.hashKv({ revision: 0n }, call),
    maintenance.moveLeader({ targetID: own }, call),
    maintenance.downgrade({ action: CANCEL, version: '' }, call),
    all(maintenance.snapshot({}, call)),
  ]
  expect(new Set(await Promise.all(rootOnly(ann).map(refused)))).toEqual(new Set(['PERMISSION_DENIED']))
  expect(new Set(await Promise.all(rootOnly(nobody).map(refused)))).toEqual(new Set(['USER_EMPTY']))
  const list = { action: GET, memberID: 0n, alarm: AlarmType.NONE }
  expect((await maintenance.status({}, ann)).leader).toBe(own)
  expect((await maintenance.alarm(list, ann)).alarms).toEqual([])
  expect(await refused(maintenance.status({}, nobody))).toBe('USER_EMPTY')
  expect(await refused(maintenance.alarm(list, nobody))).toBe('USER_EMPTY')
})
