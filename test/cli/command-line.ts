/** The command line in this process, with what it writes. */
import { Readable } from 'node:stream'
import { Input } from '../../src/cli/input.js'
import { run } from '../../src/cli/run.js'
import type { Terminal } from '../../src/cli/terminal.js'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  /** Standard input. Default: there is none. */
  readonly input?: string
  readonly variables?: Readonly<Record<string, string>>
  readonly signal?: AbortSignal
  /** Told all that was written to standard output so far, whenever there is more. */
  readonly heard?: (out: string) => void
}

export async function quorate(...words: readonly string[]): Promise<Ran> {
  return quorateWith({}, ...words)
}

export async function quorateWith(
  { input, variables = {}, signal = new AbortController().signal, heard = () => undefined }: RunOptions,
  ...words: readonly string[]
): Promise<Ran> {
  const written = { out: '', err: '' }
  const reading: Partial<Terminal> = input === undefined ? {} : readingOf(input)
  const terminal: Terminal = {
    out: (text: string) => {
      written.out += text
      heard(written.out)
    },
    err: (text: string) => {
      written.err += text
    },
    signal,
    variables,
    ...reading,
  }
  const code = await run({ words, terminal, version: '1.2.3' })
  return { code, ...written }
}

function readingOf(text: string): Partial<Terminal> {
  const stream = Readable.from([Buffer.from(text)])
  const input = new Input(
    stream,
    () => undefined,
    () => undefined,
  )
  return {
    readInput: () => input.all(),
    readLine: () => input.line(),
    readPassword: (question) => input.password(question),
  }
}
