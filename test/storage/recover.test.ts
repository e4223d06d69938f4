/**
 * Going on without what is damaged: what stays, what is given up, and that nobody believes in promises that may be lost.
 * The records here are the state's own: the position stands under `a`, and all others must be there.
 */
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import type { LogPosition } from '../../src/raft/types.js'
import { damaged } from '../../src/storage/damage.js'
import type { Disk } from '../../src/storage/disk.js'
import { entryRecordKey } from '../../src/storage/entry-record.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { openStorage, type Storage } from '../../src/storage/storage.js'
import { IDENTITY, entries, quickFolder, write } from './disks.js'
import { copyFolder, fingerprint, flipBit, withDatabase } from './folders.js'

const RECORDS = 8
/** The log holds entries 4 to 24, the state all of entry 12. */
const APPLIED = { index: 12, term: 1 }

let folder: string

async function fill(path: string, identity = IDENTITY): Promise<void> {
  const storage = await openStorage(levelDisk(path), identity)
  for (let record = 0; record < RECORDS; record++) {
    await storage.log.append(write(entries(1 + 3 * record, 3, 1 + (record >> 2), 2000), { vote: 3 }))
  }
  putState(storage, APPLIED)
  await storage.state.commit()
  await storage.log.trim({ index: 4, term: 1 })
  await storage.close()
}

function putState(storage: Storage, applied: LogPosition): void {
  storage.state.set('a', Buffer.from(JSON.stringify(applied)))
  for (const key of ['x', 'y', 'z']) storage.state.set(key, Buffer.alloc(3000, key))
}

interface Found {
  readonly state: 'whole' | 'empty'
  readonly log: string
  readonly promises: 'kept' | 'lost'
  readonly applied: number
}

/** As a member does: loads the state, gives it up where it is damaged, holds it against the log. */
async function start(disk: Disk, recover = true): Promise<{ readonly storage: Storage; readonly found: Found }> {
  const storage = await openStorage(disk, IDENTITY, { recover, incarnationFloor: 1000 })
  try {
    let applied: LogPosition
    try {
      applied = await load(storage)
    } catch (error) {
      if (!isStoreError(error, 'DATA_DAMAGED')) throw error
      await storage.giveUpState(error)
      applied = await load(storage)
    }
    if (!(await storage.meet(applied))) applied = await load(storage)
    const awaiting = applied.index < storage.log.base.index
    const stored = storage.log.storedState(awaiting ? undefined : applied)
    const { base, last, promises } = storage.log
    expect(stored.promisesLost ?? false).toBe(promises === 'lost')
    const found: Found = {
      state: applied.index === 0 ? 'empty' : 'whole',
      log: `${base.index} to ${last.index}`,
      promises,
      applied: stored.applied,
    }
    return { storage, found }
  } catch (error) {
    await storage.close()
    throw error
  }
}

async function load(storage: Storage): Promise<LogPosition> {
  const records = await storage.state.range('', undefined, 10)
  const position = records.find(([key]) => key === 'a')
  if (records.length === 0) return { index: 0, term: 0 }
  if (position === undefined || records.length !== 4) throw damaged('here', 'records of the state are missing')
  return JSON.parse(Buffer.from(position[1]).toString()) as LogPosition
}

async function begin(): Promise<Found & { readonly damage: readonly string[]; readonly incarnation: number }> {
  const { storage, found } = await start(levelDisk(folder))
  const { damage, incarnation } = storage
  await storage.close()
  return { ...found, damage, incarnation }
}

const filesOf = (name: string): string[] => readdirSync(join(folder, name))
const fileOf = (name: string, pattern: RegExp): string =>
  join(folder, name, filesOf(name).find((file) => pattern.test(file)) as string)

beforeEach(async () => {
  folder = quickFolder()
  await fill(folder)
})

const WHOLE: Found = { state: 'whole', log: '3 to 24', promises: 'kept', applied: 12 }
const LOG_LOST: Found = { state: 'whole', log: '12 to 12', promises: 'lost', applied: 12 }
const MARK_LOST: Found = { ...WHOLE, promises: 'lost' }
const STATE_LOST: Found = { state: 'empty', log: '3 to 24', promises: 'kept', applied: 3 }
const ALL_LOST: Found = { state: 'empty', log: '0 to 0', promises: 'lost', applied: 0 }

