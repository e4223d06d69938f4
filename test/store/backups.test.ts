/** Scheduled backups: when they are made, which are kept, and what never happens to the files of others. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, onTestFinished, test } from 'vitest'
import { StoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import type { LogFields, Logger } from '../../src/base/logger.js'
import { backupFolder } from '../../src/storage/backup-folder.js'
import { SnapshotEncoder } from '../../src/storage/snapshot-encoder.js'
import { BackupNames } from '../../src/store/backup-name.js'
import type { BackupOptions } from '../../src/store/backup-options.js'
import { Backups } from '../../src/store/backups.js'
import { open } from '../../src/store/open.js'
import { saveSnapshot } from '../../src/store/save-snapshot.js'
import { snapshotStatus } from '../../src/store/snapshot-status.js'
import { ManualTime } from '../transport/manual-time.js'
import { RunningWorld } from './clusters.js'
import { MemoryBackups } from './memory-backups.js'

const HOUR_MS = 3_600_000
const IDENTITY = { name: 'a', clusterId: 11, memberId: 22 }
const NAMES = new BackupNames(IDENTITY)

/** A snapshot of nothing, of whomever. */
function snapshotOf(whose: Partial<typeof IDENTITY> = {}, createdAtMs = 0, revision = 1): Uint8Array {
  const digest = { high: 0, low: 0 }
  const position = { index: 1, term: 1 }
  const header = { ...IDENTITY, ...whose, createdAtMs, position, revision, compactRevision: 0, digest }
  const encoder = new SnapshotEncoder(header)
  return Buffer.concat([encoder.begin(), encoder.end()])
}

class Bench {
  readonly time = new ManualTime()
  readonly logged: string[] = []
  /** By which the wall clock is ahead of the other. */
  wallAheadMs = Date.UTC(2026, 10, 30)
  revision = 1
  stopped = false
  readonly backups: Backups

  constructor(folder: MemoryBackups, settings: { readonly intervalMs?: number; readonly keep?: number } = {}) {
    const environment = this.time.environment(this.#logger())
    const clock = { ...environment.clock, wallMs: () => this.wallMs }
    this.backups = new Backups({
      settings: { folder, intervalMs: HOUR_MS, keep: 3, ...settings },
      identity: IDENTITY,
      environment: { ...environment, clock },
      snapshot: (signal) => this.#pieces(signal),
      stopped: () => this.stopped,
    })
  }

  get wallMs(): number {
    return this.time.clock.monotonicMs() + this.wallAheadMs
  }

  async start(): Promise<this> {
    this.backups.start()
    await settled()
    return this
  }

  async pass(ms: number): Promise<void> {
    this.time.pass(ms)
    await settled()
  }

  async *#pieces(signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
    signal.throwIfAborted()
    yield snapshotOf({}, this.wallMs, this.revision)
    signal.throwIfAborted()
  }

  #logger(): Logger {
    const log = (message: string, fields?: LogFields) => {
      this.logged.push(`${message} ${JSON.stringify(fields)}`)
    }
    return { debug: log, info: log, warn: log, error: log }
  }
}

