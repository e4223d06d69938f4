/**
 * The words of a command line as the flags of Go read them: `-name x`, `--name x`, `--name=x`; a boolean takes a value only
 * behind `=`. What is given twice counts as it was given last.
 */
import { quote } from '../../base/quote.js'
import { UsageError } from '../command.js'
import { FLAG_NAMES, flagNamed, rowOf, type FlagName } from './flags.js'
import { nearest } from './nearest.js'

/** By flag, the text that was given for it. Throws {@link UsageError}. */
export function flagsOf(words: readonly string[]): ReadonlyMap<FlagName, string> {
  const flags = new Map<FlagName, string>()
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--' && at === words.length - 1) break
    const [, spelling, value] = /^--?([^-=][^=]*)(?:=(.*))?$/s.exec(word) ?? []
    if (spelling === undefined) throw new UsageError(strayWord(word, words[at - 1]))
    const name = spelling === 'h' ? 'help' : flagNamed(spelling)
    if (name === undefined) throw new UsageError(unknown(spelling))
    if (value !== undefined || rowOf(name).boolean === true) {
      flags.set(name, value ?? 'true')
      continue
    }
    const next = words[++at]
    if (next === undefined) throw new UsageError(`--${name} needs a value, ${rowOf(name).kind}`)
    flags.set(name, next)
  }
  return flags
}

/** A boolean with its value in a word of its own is what Go's flags are known for. */
function strayWord(word: string, before = ''): string {
  const name = flagNamed(before.replace(/^--?/, ''))
  if (name === undefined || rowOf(name).boolean !== true) return `${quote(word)} is no flag`
  return `${quote(word)} is no flag; --${name} takes its value behind an equals sign: --${name}=${word}`
}

function unknown(spelling: string): string {
  return `there is no flag --${spelling}${nearest(spelling, FLAG_NAMES, '--')}`
}
