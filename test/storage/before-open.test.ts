/** What an open keeps until it is known to have lost nothing: whole at every moment, and gone when nobody needs it. */
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { type FileActions, dropSetAside, setAside } from '../../src/storage/before-open.js'
import { checkAccess } from '../../src/storage/folder.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { nextFileNumber } from '../../src/storage/manifest.js'
import { openStorage } from '../../src/storage/storage.js'
import { IDENTITY, ORIGIN, entries, temporaryFolder, write } from './disks.js'
import { copyFolder, fingerprint, flipBit } from './folders.js'

const APPENDS = 12
const DATA = ['high-water', 'lock', 'log', 'state']

let folder: string
/** The data as it was when the process was killed. */
let killed: Record<string, string>

/** A directory as a kill leaves it, with tables and with a log that LevelDB has yet to read back. */
async function fillAndKill(): Promise<void> {
  const running = `${folder}-running`
  for (let run = 0; run < 2; run++) {
    const storage = await openStorage(levelDisk(running), IDENTITY)
    for (let at = 0; at < APPENDS; at++) {
      await storage.log.append(write(entries(storage.log.last.index + 1, 1, 1, 3000)))
    }
    storage.state.set('key', Buffer.from(`run ${run}`))
    await storage.state.commit()
    if (run === 1) copyFolder(running, folder)
    await storage.close()
  }
  killed = dataOf(folder)
}

/** The files that hold something, below `path`. */
function dataOf(path: string): Record<string, string> {
  const files = Object.entries(fingerprint(path))
  return Object.fromEntries(files.filter(([name]) => !/LOCK$|^.lock|before-open/.test(name)))
}

/** Without modes: a copy has its own. */
function contents(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([name, found]) => [name, found.slice(found.indexOf(' '))]))
}

function kept(): Record<string, string> {
  return contents(fingerprint(join(folder, 'before-open')))
}

/** Opens and verifies, as a member does; gives the last index. */
async function open(): Promise<number> {
  const storage = await openStorage(levelDisk(folder), IDENTITY)
  try {
    storage.log.storedState(ORIGIN)
    return storage.log.last.index
  } finally {
    await storage.close()
  }
}

function logFile(): string {
  return join(folder, 'log', readdirSync(join(folder, 'log')).find((name) => name.endsWith('.log')) as string)
}

function manifestOf(name: string): string {
  return join(folder, name, readFileSync(join(folder, name, 'CURRENT'), 'latin1').trim())
}

beforeEach(async () => {
  folder = temporaryFolder()
  await fillAndKill()
})

test('a verified open leaves nothing behind', async () => {
  expect(await open()).toBe(2 * APPENDS)
  expect(readdirSync(folder)).toEqual(DATA)
})

describe('one bit of the log is flipped', () => {
  beforeEach(() => {
    flipBit(logFile(), 9000, 3)
    killed = dataOf(folder)
  })

  test('everything is kept as it was found, whatever LevelDB does to it, and not replaced by a second open', async () => {
    for (let attempt = 0; attempt < 3; attempt++) {
      await expect(open()).rejects.toMatchObject({ code: 'DATA_DAMAGED' })
      expect(kept()).toEqual(contents(killed))
    }
    expect(dataOf(folder)).not.toEqual(killed)
  })

  test('what is kept can be salvaged, and a later open that succeeds removes it', async () => {
    await expect(open()).rejects.toMatchObject({ code: 'DATA_DAMAGED' })
    const salvaged = `${folder}-salvaged`
    copyFolder(join(folder, 'before-open'), salvaged)
    for (const name of ['log', 'state', 'high-water']) {
      rmSync(join(folder, name), { recursive: true })
      renameSync(join(salvaged, name), join(folder, name))
    }
    flipBit(logFile(), 9000, 3)
    expect(await open()).toBe(2 * APPENDS)
    expect(readdirSync(folder)).toEqual(DATA)
  })
})

test('damage that shows only when log and state are compared keeps everything too', async () => {
  for (let attempt = 0; attempt < 2; attempt++) {
    const storage = await openStorage(levelDisk(folder), IDENTITY)
    expect(() => storage.log.storedState({ index: 1000, term: 1 })).toThrow(/the state has applied entry 1000/)
    await storage.close()
    expect(kept()).toEqual(contents(killed))
  }
  expect(await open()).toBe(2 * APPENDS)
  expect(readdirSync(folder)).toEqual(DATA)
})

