/** A forced new cluster of a member whose old cluster had changed its members: nothing of them is left, whatever ends in the middle. */
import { afterEach, describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { leaveFormerCluster } from '../../src/member/leave-former-cluster.js'
import { readHighWater } from '../../src/storage/high-water.js'
import type { Identity } from '../../src/storage/identity.js'
import { openStorage, type Storage } from '../../src/storage/storage.js'
import { forceNewCluster } from '../../src/store/force-new-cluster.js'
import { loadState, replay } from '../../src/store/load-state.js'
import { settingsOf } from '../../src/store/options.js'
import type { CrashKind, SimDisk } from '../../src/testing/sim/sim-disk.js'
import { ManualTime } from '../transport/manual-time.js'
import { GrowingWorld } from './growing-world.js'
import { within } from './within-events.js'

const FORCED = { name: 'b', cluster: { b: 'b' }, clusterToken: 'alone', forceNewCluster: true } as const
const LOADING = { valueCacheBytesMax: 0 }

let world: GrowingWorld | undefined

afterEach(async () => {
  await world?.halt()
})

/** b has joined a; both are gone. Its state is somewhere along its log, with and behind changes of the members. */
async function survivor(): Promise<GrowingWorld> {
  const running = new GrowingWorld(['a', 'b', 'c'])
  world = running
  const a = await running.begin('a', { cluster: { a: 'a' } })
  for (let at = 0; at < 5; at++) await a.put(`before/${at}`, 'x')
  await running.grow(a, 'b', { stateBufferBytesMax: 1_000 })
  for (let at = 0; at < 5; at++) await a.put(`after/${at}`, 'x'.repeat(200))
  await a.cluster.add({ name: 'c', address: 'c', role: 'learner' })
  await a.put('last', 'x')
  await running.agreed()
  expect(running.store('b').status().durableAppliedIndex).toBeLessThan(running.store('b').status().appliedIndex)
  running.kill('a')
  running.kill('b')
  return running
}

describe('a member whose cluster is lost, and had changed its members', () => {
  test('goes on alone with all it holds, and grows again; newcomers learn nothing of the old members', async () => {
    const running = await survivor()
    const b = await running.begin('b', FORCED)
    await b.ready()
    expect((await b.range({ all: true })).count).toBe(11)
    expect(b.status()).toMatchObject({ role: 'leader', promises: 'kept', formerClusters: [{ withLosses: false }] })
    expect((await b.cluster.list()).map(({ name, role }) => [name, role])).toEqual([['b', 'voter']])
    await b.put('of its own', 'x')
    running.kill('b')
    // Once more, with the option and without it.
    for (const options of [FORCED, { ...FORCED, forceNewCluster: false }]) {
      const again = await running.begin('b', options)
      await again.ready()
      expect((await again.range({ all: true })).count).toBe(12)
      running.kill('b')
    }
    const last = await running.begin('b', FORCED)
    running.place('a').disk.wipe()
    await running.grow(last, 'a')
    await running.agreed()
    expect(new Set(running.statuses().map(({ digest }) => digest)).size).toBe(1)
    const { formerClusters } = last.status()
    expect(running.store('a').status().log.firstIndex).toBeGreaterThan(formerClusters[0]?.lastIndex ?? Infinity)
    expect((await running.store('a').cluster.list()).map(({ name }) => name)).toEqual(['a', 'b'])
    running.kill('b')
    const joined = await running.join('b', { join: ['a'] })
    await joined.put('both', 'are there')
  })

  test('is of no use to those that come back, and neither are they to it', async () => {
    const running = await survivor()
    const { disk } = running.place('b')
    const old = disk.copy()
    const b = await running.begin('b', FORCED)
    await b.put('key', 'x')
    running.kill('b')
    const copied = await running.begin('c', { ...FORCED, clusterToken: 'alone too', disk: mounted(running, old) })
    expect(copied.status().clusterId).not.toBe(b.status().clusterId)
    running.kill('c')
    const error: unknown = await running.join('b', { join: ['a'], name: 'a' }).catch((reason: unknown) => reason)
    expect(isStoreError(error, 'WRONG_MEMBER')).toBe(true)
  })
})

describe('a crash at any moment', () => {
  const settings = settingsOf(FORCED)

  const ownerOn = async (disk: SimDisk): Promise<Identity> => {
    const bytes = await disk.mount().peek('high-water')
    return readHighWater(bytes ?? new Uint8Array(0), 'x').identity
  }

  async function whole(disk: SimDisk): Promise<void> {
    await forceNewCluster({ disk: disk.mount(), settings, environment: new ManualTime().environment() })
    const storage = await openStorage(disk.mount(), settings)
    await leaveFormerCluster(storage, LOADING)
    await storage.close()
  }

  async function look(storage: Storage, former: boolean): Promise<void> {
    const loaded = await loadState(storage)
    const { machine, stored } = loaded
    replay(loaded)
    expect(machine.revision).toBe(12)
    const changes = stored.entries.filter(({ kind }) => kind === 'configuration').length
    expect([machine.members !== undefined || changes > 0, storage.log.joined, storage.promises]).toEqual(
      former ? [true, true, 'kept'] : [false, false, 'kept'],
    )
  }

  test.each<CrashKind>(['process', 'power'])(
    'of the %s leaves what becomes the new member, whole, at the next open',
    async (kind) => {
      const { scheduler, ...running } = await survivor().then((each) => ({ scheduler: each.scheduler, each }))
      await running.each.halt()
      const { disk } = running.each.place('b')
      const start = disk.copy()
      const owners = new Set<number>()
      let halfway = 0
      for (let events = 1; ; events++) {
        disk.restore(start)
        const done = await within(scheduler, whole(disk), events)
        disk.crash(kind)
        const finish = async (): Promise<void> => {
          const owner = await ownerOn(disk)
          owners.add(owner.clusterId)
          const storage = await openStorage(disk.mount(), owner)
          if (owner.clusterId !== settings.clusterId) {
            await look(storage, true)
            await storage.close()
            return
          }
          const { lastIndex } = storage.formerClusters[0] ?? { lastIndex: 0 }
          if (storage.log.base.index < lastIndex) halfway++
          await leaveFormerCluster(storage, LOADING)
          await storage.close()
          const again = await openStorage(disk.mount(), owner)
          expect(again.log.base.index).toBe(lastIndex)
          await look(again, false)
          await again.close()
        }
        expect(await within(scheduler, finish(), Infinity)).toBe(true)
        if (done) break
      }
      expect(owners.size).toBe(2)
      expect(halfway).toBeGreaterThan(0)
    },
  )
})

function mounted(running: GrowingWorld, copy: ReturnType<SimDisk['copy']>) {
  const { disk } = running.place('c')
  disk.restore(copy)
  return disk.mount()
}
