/** A data directory that is taken away from under its process, which would write on to files without a name. */
import { renameSync, rmSync } from 'node:fs'
import { beforeEach, describe, expect, test } from 'vitest'
import { levelDisk } from '../../src/storage/level-disk.js'
import { type Storage, openStorage } from '../../src/storage/storage.js'
import { IDENTITY, entries, temporaryFolder, write } from './disks.js'
import { copyFolder } from './folders.js'

const NOTICED = {
  code: 'DISK_FAILED',
  message: expect.stringContaining('the data directory was removed or replaced while it was in use') as string,
}

let folder: string
let storage: Storage

beforeEach(async () => {
  folder = temporaryFolder()
  storage = await openStorage(levelDisk(folder), IDENTITY)
  await storage.log.append(write(entries(1, 1, 1)))
})

function replace(): void {
  copyFolder(folder, `${folder}-copy`)
  renameSync(folder, `${folder}-moved`)
  renameSync(`${folder}-copy`, folder)
}

// Windows does not let go of files that are open.
describe.skipIf(process.platform === 'win32').each([
  ['removed', () => rmSync(folder, { recursive: true })],
  ['replaced by a copy', replace],
  ['moved away', () => renameSync(folder, `${folder}-moved`)],
])('%s', (_, take) => {
  beforeEach(() => take())

  test('the next commit of the state notices, and nothing is written any more', async () => {
    storage.state.set('key', Buffer.from('value'))
    await expect(storage.state.commit()).rejects.toMatchObject(NOTICED)
    await expect(storage.log.append(write(entries(2, 1, 1)))).rejects.toMatchObject(NOTICED)
    await storage.close()
  })

  test('an append notices, after 32 at the latest', async () => {
    const appends = async (): Promise<void> => {
      for (let index = 2; index <= 33; index++) await storage.log.append(write(entries(index, 1, 1)))
    }
    await expect(appends()).rejects.toMatchObject(NOTICED)
    await storage.close()
  })

  test('the close notices', async () => {
    await expect(storage.close()).rejects.toMatchObject(NOTICED)
  })
})