test.each([
  [
    'an append',
    async (storage: Awaited<ReturnType<typeof openStorage>>) => storage.log.append(write(entries(25, 1, 1))),
  ],
  ['a commit', async (storage: Awaited<ReturnType<typeof openStorage>>) => storage.state.commit()],
])('%s is never made beside what is kept', async (_, change) => {
  const storage = await openStorage(levelDisk(folder), IDENTITY)
  expect(existsSync(join(folder, 'before-open'))).toBe(true)
  await change(storage)
  expect(existsSync(join(folder, 'before-open'))).toBe(false)
  await storage.close()
  expect(readdirSync(folder)).toEqual(DATA)
})

test('another store on the same directory is refused, and keeps nothing of data in use', async () => {
  const storage = await openStorage(levelDisk(folder), IDENTITY)
  storage.log.storedState(ORIGIN)
  await expect(openStorage(levelDisk(folder), IDENTITY)).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' })
  expect(readdirSync(folder)).not.toContain('before-open')
  await storage.close()
})

describe('a crash', () => {
  test('at any call of keeping: the data is untouched, what is kept is whole or not there, and the next open goes well', async () => {
    const start = `${folder}-start`
    copyFolder(folder, start)
    let calls = Infinity
    for (let at = 0; at <= calls; at++) {
      copyFolder(start, folder)
      const crashing = crashingAt(at)
      const survived = await setAside(folder, crashing.actions).catch(() => false)
      if (survived) calls = crashing.calls()
      expect(dataOf(folder)).toEqual(killed)
      if (existsSync(join(folder, 'before-open'))) expect(kept()).toEqual(contents(killed))
      expect(await open()).toBe(2 * APPENDS)
      expect(readdirSync(folder)).toEqual(DATA)
    }
    expect(calls).toBeGreaterThan(10)
  })

  test('between keeping and verifying: what is kept stays that of before', async () => {
    await setAside(folder)
    // The databases are opened, and repaired, by a process that dies before it has looked at them.
    const repairing = await openStorage(levelDisk(folder), IDENTITY)
    await repairing.close()
    expect(await setAside(folder)).toBe(false)
    expect(kept()).toEqual(contents(killed))
  })

  test('while it is removed: it is not taken for what is kept', async () => {
    await setAside(folder)
    renameSync(join(folder, 'before-open'), join(folder, 'before-open.old'))
    const storage = await openStorage(levelDisk(folder), IDENTITY)
    expect(kept()).toEqual(contents(killed))
    expect(existsSync(join(folder, 'before-open.old'))).toBe(false)
    await storage.close()
  })

  test('before anything is removed: the next open, which verifies, removes it', async () => {
    await setAside(folder)
    expect(() =>
      dropSetAside(folder, () => {
        throw new Error('crash')
      }),
    ).toThrow('crash')
    expect(await open()).toBe(2 * APPENDS)
    expect(readdirSync(folder)).toEqual(DATA)
  })
})

describe('links and copies', () => {
  test('what LevelDB will not write again is linked, what it might is copied', async () => {
    const next = nextFileNumber(readFileSync(manifestOf('log')))
    const orphan = `${String(next).padStart(6, '0')}.ldb`
    writeFileSync(join(folder, 'log', orphan), 'left behind')
    await setAside(folder)
    const links = (name: string): number => statSync(join(folder, 'before-open', 'log', name)).nlink
    expect(links(orphan)).toBe(1)
    expect(links('CURRENT')).toBe(1)
    const tables = readdirSync(join(folder, 'before-open', 'log')).filter((name) => name.endsWith('.ldb'))
    expect(tables.filter((name) => links(name) === 2).length).toBeGreaterThan(0)
    expect(await open()).toBe(2 * APPENDS)
  })

  test('without hard links, everything but tables is copied', async () => {
    await setAside(folder, { ...promises, link: () => Promise.reject(failure('EPERM')) })
    const expected = Object.entries(contents(killed)).filter(([name]) => !name.endsWith('.ldb'))
    expect(kept()).toEqual(Object.fromEntries(expected))
    for (const [name] of expected.filter(([name]) => /\d$|\.log$/.test(name)))
      expect(statSync(join(folder, 'before-open', name)).nlink).toBe(1)
  })

  test('a link that fails otherwise fails the open, with nothing changed', async () => {
    const full = { ...promises, link: () => Promise.reject(failure('ENOSPC')) } as FileActions
    await expect(setAside(folder, full)).rejects.toMatchObject({ code: 'ENOSPC' })
    expect(dataOf(folder)).toEqual(killed)
    expect(await open()).toBe(2 * APPENDS)
  })

  test('a new directory has nothing to keep', async () => {
    const empty = `${folder}-empty`
    mkdirSync(empty)
    expect(await setAside(empty)).toBe(false)
    expect(readdirSync(empty)).toEqual([])
  })
})

