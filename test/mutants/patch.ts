/**
 * Unified diffs, applied strictly: the lines of a hunk must stand in the file exactly as the patch has them, and once.
 *
 * Always: line numbers are not looked at, so a patch outlives changes elsewhere in its file. Always: a hunk that does not
 * apply is an error that says what was looked for; nothing is guessed.
 */

export interface Hunk {
  /** The line with the `@@`, for messages. */
  readonly title: string
  /** Context and removed lines: what must be there. */
  readonly before: readonly string[]
  /** Context and added lines: what takes its place. */
  readonly after: readonly string[]
}

export interface FilePatch {
  /** From the root of the repository. */
  readonly file: string
  readonly hunks: readonly Hunk[]
}

export interface Patch {
  /** What stands above the first file, for people. */
  readonly preamble: string
  readonly files: readonly FilePatch[]
}

/** Throws SyntaxError naming the line that is no part of a unified diff. */
export function parsePatch(text: string): Patch {
  const lines = text.replace(/\n$/, '').split('\n')
  const start = lines.findIndex((line) => line.startsWith('--- '))
  if (start < 0) throw new SyntaxError("a patch needs a line that begins with '--- a/'")
  const files: { file: string; hunks: { title: string; before: string[]; after: string[] }[] }[] = []
  for (const line of lines.slice(start)) {
    const hunk = files.at(-1)?.hunks.at(-1)
    if (line.startsWith('--- ')) continue
    if (line.startsWith('+++ b/')) files.push({ file: line.slice('+++ b/'.length), hunks: [] })
    else if (line.startsWith('@@')) files.at(-1)?.hunks.push({ title: line, before: [], after: [] })
    else if (hunk === undefined) throw new SyntaxError(`a line outside of any hunk: '${line}'`)
    else if (line.startsWith(' ') || line === '') {
      hunk.before.push(line.slice(1))
      hunk.after.push(line.slice(1))
    } else if (line.startsWith('-')) hunk.before.push(line.slice(1))
    else if (line.startsWith('+')) hunk.after.push(line.slice(1))
    else throw new SyntaxError(`a line that is neither context nor added nor removed: '${line}'`)
  }
  return { preamble: lines.slice(0, start).join('\n').trim(), files }
}

/** The text with all hunks done. Throws an Error that says which one does not apply, and why. */
export function applyHunks(text: string, { file, hunks }: FilePatch): string {
  let lines: readonly string[] = text.split('\n')
  for (const { title, before, after } of hunks) {
    const places = placesOf(lines, before)
    const [place] = places
    if (place === undefined || places.length > 1) {
      const found = places.length === 0 ? 'are not there' : `are there ${places.length} times`
      throw new Error(
        `the patch does not apply to ${file} any more: the lines of ${title} ${found}; write it anew\n` +
          before.map((line) => `    ${line}`).join('\n'),
      )
    }
    lines = [...lines.slice(0, place), ...after, ...lines.slice(place + before.length)]
  }
  return lines.join('\n')
}

function placesOf(lines: readonly string[], wanted: readonly string[]): number[] {
  const places: number[] = []
  for (let place = 0; place + wanted.length <= lines.length; place++) {
    if (wanted.every((line, at) => lines[place + at] === line)) places.push(place)
  }
  return places
}
