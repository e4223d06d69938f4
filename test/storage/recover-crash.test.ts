/**
 * A crash at every point of going on without what is damaged, and of an upgrade: the next open does the rest, and never
 * believes in promises that were lost.
 */
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.js'
import { isStoreError } from '../../src/base/errors.js'
import type { LogPosition, Promises } from '../../src/raft/types.js'
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import type { Disk } from '../../src/storage/disk.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { readHighWater } from '../../src/storage/high-water.js'
import { openStorage, type Storage } from '../../src/storage/storage.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { type CrashKind, SimDisk, type SimDiskCopy } from '../../src/testing/sim/sim-disk.js'
import { IDENTITY, entries, quickFolder, write } from './disks.js'
import { unpackFixture } from './released-directory.js'

const LAST = 9
const NOTHING = { index: 0, term: 0 }
const FLOOR = 1_000_000

interface Found {
  readonly promises: Promises
  readonly applied: number
  readonly base: number
  readonly last: number
  readonly incarnation: number
}

class Rig {
  readonly scheduler = new SimScheduler()
  readonly disk: SimDisk

  constructor(seed: number) {
    this.disk = new SimDisk({ timers: this.scheduler.timersOf(), seed })
  }

  async run<T>(promise: Promise<T>): Promise<T> {
    let ended = false
    const over = (): void => void (ended = true)
    promise.then(over, over)
    await drainMicrotasks()
    await this.scheduler.runUntil(() => ended, Infinity)
    return promise
  }

  /** So many events of `work`; whether that was all of it. */
  async runFor(work: Promise<unknown>, events: number): Promise<boolean> {
    let ended = false
    const over = (): void => void (ended = true)
    work.then(over, over)
    await drainMicrotasks()
    for (let event = 0; !ended && event < events; event++) await this.scheduler.step()
    return ended
  }

  /** Entries 1 to 9, trimmed to 3, and a state at 6, as a crash leaves them. */
  async fill(): Promise<void> {
    const storage = await this.run(openStorage(this.disk.mount(), IDENTITY))
    for (let at = 1; at <= LAST; at++) await this.run(storage.log.append(write(entries(at, 1, 1), { vote: 2 })))
    storage.state.set('a', Buffer.from('6'))
    storage.state.set('x', Buffer.from('y'))
    await this.run(storage.state.commit())
    await this.run(storage.log.trim({ index: 3, term: 1 }))
    await this.run(storage.close())
    this.disk.crash('process')
  }
}

/** As a member starts. */
async function start(disk: Disk): Promise<Found> {
  const storage = await openStorage(disk, IDENTITY, { recover: true, incarnationFloor: FLOOR })
  let applied = await positionOf(storage).catch(async (error: unknown) => {
    if (!isStoreError(error, 'DATA_DAMAGED')) throw error
    await storage.giveUpState(error)
    return NOTHING
  })
  if (!(await storage.meet(applied))) applied = NOTHING
  const { log, promises, incarnation } = storage
  const stored = log.storedState(applied.index < log.base.index ? undefined : applied)
  expect(stored.promisesLost ?? false).toBe(promises === 'lost')
  return { promises, applied: applied.index, base: log.base.index, last: log.last.index, incarnation }
}

async function receiveLater(disk: Disk): Promise<void> {
  const storage = await openStorage(disk, IDENTITY)
  const incoming = await storage.beginIncoming()
  await incoming.write([['x', Buffer.from('y')]])
  await incoming.finish(['a', Buffer.from('50')])
  await storage.install(incoming, { position: { index: 50, term: 1 }, hardState: { term: 1, vote: 2 } })
  await storage.close()
}

async function positionOf(storage: Storage): Promise<LogPosition> {
  const records = await storage.state.range('', undefined, 10)
  if (records.length === 0) return NOTHING
  const [first] = records
  if (records.length !== 2 || first?.[0] !== 'a') throw Object.assign(new Error('damaged'), DAMAGED)
  return { index: Number(Buffer.from(first[1]).toString()), term: 1 }
}

const DAMAGED = { name: 'StoreError', code: 'DATA_DAMAGED' }

