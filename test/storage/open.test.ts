import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.js'
import { FORMAT_VERSION } from '../../src/storage/identity.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import { openStorage } from '../../src/storage/storage.js'
import { DISKS, IDENTITY, entries, temporaryFolder, write } from './disks.js'
import { fingerprint } from './folders.js'

describe.each(DISKS)('opening a $name disk', ({ make, permanent }) => {
  test('another one at the same time is refused; after the close it is not', async () => {
    const disk = make()
    const storage = await openStorage(disk(), IDENTITY)
    await expect(openStorage(disk(), IDENTITY)).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' })
    await storage.log.append(write(entries(1, 1, 1)))
    await storage.close()
    await (await openStorage(disk(), IDENTITY)).close()
  })

  test('the same object at the same time is refused too', async () => {
    const disk = make()()
    const storage = await openStorage(disk, IDENTITY)
    await expect(openStorage(disk, IDENTITY)).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' })
    await storage.log.append(write(entries(1, 1, 1)))
    await storage.close()
  })

  test.each(['rejoining', 'joining'] as const)(
    'empty and of one that was there before or joins (%s), it has no promises from its first write on',
    async (beginning) => {
      const disk = make()
      const storage = await openStorage(disk(), IDENTITY, { beginning })
      expect([storage.promises, storage.log.joined]).toEqual(['lost', beginning === 'joining'])
      await storage.close()
      if (!permanent) return
      const again = await openStorage(disk(), IDENTITY)
      expect([again.promises, again.log.joined]).toEqual(['lost', beginning === 'joining'])
      await again.close()
      const used = make()
      await (await openStorage(used(), IDENTITY)).close()
      const kept = await openStorage(used(), IDENTITY, { beginning })
      expect([kept.promises, kept.log.joined]).toEqual(['kept', false])
      await kept.close()
    },
  )

  test('what is not an identity is a mistake of the caller', async () => {
    const disk = make()
    await expect(openStorage(disk(), { ...IDENTITY, memberId: 0 })).rejects.toThrow(RangeError)
    await expect(openStorage(disk(), { ...IDENTITY, clusterId: 1.5 })).rejects.toThrow(RangeError)
    await expect(openStorage(disk(), { ...IDENTITY, name: 'x'.repeat(2000) })).rejects.toThrow(RangeError)
  })

  test.runIf(permanent)('another member or cluster is refused, by both names', async () => {
    const disk = make()
    await (await openStorage(disk(), IDENTITY)).close()
    const member = openStorage(disk(), { ...IDENTITY, memberId: 0xb2, name: 'b' })
    await expect(member).rejects.toMatchObject({ code: 'WRONG_MEMBER' })
    await expect(member).rejects.toThrow(/member 'a' \(id 161, cluster 193\).* member 'b' \(id 178, cluster 193\)/)
    const cluster = openStorage(disk(), { ...IDENTITY, clusterId: 0xc2 })
    await expect(cluster).rejects.toMatchObject({ code: 'WRONG_CLUSTER' })
    await expect(cluster).rejects.toThrow(/cluster 193.*cluster 194/)
    // The name is for people: a member may be called otherwise.
    await (await openStorage(disk(), { ...IDENTITY, name: 'renamed' })).close()
  })
})

test('a memory disk forgets', async () => {
  const disk = memoryDisk()
  let storage = await openStorage(disk, IDENTITY)
  await storage.log.append(write(entries(1, 1, 1)))
  await storage.close()
  storage = await openStorage(disk, { ...IDENTITY, memberId: 7 })
  expect(storage).toMatchObject({ used: false, permanent: false, location: 'memory' })
  expect(storage.log.last.index).toBe(0)
  await storage.close()
})

describe('a data directory', () => {
  test.skipIf(process.platform === 'win32')(
    'is for its owner alone, and so is everything made on the way',
    async () => {
      const folder = join(temporaryFolder(), 'of', 'a')
      const storage = await openStorage(levelDisk(folder), IDENTITY)
      const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8)
      for (const path of [folder, join(folder, '..'), join(folder, 'log'), join(folder, 'state')])
        expect(mode(path)).toBe('700')
      expect(mode(join(folder, 'high-water'))).toBe('600')
      await storage.close()
    },
  )

  test.skipIf(process.platform === 'win32')('that is there already keeps its mode', async () => {
    const folder = temporaryFolder()
    mkdirSync(folder)
    chmodSync(folder, 0o750)
    await (await openStorage(levelDisk(folder), IDENTITY)).close()
    expect(statSync(folder).mode & 0o777).toBe(0o750)
  })

  test('is locked under each of its names', async () => {
    const folder = temporaryFolder()
    const storage = await openStorage(levelDisk(folder), IDENTITY)
    const other = openStorage(levelDisk(relative(process.cwd(), folder)), IDENTITY)
    await expect(other).rejects.toMatchObject({ code: 'DATA_DIR_IN_USE' })
    await storage.close()
  })

  test.each([
    ['of a newer format', IDENTITY, 'FORMAT_TOO_NEW'],
    ['of another cluster', { ...IDENTITY, clusterId: 9 }, 'WRONG_CLUSTER'],
    ['of another member', { ...IDENTITY, memberId: 9 }, 'WRONG_MEMBER'],
  ])('%s is refused, and nothing in it is changed', async (_, identity, code) => {
    const folder = temporaryFolder()
    const storage = await openStorage(levelDisk(folder), IDENTITY)
    await storage.log.append(write(entries(1, 3, 1)))
    await storage.close()
    if (code === 'FORMAT_TOO_NEW') writeFormat(join(folder, 'high-water'), FORMAT_VERSION + 1)
    const before = fingerprint(folder)
    await expect(openStorage(levelDisk(folder), identity)).rejects.toMatchObject({ code })
    expect(fingerprint(folder)).toEqual(before)
    if (code === 'FORMAT_TOO_NEW') writeFormat(join(folder, 'high-water'), FORMAT_VERSION)
    await (await openStorage(levelDisk(folder), IDENTITY)).close()
  })

  test('that cannot be made is a failure of the disk', async () => {
    const file = temporaryFolder()
    writeFileSync(file, 'a file')
    const refused = openStorage(levelDisk(join(file, 'below')), IDENTITY)
    await expect(refused).rejects.toMatchObject({ code: 'DISK_FAILED' })
    await expect(refused).rejects.toThrow(file)
    await expect(refused).rejects.toThrow('Something on the way is a file')
    await expect(openStorage(levelDisk(file), IDENTITY)).rejects.toMatchObject({ code: 'DISK_FAILED' })
  })
})

function writeFormat(path: string, format: number): void {
  const content = readFileSync(path)
  content.writeUInt32BE(format, 8)
  content.writeUInt32BE(crc32(content.subarray(0, 12)), 12)
  writeFileSync(path, content)
}
