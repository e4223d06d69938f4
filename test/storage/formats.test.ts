/** A directory of every format that was ever released opens with all that is in it. */
import { expect, test } from 'vitest'
import { levelDisk } from '../../src/storage/level-disk.js'
import { readHighWater } from '../../src/storage/high-water.js'
import { FORMAT_VERSION } from '../../src/storage/identity.js'
import { openStorage } from '../../src/storage/storage.js'
import { temporaryFolder } from './disks.js'
import { describeFixture, FIXTURE_CONTENT, openFixture, unpackFixture } from './released-directory.js'

const FORMATS = Array.from({ length: FORMAT_VERSION }, (_, at) => at + 1)

async function found(folder: string): Promise<unknown> {
  const store = await openFixture(folder)
  try {
    await store.ready()
    return await describeFixture(store)
  } finally {
    await store.close()
  }
}

test.each(FORMATS)('a directory of format %s opens with all that is in it, and opens again', async (format) => {
  const folder = temporaryFolder()
  unpackFixture(format, folder)
  expect(await found(folder)).toEqual(FIXTURE_CONTENT)
  expect(await found(folder)).toEqual(FIXTURE_CONTENT)
})

test.each(FORMATS)(
  'the log of format %s begins behind its first entries, and goes on behind its state',
  async (format) => {
    const folder = temporaryFolder()
    unpackFixture(format, folder)
    const peeked = await levelDisk(folder).peek('high-water')
    const { identity } = readHighWater(peeked as Uint8Array, folder)
    const storage = await openStorage(levelDisk(folder), identity)
    expect(storage.log.base.index).toBeGreaterThan(20)
    expect(storage.log.last.index).toBeGreaterThan(storage.log.base.index)
    await storage.close()
  },
)