/** What is on a disk, to be compared. */
function describeCopy(copy: SimDiskCopy | undefined): string {
  if (copy === undefined) return 'nothing'
  const { log, state } = copy.databases
  const tables = [log, state].map(({ exists, unopenable, tables, files }) => {
    const keys: string[] = []
    for (let pair = tables.next('', true); pair !== undefined; pair = tables.next(pair[0], false)) keys.push(pair[0])
    return [exists, unopenable, keys, files.map(({ writes }) => writes.filter(({ lost }) => !lost).length)]
  })
  return JSON.stringify([tables, copy.highWater && crc32(copy.highWater)])
}

const CASES: readonly (readonly [name: string, damage: (disk: SimDisk) => void, found: Partial<Found>])[] = [
  [
    'a log that does not open',
    (disk) => disk.rot('unopenable', 'log'),
    { promises: 'lost', applied: 6, base: 6, last: 6 },
  ],
  ['a log without its end', (disk) => disk.rot('torn-tail', 'log'), { promises: 'lost', applied: 6 }],
  [
    'no high-water file',
    (disk) => disk.rot('unopenable', 'high-water'),
    { promises: 'lost', applied: 6, base: 3, last: LAST },
  ],
  [
    'neither a high-water file nor a log',
    (disk) => [disk.rot('unopenable', 'high-water'), disk.rot('unopenable', 'log')],
    { promises: 'lost', applied: 6, base: 6, last: 6 },
  ],
  [
    'a state that does not open',
    (disk) => disk.rot('unopenable', 'state'),
    { promises: 'kept', applied: 0, base: 3, last: LAST },
  ],
  [
    'neither a log nor a state',
    (disk) => [disk.rot('unopenable', 'state'), disk.rot('unopenable', 'log')],
    { promises: 'lost', applied: 0, base: 0, last: 0 },
  ],
  ['an older log and mark', (disk) => restoreLog(disk), { promises: 'lost', applied: 6, base: 6, last: 6 }],
  [
    'a log and mark older than a received state, and without the one before it',
    (disk) => exchangeStates(disk, false),
    { promises: 'lost', applied: 0, base: 3, last: LAST },
  ],
  [
    'a log and mark older than a received state, and with the one before it',
    (disk) => exchangeStates(disk, true),
    { promises: 'lost', applied: 6, base: 3, last: LAST },
  ],
]

/** The state that another one was received in the place of, later, is there or not; the other one is. */
function exchangeStates(disk: SimDisk, both: boolean): void {
  const { databases, highWater } = disk.copy()
  if (later === undefined) throw new Error('there is no later copy')
  const state = both ? databases.state : later.databases.state
  disk.restore({ databases: { ...databases, state, 'state-2': later.databases['state-2'] }, highWater })
}

/** Of a member that received a state behind entry 50. */
let later: SimDiskCopy | undefined

let older: SimDiskCopy | undefined

/** The log and the mark of a member that had written nothing yet. */
function restoreLog(disk: SimDisk): void {
  const { databases } = disk.copy()
  if (older === undefined) throw new Error('there is no older copy')
  disk.restore({ databases: { ...databases, log: older.databases.log }, highWater: older.highWater })
}

describe.each(['process', 'power'] as const)(
  'a crash by loss of %s at every point, then one of the other kind',
  (kind) => {
    test.each(CASES)('with %s', async (_name, damage, expected) => {
      const other: CrashKind = kind === 'process' ? 'power' : 'process'
      const seed = 1
      const fresh = new Rig(seed)
      await fresh.run(openStorage(fresh.disk.mount(), IDENTITY))
      older = fresh.disk.copy()
      const receiving = new Rig(seed)
      await receiving.fill()
      await receiving.run(receiveLater(receiving.disk.mount()))
      later = receiving.disk.copy()
      let points = 0
      for (let events = 0; ; events++, points++) {
        const rig = new Rig(seed)
        await rig.fill()
        damage(rig.disk)
        const before = describeCopy(rig.disk.copy())
        const ended = await rig.runFor(start(rig.disk.mount()), events)
        rig.disk.crash(kind)
        // In the middle of the next open too, at one point or another.
        await rig.runFor(start(rig.disk.mount()), events % 11)
        rig.disk.crash(other)
        const found = await rig.run(start(rig.disk.mount()))
        expect(found, `after ${events} events`).toMatchObject(expected)
        if (expected.promises === 'lost') expect(found.incarnation).toBeGreaterThan(FLOOR)
        // What was there before is kept through all of it.
        expect(describeCopy(rig.disk.damaged), `after ${events} events`).toBe(before)
        if (ended) break
      }
      expect(points).toBeGreaterThan(10)
    })
  },
)

