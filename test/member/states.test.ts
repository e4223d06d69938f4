/** Members that get a state from another one: since they were away for too long, or since their own is damaged. */
import { afterEach, describe, expect, test } from 'vitest'
import { compare, put } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import type { MemberEvent } from '../../src/member/event.js'
import { Checkers } from '../../src/testing/checkers/checkers.js'
import type { DiskPart, Rot } from '../../src/testing/sim/sim-disk.js'
import type { WorldOptions } from '../../src/testing/sim/world.js'
import { RunningWorld } from '../store/clusters.js'

/** The log is trimmed soon, and the state written often. */
const SHORT = { stateBufferBytesMax: 1_000, logRetainBytes: 2_000, electionTimeoutMs: 300 }

interface Cluster {
  readonly running: RunningWorld
  readonly checkers: Checkers
  readonly events: { readonly name: string; readonly event: MemberEvent }[]
}

const checked: Checkers[] = []

afterEach(() => {
  for (const checkers of checked.splice(0)) checkers.check()
})

async function cluster(options: Partial<WorldOptions> = {}, settings: object = SHORT): Promise<Cluster> {
  const checkers = new Checkers()
  checked.push(checkers)
  const events: Cluster['events'] = []
  const open = (name: string) => {
    const check = checkers.observer(name)
    return {
      ...settings,
      observe: (event: MemberEvent) => {
        events.push({ name, event })
        check(event)
      },
    }
  }
  const running = await RunningWorld.start({ ...options, open })
  return { running, checkers, events }
}

const VALUE = 'x'.repeat(200)

async function write(store: Store, count: number, from = 0): Promise<void> {
  for (let nth = from; nth < from + count; nth++) await store.put(`key ${nth % 11}`, `${nth} ${VALUE}`)
}

async function alike(running: RunningWorld): Promise<void> {
  await running.until(() => {
    const statuses = running.statuses()
    if (statuses.length < running.places.length) return false
    return new Set(statuses.map(({ appliedIndex, digest }) => `${appliedIndex} ${digest}`)).size === 1
  })
}

/** What LevelDB has in its log it has in memory too; in tables it is after the next open. */
async function intoTables({ running }: Cluster, name: string): Promise<void> {
  const place = running.place(name)
  await place.store?.close()
  running.crash(place)
  running.start(place)
  await running.until(() => running.statuses().some(({ role }) => role === 'leader'))
  await alike(running)
}

function rotState({ running, checkers }: Cluster, name: string): void {
  checkers.diskChanged(name, 'damaged')
  for (let nth = 0; nth < 60; nth++) expect(running.place(name).disk.rot('bit-flip', 'state')).toBe(true)
}

function crashAndRot({ running, checkers }: Cluster, name: string, rot: Rot, part: DiskPart): void {
  const place = running.place(name)
  running.crash(place)
  checkers.diskChanged(name, 'damaged')
  expect(place.disk.rot(rot, part)).toBe(true)
}

const nameOf = (store: Store | undefined): string => (store as Store).status().name

const firstPiece = (store: Store) => store.maintenance.snapshot()[Symbol.asyncIterator]().next()

