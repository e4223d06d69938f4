/** A disk made of databases that others bring: what is asked of them, and what is refused. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ClassicLevel } from 'classic-level'
import { MemoryLevel } from 'memory-level'
import { describe, expect, test } from 'vitest'
import {
  abstractLevelDisk,
  type AbstractLevelDiskOptions,
  type DatabaseOrder,
} from '../../src/storage/abstract-level-disk.js'
import type { AnyLevel } from '../../src/storage/any-level.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { openStorage } from '../../src/storage/storage.js'
import { open } from '../../src/store/open.js'
import { diskConformance } from '../../src/testing/conformance/disk.js'
import { entries, IDENTITY, temporaryFolder, write } from './disks.js'

const classic = ({ location, options }: DatabaseOrder) => new ClassicLevel<string, Uint8Array>(location, options)
const memory = ({ options }: DatabaseOrder) =>
  new MemoryLevel<string, Uint8Array>({ ...options, storeEncoding: 'buffer' })

/** The same database, with another manifest. */
function saying(supports: object, level: MemoryLevel<string, Uint8Array>): AnyLevel {
  return new Proxy(level, {
    get(target, name) {
      if (name === 'supports') return { ...level.supports, ...supports }
      const value: unknown = Reflect.get(target, name, target)
      return typeof value === 'function' ? (value as () => unknown).bind(target) : value
    },
  })
}

const brought = (options: Partial<AbstractLevelDiskOptions<AnyLevel>> = {}) =>
  abstractLevelDisk<AnyLevel>({ name: 'mine', database: memory, ...options })

describe('memory-level, brought as a store of others and read from memory', () => {
  diskConformance({
    test,
    harness: () => {
      const disk = brought({ readSync: 'memory' })
      return { disk: () => disk }
    },
  })
})

describe('a store is refused', () => {
  const refused = async (options: Partial<AbstractLevelDiskOptions<AnyLevel>>): Promise<string> => {
    const error: unknown = await open({ disk: brought(options) }).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(TypeError)
    return (error as Error).message
  }

  test('that forgets, where a folder is given', async () => {
    expect(await refused({ dataDir: temporaryFolder() })).toMatch(/forgets.*Leave dataDir out/s)
  })

  test('that has no snapshots', async () => {
    const without = { implicitSnapshots: false, snapshots: false }
    expect(await refused({ database: (order) => saying(without, memory(order)) })).toMatch(/no snapshots/)
  })

  test('that cannot be read without waiting, and nothing is said how', async () => {
    expect(await refused({ database: (order) => saying({ getSync: false }, memory(order)) })).toMatch(/readSync/)
  })

  test('that holds text only', async () => {
    const text = ({ options }: DatabaseOrder) =>
      new MemoryLevel<string, Uint8Array>({ ...options, storeEncoding: 'utf8' })
    expect(await refused({ database: text })).toMatch(/text only/)
  })

  test('that is no database, or holds records already', async () => {
    expect(await refused({ database: () => ({}) as AnyLevel })).toMatch(/no abstract-level database/)
    const used = new MemoryLevel<string, Uint8Array>({
      keyEncoding: 'utf8',
      valueEncoding: 'view',
      storeEncoding: 'buffer',
    })
    await used.put('key', new Uint8Array(1))
    expect(await refused({ database: () => used })).toMatch(/holds records already/)
  })

  test('in a cluster of several, if it forgets and that is not said', async () => {
    const cluster = { a: '127.0.0.1:1', b: '127.0.0.1:2' }
    await expect(open({ name: 'a', cluster, disk: brought() })).rejects.toThrow(/durability: 'none'/)
    await (await open({ name: 'a', cluster, disk: brought(), durability: 'none' })).close()
  })

  test.each([
    ['without a name', { name: '' }],
    ['without a way to make databases', { database: undefined }],
    ['with a way to read that is none', { readSync: 'disk' }],
  ])('%s', (_what, wrong) => {
    expect(() => brought(wrong as never)).toThrow(TypeError)
  })
})

