/** The command line in this process, with what it writes. */
import { run } from '../../src/cli/run.js'

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

export async function quorate(...words: readonly string[]): Promise<Ran> {
  const written = { out: '', err: '' }
  const terminal = {
    out: (text: string) => {
      written.out += text
    },
    err: (text: string) => {
      written.err += text
    },
    signal: new AbortController().signal,
  }
  const code = await run({ words, terminal, version: '1.2.3' })
  return { code, ...written }
}