test('what is whole is left as it is', async () => {
  expect(await begin()).toMatchObject({ ...WHOLE, damage: [] })
  expect(readdirSync(folder)).toEqual(['high-water', 'lock', 'log', 'state'])
})

async function inLog(change: (database: Parameters<Parameters<typeof withDatabase>[2]>[0]) => Promise<void>) {
  await withDatabase(folder, 'log', change)
}

const CASES: readonly (readonly [name: string, damage: () => void | Promise<void>, found: Found, told: RegExp[]])[] = [
  [
    'a hole in the log',
    () => inLog((log) => log.del(entryRecordKey(13))),
    LOG_LOST,
    [/entries 13 to 15 are missing/, /ends at entry 0/],
  ],
  [
    'a log without its end',
    () => inLog((log) => log.del(entryRecordKey(22))),
    LOG_LOST,
    [/its head says 24/, /ends at entry 0/],
  ],
  ['a log without head', () => inLog((log) => log.del('h')), LOG_LOST, [/no head/, /ends at entry 0/]],
  ['a log without owner', () => inLog((log) => log.del('i')), LOG_LOST, [/no identity/, /ends at entry 0/]],
  [
    'a log that does not open',
    () => truncateSync(fileOf('log', /MANIFEST/)),
    LOG_LOST,
    [/log database cannot be opened/, /ends at entry 0/],
  ],
  [
    'a log with an empty CURRENT',
    () => truncateSync(fileOf('log', /CURRENT/)),
    LOG_LOST,
    [/log database cannot be opened/, /ends at entry 0/],
  ],
  [
    'a log without CURRENT',
    () => rmSync(fileOf('log', /CURRENT/)),
    LOG_LOST,
    [/log database cannot be opened/, /ends at entry 0/],
  ],
  [
    'no log at all',
    () => rmSync(join(folder, 'log'), { recursive: true }),
    LOG_LOST,
    [/log database cannot be opened/, /ends at entry 0/],
  ],
  [
    'a folder in the place of CURRENT',
    () => replaceByFolder('log', /CURRENT/),
    LOG_LOST,
    [/log database cannot be opened/, /ends at entry 0/],
  ],
  [
    'a folder in the place of the MANIFEST',
    () => replaceByFolder('log', /MANIFEST/),
    LOG_LOST,
    [/log database cannot be opened/, /ends at entry 0/],
  ],
  [
    'a file in the place of the log',
    () => replaceByFile('log'),
    LOG_LOST,
    [/log database cannot be opened/, /ends at entry 0/],
  ],
  ['no high-water file', () => rmSync(join(folder, 'high-water')), MARK_LOST, [/high-water file is missing/]],
  [
    'an empty high-water file',
    () => truncateSync(join(folder, 'high-water')),
    MARK_LOST,
    [/high-water file cannot be read/],
  ],
  [
    'a folder in the place of the high-water file',
    () => replaceByFolder('', /high-water/),
    MARK_LOST,
    [/high-water file cannot be read/],
  ],
  [
    'a pipe in the place of the high-water file',
    () => replaceByPipe('high-water'),
    MARK_LOST,
    [/high-water file cannot be read/],
  ],
  [
    'a high-water file whose owner is damaged',
    () => flipBit(join(folder, 'high-water'), 30),
    MARK_LOST,
    [/high-water file cannot be read/],
  ],
  [
    'neither log nor high-water file',
    () => remove('log', 'high-water'),
    LOG_LOST,
    [/high-water file is missing/, /ends at entry 0/],
  ],
  [
    'a state that lacks a record',
    () => withDatabase(folder, 'state', (state) => state.del('y')),
    STATE_LOST,
    [/records of the state are missing/],
  ],
  [
    'a state without its position',
    () => withDatabase(folder, 'state', (state) => state.del('a')),
    STATE_LOST,
    [/records of the state are missing/],
  ],
  [
    'a record of the state that is not what was written',
    () => withDatabase(folder, 'state', (state) => state.put('y', Buffer.alloc(50))),
    STATE_LOST,
    [/state record 79 is unreadable/],
  ],
  [
    'a state that does not open',
    () => truncateSync(fileOf('state', /MANIFEST/)),
    STATE_LOST,
    [/state database cannot be opened/],
  ],
  ['no state at all', () => remove('state'), STATE_LOST, [/state database cannot be opened/]],
  ['a file in the place of the state', () => replaceByFile('state'), STATE_LOST, [/state database cannot be opened/]],
  [
    'an older state',
    () => putPosition({ index: 2, term: 1 }),
    STATE_LOST,
    [/the state ends at entry 2, the log begins behind entry 3/],
  ],
  [
    'a log that ends before the state',
    () => putPosition({ index: 30, term: 2 }),
    { ...LOG_LOST, log: '30 to 30', applied: 30 },
    [/the log ends at entry 24, the state has applied entry 30/],
  ],
  [
    'a state of another history',
    () => putPosition({ index: 12, term: 2 }),
    { ...STATE_LOST, promises: 'lost' },
    [/they are not of one history/],
  ],
  ['neither log nor state', () => remove('log', 'state'), ALL_LOST, [/log database/, /state database/]],
  [
    'nothing but the high-water file',
    () => remove('log', 'state', 'lock'),
    ALL_LOST,
    [/log database/, /state database/],
  ],
  [
    'nothing but the state',
    () => remove('log', 'high-water', 'lock'),
    LOG_LOST,
    [/high-water file is missing/, /ends at entry 0/],
  ],
]

