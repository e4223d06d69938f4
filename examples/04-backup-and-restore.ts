/**
 * A backup of a store that is in use, and a new store out of it, as it was then.
 *
 *     npx tsx examples/04-backup-and-restore.ts
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { open, restore, saveSnapshot, snapshotStatus } from 'quorate'

const folder = mkdtempSync(join(tmpdir(), 'quorate-example-'))
const file = join(folder, 'monday.snapshot')

const store = await open({ dataDir: join(folder, 'old') })
await store.put('orders/1', 'paid')
await store.put('orders/2', 'open')
await saveSnapshot(store, file)
await store.delete({ prefix: 'orders/' }) // A mistake, after the backup.
await store.close()

const { keys, revision, hash } = await snapshotStatus(file)
console.log(`the backup has ${keys} keys at revision ${revision}; its hash is ${hash.slice(0, 8)}...`)

// The new cluster has a token of its own, and so ids of its own: nobody can take it for the old one.
const fresh = { dataDir: join(folder, 'new'), clusterToken: 'after-the-mistake' }
await restore({ from: file, ...fresh })
const restored = await open(fresh)
const { items } = await restored.range({ prefix: 'orders/' })
console.log(`restored: ${items.map((item) => `${item.key} = ${item.text()}`).join(', ')}`)
console.log(`it goes on at revision ${(await restored.put('orders/3', 'open')).revision}`)
await restored.close()
rmSync(folder, { recursive: true })
