/** What `quorate serve` makes of words, variables and a file, up to where the member would be opened. */
import { checkValues } from '../../../src/cli/serve/check-values.js'
import type { Given, Note } from '../../../src/cli/serve/values.js'
import { valuesOf } from '../../../src/cli/serve/values.js'
import { flagsOf } from '../../../src/cli/serve/words.js'

export interface Sources {
  readonly environment?: Readonly<Record<string, string>>
  /** By path. */
  readonly files?: Readonly<Record<string, string>>
}

export function reading(files: Readonly<Record<string, string>> = {}): (path: string) => string {
  return (path) => {
    const content = files[path]
    if (content === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`)
    return content
  }
}

export function given(words: string, { environment = {}, files }: Sources = {}): Given {
  const split = words.split(' ').filter((word) => word !== '')
  return valuesOf({ flags: flagsOf(split), environment, readFile: reading(files) })
}

/** The same, looked at together. */
export function checked(words: string, sources?: Sources): Given & { readonly warnings: readonly string[] } {
  const taken = given(words, sources)
  const notes: readonly Note[] = [...taken.notes, ...checkValues(taken)]
  return { ...taken, notes, warnings: notes.map(({ text }) => text) }
}