describe('the MANIFEST', () => {
  test('tells the numbers that LevelDB gives to new files', async () => {
    for (let run = 0; run < 3; run++) {
      const before = new Set(readdirSync(join(folder, 'log')))
      const next = nextFileNumber(readFileSync(manifestOf('log')))
      await open()
      const made = readdirSync(join(folder, 'log')).filter((name) => /\d/.test(name) && !before.has(name))
      const numbers = made.map((name) => Number(/\d+/.exec(name)?.[0]))
      expect(Math.min(...numbers)).toBeGreaterThanOrEqual(next)
      expect(Math.min(...numbers)).toBeLessThanOrEqual(next + 2)
    }
  })

  test('cut short or overwritten with zeros never tells a higher number', () => {
    const whole = readFileSync(manifestOf('log'))
    const next = nextFileNumber(whole)
    for (let length = 0; length <= whole.byteLength; length++) {
      expect(nextFileNumber(whole.subarray(0, length))).toBeLessThanOrEqual(next)
      const zeroed = Buffer.concat([whole.subarray(0, length), Buffer.alloc(40_000)])
      expect(nextFileNumber(zeroed)).toBeLessThanOrEqual(next)
    }
    expect(nextFileNumber(Buffer.alloc(0))).toBe(0)
  })

  test('of several blocks is read through', () => {
    const edit = Buffer.from([3, 0xa0, 0x8d, 0x06])
    const record = (type: number, data: Uint8Array): Buffer =>
      Buffer.concat([Buffer.from([0, 0, 0, 0, data.byteLength & 0xff, data.byteLength >>> 8, type]), data])
    const text = Buffer.concat([Buffer.from([1, 0xef, 0xff, 0x01]), Buffer.alloc(32_751)])
    // Fills its block up to six bytes, which are no header; then an edit in two fragments.
    const full = record(1, text)
    expect(nextFileNumber(full)).toBe(0)
    const rest = Buffer.concat([
      Buffer.alloc(32_768 - full.byteLength),
      record(2, edit.subarray(0, 2)),
      record(4, edit.subarray(2)),
    ])
    expect(nextFileNumber(Buffer.concat([full, rest]))).toBe(100_000)
  })
})

describe('a file that may not be read or written', () => {
  test.each([
    ['EACCES', /it belongs to user \d+.*has mode 0\d+.*Give that user permission/],
    ['EPERM', /it belongs to user \d+.*has mode 0\d+.*Give that user permission/],
    ['EROFS', /mounted read-only/],
  ])('%s is told with its name', async (code, message) => {
    const refuse = (path: unknown): Promise<void> =>
      path === logFile() ? Promise.reject(failure(code)) : Promise.resolve()
    const refused = checkAccess(folder, ['log', 'state'], refuse)
    await expect(refused).rejects.toMatchObject({ code: 'DISK_FAILED' })
    await expect(refused).rejects.toThrow(logFile())
    await expect(refused).rejects.toThrow(message)
  })
})

test.each(['CURRENT', 'MANIFEST'])('the lock holds nothing: without its %s it is made anew', async (name) => {
  const files = readdirSync(join(folder, 'lock')).filter((file) => file.startsWith(name))
  expect(files).toHaveLength(1)
  writeFileSync(join(folder, 'lock', files[0] as string), 'not what it was\n')
  expect(await open()).toBe(2 * APPENDS)
})

function failure(code: string): Error {
  return Object.assign(new Error(`${code}: refused`), { code })
}

/** Actions of a process that dies at the call `at`: that one and all later ones do nothing. */
function crashingAt(at: number): { actions: FileActions; calls: () => number } {
  let calls = 0
  const dying = <A extends unknown[], R>(action: (...args: A) => Promise<R>) => {
    return async (...args: A): Promise<R> => {
      if (calls++ >= at) throw new Error('crash')
      return action(...args)
    }
  }
  const { mkdir, link, copyFile, rename, rm } = promises
  const actions = {
    mkdir: dying(mkdir),
    link: dying(link),
    copyFile: dying(copyFile),
    rename: dying(rename),
    rm: dying(rm),
  }
  return { actions: actions as FileActions, calls: () => calls }
}
