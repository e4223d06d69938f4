/** Files of LevelDB are looked through before it opens them: on some damage it would end the process. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { crc32c } from '../../src/base/crc32c.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { findLevelDamage } from '../../src/storage/level-check.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { unpackSnappy } from '../../src/storage/snappy.js'
import { openStorage } from '../../src/storage/storage.js'
import { IDENTITY, entries, temporaryFolder, write } from './disks.js'
import { copyFolder, flipBit, withDatabase } from './folders.js'

const FOOTER_BYTES = 48
const MAGIC_BYTES = 8

/** A member's directory whose databases are in tables, the log's as they are and the state's packed. */
async function fill(folder: string): Promise<void> {
  const random = seededRandom(7)
  for (let life = 0; life < 3; life++) {
    const storage = await openStorage(levelDisk(folder), IDENTITY)
    for (let record = 0; record < 12; record++)
      await storage.log.append(write(entries(1 + 12 * life + record, 1, 1, 700), { vote: 3 }))
    for (let key = 0; key < 400; key++) {
      const value = Array.from({ length: 8 }, () => random.uint32().toString(16)).join(' and ')
      storage.state.set(`key ${key}/${life}`, Buffer.from(value))
    }
    await storage.state.commit()
    await storage.close()
  }
}

function tablesOf(folder: string): string[] {
  return readdirSync(folder).filter((file) => file.endsWith('.ldb'))
}

describe('the files of a database', () => {
  test.each(['log', 'state'])(
    'of the %s: nothing is found where nothing is wrong, and every flipped bit is',
    async (name) => {
      const folder = temporaryFolder()
      await fill(folder)
      const path = join(folder, name)
      expect(await findLevelDamage(path)).toBeUndefined()
      const tables = tablesOf(path)
      expect(tables.length).toBeGreaterThan(0)
      for (const table of tables) {
        const file = join(path, table)
        const { size } = statSync(file)
        const intact = readFileSync(file)
        // The last block, the index, is where most could go wrong in following it.
        for (let offset = 0; offset < size; offset += offset > size - 300 ? 5 : 997) {
          if (offset >= size - FOOTER_BYTES && offset < size - MAGIC_BYTES) continue
          flipBit(file, offset)
          expect(await findLevelDamage(path), `${table} at ${offset} of ${size}`).toBeDefined()
          writeFileSync(file, intact)
        }
        writeFileSync(file, intact.subarray(0, size - 1))
        expect(await findLevelDamage(path)).toMatch(/bytes instead of/)
        writeFileSync(file, intact)
      }
    },
  )

  test('a page of zeros in a table of either database is damage, not the end of the process', async () => {
    const folder = temporaryFolder()
    await fill(folder)
    copyFolder(folder, `${folder}-copy`)
    for (const name of ['log', 'state']) {
      const [table = ''] = tablesOf(join(folder, name))
      const file = join(folder, name, table)
      writeFileSync(file, readFileSync(file).fill(0, 4096, 8192))
      const opening = openStorage(levelDisk(folder), IDENTITY)
      if (name === 'log') {
        await expect(opening).rejects.toMatchObject({ code: 'DATA_DAMAGED' })
      } else {
        // The log begins with entry 1: it brings the state back.
        const storage = await opening
        expect(storage.damage).toEqual([expect.stringContaining('the state database cannot be opened: in 0')])
        expect(await storage.state.range('', undefined, 1)).toEqual([])
        await storage.close()
      }
      copyFolder(`${folder}-copy`, folder)
    }
  })

  test('a table that no MANIFEST names is of a crash, and no damage', async () => {
    const folder = temporaryFolder()
    await fill(folder)
    writeFileSync(join(folder, 'state', '999999.ldb'), 'half a table')
    expect(await findLevelDamage(join(folder, 'state'))).toBeUndefined()
  })

  test('a MANIFEST in the place of a log is damage, and the end of a log that was torn off is none', async () => {
    const folder = temporaryFolder()
    await withDatabase(folder, 'log', (database) => database.put('key', Buffer.alloc(100)))
    await withDatabase(folder, 'log', (database) => database.put('other key', Buffer.alloc(100)))
    const path = join(folder, 'log')
    const [log = ''] = readdirSync(path).filter((file) => file.endsWith('.log'))
    const intact = readFileSync(join(path, log))
    expect(intact.byteLength).toBeGreaterThan(100)
    expect(await findLevelDamage(path)).toBeUndefined()
    writeFileSync(join(path, log), intact.subarray(0, 50))
    expect(await findLevelDamage(path)).toBeUndefined()
    writeFileSync(join(path, log), Buffer.concat([intact, Buffer.alloc(4096)]))
    expect(await findLevelDamage(path)).toBeUndefined()
    const [manifest = ''] = readdirSync(path).filter((file) => file.startsWith('MANIFEST'))
    copyFileSync(join(path, manifest), join(path, log))
    expect(await findLevelDamage(path)).toMatch(/none of a log of changes/)
  })
})

test('a database that LevelDB began to make and never finished is none: the member is as new as before', async () => {
  const folder = temporaryFolder()
  for (const name of ['log', 'state']) {
    mkdirSync(join(folder, name), { recursive: true })
    for (const file of ['LOCK', 'LOG', 'MANIFEST-000001', '000003.log']) writeFileSync(join(folder, name, file), '')
    writeFileSync(join(folder, name, 'CURRENT'), 'MANIFEST-000001\n')
  }
  const storage = await openStorage(levelDisk(folder), IDENTITY)
  expect(storage.used).toBe(false)
  await storage.close()
})

test('CRC-32C gives what RFC 3720 says', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283)
  expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa)
  expect(crc32c(Buffer.alloc(32, 0xff))).toBe(0x62a8ab43)
  const ascending = Buffer.from(Array.from({ length: 40 }, (_, at) => at))
  expect(crc32c(ascending, 0, 32)).toBe(0x46dd794e)
})

describe('Snappy', () => {
  test('unpacks literals, and copies that reach into themselves', () => {
    const packed = Buffer.from([15, 0x08, ...Buffer.from('abc'), 0x15, 0x03, 0x0a, 0x03, 0x00])
    expect(Buffer.from(unpackSnappy(packed, 100) ?? []).toString()).toBe('abcabcabcabcabc')
  })

  test('refuses whatever does not come out as it says, and ends', () => {
    const packed = Buffer.from([15, 0x08, ...Buffer.from('abc'), 0x15, 0x03, 0x0a, 0x03, 0x00])
    expect(unpackSnappy(packed, 14)).toBeUndefined()
    for (let length = 0; length < packed.byteLength; length++)
      expect(unpackSnappy(packed.subarray(0, length), 100)).toBeUndefined()
    const random = seededRandom(3)
    for (let round = 0; round < 2000; round++) {
      const bytes = Uint8Array.from({ length: 1 + (round % 20) }, () => random.uint32())
      expect(unpackSnappy(bytes, 1000)?.byteLength ?? 0).toBeLessThanOrEqual(1000)
    }
  })
})
