/**
 * A lock around something that lies outside of the store. Its token keeps out who held the lock before, and does not know yet
 * that it holds it no more.
 *
 *     npx tsx examples/recipes/02-lock-with-a-token.ts
 */
import { Mutex, open } from 'quorate'

/** Whatever the lock protects. It remembers the largest token that it has seen, and refuses a smaller one. */
const storage = {
  report: 'none',
  token: 0,
  upload(report: string, token: number): void {
    if (token < this.token) throw new Error(`token ${token} comes too late: ${this.token} was here`)
    this.token = token
    this.report = report
  },
}

const store = await open()
const lock = await new Mutex(store, 'reports/2026').lock({ owner: 'worker-1', ttlMs: 10_000 })
console.log(`worker-1 has the lock, with token ${lock.token}`)

// The usual way to write it. It waits in the line until worker-1 has gone, for at most half a minute.
const second = new Mutex(store, 'reports/2026').withLock(
  (lock) => {
    console.log(`worker-2 has the lock, with token ${lock.token}`)
    storage.upload('by worker-2', lock.token)
  },
  { owner: 'worker-2', timeoutMs: 30_000 },
)

// Worker-1 stands still: its machine is out of memory, or is being moved. Its lease ends after ten seconds; here an
// operator, who sees in the line whom everybody waits for, does not wait for that.
const line = await new Mutex(store, 'reports/2026').line()
for (const { owner, lease, holds } of line) {
  if (!holds) continue
  console.log(`${owner} is thrown out`)
  await store.leases.revoke(lease)
}
await second

// Worker-1 wakes up, and uploads without a look at `lock.signal`. The storage does not let it.
console.log(`worker-1 wakes up; its signal is ${lock.signal.aborted ? 'aborted' : 'not aborted'}`)
try {
  storage.upload('by worker-1', lock.token)
} catch (error) {
  console.log(`worker-1 is refused: ${(error as Error).message}`)
}
console.log(`the report is ${storage.report}`)
await store.close()
