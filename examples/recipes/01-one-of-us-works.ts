/**
 * Three instances of a service, one of which sends the bills. It is shut down in the middle, and another one goes on.
 *
 *     npx tsx examples/recipes/01-one-of-us-works.ts
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { del, Election, isStoreError, open, put, type Leadership } from 'quorate'

// In a service each process opens a member of its own. For an election it makes no difference.
const store = await open()
for (const bill of ['1', '2', '3', '4', '5']) await store.put(`bills/due/${bill}`, '9.90')

async function sendBills(instance: string, leadership: Leadership): Promise<void> {
  for (;;) {
    const { items } = await store.range({ prefix: 'bills/due/' }, { limit: 1 })
    const [bill] = items
    if (bill === undefined) return

    await sleep(50, undefined, { signal: leadership.signal }) // It is printed. The signal aborts before anybody else leads.
    const sent = bill.key.replace('due', 'sent')
    await leadership.txn({ success: [del(bill.key), put(sent, instance)] }) // Done only by who still leads.
    console.log(`${instance}: ${sent}`)
  }
}

/** What each instance does when it starts: stand by, work when elected, stop in time, stand by again. */
async function bill(instance: string, priority: number, signal?: AbortSignal): Promise<void> {
  await new Election(store, 'billing').leaderWhile(
    async (leadership) => {
      console.log(`${instance} leads`)
      await sendBills(instance, leadership)
    },
    { value: instance, priority, signal },
  )
}

const shutdown = new AbortController()
const first = bill('berlin-1', 1, shutdown.signal)
const others = [bill('paris-1', 0), bill('berlin-2', 1)]

// When the first bill is sent: who leads and who stands by, for an operator.
for await (const { type } of store.watch({ prefix: 'bills/sent/' }, { startRevision: 1 })) if (type === 'put') break
for (const { owner, priority, holds } of await new Election(store, 'billing').candidates()) {
  console.log(`${owner}, priority ${priority}, ${holds ? 'leads' : 'stands by'}`)
}

shutdown.abort()
await first.catch((error: unknown) => {
  if (!isStoreError(error, 'ABORTED')) throw error
  console.log('berlin-1 is shut down')
})
await Promise.all(others)
await store.close()
