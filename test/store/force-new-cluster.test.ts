/** A new cluster of the one member that is left: what it keeps, whom it never meets again, and what a crash in the middle leaves. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import type { Environment } from '../../src/base/clock.js'
import type { LogFields, Logger } from '../../src/base/logger.js'
import type { Identity } from '../../src/storage/identity.js'
import { readHighWater } from '../../src/storage/high-water.js'
import { openStorage } from '../../src/storage/storage.js'
import { examineDirectory } from '../../src/store/examine-directory.js'
import { forceNewCluster } from '../../src/store/force-new-cluster.js'
import { loadState, replay } from '../../src/store/load-state.js'
import { open } from '../../src/store/open.js'
import { settingsOf, type OpenOptions } from '../../src/store/options.js'
import type { SimScheduler } from '../../src/testing/sim/scheduler.js'
import type { CrashKind, SimDisk } from '../../src/testing/sim/sim-disk.js'
import { MemoryNetwork } from '../../src/transport/memory.js'
import type { Transport } from '../../src/transport/transport.js'
import { codeOfAsync } from '../code-of.js'
import { copyFolder, withDatabase } from '../storage/folders.js'
import { ManualTime } from '../transport/manual-time.js'
import { RunningWorld } from './clusters.js'
import { stoppedMember, temporaryFolder } from './stopped-member.js'
import { within } from './within-events.js'

const CLUSTER = { a: '127.0.0.1:7001', b: '127.0.0.1:7002', c: '127.0.0.1:7003' } as const
type Name = keyof typeof CLUSTER
const TIMES = { electionTimeoutMs: 150 }
const ALONE = { name: 'a', cluster: { a: '127.0.0.1:0' }, clusterToken: 'alone' }

/** The directory of one of three members, as its crash left it, with ten keys that were acknowledged. */
async function survivor(folder: string): Promise<string> {
  const network = new MemoryNetwork()
  const member = (name: Name): Promise<Store> =>
    open({
      ...{ name, cluster: CLUSTER, dataDir: join(folder, name), transport: onNetwork(network, name) },
      ...TIMES,
    })
  const stores = await Promise.all((['a', 'b', 'c'] as const).map(member))
  const [first] = stores
  await first?.ready()
  for (let at = 0; at < 10; at++) await first?.put(`key-${at}`, 'value')
  await Promise.all(stores.map((store) => store.ready()))
  copyFolder(join(folder, 'a'), join(folder, 'survivor'))
  await Promise.all(stores.map((store) => store.close()))
  return join(folder, 'survivor')
}

describe('a member whose cluster is lost', () => {
  test('goes on alone with all that was acknowledged, and keeps on record what it left', async () => {
    const folder = temporaryFolder()
    const dataDir = await survivor(folder)
    const before = await examineDirectory(dataDir)
    const warned: LogFields[] = []
    const logger = warning((_, fields) => warned.push(fields ?? {}))
    const forced = await open({ ...ALONE, dataDir, forceNewCluster: true, logger })
    await forced.ready()
    expect((await forced.range({ prefix: 'key-' })).count).toBe(10)
    const { revision } = await forced.put('after', 'the loss')
    const { members, role, formerClusters, clusterId } = forced.status()
    expect({ role, members: members.map(({ name }) => name) }).toEqual({ role: 'leader', members: ['a'] })
    expect(clusterId).not.toBe(before.identity?.clusterId)
    expect(formerClusters).toEqual([
      expect.objectContaining({ ...idsOf(before.identity), lastIndex: before.log?.last.index, withLosses: false }),
    ])
    expect(warned).toContainEqual(expect.objectContaining({ newClusterId: clusterId }))
    await forced.close()
    expect(await codeOfAsync(() => open({ name: 'a', cluster: CLUSTER, dataDir }))).toBe('WRONG_CLUSTER')
    for (const again of [{}, { forceNewCluster: true }]) {
      const store = await open({ ...ALONE, dataDir, ...again })
      await store.ready()
      expect((await store.get('after'))?.modRevision).toBe(revision)
      expect(store.status().formerClusters).toEqual(formerClusters)
      await store.close()
    }
    const { damage, formerClusters: shown } = await examineDirectory(dataDir)
    expect({ damage, shown }).toEqual({ damage: [], shown: formerClusters })
  })

  test('is never spoken to by those that come back', async () => {
    const folder = temporaryFolder()
    const dataDir = await survivor(folder)
    const network = new MemoryNetwork()
    const forced = await open({ ...ALONE, dataDir, forceNewCluster: true, transport: onNetwork(network, 'a') })
    await forced.ready()
    const warned: string[] = []
    const old = (name: Name): Promise<Store> =>
      open({
        ...{ name, cluster: CLUSTER, dataDir: join(folder, name), transport: onNetwork(network, name) },
        ...{
          electionTimeoutMs: 200,
          logger: warning((message, fields) => warned.push(`${message} ${String(fields?.['reason'])}`)),
        },
      })
    const [b, c] = await Promise.all([old('b'), old('c')])
    await b.put('of-the-others', '1')
    await forced.put('own', '1')
    expect(await forced.get('of-the-others')).toBe(undefined)
    expect(await c.get('own')).toBe(undefined)
    expect(['b', 'c']).toContain(c.status().leader)
    expect(warned).toContainEqual(expect.stringMatching(/unreachable.*WRONG_CLUSTER/))
    await Promise.all([forced.close(), b.close(), c.close()])
  })
})