describe('a member that was away for longer than the log goes back', () => {
  test('gets a snapshot, goes on behind it, and its watches miss nothing', async () => {
    const { running, events } = await cluster()
    const { leader } = running
    const [away] = running.followers as [Store]
    const revisions: number[] = []
    const watching = (async () => {
      for await (const { revision } of away.watch({ all: true })) if (revisions.push(revision) === 80) return
    })()
    await write(leader, 20)
    running.isolate(nameOf(away))
    const waiting = away.put('from the one that is away', 'x', { timeoutMs: 600_000 })
    await write(leader, 40, 20)
    running.network.healAll()
    await running.until(() => leader.status().outrun.length > 0)
    await running.until(() => leader.status().outrun.length === 0)
    await write(away, 20, 60)
    expect((await away.get('key 0'))?.text()).toBe((await leader.get('key 0'))?.text())
    await waiting
    await watching
    expect(revisions).toEqual(Array.from({ length: 80 }, (_, at) => at + 2))
    expect(events.filter(({ event }) => event.type === 'state-adopted').map(({ name }) => name)).toEqual([nameOf(away)])
    await alike(running)
  })

  test('gets it over a bad network, in many pieces, whoever crashes meanwhile', async () => {
    for (const seed of [1, 2, 3]) {
      const { running, events } = await cluster({
        seed,
        buggify: () => (point) => point === 'transfer-small-pieces' || point === 'transfer-pulled-twice',
      })
      const [away] = running.followers as [Store]
      const { name } = away.status()
      running.isolate(name)
      await write(running.leader, 40)
      running.network.healAll()
      running.network.setFaults({ lossPerMillion: 100_000, duplicatePerMillion: 200_000, reorderPerMillion: 200_000 })
      await running.until(() => running.leader.status().outrun.length > 0)
      await running.pass(10 * seed)
      const gone = running.place(seed === 1 ? name : nameOf(running.leader))
      running.crash(gone, 'power')
      await running.pass(20)
      running.start(gone)
      running.network.setFaults({ lossPerMillion: 0, duplicatePerMillion: 0, reorderPerMillion: 0 })
      await alike(running)
      expect(events.some((each) => each.event.type === 'state-adopted' && each.name === name)).toBe(true)
      await write(running.store(name), 3)
    }
  })

  test('needs one only, however much is written meanwhile: the log behind it is kept until it has it', async () => {
    const { running, events } = await cluster({ buggify: () => (point) => point === 'transfer-small-pieces' })
    const { leader } = running
    const [away] = running.followers as [Store]
    running.isolate(nameOf(away))
    await write(leader, 40)
    running.network.healAll()
    await running.until(() => leader.status().outrun.length > 0)
    running.network.setFaults({ lossPerMillion: 150_000 })
    const trims = leader.status().logTrims
    let written = 40
    while (leader.status().outrun.length > 0 && written < 1_500) {
      await Promise.all(Array.from({ length: 20 }, () => write(leader, 1, written++)))
    }
    running.network.setFaults({ lossPerMillion: 0 })
    expect(leader.status().outrun).toEqual([])
    expect(written).toBeGreaterThan(100)
    await write(leader, 40, written)
    await alike(running)
    expect(events.filter(({ event }) => event.type === 'state-adopted')).toHaveLength(1)
    expect(leader.status().logTrims).toBeGreaterThan(trims)
  })

  test('is told COMPACTED where the history that a watch needs is gone', async () => {
    const { running } = await cluster()
    const { leader } = running
    const [away] = running.followers as [Store]
    const watch = away.watch({ all: true })
    running.isolate(nameOf(away))
    await write(leader, 40)
    await leader.compact(leader.status().revision)
    await write(leader, 30)
    running.network.healAll()
    await expect(watch[Symbol.asyncIterator]().next()).rejects.toMatchObject({ code: 'COMPACTED' })
    await alike(running)
  })

  test('of whose write the state has the outcome is told that it is unknown, at once', async () => {
    const { running } = await cluster()
    const [away] = running.followers as [Store]
    const name = nameOf(away)
    const leader = nameOf(running.leader)
    // What it proposes arrives, and nothing comes back.
    for (const { name: other } of running.places) if (other !== name) running.network.cutOneWay(other, name)
    const proposed = away.put('mine', '1', { timeoutMs: 600_000 }).catch((error: unknown) => error)
    await running.until(() => running.store(leader).status().revision > 1)
    for (const { name: other } of running.places) if (other !== name) running.network.cut(other, name)
    await running.until(() => running.statuses().some(({ role }) => role === 'leader'))
    await write(running.leader, 40)
    running.network.healAll()
    expect(await proposed).toMatchObject({ code: 'STATE_REPLACED', outcome: 'unknown' })
    expect((await away.get('mine'))?.text()).toBe('1')
  })
})

