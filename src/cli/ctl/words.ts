/** The words of a line that is typed into a command: those in quotes are one. */
import { CTL_EXIT, CtlError } from './ctl-error.js'
import { goUnquoted } from './go-text.js'

const WORD = /"(?:[^"\\]|\\.)*"|'[^']*'|[^\s'"]\S*|\S+/g

/** Throws {@link CtlError}. */
export function wordsOf(line: string): string[] {
  return [...line.matchAll(WORD)].map(([word]) => {
    if (word.startsWith("'") && word.endsWith("'") && word.length > 1) return word.slice(1, -1)
    return word.startsWith('"') ? unquoted(word, line) : word
  })
}

function unquoted(word: string, line: string): string {
  const found = goUnquoted(word)
  if (found === undefined || found.rest !== '') {
    throw new CtlError(CTL_EXIT.invalidInput, `${word} is no text in quotes, in: ${line}`)
  }
  const text = found.bytes.toString('utf8')
  if (Buffer.from(text).equals(found.bytes)) return text
  throw new CtlError(CTL_EXIT.invalidInput, `${word} is not UTF-8, which the words of a command are, in: ${line}`)
}
