/**
 * Service discovery: instances register under a lease, and whoever calls them knows at any moment which of them live.
 *
 *     npx tsx examples/recipes/04-service-discovery.ts
 */
import { open, Registry } from 'quorate'

interface Version {
  readonly version: string
}

const store = await open()
const web = new Registry<Version>(store, 'services/web')

// Each instance, when it starts: it is found from now on, until it closes this or its process ends.
const first = await web.register(
  { id: 'web-1', address: 'http://10.0.0.1:80', metadata: { version: '1.2' } },
  { ttlMs: 10_000 },
)

// Whoever calls them: a set that follows, read without waiting.
const live = await web.open()
console.log('live:', live.instances.map(({ id, address }) => `${id} at ${address}`).join(', '))

const changes = live.changes()
const second = await web.register({ id: 'web-2', address: 'http://10.0.0.2:80', metadata: { version: '1.3' } })
await first.update({ metadata: { version: '1.3' } }) // it was upgraded
await second.close() // it was told to stop

for await (const { type, instance, previous } of changes) {
  console.log(`${type}: ${(instance ?? previous).id}, version ${(instance ?? previous).metadata.version}`)
  if (type === 'left') break
}

const instance = live.instances[Math.floor(Math.random() * live.instances.length)]
console.log(`the next call goes to ${instance?.address}, which has version ${instance?.metadata.version}`)

await first.close()
await live.close()
await store.close()
