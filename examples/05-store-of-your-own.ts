/**
 * A member whose data is in a store by others: RocksDB, in place of LevelDB.
 *
 *     npx tsx examples/05-store-of-your-own.ts
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { RocksLevel } from '@nxtedition/rocksdb'
import { abstractLevelDisk, open } from 'quorate'

const folder = mkdtempSync(join(tmpdir(), 'quorate-example-'))

const rocksDisk = () =>
  abstractLevelDisk({
    name: 'rocksdb',
    dataDir: join(folder, 'data'),
    database: ({ location, options }) => new RocksLevel(location, options),
    // It has no getSync(): the records of the state are kept in memory too.
    readSync: 'memory',
  })

const first = await open({ disk: rocksDisk() })
await first.put('greeting', 'hello')
await first.close()

const second = await open({ disk: rocksDisk() })
console.log(`after a restart: greeting = ${(await second.get('greeting'))?.text()}`)
await second.close()
rmSync(folder, { recursive: true })
