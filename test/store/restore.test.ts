/** New clusters out of snapshots: what they have, what they have not, and what a restore that ends early leaves. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import { isStoreError, type ErrorCode, type StoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import { SnapshotEncoder } from '../../src/storage/snapshot-encoder.js'
import { readFilePieces } from '../../src/storage/snapshot-file.js'
import type { SnapshotHeader } from '../../src/storage/snapshot-format.js'
import { readSnapshot } from '../../src/storage/snapshot-reader.js'
import { open } from '../../src/store/open.js'
import { restore, type Restored, type RestoreOptions } from '../../src/store/restore.js'
import { saveSnapshot } from '../../src/store/save-snapshot.js'
import { snapshotStatus } from '../../src/store/snapshot-status.js'
import { SimDisk } from '../../src/testing/sim/sim-disk.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { RunningWorld } from './clusters.js'
import { GrowingWorld } from './growing-world.js'

const worlds: RunningWorld[] = []

afterEach(async () => {
  for (const world of worlds.splice(0)) await world.halt()
})

async function refusal(code: ErrorCode, action: () => Promise<unknown>): Promise<StoreError> {
  const error: unknown = await action().then(
    () => 'it was accepted',
    (reason: unknown) => reason,
  )
  if (!isStoreError(error, code)) throw new Error(`${code} is expected, not ${String(error)}`)
  return error
}

async function* streamOf(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}

async function snapshotOf(store: Store): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  for await (const piece of store.maintenance.snapshot()) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Lets virtual time pass until the promise has an answer. */
async function waitIn<T>(scheduler: SimScheduler, promise: Promise<T>): Promise<T> {
  let over = false
  const end = (): void => {
    over = true
  }
  promise.then(end, end)
  while (!over) if (!(await scheduler.step())) await Promise.resolve()
  return promise
}

const CLUSTER = { a: 'a', b: 'b', c: 'c' }
const TOKEN = 'restored'

/** A world whose members begin with `bytes`; from here on those before stand still. */
async function restoredWorld(
  bytes: Uint8Array,
  options: Partial<RestoreOptions> = {},
): Promise<{ world: RunningWorld; restored: Restored[] }> {
  for (const before of worlds) await before.halt()
  const world = new RunningWorld({ seed: 2, open: { clusterToken: TOKEN } })
  const restored: Restored[] = []
  for (const place of world.places) {
    const { name } = place
    const what = { from: streamOf(bytes), clusterToken: TOKEN, name, cluster: CLUSTER, disk: place.disk.mount() }
    restored.push(await waitIn(world.scheduler, restore({ ...what, ...options })))
    world.start(place)
  }
  worlds.push(world)
  const led = () => world.statuses().length === 3 && world.statuses().every(({ leader }) => leader)
  if (!(await world.run(led, 60_000))) throw new Error('no leader within a minute')
  world.go()
  return { world, restored }
}

async function oldCluster(): Promise<Store> {
  const world = await RunningWorld.start()
  worlds.push(world)
  const store = world.leader
  for (let nth = 0; nth < 20; nth++) await store.put(`k${nth % 6}`, `v${nth}`)
  await store.delete('k5')
  await store.compact(8)
  return store
}

const itemsOf = async (store: Store): Promise<unknown[]> => {
  const { items } = await store.range({ all: true })
  return items.map((each) => [each.key, each.text(), each.modRevision, each.createRevision, each.version, each.lease])
}

