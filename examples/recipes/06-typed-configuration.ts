/**
 * Configuration with a schema: what a program sees is of the type that it was promised, whatever anybody stores.
 *
 *     npx tsx examples/recipes/06-typed-configuration.ts
 */
import { Configuration, open } from 'quorate'
import { z } from 'zod'

const store = await open()
const schema = z.object({ url: z.url(), poolSize: z.int().positive().default(10) })
const config = await Configuration.open(store, 'config/db', {
  schema,
  fallback: { url: 'postgres://localhost', poolSize: 2 },
})
console.log(`nothing is stored: ${config.value.url}, ${config.value.poolSize} connections (${config.origin})`)

// Validated before it is written, and written as it is: the default comes in when it is read.
const { revision } = await config.set({ url: 'postgres://db1' })
await config.includes(revision)
console.log(`stored: ${config.value.url}, ${config.value.poolSize} connections (${config.origin})`)
await config.set({ url: 'db1' }).catch((error: Error) => console.log(`refused: ${error.message}`))

// Somebody else writes what is not valid, past the schema: with etcdctl, or an older version of the program.
const broken = await store.put('config/db', '{"url": "postgres://db2", "poolSize": "many"}')
await config.includes(broken.revision)
console.log(`still: ${config.value.url} (${config.origin})`)
console.log(`not valid: ${config.invalid?.message}`)

// It is mended only if nobody else was faster, and everybody who follows is told.
const changes = config.changes()
await config.set({ url: 'postgres://db2', poolSize: 20 }, { ifRevision: config.invalid?.revision })
for await (const { value, origin } of changes) {
  console.log(`changed: ${value.url}, ${value.poolSize} connections (${origin})`)
  break
}
await config.close()
await store.close()