describe('a directory', () => {
  const fill = async (disk: ReturnType<typeof brought>): Promise<void> => {
    const storage = await openStorage(disk, IDENTITY)
    await storage.log.append(write(entries(1, 1, 1)))
    await storage.close()
  }

  test('does not open with another store than it was made with, and stays as it is', async () => {
    const dataDir = temporaryFolder()
    await fill(abstractLevelDisk({ name: 'mine', dataDir, database: classic }))
    const before = readdirSync(dataDir, { recursive: true })
    const other = abstractLevelDisk({ name: 'other', dataDir, database: classic })
    await expect(openStorage(other, IDENTITY)).rejects.toThrow(/the store 'mine'/)
    await expect(openStorage(levelDisk(dataDir), IDENTITY)).rejects.toThrow(/the store 'mine'.*classic-level/)
    expect(readdirSync(dataDir, { recursive: true })).toEqual(before)
    await fill(abstractLevelDisk({ name: 'mine', dataDir, database: classic })).catch((error: unknown) => {
      // The entry is there already.
      expect(String(error)).toContain('entry')
    })
  })

  test('of classic-level does not open with a store of others', async () => {
    const dataDir = temporaryFolder()
    await fill(levelDisk(dataDir))
    const other = abstractLevelDisk({ name: 'mine', dataDir, database: classic })
    await expect(openStorage(other, IDENTITY)).rejects.toThrow(/classic-level.*'mine'/)
  })

  test('holds the databases that were made, and not what was discarded, whole or half', async () => {
    const dataDir = temporaryFolder()
    const removed: string[] = []
    const disk = abstractLevelDisk({
      name: 'mine',
      dataDir,
      database: classic,
      remove: async (name) => void removed.push(name),
    })
    await disk.acquire({ create: true })
    expect(await disk.databases()).toEqual([])
    const state = await disk.openDatabase('state', { create: true })
    await state.batch().put('key', new Uint8Array(1)).write({})
    await state.close()
    expect(await disk.databases()).toEqual(['state'])
    await disk.discardDatabase('state')
    await disk.discardDatabase('log')
    expect(await disk.databases()).toEqual([])
    expect(removed).toEqual(['state', 'log'])
    const anew = await disk.openDatabase('state', { create: true })
    expect(await anew.keys({}).all()).toEqual([])
    await anew.close()
    await disk.release()
    mkdirSync(join(dataDir, 'log.discarded'))
    await disk.acquire({ create: false })
    expect(readdirSync(dataDir)).not.toContain('log.discarded')
    await disk.release()
  })

  test('from which a database is gone is damaged', async () => {
    const dataDir = temporaryFolder()
    const disk = () => abstractLevelDisk({ name: 'mine', dataDir, database: classic })
    await (await open({ disk: disk() })).close()
    const opened = disk()
    await opened.acquire({ create: false })
    await expect(opened.openDatabase('state-2', { create: false })).rejects.toMatchObject({
      code: 'DATA_DAMAGED',
    })
    await opened.release()
  })

  test('is locked while it is open, also where its lock was damaged', async () => {
    const dataDir = temporaryFolder()
    mkdirSync(join(dataDir, 'lock'), { recursive: true })
    writeFileSync(join(dataDir, 'lock', 'CURRENT'), 'nothing of LevelDB')
    const disk = () => abstractLevelDisk({ name: 'mine', dataDir, database: classic })
    const store = await open({ disk: disk() })
    await expect(open({ disk: disk() })).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' })
    await store.close()
    expect(readFileSync(join(dataDir, 'store'), 'utf8')).toBe('mine')
  })
})

test('an error of a store is one of the disk, whatever its code', async () => {
  const failing = memory({ name: 'state', location: '', options: { ...ENCODINGS, createIfMissing: true } })
  const broken = saying({}, failing)
  const level = new Proxy(broken, {
    get: (target, name): unknown =>
      name === 'getMany' ? () => Promise.reject(new Error('SQLITE_BUSY')) : Reflect.get(target, name),
  })
  const disk = brought({ database: (order) => (order.name === 'log' ? level : memory(order)) })
  await expect(openStorage(disk, IDENTITY)).rejects.toMatchObject({ code: 'DISK_FAILED' })
})

const ENCODINGS = {
  keyEncoding: {
    name: 'latin1',
    format: 'buffer',
    encode: (key: string) => Buffer.from(key, 'latin1'),
    decode: (key: Buffer) => key.toString('latin1'),
  },
  valueEncoding: 'view',
} as const