describe('a member whose disk rotted while it was down', () => {
  test.each([
    ['torn-tail', 'log'],
    ['unopenable', 'log'],
    ['unopenable', 'high-water'],
  ] as const)('%s of the %s: goes on without promises until it has caught up', async (rot, part) => {
    const group = await cluster()
    const { running } = group
    await write(running.leader, 30)
    const name = nameOf(running.followers[0])
    crashAndRot(group, name, rot, part)
    await write(running.leader, 10)
    running.start(running.place(name))
    await running.until(() => running.place(name).store?.status().promises === 'lost')
    expect(running.store(name).status().damage.length).toBeGreaterThan(0)
    await running.until(() => running.store(name).status().promises === 'kept')
    await alike(running)
    // And it counts: with one of the others away it is needed for a majority.
    const other = running.followers.find((store) => nameOf(store) !== name) as Store
    running.crash(running.place(nameOf(other)))
    await write(running.leader, 3)
  })

  test('its state: keeps its promises, shows nothing, and gets another state', async () => {
    const group = await cluster()
    const { running, events } = group
    await write(running.leader, 40)
    await alike(running)
    const name = nameOf(running.followers[0])
    crashAndRot(group, name, 'unopenable', 'state')
    running.isolate(name)
    running.start(running.place(name))
    await running.until(() => running.place(name).store !== undefined)
    const store = running.store(name)
    expect(store.status()).toMatchObject({ promises: 'kept', awaitsState: true })
    expect(() => store.watch('key 1')).toThrow(/waits for another one/)
    const watched = [store, store.as('anonymous')].map(async (handle) => {
      const revisions: number[] = []
      for await (const { revision } of handle.watch({ all: true }, { startRevision: 2 })) {
        if (revisions.push(revision) === 40) break
      }
      return revisions
    })
    await expect(firstPiece(store)).rejects.toMatchObject({ code: 'STATE_REPLACED' })
    const local = store.get('key 1', { consistency: 'local', timeoutMs: 60_000 })
    running.network.healAll()
    expect((await local)?.text()).toBe((await running.leader.get('key 1'))?.text())
    const all = Array.from({ length: 40 }, (_, at) => at + 2)
    expect(await Promise.all(watched)).toEqual([all, all])
    expect(store.status()).toMatchObject({ awaitsState: false })
    const installed = events.filter(({ event }) => event.type === 'state-install-begun').map(({ event }) => event)
    expect(installed).toMatchObject([{ log: 'stays' }])
    await alike(running)
  })

  test('its state, where the log goes back to its beginning: brings it back from that', async () => {
    const group = await cluster({}, { electionTimeoutMs: 300, stateBufferBytesMax: 2_000 })
    const { running, events } = group
    await write(running.leader, 30)
    const name = nameOf(running.followers[0])
    crashAndRot(group, name, 'unopenable', 'state')
    running.start(running.place(name))
    await running.until(() => running.place(name).store !== undefined)
    expect(running.store(name).status()).toMatchObject({ promises: 'kept', awaitsState: false })
    await alike(running)
    expect(events.some(({ event }) => event.type === 'state-adopted')).toBe(false)
  })

  test('its log: shows what it has before it has caught up', async () => {
    const group = await cluster()
    const { running } = group
    await write(running.leader, 40)
    const name = nameOf(running.followers[0])
    await intoTables(group, name)
    const before = (await running.leader.get('key 1'))?.text()
    crashAndRot(group, name, 'unopenable', 'log')
    running.isolate(name)
    running.start(running.place(name))
    await running.until(() => running.place(name).store !== undefined)
    const store = running.store(name)
    expect(store.status()).toMatchObject({ promises: 'lost', awaitsState: false })
    expect((await store.get('key 1', { consistency: 'local' }))?.text()).toBe(before)
    running.network.healAll()
    await alike(running)
  })

  test('both, while the others have the whole log: shows nothing before it has caught up, also after restarts', async () => {
    // One entry at a time.
    const buggify = () => (point: string) => point === 'append-of-one' || point === 'inflight-of-one'
    const group = await cluster({ buggify }, { electionTimeoutMs: 300, stateBufferBytesMax: 2_000 })
    const { running, events } = group
    await write(running.leader, 30)
    const name = nameOf(running.followers[0])
    crashAndRot(group, name, 'unopenable', 'state')
    expect(running.place(name).disk.rot('unopenable', 'log')).toBe(true)
    const place = running.place(name)
    const open = async (): Promise<Store> => {
      running.start(place)
      await running.until(() => place.store !== undefined)
      expect(place.store?.status()).toMatchObject({ awaitsState: true })
      return running.store(name)
    }
    running.isolate(name)
    let store = await open()
    await expect(store.get('key 1', { consistency: 'local', timeoutMs: 500 })).rejects.toMatchObject({
      code: 'TIMEOUT',
    })
    expect(() => store.watch('key 1')).toThrow(/before it has caught up/)
    // It is stopped in the middle: now there is something, and it is not all.
    running.network.healAll()
    await running.until(() => (place.store?.status().durableAppliedIndex ?? 0) > 0)
    running.crash(place)
    running.isolate(name)
    store = await open()
    expect(store.status().appliedIndex).toBeGreaterThan(0)
    const last = store.watch({ all: true }, { startRevision: 31 })[Symbol.asyncIterator]().next()
    const local = store.get('key 1', { consistency: 'local', timeoutMs: 60_000 })
    running.network.healAll()
    expect((await local)?.text()).toBe((await running.leader.get('key 1'))?.text())
    expect((await last).value).toMatchObject({ revision: 31, key: 'key 7' })
    await write(running.leader, 1)
    await alike(running)
    expect(events.some(({ event }) => event.type === 'state-adopted')).toBe(false)
    // That it has caught up is known from here on.
    running.crash(place)
    running.isolate(name)
    running.start(place)
    await running.until(() => place.store !== undefined)
    expect(running.store(name).status()).toMatchObject({ promises: 'kept', awaitsState: false })
    running.network.healAll()
    await alike(running)
  })

  test('both: begins with nothing, and comes back', async () => {
    const group = await cluster()
    const { running } = group
    await write(running.leader, 40)
    const name = nameOf(running.followers[0])
    crashAndRot(group, name, 'unopenable', 'state')
    expect(running.place(name).disk.rot('unopenable', 'log')).toBe(true)
    running.start(running.place(name))
    await alike(running)
    expect(running.store(name).status()).toMatchObject({ promises: 'kept', awaitsState: false })
  })

  test('is not led by: what it is elected to it hands over', async () => {
    const group = await cluster()
    const { running } = group
    await write(running.leader, 40)
    const name = nameOf(running.followers[0])
    crashAndRot(group, name, 'unopenable', 'state')
    const others = running.places.filter((place) => place.name !== name)
    for (const place of others) running.crash(place)
    running.start(running.place(name))
    await running.until(() => running.place(name).store !== undefined)
    for (const place of others) running.start(place)
    await alike(running)
    expect(running.store(name).status().awaitsState).toBe(false)
    await write(running.store(name), 3)
  })
})