/** Whatever goes on without time passing has ended. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise<void>((resolve) => void setImmediate(resolve))
}

test('the first comes a minute after the start and not before, then one each interval; they sort by time', async () => {
  const folder = new MemoryBackups()
  const bench = await new Bench(folder).start()
  await bench.pass(LIMITS.backupDelayMs - 1)
  expect(folder.names).toEqual([])
  expect(bench.backups.status).toMatchObject({ folder: 'memory', last: undefined, failedInARow: 0, underWay: false })
  await bench.pass(1)
  expect(folder.names).toEqual(['quorate-20261130T000100000Z-a-22.snapshot'])
  for (bench.revision = 2; bench.revision <= 3; bench.revision++) await bench.pass(HOUR_MS)
  expect([...(await folder.revisions()).values()]).toEqual([1, 2, 3])
  const [name] = folder.names.slice(-1)
  expect(bench.backups.status.last).toEqual({ name, revision: 3, takenAtMs: bench.wallMs })
})

test('as many are kept as was said, the newest ones', async () => {
  const folder = new MemoryBackups()
  const bench = await new Bench(folder, { keep: 2 }).start()
  await bench.pass(LIMITS.backupDelayMs)
  for (bench.revision = 2; bench.revision <= 5; bench.revision++) await bench.pass(HOUR_MS)
  expect([...(await folder.revisions()).values()]).toEqual([4, 5])
})

test('restarts neither put the next one off nor make more of them', async () => {
  const folder = new MemoryBackups()
  const before = await new Bench(folder).start()
  await before.pass(LIMITS.backupDelayMs)
  await before.backups.close()
  const soon = await new Bench(folder).start()
  soon.wallAheadMs = before.wallMs + 10 * 60_000
  expect(soon.backups.status.last).toMatchObject({ name: folder.names[0], revision: 1 })
  await soon.backups.close()
  const bench = new Bench(folder)
  bench.wallAheadMs = before.wallMs + 10 * 60_000
  await bench.start()
  await bench.pass(50 * 60_000 - 1)
  expect(folder.names).toHaveLength(1)
  await bench.pass(1)
  expect(folder.names).toHaveLength(2)
})

test('a wall clock that goes back neither spoils the order nor puts anything off', async () => {
  const folder = new MemoryBackups()
  const before = await new Bench(folder, { keep: 2 }).start()
  await before.pass(LIMITS.backupDelayMs)
  await before.backups.close()
  const bench = new Bench(folder, { keep: 2 })
  bench.wallAheadMs = Date.UTC(2026, 0, 1)
  await bench.start()
  bench.revision = 7
  await bench.pass(HOUR_MS)
  expect([...(await folder.revisions()).values()]).toEqual([1, 7])
  bench.revision = 8
  await bench.pass(HOUR_MS)
  expect([...(await folder.revisions()).values()]).toEqual([7, 8])
})

describe('one that fails', () => {
  test('is logged and told, leaves nothing, and is tried again at the next interval', async () => {
    const folder = new MemoryBackups()
    const bench = await new Bench(folder).start()
    folder.failure = new StoreError('DISK_FAILED', 'no space left')
    await bench.pass(LIMITS.backupDelayMs)
    await bench.pass(HOUR_MS)
    expect(bench.backups.status).toMatchObject({ failedInARow: 2, failure: 'no space left', last: undefined })
    expect(bench.logged.at(-1)).toMatch(/backup failed.*no space left/)
    folder.failure = undefined
    expect(folder.names).toEqual([])
    await bench.pass(HOUR_MS)
    expect(bench.backups.status).toMatchObject({ failedInARow: 0, failure: undefined, last: { revision: 1 } })
  })

  test('because its end fails leaves nothing either, and no older one goes', async () => {
    const folder = new MemoryBackups()
    const bench = await new Bench(folder, { keep: 1 }).start()
    await bench.pass(LIMITS.backupDelayMs)
    const first = folder.names
    folder.beforeEnd = async () => {
      throw new StoreError('DISK_FAILED', 'no space left')
    }
    await bench.pass(HOUR_MS)
    expect(folder.names).toEqual(first)
    expect(bench.backups.status).toMatchObject({ failedInARow: 1, last: { name: first[0] } })
  })
})

test('there are never two at once, however slow one is, and the next is not begun right behind it', async () => {
  const folder = new MemoryBackups()
  const bench = await new Bench(folder).start()
  let end = (): void => undefined
  folder.beforeEnd = () => new Promise((resolve) => (end = resolve))
  await bench.pass(LIMITS.backupDelayMs)
  expect(bench.backups.status.underWay).toBe(true)
  await bench.pass(5 * HOUR_MS)
  end()
  await settled()
  expect(folder.mostAtOnce).toBe(1)
  await bench.pass(HOUR_MS - 1)
  expect(folder.writing).toBe(0)
  await bench.pass(1)
  expect(folder.writing).toBe(1)
  expect(folder.mostAtOnce).toBe(1)
})

describe('the close', () => {
  test('ends one that is under way and removes what it wrote; nothing comes after it', async () => {
    const folder = new MemoryBackups()
    const bench = await new Bench(folder).start()
    bench.time.pass(LIMITS.backupDelayMs)
    expect(bench.backups.status.underWay).toBe(true)
    await bench.backups.close()
    expect(folder.names).toEqual([])
    expect(bench.time.pending).toBe(0)
    expect(bench.backups.status.failedInARow).toBe(0)
  })

  test('does not wait for a folder that hangs', async () => {
    const folder = new MemoryBackups()
    const bench = await new Bench(folder).start()
    folder.beforeEnd = () => new Promise(() => undefined)
    await bench.pass(LIMITS.backupDelayMs)
    const closed = bench.backups.close()
    bench.time.pass(LIMITS.backupEndMsMax)
    await closed
    expect(bench.time.pending).toBe(0)
  })
})

test('a member that stopped itself saves nothing any more', async () => {
  const folder = new MemoryBackups()
  const bench = await new Bench(folder).start()
  bench.stopped = true
  await bench.pass(10 * HOUR_MS)
  expect(folder.names).toEqual([])
  expect(bench.time.pending).toBe(0)
})

test('only what this member made is removed', async () => {
  const folder = new MemoryBackups()
  const at = (day: number): string => NAMES.nameAt(Date.UTC(2020, 0, day))
  const others: readonly (readonly [string, Uint8Array])[] = [
    ['notes.txt', Buffer.from('mine')],
    [at(1), Buffer.from('no snapshot, by the name of one')],
    [at(2), snapshotOf({ memberId: 23 })],
    [at(3), snapshotOf({ clusterId: 12 })],
    [new BackupNames({ name: 'b', memberId: 23 }).nameAt(Date.UTC(2020, 0, 4)), snapshotOf({ memberId: 23 })],
    [`${new BackupNames({ name: 'b', memberId: 23 }).nameAt(0)}.0123abcd.part`, Buffer.from('of another one')],
    [`${at(5)}.part`, Buffer.from('of nobody')],
    [`copy-${at(6)}`, snapshotOf()],
    [`${at(7)}.bak`, snapshotOf()],
    [NAMES.nameAt(0).replace('19700101', '19700231'), snapshotOf()],
  ]
  for (const [name, content] of others) folder.files.set(name, content)
  folder.files.set(at(8), snapshotOf())
  folder.files.set(`${at(9)}.0123abcd.part`, Buffer.from('a draft of this member'))
  const bench = await new Bench(folder, { keep: 1 }).start()
  await bench.pass(LIMITS.backupDelayMs)
  const made = bench.backups.status.last?.name
  expect(folder.names).toEqual([...others.map(([name]) => name), made].sort())
  expect(bench.logged.filter((line) => line.includes('left alone'))).toHaveLength(3)
})

describe('open({ backups })', () => {
  let world: RunningWorld | undefined
  afterEach(async () => {
    await world?.halt()
  })

  test('saves what the member holds, tells of it in status(), and ends with the store', async () => {
    const folders = new Map(['a', 'b', 'c'].map((name) => [name, new MemoryBackups()]))
    world = await RunningWorld.start({
      open: (name) => ({ backups: { folder: folders.get(name) ?? new MemoryBackups(), intervalMs: 2000, keep: 2 } }),
    })
    await world.leader.put('a', '1')
    await world.pass(7000)
    for (const [name, { files, names }] of folders) {
      const { backups } = world.store(name).status()
      expect(backups).toMatchObject({ failedInARow: 0, last: { name: names[1], revision: 2 } })
      expect(names).toHaveLength(2)
      for (const content of files.values()) expect(await snapshotStatus(one(content))).toMatchObject({ name, keys: 1 })
    }
    await world.store('a').close()
    const kept = folders.get('a')?.names
    await world.pass(7000)
    expect(folders.get('a')?.names).toEqual(kept)
  })

  const wrong: readonly (readonly [string, unknown, RegExp])[] = [
    ['no folder', {}, /backups\.dir must be the path/],
    ['an empty path', { dir: '' }, /backups\.dir must be/],
    ['two folders', { dir: 'x', folder: new MemoryBackups() }, /exclude each other/],
    ['a folder that is none', { folder: { list: () => [] } }, /no method write/],
    ['an interval that is too short', { dir: 'x', intervalMs: 999 }, /at least 1000, not 999/],
    ['an interval for ever', { dir: 'x', intervalMs: Infinity }, /not Infinity/],
    ['none to keep', { dir: 'x', keep: 0 }, /at least 1, not 0/],
    ['a part of one to keep', { dir: 'x', keep: 1.5 }, /not 1\.5/],
    ['another name', { dir: 'x', intervall: 5 }, /did you mean intervalMs/],
  ]
  test.each(wrong)('refuses %s', async (_, backups, text) => {
    await expect(open({ backups: backups as BackupOptions })).rejects.toThrow(text)
  })
})

describe('a folder on disk', () => {
  test('that holds the data of a member is refused by open() before anything is made; of one that is not there it only tells', async () => {
    const path = mkdtempSync(join(tmpdir(), 'quorate-backups-'))
    onTestFinished(() => {
      rmSync(path, { recursive: true })
    })
    const dataDir = join(path, 'data')
    writeFileSync(join(path, 'file'), '')
    const within = open({ dataDir, backups: { dir: join(path, 'data/backups') } })
    await expect(within).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await expect(within).rejects.toThrow(/lies in .*data, the data directory of a member/)
    expect(readdirSync(path)).toEqual(['file'])
    for (const [dir, text] of [
      ['none', /folder for backups, .*none, cannot be used.*is there, and that it is mounted/],
      ['file', /folder for backups, .*file, cannot be used/],
    ] as const) {
      const store = await open({ dataDir, backups: { dir: join(path, dir) } })
      expect(store.status().backups?.failure).toMatch(text)
      await store.close()
    }
    const store = await open({ dataDir, backups: { dir: path } })
    await store.ready()
    const saving = saveSnapshot(store, join(dataDir, 'high-water'), { overwrite: true })
    await expect(saving).rejects.toMatchObject({ code: 'ALREADY_EXISTS' })
    await store.close()
  })

  test('takes snapshots for its owner alone, and gives them back', async () => {
    const path = mkdtempSync(join(tmpdir(), 'quorate-backups-'))
    onTestFinished(() => {
      rmSync(path, { recursive: true })
    })
    mkdirSync(join(path, 'folder.snapshot'))
    writeFileSync(join(path, 'other'), 'x')
    const folder = backupFolder(path)
    const name = NAMES.nameAt(0)
    await folder.write(name, one(snapshotOf()), '0123abcd')
    expect((await folder.list()).toSorted()).toEqual(['other', name])
    expect(await folder.header(name)).toMatchObject(IDENTITY)
    await expect(folder.write(name, one(snapshotOf()), '0123abcd')).rejects.toThrow(/is there already/)
    await expect(folder.header('other')).rejects.toThrow(/does not begin as a snapshot/)
    expect(readFileSync(join(path, name))).toEqual(snapshotOf())
    await folder.remove(name)
    await folder.remove(name)
    expect(readdirSync(path).sort()).toEqual(['folder.snapshot', 'other'])
  })

  test('is not made where it is missing', async () => {
    const folder = backupFolder(join(tmpdir(), 'quorate-none', 'backups'))
    await expect(folder.list()).rejects.toThrow(/cannot be read.*mounted/)
    await expect(folder.write('x', one(snapshotOf()), '0')).rejects.toThrow(/cannot be written/)
  })
})

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes
}