function remove(...names: string[]): void {
  for (const name of names) rmSync(join(folder, name), { recursive: true })
}

function replaceByFolder(name: string, pattern: RegExp): void {
  const path = fileOf(name, pattern)
  rmSync(path)
  mkdirSync(path)
}

function replaceByFile(name: string): void {
  remove(name)
  writeFileSync(join(folder, name), 'a file')
}

function replaceByPipe(name: string): void {
  remove(name)
  execFileSync('mkfifo', [join(folder, name)])
}

async function putPosition(applied: LogPosition): Promise<void> {
  const storage = await openStorage(levelDisk(folder), IDENTITY)
  putState(storage, applied)
  await storage.state.commit()
  await storage.close()
}

describe('a member of several goes on', () => {
  test.each(CASES)('with %s', async (_name, damage, expected, told) => {
    await damage()
    const before = contentsOf('')
    const { damage: said, ...found } = await begin()
    expect(found).toMatchObject(expected)
    expect(said).toHaveLength(told.length)
    for (const [at, text] of told.entries()) expect(said[at]).toMatch(text)
    // What was there stays for those who look into it, and nothing else is left over.
    const evidence = contentsOf('damaged')
    for (const [name, content] of Object.entries(evidence)) expect(before[name], name).toBe(content)
    expect(readdirSync(folder).filter((name) => /before-open|\.new|\.old/.test(name))).toEqual([])

    // Until somebody says otherwise, with a write, the same is found.
    const again = await begin()
    expect(again).toMatchObject({ ...expected, damage: [] })
    expect(contentsOf('damaged')).toEqual(evidence)
    expect(again.incarnation).toBeGreaterThan(found.incarnation)
    if (expected.promises === 'lost') expect(found.incarnation).toBeGreaterThan(1000)

    const { storage } = await start(levelDisk(folder))
    const { index } = storage.log.last
    await storage.log.append(write(entries(index + 1, 1, 3)), 'kept')
    await storage.close()
    expect(await begin()).toMatchObject({ promises: 'kept', log: `${storage.log.base.index} to ${index + 1}` })
  })

  test.each(CASES.filter((_case, at) => at % 3 === 0))(
    'alone it is refused, with %s, and nothing is thrown away',
    async (name, damage, expected, told) => {
      await damage()
      for (let attempt = 0; attempt < 2; attempt++) {
        const refused = start(levelDisk(folder), false)
        await expect(refused, name).rejects.toMatchObject({ code: 'DATA_DAMAGED' })
        await expect(refused).rejects.toThrow(told[0])
        await expect(refused).rejects.toThrow(/backup.*quorate snapshot save --skip-log --data-dir/)
      }
      expect(existsSync(join(folder, 'damaged'))).toBe(false)
      // The same with others finds no less than it would have at first.
      expect(await begin()).toMatchObject(expected)
    },
  )
})

/** Of all files of databases and marks below `name`, without modes. */
function contentsOf(name: string): Record<string, string> {
  if (!existsSync(join(folder, name))) return {}
  const files = Object.entries(fingerprint(join(folder, name))).filter(([path]) =>
    /^\/(log|state|high-water)/.test(path),
  )
  const kept = files.filter(([path, found]) => !/LOCK$/.test(path) && !found.endsWith('folder'))
  return Object.fromEntries(kept.map(([path, found]) => [path, found.slice(found.indexOf(' '))]))
}

