/** `--log-outputs`: where lines of the log go. Files are appended to, and written in the background within a bound. */
import { createWriteStream, openSync } from 'node:fs'
import { SettingError } from './setting-error.js'

export interface LogOutputs {
  readonly write: (line: string) => void
  /** What was written is in its files. */
  close(): Promise<void>
}

interface Streams {
  readonly out: (text: string) => void
  readonly err: (text: string) => void
}

/** Bytes that wait for a file; lines beyond are dropped, so that a disk that hangs takes the log and not the member. */
const WAITING_BYTES_MAX = 1024 * 1024

/** Throws {@link SettingError} for a file that cannot be written. */
export function logOutputsOf(targets: readonly string[], streams: Streams): LogOutputs {
  const outputs = [...new Set(targets.length === 0 ? ['default'] : targets)].map((target) => outputOf(target, streams))
  return {
    write: (line) => {
      for (const output of outputs) output.write(line)
    },
    close: async () => {
      await Promise.all(outputs.map((output) => output.close()))
    },
  }
}

function outputOf(target: string, { out, err }: Streams): LogOutputs {
  switch (target) {
    case 'stdout':
    case '/dev/stdout':
      return { write: out, close: async () => undefined }
    // What is told to stderr is in the journal of systemd, too.
    case 'default':
    case 'stderr':
    case '/dev/stderr':
    case 'systemd/journal':
      return { write: err, close: async () => undefined }
    default:
      return fileOutput(target, err)
  }
}

function fileOutput(path: string, err: (text: string) => void): LogOutputs {
  const stream = createWriteStream(path, { fd: opened(path) })
  let failed = false
  let dropped = 0
  stream.on('error', (error) => {
    if (!failed) err(`quorate serve: the log cannot be written to ${path} any more: ${error.message}\n`)
    failed = true
  })
  return {
    write: (line) => {
      if (failed) return
      if (stream.writableLength > WAITING_BYTES_MAX) {
        dropped++
        return
      }
      if (dropped > 0)
        err(`quorate serve: ${dropped} lines of the log were not written to ${path}, which was too slow\n`)
      dropped = 0
      stream.write(line)
    },
    close: () =>
      new Promise((resolve) => {
        if (failed || stream.closed) resolve()
        stream.once('close', resolve)
        stream.end()
      }),
  }
}

function opened(path: string): number {
  try {
    return openSync(path, 'a', 0o640)
  } catch (error) {
    throw new SettingError(`--log-outputs: ${path} cannot be written: ${(error as Error).message}`)
  }
}
