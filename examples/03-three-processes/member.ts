/**
 * One of three processes of the same service: one of them works, the others stand by.
 *
 *     npx tsx examples/03-three-processes/member.ts a ./data/a     and in two more terminals
 *     npx tsx examples/03-three-processes/member.ts b ./data/b
 *     npx tsx examples/03-three-processes/member.ts c ./data/c     then end the one that works, with Ctrl-C or kill -9
 */
import { setTimeout as pause } from 'node:timers/promises'
import { Election, isStoreError, open, put } from 'quorate'

const [name = 'a', dataDir = `./data/${name}`] = process.argv.slice(2)
const firstPort = Number(process.env['FIRST_PORT'] ?? 7001)
const at = (offset: number): string => `127.0.0.1:${firstPort + offset}`

const store = await open({ name, dataDir, cluster: { a: at(0), b: at(1), c: at(2) } })
store.on('leader', ({ leader, term }) => {
  if (leader !== undefined) console.log(`${name}: ${leader} leads the store, term ${term}`)
})
const stopping = new AbortController()
process.once('SIGINT', () => {
  stopping.abort()
})

const election = new Election(store, 'worker')
while (!stopping.signal.aborted) {
  try {
    // Waits until nobody who came before is left. After a crash the others know within ttlMs.
    const leadership = await election.campaign(name, { ttlMs: 4000, signal: stopping.signal })
    console.log(`${name}: elected`)
    try {
      while (!leadership.signal.aborted && !stopping.signal.aborted) {
        const done = Number((await store.get('done'))?.text() ?? 0) + 1
        // Takes effect only if this process is still the elected one: nobody else's work is overwritten.
        await leadership.txn({ success: [put('done', String(done))] })
        console.log(`${name}: did piece ${done} of the work`)
        await pause(300)
      }
    } finally {
      await leadership.resign()
    }
  } catch (error) {
    // Too few members to decide anything, or the election is lost: stand again.
    if (!isStoreError(error)) throw error
    if (!stopping.signal.aborted) console.log(`${name}: ${error.code}`)
  }
}
await store.close()
console.log(`${name}: closed`)
