/** A member whose directory is older than what the member has done, or empty: found out by what it proposed since. */
import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import type { SimDisk } from '../../src/testing/sim/sim-disk.js'
import { RunningWorld } from '../store/clusters.js'

const OPEN = { electionTimeoutMs: 300 }
const SHORT = { ...OPEN, stateBufferBytesMax: 1_000, logRetainBytes: 2_000 }

async function write(store: Store, count: number): Promise<void> {
  for (let nth = 0; nth < count; nth++) await store.put(`key ${nth % 7}`, `${nth} ${'x'.repeat(200)}`)
}

/** A follower lives on, twice, after `before`; then its disk is changed by `after`, and it is opened again. */
async function robbed(
  settings: object,
  before: (disk: SimDisk) => void,
  after: (disk: SimDisk) => void,
  anotherLeads = true,
): Promise<{ running: RunningWorld; name: string; failures: string[] }> {
  const failures: string[] = []
  const observe = (event: { readonly type: string; readonly error?: Error }): void => {
    if (event.type === 'failed' && event.error !== undefined) failures.push(event.error.message)
  }
  const running = await RunningWorld.start({ seed: 3, open: () => ({ ...settings, observe }) })
  const { name } = (running.followers[0] as Store).status()
  const place = running.place(name)
  before(place.disk)
  for (let life = 0; life < 2; life++) {
    running.crash(place)
    running.start(place)
    await running.until(() => place.store !== undefined)
    await write(running.store(name), 20)
  }
  running.crash(place)
  after(place.disk)
  // Whoever led meanwhile would know what the member acknowledged.
  if (anotherLeads) await changeLeader(running)
  running.start(place)
  return { running, name, failures }
}

async function changeLeader(running: RunningWorld): Promise<void> {
  const { name } = running.leader.status()
  running.crash(running.place(name))
  running.start(running.place(name))
  await running.until(() => running.statuses().some(({ role }) => role === 'leader'))
}

async function comesBack({ running, name, failures }: Awaited<ReturnType<typeof robbed>>, says: RegExp): Promise<void> {
  const place = running.place(name)
  await running.until(() => failures.length > 0)
  expect(failures).toEqual([expect.stringMatching(says)])
  await place.store?.close().catch(() => undefined)
  running.crash(place)
  running.start(place)
  await running.until(() => place.store?.status().promises === 'lost')
  await running.until(() => place.store?.status().promises === 'kept')
  await write(running.store(name), 5)
  expect((await running.store(name).get('key 6'))?.text()).toBe((await running.leader.get('key 6'))?.text())
  expect(failures).toHaveLength(1)
  await running.halt()
}

describe('a member', () => {
  test('that is given an older copy of its directory stops, and comes back without its promises', async () => {
    let copy: ReturnType<SimDisk['copy']> | undefined
    const found = await robbed(
      OPEN,
      (disk) => {
        copy = disk.copy()
      },
      (disk) => {
        if (copy !== undefined) disk.restore(copy)
      },
    )
    await comesBack(found, /is an older copy: this member was started again since/)
  })

  test('that is started on an empty directory under a name which the cluster knows stops, and comes back without its promises', async () => {
    const found = await robbed(
      OPEN,
      () => undefined,
      (disk) => {
        disk.wipe()
      },
    )
    await comesBack(found, /is new, but this member was started before/)
  })

  test('of which its leader knows that it had more stops, and comes back without its promises', async () => {
    const found = await robbed(
      OPEN,
      () => undefined,
      (disk) => {
        disk.wipe()
      },
      false,
    )
    await comesBack(found, /its leader knows that it acknowledged entry \d+/)
  })

  test('finds it out by the state that it is given, too', async () => {
    const found = await robbed(
      SHORT,
      () => undefined,
      (disk) => {
        disk.wipe()
      },
    )
    await comesBack(found, /is new, but this member was started before/)
  })

  test('that is told of its loss comes back from an empty directory without being counted before', async () => {
    const settings = { ...SHORT, rejoin: false }
    const { running, name, failures } = await robbed(
      settings,
      () => undefined,
      (disk) => {
        disk.wipe()
        settings.rejoin = true
      },
    )
    const place = running.place(name)
    await running.until(() => place.store?.status().promises === 'lost')
    await running.until(() => place.store?.status().promises === 'kept')
    expect((await running.store(name).get('key 6'))?.text()).toBe((await running.leader.get('key 6'))?.text())
    expect(failures).toEqual([])
    await running.halt()
  })

  test('that only crashed is none of these', async () => {
    const { running, name, failures } = await robbed(
      OPEN,
      () => undefined,
      () => undefined,
    )
    await running.until(() => running.place(name).store !== undefined)
    await write(running.store(name), 20)
    expect(failures).toEqual([])
    await running.halt()
  })
})
