/**
 * A store by others under a whole member: RocksDB, by an abstract-level database of version 1.
 *
 * The package brings its native code for some platforms only; on the others there is nothing to test with.
 */
import type { RocksLevel as Rocks } from '@nxtedition/rocksdb'
import { describe, expect, test } from 'vitest'
import { abstractLevelDisk, type AbstractLevelDiskOptions } from '../../src/storage/abstract-level-disk.js'
import type { Disk } from '../../src/storage/disk.js'
import { open } from '../../src/store/open.js'
import { diskConformance } from '../../src/testing/conformance/disk.js'
import { folderHarness } from './disk-harness.js'
import { temporaryFolder } from './disks.js'

const PREBUILT = ['linux-x64', 'darwin-arm64']
const there = PREBUILT.includes(`${process.platform}-${process.arch}`)

type ReadSync = NonNullable<AbstractLevelDiskOptions<Rocks>['readSync']>

/** It reads without waiting by a method that it keeps for itself. */
const ITS_OWN: ReadSync = (database, key) => database._getManySync([key], {})[0]

function rocksDisk(dataDir: string, readSync: ReadSync): Disk {
  return abstractLevelDisk({
    name: 'rocksdb',
    dataDir,
    database: async ({ location, options }) => {
      const { RocksLevel } = await import('@nxtedition/rocksdb')
      return new RocksLevel(location, options)
    },
    readSync,
  })
}

describe.skipIf(!there)('RocksDB', () => {
  diskConformance({ test, harness: () => folderHarness((dataDir) => rocksDisk(dataDir, ITS_OWN)) })

  test.each([
    ['by a method of its own', ITS_OWN],
    ['from memory', 'memory' as const],
  ])('holds the data of a member through restarts, read without waiting %s', async (_how, readSync) => {
    const dataDir = temporaryFolder()
    const opened = () => open({ disk: rocksDisk(dataDir, readSync), stateBufferBytesMax: 2000, logRetainBytes: 2000 })
    let store = await opened()
    const { id } = await store.leases.grant({ ttlMs: 600_000 })
    for (let nth = 0; nth < 100; nth++) await store.put(`k${nth % 10}`, `v${nth}`)
    await store.put('leased', 'x', { lease: id })
    await store.delete('k9')
    await store.compact(50)
    const before = store.status()
    expect(before.stateWrites).toBeGreaterThan(1)
    await store.close()

    store = await opened()
    await store.ready()
    const after = store.status()
    expect([after.revision, after.compactRevision, after.digest]).toEqual([
      before.revision,
      before.compactRevision,
      before.digest,
    ])
    expect((await store.get('k3'))?.text()).toBe('v93')
    expect((await store.get('k3', { revision: 60 }))?.text()).toBe('v53')
    expect(await store.get('k9')).toBeUndefined()
    await store.maintenance.defragment()
    await store.leases.revoke(id)
    expect(await store.get('leased')).toBeUndefined()
    await store.close()
  })
})
