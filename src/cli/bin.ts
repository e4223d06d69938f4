#!/usr/bin/env node
/**
 * The program `quorate`: the process around run.ts.
 *
 * Always: the process is not ended by force, so that what was written to a pipe arrives; a reader that went away (`| head`)
 * takes nothing but itself. An interrupt lets the command clean up first, a second one does not.
 */
import { readFileSync } from 'node:fs'
import { run } from './run.js'

/** What ends the program, and its exit code then, as shells have it. */
const INTERRUPTS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
const CLEANING_UP_MS_MAX = 2000

function version(): string {
  // Beside `dist` and `src` alike.
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return (manifest as { readonly version: string }).version
}

async function main(): Promise<void> {
  const interrupted = new AbortController()
  for (const [signal, exitCode] of Object.entries(INTERRUPTS)) {
    process.once(signal, () => {
      interrupted.abort(new Error(`ended by ${signal}`))
      // What only reads has nothing to clean up, and may not look at the signal.
      setTimeout(() => process.exit(exitCode), CLEANING_UP_MS_MAX).unref()
    })
  }
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  const terminal = {
    out: (text: string) => {
      process.stdout.write(text)
    },
    err: (text: string) => {
      process.stderr.write(text)
    },
    signal: interrupted.signal,
  }
  process.exitCode = await run({ words: process.argv.slice(2), terminal, version: version() })
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
