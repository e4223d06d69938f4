#!/usr/bin/env node
/**
 * The program `quorate`: the process around run.ts.
 *
 * Always: the process is not ended by force, so that what was written to a pipe arrives; a reader that went away (`| head`)
 * takes nothing but itself. An interrupt lets the command clean up first, for a moment; then, or with a second one, the
 * process ends by that signal itself, since an exit waits for what the system does not come back from (a pipe, a dead disk).
 */
import { readFileSync } from 'node:fs'
import { PROCESS_SIGNALS } from '../runtime/process-signals.js'
import { Input } from './input.js'
import { run, textOf } from './run.js'

/** What ends the program, and its exit code then, as shells have it. */
const INTERRUPTS = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const
const CLEANING_UP_MS_MAX = 1000

function version(): string {
  // Beside `dist` and `src` alike.
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
  return (manifest as { readonly version: string }).version
}

/** What the process is to end with because of something outside the command. */
const ending: { code: number | undefined } = { code: undefined }

/** Aborts for a command that is to clean up; `release` leaves all that to the command. */
function interruptible(): { readonly signal: AbortSignal; readonly release: () => void } {
  const interrupted = new AbortController()
  const listeners = Object.entries(INTERRUPTS).map(([signal, exitCode]) => {
    const listener = (): void => {
      ending.code ??= exitCode
      process.stderr.write(`quorate: ended by ${signal}\n`)
      interrupted.abort(new Error(`ended by ${signal}`))
      setTimeout(() => {
        // Behind what removes temporary files at the exit.
        process.once('exit', () => process.kill(process.pid, signal))
        process.exit(exitCode)
      }, CLEANING_UP_MS_MAX).unref()
    }
    process.once(signal, listener)
    return { signal, listener }
  })
  const release = (): void => {
    for (const { signal, listener } of listeners) process.off(signal, listener)
  }
  return { signal: interrupted.signal, release }
}

function watchStreams(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return
    fail(`cannot write what was asked for: ${error.message}`)
  })
  // There is nobody left to tell.
  process.stderr.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') ending.code ??= 1
    process.exitCode = ending.code
  })
}

function fail(text: string): void {
  process.stderr.write(`quorate: ${text}\n`)
  ending.code ??= 1
  process.exitCode = ending.code
}

async function main(): Promise<void> {
  watchStreams()
  // Of whoever develops, not of whoever uses: gRPC names servers by their addresses, which Node warns of each time.
  process.noDeprecation = true
  const debug = (process.env.QUORATE_DEBUG ?? '') !== ''
  const { signal, release } = interruptible()
  let endsAnyway = false
  const ask = (question: string): void => {
    process.stderr.write(question)
  }
  const input = new Input(process.stdin, ask, () => process.kill(process.pid, 'SIGINT'))
  const terminal = {
    readInput: () => input.all(),
    readLine: () => input.line(),
    readPassword: (question: string) => input.password(question),
    variables: process.env,
    out: (text: string) => {
      process.stdout.write(text)
    },
    err: (text: string) => {
      process.stderr.write(text)
    },
    signal,
    takeSignals: () => {
      release()
      endsAnyway = true
      return PROCESS_SIGNALS
    },
  }
  try {
    const code = await run({ words: process.argv.slice(2), terminal, version: version(), debug })
    process.exitCode = ending.code ?? code
    // A server that has ended must not stay because of a disk that hangs, or of a client.
    if (endsAnyway) setTimeout(() => process.exit(), CLEANING_UP_MS_MAX).unref()
  } catch (error) {
    fail(textOf(error, debug))
  } finally {
    input.close()
  }
}

void main()
