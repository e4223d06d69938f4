/**
 * Who wants to know what takes long: spans through node:diagnostics_channel, which OpenTelemetry and others take in as well.
 *
 *     npx tsx examples/10-spans.ts [milliseconds from which a write is called slow, 0 if left out]
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel } from 'node:diagnostics_channel'
import { open, put, type ProposeSpan } from 'quorate'

const slowMs = Number(process.argv[2] ?? 0)
/** What is being served, for whatever is done meanwhile. */
const request = new AsyncLocalStorage<string>()

// One span object for each write: what is known at the start is in it then, the outcome at the end.
const begunMs = new WeakMap<ProposeSpan, number>()
const spans = tracingChannel<unknown, ProposeSpan>('quorate:propose')
spans.start.subscribe((span) => {
  begunMs.set(span as ProposeSpan, performance.now())
})
spans.asyncEnd.subscribe((span) => {
  const { kind, operations, bytes, outcome, code, revision } = span as ProposeSpan
  const tookMs = performance.now() - (begunMs.get(span as ProposeSpan) ?? NaN)
  if (tookMs < slowMs) return
  const what = `${kind} of ${operations} operation(s), ${bytes} bytes`
  const end = outcome === 'ok' ? `revision ${revision}` : `${outcome}, ${code}`
  console.log(`slow write: ${what} took ${tookMs.toFixed(1)} ms: ${end} (${request.getStore()})`)
})

const store = await open()
await store.ready()
await request.run('POST /orders', () => store.put('orders/1', 'x'.repeat(1000)))
await request.run('POST /checkout', () => store.txn({ success: [put('orders/1', 'paid'), put('bills/1', '10')] }))
await request.run('POST /late', () => store.put('sessions/1', 'x', { lease: 404n })).catch(() => undefined)
await store.close()
