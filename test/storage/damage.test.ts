/** Planted damage: each one is noticed, says where it is, and is noticed again; or everything is still there. */
import { readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import { entryRecordKey } from '../../src/storage/entry-record.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { openStorage } from '../../src/storage/storage.js'
import { IDENTITY, ORIGIN, describeEntries, entries, temporaryFolder, write } from './disks.js'
import { copyFolder, flipBit, withDatabase } from './folders.js'

const RECORDS = 12

let folder: string

/** A directory of one trimmed and RECORDS - 1 other records of three entries, and three state records. */
async function fill(dataBytes = 20): Promise<void> {
  const storage = await openStorage(levelDisk(folder), IDENTITY)
  for (let record = 0; record < RECORDS; record++) {
    await storage.log.append(write(entries(1 + 3 * record, 3, 1 + (record >> 2), dataBytes), { vote: 3 }))
  }
  for (const key of ['a', 'b', 'c']) storage.state.set(key, Buffer.from(`value of ${key}`))
  await storage.state.commit()
  await storage.log.trim({ index: 4, term: 1 })
  await storage.close()
}

/** What is found; or the error. */
async function found(): Promise<unknown> {
  const storage = await openStorage(levelDisk(folder), IDENTITY)
  try {
    const { hardState, entries } = storage.log.storedState({ index: 3, term: 1 })
    return { hardState, entries: describeEntries(entries) }
  } finally {
    await storage.close()
  }
}

async function expectDamage(message: RegExp): Promise<void> {
  for (let attempt = 0; attempt < 2; attempt++) {
    const opening = openStorage(levelDisk(folder), IDENTITY)
    await expect(opening).rejects.toMatchObject({ code: 'DATA_DAMAGED' })
    await expect(opening).rejects.toThrow(message)
    await expect(opening).rejects.toThrow(
      /backup.*quorate snapshot save --skip-log --data-dir .*Do not repair.*older copy or an empty one.*OPERATING/,
    )
  }
}

beforeEach(() => {
  folder = temporaryFolder()
})

describe('records of the log', () => {
  beforeEach(() => fill())

  test.each([
    ['the first', 1, /entries 4 to 6 are missing from the log: behind entry 3 follows 7/],
    ['one in the middle', 6, /entries 19 to 21 are missing from the log: behind entry 18 follows 22/],
    ['the last', RECORDS - 1, /the log ends at entry 33 of term 3 .*its head says 36 of term 3/],
  ])('%s is gone', async (_, record, message) => {
    await withDatabase(folder, 'log', (database) => database.del(entryRecordKey(1 + 3 * record)))
    await expectDamage(message)
  })

  test('one bit anywhere in a record', async () => {
    const key = entryRecordKey(19)
    const intact = await withDatabase(folder, 'log', (database) => database.get(key))
    for (let offset = 0; offset < (intact as Uint8Array).byteLength; offset += 7) {
      const flipped = Uint8Array.from(intact as Uint8Array)
      flipped[offset] = (flipped[offset] as number) ^ (1 << (offset % 8))
      await withDatabase(folder, 'log', (database) => database.put(key, flipped))
      await expectDamage(/the log record at or behind entry 19 is unreadable/)
    }
  })

  test('a record cut short', async () => {
    const key = entryRecordKey(19)
    await withDatabase(folder, 'log', async (database) => {
      const intact = (await database.get(key)) as Uint8Array
      await database.put(key, intact.subarray(0, intact.byteLength - 1))
    })
    await expectDamage(/the log record at or behind entry 19 is unreadable/)
  })

  test('a record of another history', async () => {
    await withDatabase(folder, 'log', async (database) => {
      const other = (await database.get(entryRecordKey(22))) as Uint8Array
      await database.put(entryRecordKey(19), other)
    })
    await expectDamage(/entries 19 to 21 are missing/)
  })

  test('a record that was trimmed is there again', async () => {
    await withDatabase(folder, 'log', async (database) => {
      await database.put(entryRecordKey(1), (await database.get(entryRecordKey(4))) as Uint8Array)
    })
    await expectDamage(/the log record of entry 4 stands under another key/)
  })

  test.each([
    ['h', /the log has no head; the high-water mark counts 14 writes of it/],
    ['i', /the log has no identity record/],
  ])('the record %s is gone', async (key, message) => {
    await withDatabase(folder, 'log', (database) => database.del(key))
    await expectDamage(message)
  })

  test.each([
    ['h', /the head of the log is unreadable/],
    ['i', /the identity record of the log is unreadable/],
  ])('one bit of the record %s', async (key, message) => {
    await withDatabase(folder, 'log', async (database) => {
      const flipped = Uint8Array.from((await database.get(key)) as Uint8Array)
      flipped[20] = (flipped[20] as number) ^ 1
      await database.put(key, flipped)
    })
    await expectDamage(message)
  })
})

describe('parts of the directory', () => {
  beforeEach(() => fill())

  test('the high-water file is gone', async () => {
    rmSync(join(folder, 'high-water'))
    await expectDamage(/the high-water file is missing/)
  })

  test.each([
    ['emptied', () => Buffer.alloc(0)],
    ['zeroed', (content: Buffer) => Buffer.alloc(content.byteLength)],
    ['cut short', (content: Buffer) => content.subarray(0, 4096)],
    ['of another format', (content: Buffer) => Buffer.concat([Buffer.from('not ours'), content])],
    ['with a damaged owner', (content: Buffer) => content.fill(1, 24, 25)],
  ])('the high-water file is %s', async (_, damage) => {
    const path = join(folder, 'high-water')
    writeFileSync(path, damage(readFileSync(path)))
    await expectDamage(/the high-water file cannot be read/)
  })

  test('one slot of the high-water file is torn: the others stand', async () => {
    const before = await found()
    for (const slot of [1, 2, 3]) {
      copyFolder(folder, `${folder}-copy`)
      flipBit(join(folder, 'high-water'), slot * 4096 + 3)
      expect(await found()).toEqual(before)
      copyFolder(`${folder}-copy`, folder)
    }
  })

  test('the log database is gone', async () => {
    rmSync(join(folder, 'log'), { recursive: true })
    await expectDamage(/the log database cannot be opened/)
  })

  test('the state database is gone', async () => {
    rmSync(join(folder, 'state'), { recursive: true })
    await expectDamage(/the state database cannot be opened/)
  })

  test.each(['log', 'state'])('the CURRENT file of the %s is gone', async (name) => {
    const files = readdirSync(join(folder, name)).length
    rmSync(join(folder, name, 'CURRENT'))
    await expectDamage(new RegExp(`the ${name} database cannot be opened`))
    expect(readdirSync(join(folder, name)).filter((file) => /ldb|MANIFEST/.test(file)).length).toBeLessThanOrEqual(
      files,
    )
  })

  test('the log is an older copy of itself', async () => {
    copyFolder(join(folder, 'log'), `${folder}-older`)
    const storage = await openStorage(levelDisk(folder), IDENTITY)
    await storage.log.append(write(entries(37, 1, 3), { vote: 3 }))
    await storage.log.append(write(entries(37, 1, 4), { vote: 2 }))
    await storage.close()
    copyFolder(`${folder}-older`, join(folder, 'log'))
    await expectDamage(/the last 3 writes of the log are gone: the log is at write 14 \(term 3, vote 3, last entry 36/)
  })

  test('the log is an older copy of itself that is as long as what it lost: a vote', async () => {
    copyFolder(join(folder, 'log'), `${folder}-older`)
    const storage = await openStorage(levelDisk(folder), IDENTITY)
    await storage.log.append(write([], { term: 4, vote: 2 }))
    await storage.close()
    copyFolder(`${folder}-older`, join(folder, 'log'))
    await expectDamage(/the last 2 writes of the log are gone.*write 16 \(term 4, vote 2, last entry 36/)
  })

  test('the log is that of another member', async () => {
    const other = `${folder}-other`
    const storage = await openStorage(levelDisk(other), { ...IDENTITY, memberId: 5, name: 'e' })
    for (let at = 1; at < 20; at++) await storage.log.append(write(entries(at, 1, 4)))
    await storage.close()
    copyFolder(join(other, 'log'), join(folder, 'log'))
    await expectDamage(/the log belongs to 'e'.*the high-water file to 'a'.*not written together/)
  })

  test('the state is older than the log', async () => {
    const storage = await openStorage(levelDisk(folder), IDENTITY)
    expect(() => storage.log.storedState(ORIGIN)).toThrow('the state ends at entry 0, the log begins behind entry 3')
    await storage.close()
  })
})

describe('one bit of the files themselves', () => {
  /** Every file in turn, at offsets spread over it; what comes of it, counted. */
  async function flipEverywhere(name: string, offsets: number): Promise<Record<string, number>> {
    const before = await found()
    copyFolder(folder, `${folder}-copy`)
    const outcomes: Record<string, number> = {}
    const path = join(`${folder}-copy`, name)
    const files = readdirSync(path).filter((file) => /\.(log|ldb)$|MANIFEST|CURRENT/.test(file))
    for (const file of files) {
      const size = statSync(join(path, file)).size
      for (let at = 0; at < offsets && at < size; at++) {
        const offset = Math.floor((size * (at + 0.5)) / Math.min(offsets, size))
        copyFolder(`${folder}-copy`, folder)
        flipBit(join(folder, name, file), offset)
        const outcome = await outcomeOf(before)
        outcomes[outcome] = (outcomes[outcome] ?? 0) + 1
        // Where LevelDB takes a flipped bit for an offset, the system refuses to read there.
        expect(['intact', 'DATA_DAMAGED', 'DISK_FAILED'], `${file} at ${offset}: ${outcome}`).toContain(outcome)
      }
    }
    return outcomes
  }

  async function outcomeOf(before: unknown): Promise<string> {
    try {
      return JSON.stringify(await found()) === JSON.stringify(before) ? 'intact' : 'changed without a word'
    } catch (error) {
      if (isStoreError(error)) return error.code
      throw error
    }
  }

  test('of a log that LevelDB has yet to read back', async () => {
    await fill(6000)
    const outcomes = await flipEverywhere('log', 24)
    expect(outcomes['DATA_DAMAGED']).toBeGreaterThan(10)
  })

  test('of a log in tables', async () => {
    await fill(6000)
    await found()
    const outcomes = await flipEverywhere('log', 14)
    expect(outcomes['DATA_DAMAGED']).toBeGreaterThan(10)
  })

  test('of the high-water file', async () => {
    await fill()
    const before = await found()
    copyFolder(folder, `${folder}-copy`)
    const size = statSync(join(folder, 'high-water')).size
    for (let offset = 0; offset < size; offset += offset % 4096 < 64 ? 7 : 1500) {
      copyFolder(`${folder}-copy`, folder)
      flipBit(join(folder, 'high-water'), offset)
      const outcome = await outcomeOf(before)
      expect(['intact', 'DATA_DAMAGED'], `at ${offset}`).toContain(outcome)
    }
  })
})