describe('a record that goes bad under a running member', () => {
  /** Reads of everything find it. */
  const readAll = (store: Store) => store.range({ all: true }, { consistency: 'local', timeoutMs: 60_000 })

  /** What it holds in memory it would not read again. */
  const NO_CACHE = { ...SHORT, valueCacheBytesMax: 0 }

  test.each(['follower', 'leader'] as const)(
    'of a %s is replaced, and whoever read it gets its answer',
    async (role) => {
      const group = await cluster({}, NO_CACHE)
      const { running, events } = group
      await write(running.leader, 30)
      for (const { name } of running.places) await intoTables(group, name)
      const store = role === 'leader' ? running.leader : (running.followers[0] as Store)
      const { name } = store.status()
      rotState(group, name)
      const hash = await store.maintenance.hash({ timeoutMs: 60_000 })
      expect(events.filter(({ event }) => event.type === 'state-adopted').map((each) => each.name)).toEqual([name])
      expect(hash.hash).toBe((await running.leader.maintenance.hash({ revision: hash.revision })).hash)
      const { items } = await readAll(store)
      expect(items.map(({ value }) => value)).toEqual((await readAll(running.leader)).items.map(({ value }) => value))
      await write(store, 3)
      await alike(running)
    },
  )

  test('keeps snapshots of it from being taken until it is replaced', async () => {
    const group = await cluster({}, NO_CACHE)
    const { running } = group
    await write(running.leader, 30)
    const store = running.followers[0] as Store
    const name = nameOf(store)
    await intoTables(group, name)
    rotState(group, name)
    running.isolate(name)
    const reading = readAll(running.store(name))
    await running.until(() => running.store(name).status().awaitsState)
    await expect(firstPiece(running.store(name))).rejects.toMatchObject({ code: 'STATE_REPLACED' })
    running.network.healAll()
    await reading
    expect(await firstPiece(running.store(name))).toMatchObject({ done: false })
  })

  test('that is gone is not passed over by a watch that reads history', async () => {
    const group = await cluster({}, NO_CACHE)
    const { running, checkers, events } = group
    await write(running.leader, 30)
    const name = nameOf(running.followers[0])
    await intoTables(group, name)
    checkers.diskChanged(name, 'damaged')
    for (let nth = 0; nth < 5; nth++) expect(running.place(name).disk.rot('hole', 'state')).toBe(true)
    const revisions: number[] = []
    for await (const { revision } of running.store(name).watch({ all: true }, { startRevision: 1 })) {
      if (revisions.push(revision) === 30) break
    }
    expect(revisions).toEqual(Array.from({ length: 30 }, (_, at) => at + 2))
    expect(events.some(({ event }) => event.type === 'state-adopted')).toBe(true)
    await alike(running)
  })

  test('that is gone is not passed over by a watch that reads history from the compact revision on', async () => {
    const group = await cluster({}, NO_CACHE)
    const { running, checkers, events } = group
    await write(running.leader, 5)
    const keys = Array.from({ length: 40 }, (_, nth) => `of one ${nth}`)
    const { revision } = await running.leader.txn({ success: keys.map((key) => put(key, VALUE)) })
    await running.leader.compact(revision)
    const name = nameOf(running.followers[0])
    await intoTables(group, name)
    checkers.diskChanged(name, 'damaged')
    for (let nth = 0; nth < 5; nth++) expect(running.place(name).disk.rot('hole', 'state')).toBe(true)
    const told: string[] = []
    for await (const event of running.store(name).watch({ all: true }, { startRevision: revision })) {
      expect(event.revision).toBe(revision)
      if (told.push(event.key) === keys.length) break
    }
    expect(told).toEqual(keys)
    expect(events.some(({ event }) => event.type === 'state-adopted')).toBe(true)
    await alike(running)
  })

  test('that is gone is not taken for compacted by a watch that shows what was replaced', async () => {
    const group = await cluster({}, NO_CACHE)
    const { running, checkers, events } = group
    await write(running.leader, 30)
    const name = nameOf(running.followers[0])
    await intoTables(group, name)
    checkers.diskChanged(name, 'damaged')
    for (let nth = 0; nth < 5; nth++) expect(running.place(name).disk.rot('hole', 'state')).toBe(true)
    const replaced: (string | undefined)[] = []
    const watch = running.store(name).watch({ all: true }, { startRevision: 32, previous: true })
    const watching = (async () => {
      for await (const { previous } of watch) if (replaced.push(previous?.text()) === 11) return
    })()
    await write(running.leader, 11, 30)
    await watching
    expect(replaced).toEqual(Array.from({ length: 11 }, (_, nth) => `${nth + 19} ${VALUE}`))
    expect(events.some(({ event }) => event.type === 'state-adopted')).toBe(true)
    await alike(running)
  })

  test('that an entry needs stops applying, not the member', async () => {
    const group = await cluster({}, NO_CACHE)
    const { running, events } = group
    await write(running.leader, 30)
    const name = nameOf(running.followers[0])
    await intoTables(group, name)
    rotState(group, name)
    for (let nth = 0; nth < 11; nth++) {
      await running.leader.txn({ compare: [compare(`key ${nth}`).value('=', 'y')], success: [put('never', '1')] })
    }
    await alike(running)
    expect(events.filter(({ event }) => event.type === 'state-adopted').map((each) => each.name)).toEqual([name])
  })

  test('of a member that is alone fails the reads that need it, and nothing is changed any more', async () => {
    const group = await cluster({ members: ['a'] }, NO_CACHE)
    const { running } = group
    await write(running.leader, 30)
    await intoTables(group, 'a')
    const store = running.leader
    rotState(group, 'a')
    await store.put('before', 'value')
    await expect(store.maintenance.hash()).rejects.toMatchObject({ code: 'DATA_DAMAGED' })
    await store.maintenance.check()
    expect(store.status().alarms).toMatchObject([{ alarm: 'corrupt' }])
    await expect(store.put('fresh', 'value')).rejects.toMatchObject({ code: 'CORRUPT' })
    expect((await store.get('before'))?.text()).toBe('value')
    // For whoever has saved what there was, and accepts what comes.
    await store.maintenance.disarm({ alarm: 'corrupt' })
    await store.put('fresh', 'value')
    expect((await store.get('fresh'))?.text()).toBe('value')
  })
})
