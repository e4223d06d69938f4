/** `npm run test:prometheus`: a real Prometheus reads the metrics of three served members, and answers queries. */
import { run } from './prometheus/run.js'
import { prometheusVersion } from './prometheus/server.js'

// What was started is removed when the process exits, which a signal alone does not make it do.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const version = prometheusVersion()
if (version === undefined) {
  console.log('test:prometheus: skipped, there is no prometheus on the path (Debian: apt-get install prometheus)')
} else {
  console.log(`test:prometheus: Prometheus ${version}, three members`)
  process.exitCode = (await run()) ? 0 : 1
}
