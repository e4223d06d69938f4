/** A disk in a folder for the conformance suite: what a process leaves that ends is a copy of its files. */
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Disk } from '../../src/storage/disk.js'
import type { DiskHarness } from '../../src/testing/conformance/disk.js'

export async function folderHarness(make: (dataDir: string) => Disk): Promise<DiskHarness> {
  const folder = await mkdtemp(join(tmpdir(), 'quorate-conformance-'))
  const dataDir = join(folder, 'data')
  let deaths = 0
  return {
    disk: () => make(dataDir),
    afterDeath: async () => {
      const left = join(folder, `left-${++deaths}`)
      await cp(dataDir, left, { recursive: true })
      return make(left)
    },
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
}
