/** Bytes of the heap of JavaScript that a key takes beside its record. */
import { atMost, collected, print } from './report.js'
import { Applier, FORGETFUL, KEYS, shuffled } from './workload.js'

const BATCH = 5000

export async function heap(): Promise<void> {
  const applier = new Applier(FORGETFUL, 0)
  const before = collected()
  for (let at = 0; at < KEYS; at += BATCH) applier.apply(applier.puts(at, BATCH, shuffled))
  const once = collected()
  print('heap per key, written once', (once.heapUsed - before.heapUsed) / KEYS, 'B', atMost(250))
  print('outside of the heap, per key', (once.external - before.external) / KEYS, 'B')
  for (let at = 0; at < KEYS; at += BATCH) applier.apply(applier.puts(at, BATCH, shuffled))
  const twice = collected()
  print('heap per key, with one superseded version', (twice.heapUsed - before.heapUsed) / KEYS, 'B')
  if (applier.machine.store.size !== KEYS) throw new Error('a key is missing')
}
