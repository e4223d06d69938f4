/** The words of a command: flags anywhere, as `--limit=2`, `--limit 2`, `-w json`, `-wjson`; what is behind `--` are none. */
import { CTL_EXIT, CtlError } from './ctl-error.js'
import type { CtlFlag } from './ctl-flag.js'

export interface Words {
  readonly operands: readonly string[]
  /** What is behind `--`; undefined where there is none. */
  readonly behind: readonly string[] | undefined
  /** By the names of the flags; a flag that is given twice counts as it was given last. */
  readonly flags: ReadonlyMap<string, string>
}

export function parseWords(words: readonly string[], known: readonly CtlFlag[]): Words {
  const operands: string[] = []
  const flags = new Map<string, string>()
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--') return { operands, behind: words.slice(at + 1), flags }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word)
      continue
    }
    const [, dashes = '', spelling = '', value] = /^(--?)([^=]*)(?:=(.*))?$/s.exec(word) ?? []
    const joined =
      dashes === '-' ? known.find(({ short, type }) => type !== 'boolean' && short === spelling[0]) : undefined
    if (joined !== undefined && spelling.length > 1) {
      flags.set(joined.name, word.slice(2))
      continue
    }
    const flag = known.find(({ name, short }) => (dashes === '--' ? name : short) === spelling)
    if (flag === undefined) throw new CtlError(CTL_EXIT.failed, unknown(word, spelling, dashes))
    if (value !== undefined) flags.set(flag.name, value)
    else if (flag.type === 'boolean') flags.set(flag.name, 'true')
    else if (at + 1 < words.length) flags.set(flag.name, words[++at] ?? '')
    else throw new CtlError(CTL_EXIT.failed, `flag needs an argument: ${word}`)
  }
  return { operands, behind: undefined, flags }
}

function unknown(word: string, spelling: string, dashes: string): string {
  return dashes === '--' ? `unknown flag: --${spelling}` : `unknown shorthand flag: '${spelling[0] ?? ''}' in ${word}`
}
