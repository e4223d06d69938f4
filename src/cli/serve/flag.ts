/**
 * One flag of the command `etcd`: what it takes, what etcd's default is, and what becomes of it here. The table of them is in
 * flags.ts; what a text means is decided here and nowhere else, whether it came as a word, a variable or out of a file.
 */
import { durationMsOf } from './duration.js'
import { urlOf, type Url } from './url.js'
import { ValueError } from './value-error.js'

/** What becomes of a flag. */
export type Fate =
  | { readonly type: 'supported' }
  /** It is taken, and nothing follows from it but a line in the log that says why. */
  | { readonly type: 'no effect'; readonly why: string }
  /** Anything but its default is an error: passing over it would be dangerous, or would promise what is not there. */
  | { readonly type: 'refused'; readonly why: string }

export interface Flag<Value> {
  /** As somebody would write it. Of an optional flag ''. */
  readonly fallback: string
  /** What stands for the value in the help. */
  readonly kind: string
  /** Throws {@link ValueError}. */
  readonly parse: (text: string) => Value
  readonly meaning: string
  readonly fate: Fate
  /** It is understood as `--experimental-...` as well, as releases before had it. */
  readonly experimental?: boolean
  /** False: given as '' it is not the fallback, but looked at. */
  readonly emptyIsDefault?: boolean
  /** Needs no value on the command line. */
  readonly boolean?: boolean
}

const SUPPORTED: Fate = { type: 'supported' }

export const noEffect = (why: string): Fate => ({ type: 'no effect', why })
export const refused = (why: string): Fate => ({ type: 'refused', why })

/** The same flag, with the spelling that it had before it was stable. */
export function onceExperimental<Value>(flag: Flag<Value>): Flag<Value> {
  return { ...flag, experimental: true }
}

export function text(fallback: string, meaning: string, fate = SUPPORTED): Flag<string> {
  return { fallback, kind: 'TEXT', parse: (given) => given, meaning, fate }
}

export function file(meaning: string, fate = SUPPORTED): Flag<string> {
  return { ...text('', meaning, fate), kind: 'FILE' }
}

/** As Go reads them. */
export function boolean(fallback: boolean, meaning: string, fate = SUPPORTED): Flag<boolean> {
  return { fallback: String(fallback), kind: 'true|false', parse: booleanOf, meaning, fate, boolean: true }
}

/** A whole number, `least` or more. */
export function integer(fallback: number, meaning: string, fate = SUPPORTED, least = 0): Flag<number> {
  const parse = (given: string): number => {
    const value = /^[+-]?\d{1,19}$/.test(given) ? Number(given) : NaN
    if (Number.isSafeInteger(value) && value >= least) return value
    throw new ValueError(least < 0 ? 'must be a whole number' : `must be a whole number, not less than ${least}`)
  }
  return { fallback: String(fallback), kind: 'NUMBER', parse, meaning, fate }
}

/** Milliseconds. */
export function duration(fallback: string, meaning: string, fate = SUPPORTED): Flag<number> {
  return { fallback, kind: 'DURATION', parse: durationMsOf, meaning, fate }
}

/** Separated by commas; empty ones do not count. */
export function list(fallback: string, meaning: string, fate = SUPPORTED): Flag<readonly string[]> {
  return { fallback, kind: 'LIST', parse: partsOf, meaning, fate }
}

/** A list whose default lets everybody in: what is given as nothing is refused, since it may have been meant to let nobody in. */
export function openList(meaning: string): Flag<readonly string[]> {
  const parse = (given: string): readonly string[] => {
    const parts = partsOf(given)
    if (parts.length > 0) return parts
    throw new ValueError('must not be empty: name those that may, or leave it out (or give `*`) for any')
  }
  return { fallback: '*', kind: 'LIST', parse, meaning, fate: SUPPORTED, emptyIsDefault: false }
}

export function urls(fallback: string, meaning: string, fate = SUPPORTED): Flag<readonly Url[]> {
  return { fallback, kind: 'URLS', parse: (given) => partsOf(given).map(urlOf), meaning, fate }
}

export function choice<const Choice extends string>(
  choices: readonly Choice[],
  fallback: Choice,
  meaning: string,
  fate = SUPPORTED,
): Flag<Choice> {
  const parse = (given: string): Choice => {
    const found = choices.find((each) => each === given)
    if (found !== undefined) return found
    throw new ValueError(`must be one of ${choices.filter((each) => each !== '').join(', ')}`)
  }
  return { fallback, kind: choices.filter((each) => each !== '').join('|'), parse, meaning, fate }
}

export function partsOf(given: string): readonly string[] {
  return given
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '')
}

const TRUE: readonly string[] = ['1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE: readonly string[] = ['0', 'f', 'F', 'FALSE', 'false', 'False']

function booleanOf(given: string): boolean {
  if (TRUE.includes(given)) return true
  if (FALSE.includes(given)) return false
  throw new ValueError('must be true or false')
}