test('a crash at every point of the first open leaves a new member', async () => {
  for (const kind of ['process', 'power'] as const) {
    for (let events = 0; ; events++) {
      const rig = new Rig(1)
      const ended = await rig.runFor(openStorage(rig.disk.mount(), IDENTITY), events)
      rig.disk.crash(kind)
      const storage = await rig.run(openStorage(rig.disk.mount(), IDENTITY, { recover: true }))
      expect(storage).toMatchObject({ promises: 'kept', damage: [] })
      expect(storage.incarnation).toBeLessThan(3)
      if (ended) break
    }
  }
})

/** A disk in a folder whose process ends before the operation that changes something for the `nth` time. */
function dying(
  disk: Disk,
  nth: number,
): { readonly mounted: Disk; readonly death: Promise<void>; end(): Promise<void> } {
  const never = new Promise<never>(() => undefined)
  const closers: (() => Promise<void>)[] = [() => disk.release()]
  let count = 0
  let die: () => void = () => undefined
  const death = new Promise<void>((resolve) => (die = resolve))
  const alive = (): boolean => {
    if (count++ < nth) return true
    die()
    return false
  }
  const mounted: Disk = {
    ...{ permanent: true, location: disk.location },
    peek: (name) => disk.peek(name),
    acquire: (options) => disk.acquire(options),
    databases: () => disk.databases(),
    discardDatabase: (name) => disk.discardDatabase(name),
    release: () => disk.release(),
    async openDatabase(name, options) {
      const database = await disk.openDatabase(name, options)
      closers.unshift(() => database.close())
      return new Proxy(database, {
        get(target, property) {
          const value: unknown = Reflect.get(target, property, target)
          if (property !== 'batch') return typeof value === 'function' ? (value.bind(target) as unknown) : value
          return () => {
            const batch = target.batch()
            const writing = batch.write.bind(batch) as (options: object) => Promise<void>
            return Object.assign(batch, { write: (options: object) => (alive() ? writing(options) : never) })
          }
        },
      })
    },
    async openSlotFile(name) {
      const file = await disk.openSlotFile(name)
      closers.unshift(() => file.close())
      return {
        read: () => file.read(),
        create: (content) => (alive() ? file.create(content) : never),
        writeSync: (bytes, offset) => {
          if (alive()) file.writeSync(bytes, offset)
        },
        sync: () => (alive() ? file.sync() : never),
        close: () => file.close(),
      }
    },
  }
  const end = async (): Promise<void> => {
    for (const close of closers) await close()
  }
  return { mounted, death, end }
}

test('an upgrade that ends at any point is done by the next open, whatever it had come to', async () => {
  const formats = new Set<number>()
  let points = 0
  for (let ended = false; !ended; points++) {
    const folder = quickFolder()
    unpackFixture(1, folder)
    const peek = async () => readHighWater((await levelDisk(folder).peek('high-water')) as Uint8Array, folder)
    const { identity, mark } = await peek()
    const { mounted, death, end } = dying(levelDisk(folder), points)
    const opening = openStorage(mounted, identity)
    ended = await Promise.race([opening.then(() => true), death.then(() => false)])
    await end()
    const found = await peek()
    formats.add(found.format)
    expect(found.mark.generation).toBeGreaterThanOrEqual(mark.generation)
    const again = await openStorage(levelDisk(folder), identity)
    expect(again).toMatchObject({ promises: 'kept', used: true })
    expect(again.log.last.index).toBe(mark.lastIndex)
    expect(await again.state.range('', undefined, 1)).toHaveLength(1)
    await again.close()
  }
  expect(points).toBeGreaterThan(3)
  expect([...formats]).toEqual([1, 2])
})
