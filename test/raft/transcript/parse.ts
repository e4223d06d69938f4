/**
 * The form of a transcript: prose, then blocks of commands, each with what they brought about.
 *
 *     # Prose: what happens here, and why. At least one paragraph, first.
 *
 *     cluster 3
 *     campaign 1
 *
 *     # More prose, where a block needs it.
 *     propose 1 a
 *     settle
 *     ----
 *     1 → 2  append  t1  previous 1@1  commit 1  entry 2@1
 *
 * A block ends at an empty line. One without `----` prepares: what it brings about is not shown.
 */

export interface Command {
  /** Its line in the file, from 1. */
  readonly line: number
  readonly name: string
  readonly words: readonly string[]
}

export interface Block {
  /** The lines above `----` as they stand, prose included. */
  readonly source: readonly string[]
  readonly commands: readonly Command[]
  /** Whether it has `----`: what its commands bring about is shown. */
  readonly shows: boolean
}

/** A mistake in a transcript file: where, and what. */
export class TranscriptError extends Error {
  override readonly name = 'TranscriptError'

  constructor(file: string, line: number, what: string) {
    super(`${file}:${line}: ${what}`)
  }
}

export const SEPARATOR = '----'

export function parseTranscript(file: string, text: string): Block[] {
  const blocks: Block[] = []
  const lines = text.split('\n')
  let at = 0
  while (at < lines.length) {
    if (lines[at] === '') {
      at++
      continue
    }
    const first = at
    while (at < lines.length && lines[at] !== '') at++
    blocks.push(parseBlock(file, lines.slice(first, at), first + 1))
  }
  const prose = blocks[0]
  if (prose === undefined || prose.commands.length > 0 || prose.shows) {
    throw new TranscriptError(
      file,
      1,
      'a transcript begins with a paragraph of prose, each line with "# ", then an empty line',
    )
  }
  return blocks
}

/** The file as it is written, with these lines below each block's `----`. */
export function formatTranscript(blocks: readonly Block[], shown: readonly (readonly string[])[]): string {
  const paragraphs = blocks.map(({ source, shows }, at) =>
    [...source, ...(shows ? [SEPARATOR, ...(shown[at] ?? [])] : [])].join('\n'),
  )
  return `${paragraphs.join('\n\n')}\n`
}

function parseBlock(file: string, lines: readonly string[], firstLine: number): Block {
  const separator = lines.indexOf(SEPARATOR)
  const source = separator < 0 ? lines : lines.slice(0, separator)
  const commands: Command[] = []
  for (const [at, text] of source.entries()) {
    if (text.startsWith('#')) continue
    const [name, ...words] = text.trim().split(/ +/)
    if (name !== undefined) commands.push({ line: firstLine + at, name, words })
  }
  if (separator >= 0 && commands.length === 0) {
    throw new TranscriptError(file, firstLine + separator, `${SEPARATOR} follows no command`)
  }
  return { source, commands, shows: separator >= 0 }
}
