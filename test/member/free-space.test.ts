/** When the free space of a disk is looked at. */
import { expect, test } from 'vitest'
import { SILENT } from '../../src/base/logger.js'
import { FreeSpace } from '../../src/member/free-space.js'
import { ManualTime } from '../transport/manual-time.js'

test('on a small disk it is looked at before a burst of writes can have taken the reserve', async () => {
  const { timers } = new ManualTime().environment(SILENT)
  const totalBytes = 6 * 2 ** 20
  let looks = 0
  const disk = {
    location: 'x',
    space: () => {
      looks++
      return Promise.resolve({ freeBytes: totalBytes, totalBytes })
    },
  }
  const alarms = { raise: () => undefined }
  const space = new FreeSpace({ disk, reserveBytes: undefined, alarms, wake: () => undefined, timers, logger: SILENT })
  space.start()
  for (let bytes = 0; bytes < totalBytes / 4; bytes += 2 ** 14) {
    await new Promise((resolve) => setImmediate(resolve))
    space.wrote(2 ** 14)
  }
  expect(looks).toBeGreaterThanOrEqual(14)
  space.stop()
})
