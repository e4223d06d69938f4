/**
 * A queue of mails with two consumers, one of which dies with a mail in its hands: the other one gets it.
 *
 *     npx tsx examples/recipes/08-work-queue.ts
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { MemoryNetwork, open, put, Queue, type Environment, type Store } from 'quorate'

const network = new MemoryNetwork()
const [a, b, c] = await Promise.all([member('a'), member('b'), member('c')])

function member(name: string): Promise<Store> {
  const transport = ({ timers }: Environment) => network.transport(name, timers)
  return open({ name, cluster: { a: 'a', b: 'b', c: 'c' }, transport, durability: 'none', electionTimeoutMs: 300 })
}

for (const to of ['ann', 'bob', 'cem', 'dot']) {
  await new Queue(c, 'mails').add(JSON.stringify({ to, subject: 'Welcome' }))
}

/** What each consumer does until it is shut down. */
async function consume(name: string, store: Store, send: (to: string, signal: AbortSignal) => Promise<void>) {
  for await (const item of new Queue(store, 'mails').items({ ttlMs: 1_000, signal: shutdown.signal })) {
    const { to } = item.json<{ to: string }>()
    console.log(`${name} has the mail to ${to}, which was handed out ${item.deliveries} time(s)`)
    await send(to, item.signal) // At least once. The signal aborts before anybody else can get the mail.
    // Exactly once: written in one transaction with the end of the item.
    await item.complete({ success: [put(`sent/${to}`, `by ${name}`)] })
  }
}

const shutdown = new AbortController()
const dead = consume('b', b, () => b.close()) // The process ends in the middle of its first mail.
const working = consume('a', a, (_to, signal) => sleep(20, undefined, { signal }))
await dead.catch((error: Error) => console.log(`b: ${error.message}`))

let sent = 0
for await (const event of a.watch({ prefix: 'sent/' }, { startRevision: 1 })) {
  if (event.type === 'put') console.log(`${event.key} ${event.keyValue.text()}`)
  if (++sent === 4) break
}
shutdown.abort()
await working
console.log(`${await new Queue(a, 'mails').length()} left`)
await Promise.all([a.close(), c.close()])
