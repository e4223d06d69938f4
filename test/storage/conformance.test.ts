/** The disks that come with Quorate, against what storage needs of a disk. */
import { describe, test } from 'vitest'
import { levelDisk } from '../../src/storage/level-disk.js'
import { memoryDisk } from '../../src/storage/memory-disk.js'
import { diskConformance } from '../../src/testing/conformance/disk.js'
import { SimDisk } from '../../src/testing/sim/sim-disk.js'
import { PROMPT } from './disks.js'
import { folderHarness } from './disk-harness.js'

describe('classic-level in a folder', () => {
  diskConformance({ test, harness: () => folderHarness(levelDisk) })
})

describe('memory-level', () => {
  diskConformance({
    test,
    harness: () => {
      const disk = memoryDisk()
      return { disk: () => disk }
    },
  })
})

describe('the simulated disk', () => {
  let seed = 0
  diskConformance({
    test,
    harness: () => {
      const disk = new SimDisk({ timers: PROMPT, seed: ++seed })
      return {
        disk: () => disk.mount(),
        afterDeath: () => {
          const left = new SimDisk({ timers: PROMPT, seed, name: 'left' })
          left.restore(disk.copy())
          return left.mount()
        },
        afterPowerLoss: () => {
          disk.crash('power')
          return disk.mount()
        },
      }
    },
  })
})