test('the last damage only is kept', async () => {
  await inLog((log) => log.del('h'))
  await begin()
  expect(contentsOf('damaged')['/high-water']).toBeDefined()
  const first = contentsOf('damaged')
  rmSync(fileOf('log', /CURRENT/))
  await begin()
  expect(contentsOf('damaged')).not.toEqual(first)
  expect(existsSync(join(folder, 'damaged.old'))).toBe(false)
})

test('alone, a state is made anew out of a log that goes back to the beginning', async () => {
  const path = quickFolder()
  let storage = await openStorage(levelDisk(path), IDENTITY)
  await storage.log.append(write(entries(1, 3, 1)))
  putState(storage, { index: 2, term: 1 })
  await storage.state.commit()
  await storage.close()
  await withDatabase(path, 'state', (state) => state.del('x'))
  const { storage: again, found } = await start(levelDisk(path), false)
  expect(found).toEqual({ state: 'empty', log: '0 to 3', promises: 'kept', applied: 0 })
  expect(again.damage).toEqual([expect.stringContaining('records of the state are missing')])
  await again.close()
  rmSync(join(path, 'state'), { recursive: true })
  storage = await openStorage(levelDisk(path), IDENTITY)
  expect(storage.damage).toEqual([expect.stringContaining('the state database cannot be opened')])
  await storage.close()
})

describe('what is readable of another member is refused, damaged or not', () => {
  test.each([
    ['WRONG_MEMBER', { ...IDENTITY, memberId: 9 }],
    ['WRONG_CLUSTER', { ...IDENTITY, clusterId: 9 }],
  ])('%s', async (code, identity) => {
    const other = quickFolder()
    await fill(other, identity)
    for (const damage of [() => undefined, () => rmSync(join(other, 'high-water'))]) {
      damage()
      const before = readdirSync(join(other, 'log'))
      await expect(openStorage(levelDisk(other), IDENTITY, { recover: true })).rejects.toMatchObject({ code })
      expect(readdirSync(join(other, 'log')).some((file) => before.includes(file))).toBe(true)
    }
  })

  test('but a log of another member beside our high-water file is damage', async () => {
    const other = quickFolder()
    await fill(other, { ...IDENTITY, memberId: 9, name: 'other' })
    copyFolder(join(other, 'log'), join(folder, 'log'))
    const found = await begin()
    expect(found).toMatchObject(LOG_LOST)
    expect(found.damage[0]).toMatch(/the log belongs to 'other'/)
  })
})

test('the term and the vote that can be read are kept', async () => {
  await inLog((log) => log.del('h'))
  const { storage } = await start(levelDisk(folder))
  // From the mark.
  expect(storage.log.storedState(APPLIED)).toMatchObject({ hardState: { term: 2, vote: 3 }, promisesLost: true })
  await storage.close()
  truncateSync(join(folder, 'high-water'))
  const again = await start(levelDisk(folder))
  // From the head.
  expect(again.storage.log.storedState(APPLIED)).toMatchObject({ hardState: { term: 2, vote: 3 } })
  await again.storage.close()
})

test.each([1, 2, 3])('slot %s of the high-water file is torn: the others stand, and nothing is lost', async (slot) => {
  flipBit(join(folder, 'high-water'), slot * 4096 + 3)
  expect(await begin()).toMatchObject({ ...WHOLE, damage: [] })
})

test('where neither log nor mark say which of two states was current, neither is believed', async () => {
  const storage = await openStorage(levelDisk(folder), IDENTITY)
  const incoming = await storage.beginIncoming()
  await incoming.finish(['a', Buffer.from('{}')])
  copyFolder(folder, `${folder}-copy`)
  await storage.close()
  copyFolder(`${folder}-copy`, folder)
  remove('log', 'high-water')
  const found = await begin()
  expect(found).toMatchObject(ALL_LOST)
  expect(found.damage).toHaveLength(2)
  expect(found.damage[1]).toMatch(/there are two states/)
  expect(readdirSync(folder)).toEqual(['damaged', 'high-water', 'lock', 'log', 'state'])
})
