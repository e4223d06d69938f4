/**
 * What the member is started with: the command line, then variables, then defaults; or a file alone. Each value is taken apart
 * here, once; what they mean together is looked at in check-values.ts.
 */
import { quote } from '../../base/quote.js'
import { UsageError } from '../command.js'
import { configOf } from './config-file.js'
import { FLAG_NAMES, rowOf, type FlagName, type Values } from './flags.js'
import { ValueError } from './value-error.js'
import { variablesOf } from './variables.js'

export interface Given {
  readonly values: Values
  /** Which were given, wherever. */
  readonly given: ReadonlySet<FlagName>
  /** For the log, once there is one. */
  readonly notes: readonly Note[]
}

export interface Note {
  readonly level: 'info' | 'warn'
  readonly text: string
}

export interface Sources {
  /** What flagsOf() made of the words. */
  readonly flags: ReadonlyMap<FlagName, string>
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly readFile: (path: string) => string
}

/** Throws {@link UsageError}. */
export function valuesOf({ flags, environment, readFile }: Sources): Given {
  const variables = variablesOf(environment, flags)
  const notes: Note[] = variables.warnings.map((text) => ({ level: 'warn', text }))
  const path = flags.get('config-file') ?? variables.flags.get('config-file') ?? ''
  const texts = path === '' ? new Map([...variables.flags, ...flags]) : configOf(contentOf(path, readFile), path)
  if (path !== '') {
    const others = [...flags.keys(), ...variables.flags.keys()].filter((name) => name !== 'config-file')
    const passedOver = others.length === 0 ? '' : `; passed over: ${others.map((name) => `--${name}`).join(', ')}`
    notes.push({ level: 'info', text: `the file ${path} alone counts, not flags and variables${passedOver}` })
  }
  const entries = FLAG_NAMES.map((name) => [name, parsed(name, texts.get(name) ?? rowOf(name).fallback)] as const)
  for (const [name, text] of texts) judge(name, text, notes)
  return { values: Object.fromEntries(entries) as Values, given: new Set(texts.keys()), notes }
}

function contentOf(path: string, readFile: Sources['readFile']): string {
  try {
    return readFile(path)
  } catch (error) {
    throw new UsageError(`--config-file ${path} cannot be read: ${(error as Error).message}`)
  }
}

function parsed(name: FlagName, text: string): unknown {
  try {
    const { parse, fallback, emptyIsDefault = true } = rowOf(name)
    return parse(text === '' && emptyIsDefault ? fallback : text)
  } catch (error) {
    if (!(error instanceof ValueError)) throw error
    throw new UsageError(`--${name} ${error.message}${SECRET.includes(name) ? '' : `; given is ${quote(text)}`}`)
  }
}

const SECRET: readonly FlagName[] = ['discovery-password', 'discovery-user', 'auth-token']

/** What becomes of a flag that was given with something else than its default. */
function judge(name: FlagName, text: string, notes: Note[]): void {
  const { fate, fallback, parse } = rowOf(name)
  if (text === '' || JSON.stringify(parse(text)) === JSON.stringify(parse(fallback))) return
  switch (fate.type) {
    case 'supported':
      return
    case 'no effect':
      notes.push({ level: 'info', text: `--${name} has no effect: ${fate.why}` })
      return
    case 'refused':
      throw new UsageError(`--${name} is not taken: ${fate.why}`)
  }
}
