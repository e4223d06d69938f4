/** Whatever the system or LevelDB throws reaches the user as an error of the table, with what to do. */
import { expect, test } from 'vitest'
import { StoreError } from '../../src/base/errors.js'
import { levelDisk } from '../../src/storage/level-disk.js'
import { asStoreError, diskFailure } from '../../src/storage/disk-failure.js'
import { openStorage } from '../../src/storage/storage.js'
import { IDENTITY, temporaryFolder } from './disks.js'

function thrown(code: string, message = `${code}: it failed`): Error {
  return Object.assign(new Error(message), { code })
}

test.each([
  ['EMFILE', /too many files open.*ulimit/],
  ['ENFILE', /too many files open/],
  ['EACCES', /permission/],
  ['EPERM', /permission/],
  ['EROFS', /read-only/],
  ['ENOTDIR', /is a file/],
  ['ENOSPC', /disk is full/],
  ['EIO', /disk is failing/],
])('%s', (code, advice) => {
  const cause = thrown(code)
  const error = asStoreError('/data cannot be opened', cause)
  expect(error).toMatchObject({ code: 'DISK_FAILED', cause })
  expect((error as Error).message).toMatch(/^\/data cannot be opened: /)
  expect((error as Error).message).toMatch(advice)
})

test.each([
  ['IO error: /data/log/LOCK: Too many open files', /ulimit/],
  ['IO error: /data/log/LOCK: Permission denied', /permission/],
  ['IO error: /data/log/000005.log: No space left on device', /disk is full/],
])('LevelDB says only "%s"', (message, advice) => {
  const cause = thrown('LEVEL_IO_ERROR', message)
  const wrapped = Object.assign(new Error('Database failed to open', { cause }), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  const error = asStoreError('/data cannot be opened', wrapped)
  expect(error).toMatchObject({ code: 'DISK_FAILED' })
  expect((error as Error).message).toMatch(advice)
})

test('bugs stay bugs, and errors of ours what they are', () => {
  const bug = new TypeError('x is undefined')
  expect(asStoreError('it failed', bug)).toBe(bug)
  const ours = new StoreError('DATA_DAMAGED', 'it is')
  expect(asStoreError('it failed', ours)).toBe(ours)
  expect(diskFailure('it failed', 'a text').message).toContain('it failed: a text')
})

test('whatever an access of an open throws is a failure of the disk', async () => {
  for (const part of ['openSlotFile', 'openDatabase'] as const) {
    const disk = levelDisk(temporaryFolder())
    Object.assign(disk, { [part]: () => Promise.reject(thrown('EMFILE')) })
    await expect(openStorage(disk, IDENTITY)).rejects.toMatchObject({ code: 'DISK_FAILED' })
  }
})
