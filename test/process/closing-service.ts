/**
 * A process with one store that is closed by signals, for close-on-signal.test.ts. `alone` writes until it is refused;
 * `waits` is one of two members, whose write waits for the other one, which never comes.
 */
import { isStoreError, MemoryNetwork, open, type OpenOptions } from '../../src/index.js'

const [how = 'alone'] = process.argv.slice(2)
const say = (text: string): void => {
  process.stdout.write(`${text}\n`)
}
const cluster = { a: 'a', b: 'b' }
const network = new MemoryNetwork()
const waits: OpenOptions = {
  ...{ name: 'a', cluster, durability: 'none', drainMs: 600_000 },
  transport: ({ timers }) => network.transport('a', timers),
}
const logger = { debug: say, info: say, warn: say, error: say }
const store = await open({ closeOn: ['SIGTERM', 'SIGINT'], logger, ...(how === 'waits' ? waits : {}) })
try {
  if (how === 'alone') await store.put('key', 'first')
  say('ready')
  for (;;) await store.put('key', 'x', { timeoutMs: Infinity })
} catch (error) {
  say(isStoreError(error) ? `refused with ${error.code}` : String(error))
}
