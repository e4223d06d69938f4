/**
 * Feature flags that are read on every request: from memory, without waiting, and never older than you allow.
 *
 *     npx tsx examples/recipes/05-feature-flags.ts
 */
import { CachedView, open } from 'quorate'

const store = await open()
await store.put('flags/new-checkout', 'false')

const flags = await CachedView.open(store, { prefix: 'flags/' }, { decode: (found) => found.json<boolean>() })

function checkout(customer: string): string {
  return `${customer} gets the ${flags.get('flags/new-checkout') === true ? 'new' : 'old'} checkout`
}
console.log(checkout('Ann'))

// Who changes a flag and wants to see it: wait for the revision of the write. Others see it a moment later by themselves.
const changes = flags.changes()
const { revision } = await store.put('flags/new-checkout', 'true')
await flags.includes(revision, { timeoutMs: 1_000 })
console.log(checkout('Bob'))

// A flag that nobody can read is left out, and told.
await flags.includes((await store.put('flags/dark-mode', 'yes, please')).revision)
for (const { key, error } of flags.failures) console.log(`${key} is not shown: ${String(error)}`)

// Loops over changes: of every one since changes() was called.
await flags.includes((await store.delete('flags/new-checkout')).revision)
console.log(checkout('Cem'))
for await (const { type, key, value, previous } of changes) {
  console.log(`${type} ${key}: ${previous} -> ${value}`)
  if (type === 'delete') break
}

// While this process is cut off from the cluster the flags stay as they were. This says for how long that may have been so.
console.log(`not older than ${Math.ceil(flags.staleMs)} ms`)
await flags.close()
await store.close()
