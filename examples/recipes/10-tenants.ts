/**
 * Tenants: each has a store of its own, which is a part of one store. Whatever takes a store takes it too.
 *
 *     npx tsx examples/recipes/10-tenants.ts
 */
import { CachedView, isStoreError, Mutex, open, put, type Store } from 'quorate'

const store = await open()
const acme = store.namespace('tenants/acme/')
const globex = store.namespace('tenants/globex/')

// The same key in both, and neither sees what the other has.
await acme.put('settings/name', 'ACME')
await globex.put('settings/name', 'Globex')
console.log(`acme reads ${(await acme.get('settings/name'))?.text()}`)
console.log(`globex reads ${(await globex.get('settings/name'))?.text()}`)

// Recipes inside: two tenants import at the same time, and each of them once at a time.
async function importInto(tenant: Store, name: string): Promise<void> {
  await new Mutex(tenant, 'import').withLock(async (lock) => {
    const items = ['1', '2', '3'].map((id) => put(`items/${id}`, 'imported'))
    await lock.txn({ success: items })
    console.log(`${name} has imported ${items.length} items under its ${lock.key.split('/')[0]}`)
  })
}
await Promise.all([importInto(acme, 'acme'), importInto(globex, 'globex')])

const view = await CachedView.open(globex, { prefix: 'items/' })
console.log(`globex sees ${[...view.keys()].join(', ')}`)
await view.close()

// A limit for one of them leaves the others alone.
await store.maintenance.setPrefixQuota('tenants/acme/', { keysMax: 5 })
await acme.put('items/4', 'imported')
await acme.put('items/5', 'imported').catch((error: unknown) => {
  if (!isStoreError(error, 'PREFIX_QUOTA_EXCEEDED')) throw error
  console.log(`acme is full: ${error.message}`)
})

// The whole store shows all of them.
for (const { key } of (await store.range({ prefix: 'tenants/' }, { keysOnly: true })).items) console.log(key)
await store.close()
