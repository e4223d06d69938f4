/** A state of which one bit was flipped is found out, whichever record it is in: the log brings it back, or the member does not start. */
import { describe, expect, test } from 'vitest'
import { levelDisk } from '../../src/storage/level-disk.js'
import { open } from '../../src/store/open.js'
import { temporaryFolder } from '../storage/disks.js'
import { withDatabase } from '../storage/folders.js'

describe('a flipped bit in the state on disk', () => {
  test('is found at the start in every record: applied position, lease, proposals, revisions, also those of history', async () => {
    const folder = temporaryFolder()
    const store = await open({ dataDir: folder })
    const { id } = await store.leases.grant({ ttlMs: 600_000 })
    await store.put('a', 'history')
    await store.put('a', 'latest', { lease: id })
    await store.put('b', 'history')
    await store.delete('b')
    await store.close()
    const records = await withDatabase(folder, 'state', (database) => database.iterator().all())
    expect(records.map(([key]) => key.charAt(0)).join('')).toBe('alorrrr')
    for (const [key, record] of records) {
      const at = record.length >>> 1
      const flipped = record.with(at, (record[at] as number) ^ (1 << (at & 7)))
      await withDatabase(folder, 'state', (database) => database.put(key, flipped))
      // The log still goes back to its beginning.
      const mended = await open({ dataDir: folder })
      expect(mended.status().damage, key).toHaveLength(1)
      expect((await mended.get('a'))?.text()).toBe('latest')
      await mended.close()
    }
  })

  test('keeps a member from starting that is alone, and whose log does not bring it back', async () => {
    const folder = temporaryFolder()
    const limits = { stateBufferBytesMax: 1_000, logRetainBytes: 1_000 }
    const store = await open({ dataDir: folder, ...limits })
    for (let nth = 0; nth < 40; nth++) await store.put('a', 'x'.repeat(100))
    expect(store.status().log.firstIndex).toBeGreaterThan(1)
    await store.close()
    const [[key, record]] = (await withDatabase(folder, 'state', (database) => database.iterator().all())) as [
      [string, Uint8Array],
    ]
    const flipped = record.with(3, (record[3] as number) ^ 1)
    await withDatabase(folder, 'state', (database) => database.put(key, flipped))
    const refused = await open({ disk: levelDisk(folder) }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'DATA_DAMAGED' })
    const { message } = refused as Error
    // What is wrong, that the log does not help, and how to go on.
    expect(message).toMatch(
      /damaged: .*; the log is whole, but begins at entry \d+, so that it cannot bring the state back/,
    )
    expect(message).toMatch(/Alone, a member goes on from a backup or from its state, restored into a new directory/)
    await withDatabase(folder, 'state', (database) => database.put(key, record))
    const mended = await open({ dataDir: folder })
    expect((await mended.get('a'))?.text()).toBe('x'.repeat(100))
    await mended.close()
  })
})
