/**
 * At most three exports at a time in the whole cluster; and a catalogue with many readers or one writer.
 *
 *     npx tsx examples/recipes/03-at-most-three.ts
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { open, put, RWLock, Semaphore, Session } from 'quorate'

const store = await open()
// One lease for all that this process holds, rather than one for each lock: it is renewed once, and all are lost together.
const session = await Session.open(store, { ttlMs: 10_000 })

// Seven customers want an export.
const exports = new Semaphore(store, 'exports', { permits: 3, session })
let running = 0
async function exportFor(customer: string): Promise<void> {
  await exports.withPermit(
    async (permit) => {
      console.log(`${customer}: export begins, number ${++running} of those that run`)
      await sleep(50, undefined, { signal: permit.signal })
      running--
    },
    { owner: customer, timeoutMs: 30_000 },
  )
}
await Promise.all(['Ann', 'Bob', 'Cem', 'Dot', 'Eve', 'Flo', 'Gus'].map(exportFor))

// Readers share the catalogue, a writer has it alone; a reader who comes while a writer waits stands behind it.
await store.put('catalogue/tea', '3.20')
async function read(reader: string): Promise<void> {
  await new RWLock(store, 'catalogue', { session }).withReadLock(
    async (lock) => {
      console.log(`${reader} reads: tea costs ${(await store.get('catalogue/tea'))?.text()}`)
      await sleep(50, undefined, { signal: lock.signal })
    },
    { owner: reader },
  )
}
async function write(price: string): Promise<void> {
  await new RWLock(store, 'catalogue', { session }).withWriteLock(
    async (lock) => {
      await lock.txn({ success: [put('catalogue/tea', price)] }) // Written only if the lock is still held.
      console.log(`the office writes: ${price}`)
    },
    { owner: 'office' },
  )
}
await Promise.all([read('till 1'), read('till 2'), write('3.40'), read('till 3')])
await session.close()
await store.close()
