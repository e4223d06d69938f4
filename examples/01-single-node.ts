/**
 * One process, data on disk: put, get, compare-and-swap, history, watch, a lease.
 *
 *     npx tsx examples/01-single-node.ts
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { compare, get, open, put } from 'quorate'

const dataDir = mkdtempSync(join(tmpdir(), 'quorate-example-'))
const store = await open({ dataDir })
await store.ready()

// A write is on disk when it resolves. Every change of the store has a number: the revision.
const { revision } = await store.put('config/database', 'postgres://one')
console.log(`written at revision ${revision}`)

const found = await store.get('config/database')
console.log(`read: ${found?.text()}, version ${found?.version}`)

// Several things at once, and only if nobody was faster.
const swap = await store.txn({
  compare: [compare('config/database').modRevision('=', found?.modRevision ?? 0)],
  success: [put('config/database', 'postgres://two'), put('config/changed-by', 'example')],
  failure: [get('config/database')],
})
console.log(swap.succeeded ? `swapped at revision ${swap.revision}` : 'somebody else was faster')

// The store remembers: read as it was then.
const before = await store.get('config/database', { revision })
console.log(`at revision ${revision} it was ${before?.text()}`)

// A watch sees every change, in order. It can begin in the past: here, at the first one.
for await (const event of store.watch({ prefix: 'config/' }, { startRevision: revision })) {
  console.log(
    `  ${event.revision} ${event.type} ${event.key}${event.type === 'put' ? ` = ${event.keyValue.text()}` : ''}`,
  )
  if (event.key === 'config/changed-by') break
}

// Keys with a lease are gone when it ends: when it is revoked, or when nobody renews it any more.
const lease = await store.leases.grant({ ttlMs: 5000 })
await store.put('services/web', 'http://127.0.0.1:8080', { lease: lease.id })
await store.leases.revoke(lease.id)
console.log(
  `with its lease gone, the key is ${(await store.get('services/web')) === undefined ? 'gone too' : 'still there'}`,
)

// Everything is still there after a restart.
await store.close()
const again = await open({ dataDir })
await again.ready()
const { items } = await again.range({ prefix: 'config/' })
console.log(`after a restart: ${items.map((item) => `${item.key} = ${item.text()}`).join(', ')}`)
await again.close()
rmSync(dataDir, { recursive: true })