describe('it is refused', () => {
  const force = (dataDir: string, options: OpenOptions = {}) =>
    codeOfAsync(async () => (await open({ ...ALONE, dataDir, forceNewCluster: true, ...options })).close())

  test('where there is no data, or that of another member, or under the old id; and changes nothing', async () => {
    const { closed } = await stoppedMember({ name: 'a' })
    const before = readFileSync(join(closed, 'high-water'))
    expect(await force(join(closed, 'none'))).toBe('NO_DATA')
    expect(await force(closed, { name: 'b', cluster: { b: '127.0.0.1:0' } })).toBe('WRONG_MEMBER')
    expect(readFileSync(join(closed, 'high-water'))).toEqual(before)
    await expect(open({ ...ALONE, cluster: CLUSTER, dataDir: closed, forceNewCluster: true })).rejects.toThrow(
      /no other/,
    )
    const wrong = { forceNewCluster: 'yes' } as unknown as OpenOptions
    await expect(open({ ...ALONE, dataDir: closed, ...wrong })).rejects.toThrow(/true, false or 'with-losses'/)
  })

  test('where the log is damaged, unless losses are accepted; then the state goes on, and can be written to', async () => {
    const { closed } = await stoppedMember({ name: 'a' })
    await withDatabase(closed, 'log', async (database) => {
      const [first = ''] = await database.keys({ lt: 'h', limit: 1 }).all()
      await database.put(first, Buffer.from('damaged'))
    })
    expect(await force(closed)).toBe('DATA_DAMAGED')
    const store = await open({ ...ALONE, dataDir: closed, forceNewCluster: 'with-losses' })
    await store.ready()
    expect((await store.range({ prefix: 'key-' })).count).toBe(5)
    await store.put('more', '1')
    expect(store.status().formerClusters).toMatchObject([{ withLosses: true }])
    await store.close()
  })

  test('where the state is damaged, in any case', async () => {
    const { closed } = await stoppedMember({ name: 'a' })
    await withDatabase(closed, 'state', (database) => database.put('a', Buffer.from('damaged')))
    expect(await force(closed)).toBe('DATA_DAMAGED')
    expect(await force(closed, { forceNewCluster: 'with-losses' })).toBe('DATA_DAMAGED')
  })
})

describe('a crash at any moment', () => {
  let world: RunningWorld | undefined
  afterEach(async () => {
    await world?.halt()
  })

  const settings = settingsOf({ ...ALONE, forceNewCluster: true })

  async function usedDisk(): Promise<{ scheduler: SimScheduler; disk: SimDisk; old: Identity }> {
    world = await RunningWorld.start({ members: ['a'] })
    const store = world.store('a')
    for (let at = 0; at < 5; at++) await store.put(`key-${at}`, 'value')
    const { clusterId, memberId, name } = store.status()
    await world.halt()
    const { disk } = world.place('a')
    world.crash(world.place('a'))
    return { scheduler: world.scheduler, disk, old: { clusterId: Number(clusterId), memberId: Number(memberId), name } }
  }

  test.each<CrashKind>(['process', 'power'])('of the %s leaves the old member or the new one, whole', async (kind) => {
    let { scheduler, disk, old } = await usedDisk()
    const found = new Set<number>()
    for (let events = 1; ; events++) {
      const forcing = forceNewCluster({ disk: disk.mount(), settings, environment: new ManualTime().environment() })
      const done = await within(scheduler, forcing, events)
      if (done) break
      disk.crash(kind)
      let owner: Identity = old
      const look = async (): Promise<void> => {
        owner = readHighWater((await disk.mount().peek('high-water')) ?? new Uint8Array(0), 'x').identity
        const storage = await openStorage(disk.mount(), owner)
        const loaded = await loadState(storage)
        replay(loaded)
        expect(loaded.machine.revision).toBe(6)
        expect(storage.formerClusters).toHaveLength(owner.clusterId === old.clusterId ? 0 : 1)
        await storage.close()
      }
      expect(await within(scheduler, look(), Infinity)).toBe(true)
      expect([old.clusterId, settings.clusterId]).toContain(owner.clusterId)
      found.add(owner.clusterId)
      if (owner.clusterId !== old.clusterId) ({ scheduler, disk, old } = await usedDisk())
    }
    expect(found.size).toBe(2)
  })
})

function onNetwork(network: MemoryNetwork, name: Name): (environment: Environment) => Transport {
  return ({ timers }) => network.transport(CLUSTER[name], timers)
}

function warning(warn: Logger['warn']): Logger {
  const nothing = (): void => undefined
  return { debug: nothing, info: nothing, warn, error: nothing }
}

function idsOf(identity: Identity | undefined) {
  return { clusterId: identity?.clusterId, memberId: identity?.memberId }
}