describe('three members restored from one snapshot', () => {
  test('elect a leader, have every key and its history, and go on at the next revision', async () => {
    const old = await oldCluster()
    const items = await itemsOf(old)
    const { revision, digest } = old.status()
    const { world } = await restoredWorld(await snapshotOf(old))
    for (const { name } of world.places) expect(await itemsOf(world.store(name))).toEqual(items)
    const statuses = world.statuses()
    expect(new Set(statuses.map((status) => status.digest)).size).toBe(1)
    expect(statuses[0]?.digest).not.toBe(digest)
    expect(statuses.map((status) => [status.revision, status.compactRevision])).toEqual(
      statuses.map(() => [revision, 8]),
    )
    const { leader } = world
    expect((await leader.get('k0', { revision: 14 }))?.text()).toBe('v12')
    await refusal('COMPACTED', () => leader.get('k0', { revision: 7 }))
    const seen: number[] = []
    const watch = leader.watch({ all: true }, { startRevision: 8 })
    const [follower] = world.followers
    expect((await follower?.put('new', 'x'))?.revision).toBe(revision + 1)
    for await (const event of watch) {
      seen.push(event.revision)
      if (event.revision === revision + 1) break
    }
    expect(seen).toEqual(Array.from({ length: revision - 6 }, (_, at) => at + 8))
  })

  test('carry on when their leader is gone, and are there again after all were stopped', async () => {
    const { world } = await restoredWorld(await snapshotOf(await oldCluster()))
    await world.leader.put('key', 'before')
    const { name } = world.leader.status()
    await world.halt()
    world.crash(world.place(name), 'power')
    expect(await world.run(() => world.statuses().some(({ role }) => role === 'leader'), 60_000)).toBe(true)
    world.go()
    await world.leader.put('key', 'after')
    await world.halt()
    for (const place of world.places) {
      world.crash(place, 'power')
      world.start(place)
    }
    const led = () => world.statuses().length === 3 && world.statuses().every(({ leader }) => leader)
    expect(await world.run(led, 60_000)).toBe(true)
    world.go()
    expect((await world.store('a').get('key'))?.text()).toBe('after')
  })

  test('have the leases with their time, and end them when it is over', async () => {
    const old = await oldCluster()
    const { id } = await old.leases.grant({ ttlMs: 4_000 })
    await old.put('leased', 'x', { lease: id })
    const { world } = await restoredWorld(await snapshotOf(old))
    const left = await world.leader.leases.timeToLive(id)
    expect(left?.ttlMs).toBe(4_000)
    expect(left?.remainingMs).toBeGreaterThan(2_000)
    expect(await world.leader.get('leased')).toBeDefined()
    await world.pass(6_000)
    expect(await world.leader.get('leased')).toBeUndefined()
    expect(await world.leader.leases.timeToLive(id)).toBeUndefined()
  })

  test('keep the alarms, which can be disarmed though nobody has the id that they name', async () => {
    const old = await oldCluster()
    const { memberId } = old.status()
    await old.maintenance.raise({ alarm: 'no-space', memberId })
    const { world } = await restoredWorld(await snapshotOf(old))
    await refusal('NO_SPACE', () => world.leader.put('key', 'x'))
    expect(await world.leader.maintenance.disarm()).toEqual([{ alarm: 'no-space', memberId }])
    await world.leader.put('key', 'x')
  })

  test('have the users and roles, and whoever was refused is refused', async () => {
    const old = await oldCluster()
    const { users, roles } = old.auth
    for (const name of ['root', 'alice']) await users.add(name, { noPassword: true })
    await roles.add('root')
    await users.grantRole('root', 'root')
    await roles.add('reader')
    await roles.grant('reader', { type: 'read', key: 'k0' })
    await users.grantRole('alice', 'reader')
    await old.auth.enable()
    await refusal('PERMISSION_DENIED', () => snapshotOf(old.as({ user: 'alice' })))
    await refusal('USER_EMPTY', () => snapshotOf(old.as('anonymous')))
    const status = await old.auth.status()
    const { world } = await restoredWorld(await snapshotOf(old.as({ user: 'root' })))
    const { leader } = world
    expect(await leader.auth.status()).toEqual(status)
    const alice = leader.as({ user: 'alice' })
    expect((await alice.get('k0'))?.text()).toBe('v18')
    await refusal('PERMISSION_DENIED', () => alice.get('k1'))
    await refusal('PERMISSION_DENIED', () => alice.put('k0', 'x'))
    await refusal('USER_EMPTY', () => leader.as('anonymous').get('k0'))
    await leader.as({ user: 'root' }).auth.users.delete('alice')
  })

  test('are another cluster with other members, which the old ones cannot speak to', async () => {
    const old = await oldCluster()
    const { world, restored } = await restoredWorld(await snapshotOf(old))
    const before = old.status()
    const ids = before.members.map((member) => member.id)
    for (const [at, { clusterId, memberId, name }] of restored.entries()) {
      expect(clusterId).not.toBe(before.clusterId)
      expect(ids).not.toContain(memberId)
      expect(world.store(name).status()).toMatchObject({ clusterId, memberId })
      expect(restored[at]?.snapshot).toMatchObject({ clusterId: before.clusterId, memberId: before.memberId })
    }
    await world.halt()
    // A member of the old cluster takes the place of one of the new: the other two go on without it.
    const place = world.place('c')
    world.crash(place)
    place.disk.wipe()
    world.start(place, async ({ name, cluster, environment, disk, transport, onStop }) => {
      const store = await open({ name, cluster, environment, disk, transport })
      onStop(() => store.close())
      place.store = store
    })
    world.go()
    await world.until(() => place.store !== undefined)
    await world.store('a').put('key', 'x')
    await world.pass(5_000)
    expect(world.store('c').status().leader).toBeUndefined()
    expect((await world.store('b').get('key'))?.text()).toBe('x')
  })

  test('are who their options say, whoever had come and gone in the old cluster; and change from there', async () => {
    const old = new GrowingWorld(['a', 'b', 'c', 'd'])
    worlds.push(old)
    const store = await old.grown(['a', 'd'])
    await store.put('key', 'x')
    await store.cluster.remove('d')
    const { world } = await restoredWorld(await snapshotOf(store))
    const [a, b] = [world.store('a'), world.store('b')]
    const listed = await a.cluster.list()
    expect(listed.map(({ name, role }) => `${name} ${role}`)).toEqual(['a voter', 'b voter', 'c voter'])
    expect((await a.get('key'))?.text()).toBe('x')
    await a.cluster.remove('c')
    expect((await b.cluster.list()).map(({ name }) => name)).toEqual(['a', 'b'])
  })

  test('with bumped revisions refuse whoever saw what the snapshot does not have', async () => {
    const old = await oldCluster()
    const bytes = await snapshotOf(old)
    const { revision } = old.status()
    for (let nth = 0; nth < 5; nth++) await old.put('lost', `${nth}`)
    const { world, restored } = await restoredWorld(bytes, { bumpRevision: 1_000_000 })
    const bumped = revision + 1_000_000
    expect(restored.map((each) => [each.revision, each.compactRevision])).toEqual(restored.map(() => [bumped, bumped]))
    const { leader } = world
    expect(await itemsOf(leader)).toHaveLength(5)
    await refusal('COMPACTED', () => leader.get('k0', { revision }))
    const stale = leader.watch('lost', { startRevision: revision + 6 })[Symbol.asyncIterator]()
    expect((await refusal('COMPACTED', () => stale.next())).compactRevision).toBe(bumped)
    expect((await leader.put('key', 'x')).revision).toBe(bumped + 1)
    await world.pass(1_000)
    expect(await itemsOf(leader)).toHaveLength(6)
    for await (const event of leader.watch({ all: true }, { startRevision: bumped })) {
      expect(event.revision).toBe(bumped + 1)
      break
    }
  })
})

