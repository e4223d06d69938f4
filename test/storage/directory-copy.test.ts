/** Looking into directories without touching them: what they are taken for, and the copies that are opened instead. */
import { appendFileSync, linkSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { withDirectoryCopy } from '../../src/storage/directory-copy.js'
import { surveyDirectory } from '../../src/storage/directory-survey.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { openStorage } from '../../src/storage/storage.js'
import { IDENTITY, entries, temporaryFolder, write } from './disks.js'
import { fingerprint, withDatabase } from './folders.js'

/** A directory of a member, closed, with a table in its log. */
async function usedFolder(): Promise<string> {
  const folder = temporaryFolder()
  const storage = await openStorage(levelDisk(folder), IDENTITY)
  await storage.log.append(write(entries(1, 20, 1)))
  await storage.close()
  await withDatabase(folder, 'log', (database) => database.compactRange('\0', '\xff'))
  return folder
}

async function refusal(folder: string): Promise<string> {
  try {
    await surveyDirectory(folder)
  } catch (error) {
    if (isStoreError(error)) return `${error.code}: ${error.message}`
    throw error
  }
  return 'taken for the directory of a member'
}

describe('what is no data of a member is told by what it is', () => {
  function folderWith(...files: readonly string[]): string {
    const folder = temporaryFolder()
    mkdirSync(folder)
    for (const file of files) writeFileSync(join(folder, file), '')
    return folder
  }

  test('nothing, a file, an empty directory, files of others', async () => {
    expect(await refusal(temporaryFolder())).toMatch(/^NO_DATA: There is no directory/)
    expect(await refusal(join(folderWith('file'), 'file'))).toMatch(/^NO_DATA: .*is a file/)
    expect(await refusal(folderWith())).toMatch(/^NO_DATA: .*is empty: no member has been opened/)
    expect(await refusal(folderWith('a.txt', 'b\n.txt'))).toMatch(/^NO_DATA: .*there is 'a\.txt', 'b\\x0a\.txt' in it/)
  })

  test('a database of LevelDB alone, and the directory of another store', async () => {
    const folder = await usedFolder()
    expect(await refusal(join(folder, 'log'))).toMatch(/^NO_DATA: .*single LevelDB database.*Is it one of these/)
    writeFileSync(join(folder, 'store'), 'rocksdb')
    expect(await refusal(folder)).toMatch(/^NO_DATA: .*made with the store 'rocksdb'/)
  })

  test('a restore that did not come to its end', async () => {
    expect(await refusal(folderWith('restoring', 'high-water'))).toMatch(/^DATA_DAMAGED: A restore into/)
    expect(await refusal(folderWith('restoring.new'))).toMatch(/^DATA_DAMAGED: A restore into/)
  })
})

test('a survey tells what is there, what was left over, and what is not of a member', async () => {
  const folder = await usedFolder()
  for (const name of ['before-open', 'damaged', 'before-open.new']) mkdirSync(join(folder, name))
  writeFileSync(join(folder, 'notes.txt'), 'x')
  const { data, leftovers, foreign, bytes } = await surveyDirectory(folder)
  expect(data).toEqual(['high-water', 'log', 'state'])
  expect(leftovers.map(({ name }) => name)).toEqual(['before-open', 'before-open.new', 'damaged'])
  expect(foreign).toEqual(['notes.txt'])
  expect(bytes['high-water']).toBe(statSync(join(folder, 'high-water')).size)
  expect(bytes['log']).toBeGreaterThan(500)
})

describe('a copy', () => {
  test('opens and can be written to, and the directory stays as it was', async () => {
    const folder = await usedFolder()
    const before = fingerprint(folder)
    await withDirectoryCopy(folder, {}, async ({ path, torn }) => {
      expect(torn).toBe(false)
      const storage = await openStorage(levelDisk(path), IDENTITY)
      expect(storage.log.storedState({ index: 0, term: 0 }).entries).toHaveLength(20)
      await storage.log.append(write(entries(21, 20, 1)))
      await storage.close()
      await withDatabase(path, 'log', (database) => database.compactRange('\0', '\xff'))
    })
    expect(fingerprint(folder)).toEqual(before)
    expect(readdirSync(dirname(folder))).toEqual(['data'])
  })

  test('shares tables with the directory, but none that LevelDB might write over', async () => {
    const folder = await usedFolder()
    const log = join(folder, 'log')
    const [table = ''] = readdirSync(log).filter((name) => name.endsWith('.ldb'))
    // What a crash in the middle of a compaction leaves: LevelDB gives its number to the next table.
    linkSync(join(log, table), join(log, '099999.ldb'))
    await withDirectoryCopy(folder, {}, async ({ path }) => {
      const inode = (name: string): number => statSync(join(path, 'log', name)).ino
      expect(inode(table)).toBe(statSync(join(log, table)).ino)
      expect(inode('099999.ldb')).not.toBe(statSync(join(log, table)).ino)
      for (const name of readdirSync(join(path, 'log')).filter((each) => !each.endsWith('.ldb'))) {
        expect(inode(name)).not.toBe(statSync(join(log, name)).ino)
      }
    })
  })

  test('of a directory that is in use is one that opens, once it stands still', async () => {
    const folder = temporaryFolder()
    const storage = await openStorage(levelDisk(folder), IDENTITY)
    await storage.log.append(write(entries(1, 5, 1)))
    await withDirectoryCopy(folder, {}, async ({ path, torn }) => {
      expect(torn).toBe(false)
      const copied = await openStorage(levelDisk(path), IDENTITY)
      expect(copied.log.storedState({ index: 0, term: 0 }).entries).toHaveLength(5)
      await copied.close()
    })
    await storage.log.append(write(entries(6, 5, 1)))
    await storage.close()
  })

  test('is told to be torn where the directory never stands still', async () => {
    const folder = await usedFolder()
    const [file = ''] = readdirSync(join(folder, 'log')).filter((name) => name.endsWith('.log'))
    let writing = true
    const writer = (async () => {
      while (writing) {
        appendFileSync(join(folder, 'log', file), 'x')
        await new Promise<void>((resolve) => void setImmediate(resolve))
      }
    })()
    const torn = await withDirectoryCopy(folder, {}, async (copy) => copy.torn)
    writing = false
    await writer
    expect(torn).toBe(true)
  })

  test('is made where it was asked to be, and gone afterwards, also after a failure', async () => {
    const folder = await usedFolder()
    const temporary = temporaryFolder()
    mkdirSync(temporary)
    const failing = withDirectoryCopy(folder, { temporary }, async ({ path }) => {
      expect(path.startsWith(temporary)).toBe(true)
      expect(readFileSync(join(path, 'high-water'))).toEqual(readFileSync(join(folder, 'high-water')))
      throw new Error('the test')
    })
    await expect(failing).rejects.toThrow('the test')
    expect(readdirSync(temporary)).toEqual([])
  })
})
