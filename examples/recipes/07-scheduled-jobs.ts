/**
 * A job that is due again and again, and run each time by one of the processes, as long as any of them lives.
 *
 *     npx tsx examples/recipes/07-scheduled-jobs.ts
 */
import { open, put, Scheduler, type ScheduledJob } from 'quorate'

const store = await open()

/** Which is away the first time. */
const mailServer = {
  calls: 0,
  send(): void {
    if (++this.calls === 1) throw new Error('the mail server is away')
  },
}

/** What each process does when it starts. */
function startInvoices(owner: string): ScheduledJob {
  const scheduler = new Scheduler(store, 'billing', { owner })
  // In earnest: { cron: '0 3 * * *', timeZone: 'Europe/Berlin', promise: 'at-least-once' }
  const job = scheduler.start('invoices', { everyMs: 400, promise: 'at-least-once' }, async (firing) => {
    mailServer.send() // At least once.
    // Exactly once, however often this function runs: written in one transaction with "it is done".
    await firing.complete({ success: [put(`invoices/${firing.scheduled}`, `by ${owner}, attempt ${firing.attempt}`)] })
  })
  job.on('failure', ({ attempt, error, then }) =>
    console.log(`${owner}: attempt ${attempt}: ${String(error)}: ${then}`),
  )
  return job
}

const jobs = ['web-1', 'web-2'].map(startInvoices)

let written = 0
for await (const event of store.watch({ prefix: 'invoices/' }, { startRevision: 1 })) {
  if (event.type === 'put') console.log(`${event.key} ${event.keyValue.text()}`)
  if (++written === 3) break
}

// For an operator: what is due when, and what became of the last one.
for (const { name, last, nextMs } of await new Scheduler(store, 'billing').jobs()) {
  console.log(
    `${name}: the last one is ${last?.state}, by ${last?.by}; the next one is due in ${(nextMs ?? NaN) - Date.now()} ms`,
  )
}
await Promise.all(jobs.map((job) => job.close()))
await store.close()