describe('a restore', () => {
  let root: string
  let folders = 0
  let file: string
  let damaged: string
  const folder = (): string => join(root, `data-${++folders}`)

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'quorate-restore-'))
    file = join(root, 'good.snapshot')
    damaged = join(root, 'damaged.snapshot')
    const store = await open()
    for (let nth = 0; nth < 10; nth++) await store.put(`k${nth}`, 'x')
    await saveSnapshot(store, file)
    const bytes = Buffer.from(await snapshotOf(store))
    bytes[bytes.byteLength - 100] = (bytes[bytes.byteLength - 100] as number) ^ 1
    await writeFile(damaged, bytes)
    await store.close()
  })
  afterAll(() => rm(root, { recursive: true, force: true }))

  async function keysIn(dataDir: string): Promise<number> {
    const store = await open({ dataDir, clusterToken: TOKEN })
    const { count } = await store.range({ all: true })
    await store.close()
    return count
  }

  test('makes a data directory for its owner alone, which opens as any other', async () => {
    const dataDir = folder()
    const { revision, memberId } = await restore({ from: file, dataDir, clusterToken: TOKEN })
    expect((await stat(dataDir)).mode & 0o777).toBe(0o700)
    expect((await readdir(dataDir)).sort()).toEqual(['high-water', 'lock', 'log', 'state'])
    const store = await open({ dataDir, clusterToken: TOKEN })
    await store.ready()
    expect(store.status()).toMatchObject({ revision, memberId })
    await store.close()
    await refusal('WRONG_CLUSTER', () => open({ dataDir }))
  })

  test('is refused where there is data, and changes nothing there', async () => {
    const dataDir = folder()
    await (await open({ dataDir })).close()
    await refusal('ALREADY_EXISTS', () => restore({ from: file, dataDir, clusterToken: TOKEN }))
    const store = await open({ dataDir })
    await refusal('DATA_DIR_IN_USE', () => restore({ from: file, dataDir, clusterToken: TOKEN }))
    await store.put('key', 'x')
    await store.close()
  })

  test('is refused where all that is left of a member is what was kept of it, and says so', async () => {
    const dataDir = folder()
    for (const name of ['damaged', 'before-open']) await mkdir(join(dataDir, name), { recursive: true })
    await writeFile(join(dataDir, 'damaged', 'high-water'), 'x')
    const refused = await refusal('ALREADY_EXISTS', () => restore({ from: file, dataDir, clusterToken: TOKEN }))
    expect(refused.message).toMatch(/no data of a member any more, but in before-open and damaged files of one/)
    expect((await readdir(dataDir)).sort()).toEqual(['before-open', 'damaged', 'lock'])
    expect(await readdir(join(dataDir, 'damaged'))).toEqual(['high-water'])
    await rm(join(dataDir, 'damaged'), { recursive: true })
    await rm(join(dataDir, 'before-open'), { recursive: true })
    await restore({ from: file, dataDir, clusterToken: TOKEN })
  })

  test('into a directory of others leaves what is theirs', async () => {
    const dataDir = folder()
    await mkdir(join(dataDir, 'lost+found'), { recursive: true })
    await restore({ from: file, dataDir, clusterToken: TOKEN })
    expect(await readdir(dataDir)).toContain('lost+found')
  })

  test('under the old ids of the cluster or of a member is refused', async () => {
    const same = await refusal('CLUSTER_ID_REUSED', () =>
      restore({ from: file, dataDir: folder(), clusterToken: 'quorate' }),
    )
    expect(same.message).toContain('clusterToken')
    const cluster = { default: 'localhost:1', b: 'localhost:2' }
    await refusal('CLUSTER_ID_REUSED', () =>
      restore({ from: file, dataDir: folder(), clusterToken: 'quorate', cluster, name: 'b' }),
    )
  })

  test('of a damaged snapshot leaves nothing that opens, and can be made again from a good one', async () => {
    const dataDir = folder()
    const error = await refusal('SNAPSHOT_DAMAGED', () => restore({ from: damaged, dataDir, clusterToken: TOKEN }))
    expect(error.message).toContain(damaged)
    expect(await readdir(dataDir)).toEqual(['lock', 'restoring'])
    const refused = await refusal('DATA_DAMAGED', () => open({ dataDir, clusterToken: TOKEN }))
    expect(refused.message).toMatch(/Restore into it again.*or remove the directory/)
    await refusal('SNAPSHOT_DAMAGED', () => snapshotStatus(damaged))
    await refusal('CLUSTER_ID_REUSED', () => restore({ from: file, dataDir, clusterToken: 'quorate' }))
    await refusal('DISK_FAILED', () => restore({ from: `${file}.missing`, dataDir, clusterToken: TOKEN }))
    await refusal('DATA_DAMAGED', () => open({ dataDir, clusterToken: TOKEN }))
    await restore({ from: file, dataDir, clusterToken: TOKEN })
    expect(await keysIn(dataDir)).toBe(10)
  })

  test('of bytes that are whole, but no state of a member, is refused', async () => {
    const records: [string, Uint8Array][] = []
    const { header } = await readSnapshot(readFilePieces(file), file, {
      records: async (more) => {
        records.push(...more)
      },
    })
    const encoded = (kept: readonly [string, Uint8Array][], changed: Partial<SnapshotHeader> = {}) => {
      const encoder = new SnapshotEncoder({ ...header, ...changed })
      const begin = encoder.begin()
      for (const [key, record] of kept) encoder.add(key, record)
      return Buffer.concat([begin, encoder.end()])
    }
    const last = records.length - 1
    const planted: [Uint8Array, RegExp][] = [
      [encoded(records.filter((_, at) => at !== last)), /some are missing/],
      [encoded(records.slice(1)), /applied position is missing/],
      [encoded([...records, ['z', Buffer.from('x')]]), /unknown kind/],
      [encoded([]), /header/],
      [encoded(records, { revision: header.revision + 1 }), /header tells of another state/],
    ]
    for (const [bytes, message] of planted) {
      const dataDir = folder()
      const error = await refusal('SNAPSHOT_DAMAGED', () => {
        return restore({ from: streamOf(bytes), dataDir, clusterToken: TOKEN })
      })
      expect(error.message).toMatch(message)
      expect(await readdir(dataDir)).toEqual(['lock', 'restoring'])
    }
    expect((await snapshotStatus(streamOf(encoded(records)))).keys).toBe(10)
  })

  test('that was killed leaves a directory that is not opened, and can be restored into', async () => {
    const dataDir = folder()
    const copy = folder()
    const whole = await readFile(file)
    async function* source() {
      yield whole.subarray(0, -10)
      // What a kill at this moment would leave.
      await cp(dataDir, copy, { recursive: true, filter: (path) => !path.endsWith('LOCK') })
      yield whole.subarray(-10)
    }
    await restore({ from: source(), dataDir, clusterToken: TOKEN })
    const error = await refusal('DATA_DAMAGED', () => open({ dataDir: copy, clusterToken: TOKEN }))
    expect(error.message).toContain('restore')
    await restore({ from: file, dataDir: copy, clusterToken: TOKEN })
    const store = await open({ dataDir: copy, clusterToken: TOKEN })
    expect((await store.get('k0'))?.text()).toBe('x')
    await store.close()
  })

  test('marks its directory before it makes anything else in it', async () => {
    const dataDir = folder()
    await mkdir(dataDir)
    // The lock cannot be made: here a restore that only marks under the lock would have left nothing.
    await writeFile(join(dataDir, 'lock'), '')
    await refusal('DISK_FAILED', () => restore({ from: file, dataDir, clusterToken: TOKEN }))
    await rm(join(dataDir, 'lock'))
    await refusal('DATA_DAMAGED', () => open({ dataDir, clusterToken: TOKEN }))
    await restore({ from: file, dataDir, clusterToken: TOKEN })
    expect(await keysIn(dataDir)).toBe(10)
  })

  test.runIf(process.platform === 'linux')('that cannot even make the mark leaves nothing', async () => {
    // A path may have 4095 bytes: that of the directory has room, that of a file in it has none.
    let dataDir = folder()
    while (dataDir.length < 4089) dataDir = join(dataDir, 'x'.repeat(Math.min(200, 4089 - dataDir.length)))
    const names = await readdir(root)
    await refusal('DISK_FAILED', () => restore({ from: file, dataDir, clusterToken: TOKEN }))
    expect(await readdir(root)).toEqual(names)
  })

  test('never empties what was opened in the same moment', async () => {
    const dataDir = folder()
    const store = await open({ dataDir })
    await store.put('key', 'x')
    await store.close()
    await writeFile(join(dataDir, 'restoring.new'), '')
    await refusal('ALREADY_EXISTS', () => restore({ from: file, dataDir, clusterToken: TOKEN }))
    const again = await open({ dataDir })
    expect((await again.get('key'))?.text()).toBe('x')
    await again.close()
    expect(await readdir(dataDir)).not.toContain('restoring.new')
  })

  test('ends where the disk does not answer in time', async () => {
    const scheduler = new SimScheduler()
    const timers = scheduler.timersOf()
    const disk = new SimDisk({ timers, seed: 1, latency: { sync: [5_000, 5_000] } })
    const environment = { ...systemEnvironment(), timers }
    const options = { from: file, disk: disk.mount(), clusterToken: TOKEN, environment, diskTimeoutMs: 1_000 }
    const { message } = await refusal('DISK_FAILED', () => waitIn(scheduler, restore(options)))
    expect(message).toContain('did not end within 1 s')
  })

  test('that fails on a disk without folders leaves nothing that opens', async () => {
    const scheduler = new SimScheduler()
    const disk = new SimDisk({ timers: scheduler.timersOf(), seed: 1 })
    const from = streamOf(await readFile(damaged))
    await refusal('SNAPSHOT_DAMAGED', () =>
      waitIn(scheduler, restore({ from, disk: disk.mount(), clusterToken: TOKEN })),
    )
    const opening = () => waitIn(scheduler, open({ disk: disk.mount(), clusterToken: TOKEN }))
    expect((await refusal('DATA_DAMAGED', opening)).message).toContain('restore')
  })

  test('by one at a time', async () => {
    const dataDir = folder()
    const whole = await readFile(file)
    async function* source() {
      await refusal('DATA_DIR_IN_USE', () => restore({ from: file, dataDir, clusterToken: TOKEN }))
      yield whole
    }
    await restore({ from: source(), dataDir, clusterToken: TOKEN })
  })

  test('ends when it is aborted', async () => {
    const dataDir = folder()
    const signal = AbortSignal.abort(new Error('enough'))
    await refusal('ABORTED', () => restore({ from: file, dataDir, clusterToken: TOKEN, signal }))
    expect(await readdir(dataDir)).toEqual(['lock', 'restoring'])
  })

  test('says what is wrong with its options', async () => {
    const what = { from: file, dataDir: folder(), clusterToken: TOKEN }
    const wrong: [Partial<Record<keyof RestoreOptions, unknown>>, RegExp][] = [
      [{ from: 7 }, /path of its file/],
      [{ clusterToken: '' }, /clusterToken/],
      [{ dataDir: undefined }, /dataDir/],
      [{ bumpRevision: -1 }, /bumpRevision/],
      [{ bumpRevision: 2 ** 53 - 60 }, /2\^52/],
      [{ name: 'x', cluster: { y: 'y' } }, /name 'x'/],
    ]
    for (const [options, message] of wrong) {
      await expect(restore({ ...what, ...options } as RestoreOptions)).rejects.toThrow(message)
    }
    await expect(restore({ ...what, datadir: 'x' } as RestoreOptions)).rejects.toThrow(/dataDir/)
    await expect(readdir(what.dataDir)).rejects.toThrow(/ENOENT/)
  })

  test('does not raise the revision beyond half of those that there are', async () => {
    const what = { from: file, dataDir: folder(), clusterToken: TOKEN }
    const { revision } = await snapshotStatus(file)
    const most = LIMITS.bumpedRevisionMax - revision
    await expect(restore({ ...what, bumpRevision: most + 1 })).rejects.toThrow(RangeError)
    expect((await restore({ ...what, bumpRevision: most })).revision).toBe(LIMITS.bumpedRevisionMax)
    const store = await open({ dataDir: what.dataDir, clusterToken: TOKEN })
    expect((await store.put('key', 'x')).revision).toBe(LIMITS.bumpedRevisionMax + 1)
    await store.close()
  })

  test('that loses the power at any moment leaves nothing that has part of the keys', async () => {
    const bytes = await readFile(file)
    const outcomes = new Set<string>()
    for (let steps = 0; !outcomes.has('whole'); steps++) {
      const scheduler = new SimScheduler()
      const disk = new SimDisk({ timers: scheduler.timersOf(), seed: steps })
      let done = false
      let begun = false
      async function* source() {
        begun = true
        yield bytes
      }
      const restoring = restore({ from: source(), disk: disk.mount(), clusterToken: TOKEN })
      restoring.then(
        () => (done = true),
        () => undefined,
      )
      for (let step = 0; step < steps && !done; step++) await scheduler.step()
      disk.crash('power')
      const outcome = await stateOf(scheduler, disk, done)
      if (begun && outcome === 'empty') throw new Error('a restore that was under way is taken for a new member')
      outcomes.add(outcome)
    }
    expect([...outcomes].sort()).toEqual(['damaged', 'empty', 'whole', 'whole before it was told'])
  })

  async function stateOf(scheduler: SimScheduler, disk: SimDisk, done: boolean): Promise<string> {
    try {
      const store = await waitIn(scheduler, open({ disk: disk.mount(), clusterToken: TOKEN }))
      const { count } = await waitIn(scheduler, store.range({ all: true }, { consistency: 'local' }))
      await waitIn(scheduler, store.close())
      if (count !== 0 && count !== 10) throw new Error(`${count} of 10 keys are there`)
      if (done && count === 0) throw new Error('a restore that was done is gone')
      return count === 0 ? 'empty' : done ? 'whole' : 'whole before it was told'
    } catch (error) {
      if (isStoreError(error, 'DATA_DAMAGED') && !done) return 'damaged'
      throw error
    }
  }
})
