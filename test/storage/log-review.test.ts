/** Reading the log back from the disk while it is in use: what is found, and that what is whole is never taken for damage. */
import { describe, expect, test } from 'vitest'
import type { Database } from '../../src/storage/disk.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import { openStorage, type Storage } from '../../src/storage/storage.js'
import { codeOfAsync } from '../code-of.js'
import { IDENTITY, entries, write } from './disks.js'

/** Ten records of two entries, and the database behind them. */
async function filled(): Promise<{ storage: Storage; database: Database }> {
  let database: Database | undefined
  const disk = memoryDisk()
  const storage = await openStorage(
    {
      ...disk,
      openDatabase: async (name, options) => {
        const opened = await disk.openDatabase(name, options)
        if (name === 'log') database = opened
        return opened
      },
    },
    IDENTITY,
  )
  if (database === undefined) throw new Error('the log was not opened')
  for (let nth = 0; nth < 10; nth++) await storage.log.append(write(entries(1 + 2 * nth, 2, 1)))
  return { storage, database }
}

async function review(storage: Storage): Promise<number> {
  let records = 0
  for await (const read of storage.log.review()) records += read.records
  return records
}

describe('reading the log back', () => {
  test('finds every record whole, and the head and the owner beside them', async () => {
    const { storage } = await filled()
    expect(await review(storage)).toBe(12)
    await storage.close()
  })

  test('sees one moment: neither what is appended, cut off or trimmed meanwhile, nor a half of it', async () => {
    const { storage } = await filled()
    const reviews: Promise<number>[] = []
    for (let nth = 0; nth < 20; nth++) {
      reviews.push(review(storage))
      const { index } = storage.log.last
      const appended = storage.log.append(write(entries(index - (nth % 3), 3, 1)))
      reviews.push(review(storage))
      if (nth % 5 === 4) reviews.push(storage.log.trim({ index: index - 8, term: 1 }).then(() => review(storage)))
      await appended
    }
    for (const records of await Promise.all(reviews)) expect(records).toBeGreaterThan(2)
    await storage.close()
  })

  test('finds what was changed in any record, and any record that is gone', async () => {
    const { storage, database } = await filled()
    for (const [key, value] of await database.iterator({}).all()) {
      const changed = Uint8Array.from(value)
      const at = changed.length >>> 1
      changed[at] = (changed[at] ?? 0) ^ 1
      await database.batch([{ type: 'put', key, value: changed }])
      expect(await codeOfAsync(() => review(storage))).toBe('DATA_DAMAGED')
      await database.batch([{ type: 'del', key }])
      expect(await codeOfAsync(() => review(storage))).toBe('DATA_DAMAGED')
      await database.batch([{ type: 'put', key, value }])
      expect(await review(storage)).toBe(12)
    }
    await storage.close()
  })

  test('finds a record that stands in the place of another one, and one too many', async () => {
    const { storage, database } = await filled()
    const records = (await database.iterator({}).all()).filter(([key]) => key.startsWith('e'))
    const [first, second] = records
    if (first === undefined || second === undefined) throw new Error('there are too few records')
    await database.batch([{ type: 'put', key: first[0], value: second[1] }])
    expect(await codeOfAsync(() => review(storage))).toBe('DATA_DAMAGED')
    await database.batch([
      { type: 'put', key: first[0], value: first[1] },
      { type: 'put', key: 'exxxxxxxx', value: second[1] },
    ])
    expect(await codeOfAsync(() => review(storage))).toBe('DATA_DAMAGED')
    await storage.close()
  })
})
