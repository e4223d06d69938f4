/**
 * One line of what Jepsen writes down, as the log of a run or as its `history.edn`:
 *
 *     INFO  jepsen.util - 0	:invoke	:write	3
 *     {:process 0, :type :invoke, :f :write, :value 3, :time 17}
 *
 * Always: both forms say the same, and fields that are not of interest are passed over. Values stay text.
 */
import { excerpt } from './json-lines.js'

export interface JepsenLine {
  readonly client: string
  readonly type: string
  readonly kind: string
  readonly value: string
  /** What went wrong, where the line says so. */
  readonly error: string | undefined
}

/** Throws what is to be thrown for a line of which this was expected. */
export type Fail = (expected: string) => never

const OF_LOG = /^INFO\s+jepsen\.util\s+-\s+(\d+)\s+:(\w+)\s+:(\w+)\s+(.*?)\s*$/

/** Undefined for lines of the log that are none of the workload's. */
export function readLogLine(source: string, fail: Fail): JepsenLine | undefined {
  if (!/jepsen\.util\s+-\s+\d+\s/.test(source)) return undefined
  const [, client, type, kind, value] = OF_LOG.exec(source) ?? []
  if (client === undefined || type === undefined || kind === undefined || value === undefined) {
    return fail('client, type, operation and value')
  }
  return { client, type, kind, value, error: undefined }
}

const OF_EDN = /^(?:#jepsen\.history\.Op\s*)?\{(.*)\}$/

/** Whether the text is written as maps. A log never begins with a bracket. */
export function isEdn(text: string): boolean {
  return /^\s*(?:;.*\s+)*(?:#jepsen|[{[])/.test(text)
}

/** Undefined for what the nemesis did, for comments and for lines without anything. */
export function readEdnLine(source: string, fail: Fail): JepsenLine | undefined {
  const line = source.trim()
  if (line === '' || line.startsWith(';')) return undefined
  const [, inner] = OF_EDN.exec(line) ?? []
  const fields = fieldsOf(inner ?? fail('one map {...}'), fail)
  const field = (name: string): string => fields.get(name) ?? fail(`a map with ${name}`)
  const client = field(':process')
  if (client.startsWith(':')) return undefined
  if (!/^\d+$/.test(client)) return fail(':process to be a number or a name such as :nemesis')
  return {
    client,
    type: keyword(field(':type')),
    kind: keyword(field(':f')),
    value: fields.get(':value') ?? 'nil',
    error: fields.get(':error'),
  }
}

function keyword(text: string): string {
  return text.startsWith(':') ? text.slice(1) : ''
}

/** In EDN commas are blanks, and what is between brackets may be nested. */
function fieldsOf(inner: string, fail: Fail): ReadonlyMap<string, string> {
  const forms = formsOf(inner, fail)
  const fields = new Map<string, string>()
  for (let at = 0; at < forms.length; at += 2) {
    const [name = '', value] = forms.slice(at, at + 2)
    if (!/^:[^\s:]+$/.test(name)) fail(`a keyword before each value, where ${excerpt(name)} is`)
    if (value === undefined) return fail(`a value after ${name}`)
    if (fields.has(name)) fail(`${name} once`)
    fields.set(name, value)
  }
  return fields
}

const BLANKS = /[\s,]+/y
const TEXT = /"(?:[^"\\]|\\.)*"/y
const BARE = /[^\s,"{}[\]()]+/y
const CLOSING: Readonly<Record<string, string>> = { '{': '}', '[': ']', '(': ')' }

function formsOf(inner: string, fail: Fail): string[] {
  const forms: string[] = []
  const closings: string[] = []
  let begin = 0
  let at = 0
  const past = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    if (!pattern.test(inner)) return false
    at = pattern.lastIndex
    return true
  }
  while (at < inner.length) {
    if (past(BLANKS)) continue
    if (closings.length === 0) begin = at
    const sign = inner.charAt(at)
    const closing = CLOSING[sign]
    if (closing !== undefined) {
      closings.push(closing)
      at++
      continue
    }
    if (sign === closings.at(-1)) {
      closings.pop()
      at++
    } else if (!past(TEXT) && !past(BARE)) fail(`no ${sign} there`)
    if (closings.length === 0) forms.push(inner.slice(begin, at))
  }
  if (closings.length > 0) fail(`a ${closings.at(-1)} at the end of what was begun`)
  return forms
}
