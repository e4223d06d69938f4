/**
 * Histories as text: one JSON object a line, in the order of what happened.
 *
 *     {"client":"a","type":"invoke","call":0,"input":{"type":"read"}}
 *     {"client":"a","type":"ok","call":0,"output":3}
 *
 * `type` of an end is `ok`, `refused` or `unknown`; a call without an end was pending. `atMs` is optional everywhere.
 */
import type { Call, Ending } from './call.js'

export function writeJsonLines(calls: readonly Call[]): string {
  const lines: { readonly moment: number; readonly text: string }[] = []
  for (const { index, client, input, outcome, output, reason, invoked, returned, invokedMs, returnedMs } of calls) {
    const begin = { client, type: 'invoke', call: index, atMs: invokedMs, input }
    lines.push({ moment: invoked, text: JSON.stringify(begin) })
    if (outcome === 'pending') continue
    const end = { client, type: outcome, call: index, atMs: returnedMs, output, reason }
    lines.push({ moment: returned, text: JSON.stringify(end) })
  }
  lines.sort((left, right) => left.moment - right.moment)
  return lines.map(({ text }) => `${text}\n`).join('')
}

/** What the lines are told to, in their order. */
interface Told {
  invoke(client: string, input: unknown, nowMs: number | undefined): Call
  end(call: Call, ending: Ending, nowMs: number | undefined): void
}

export function readJsonLines(text: string, history: Told): void {
  const open = new Map<number, Call>()
  const known = new Set<number>()
  text.split('\n').forEach((source, at) => {
    if (source.trim() === '') return
    const line = new Line(source, at + 1)
    const client = line.text('client')
    const number = line.count('call')
    const type = line.text('type')
    if (type === 'invoke') {
      if (known.has(number)) line.fail(`a call that was not begun before; call ${number} was`)
      known.add(number)
      open.set(number, history.invoke(client, line.fields['input'], line.time('atMs')))
      return
    }
    if (type !== 'ok' && type !== 'refused' && type !== 'unknown') {
      return line.fail(`"type" to be "invoke", "ok", "refused" or "unknown", not ${JSON.stringify(type)}`)
    }
    const call = open.get(number)
    if (call === undefined) return line.fail(`a call that has begun and not ended; call ${number} is none`)
    if (call.client !== client)
      line.fail(`the client that began call ${number}, which is ${JSON.stringify(call.client)}`)
    open.delete(number)
    const reason = line.fields['reason'] === undefined ? undefined : line.text('reason')
    const atMs = line.time('atMs')
    if (type === 'ok') history.end(call, { outcome: 'ok', output: line.fields['output'] }, atMs)
    else history.end(call, { outcome: type, reason }, atMs)
  })
}

class Line {
  readonly fields: Readonly<Record<string, unknown>>
  readonly #number: number

  /** Throws SyntaxError. */
  constructor(source: string, number: number) {
    this.#number = number
    let parsed: unknown
    try {
      parsed = JSON.parse(source)
    } catch {
      this.fail(`a JSON object, not ${excerpt(source)}`)
    }
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      this.fail(`a JSON object, not ${excerpt(source)}`)
    }
    this.fields = parsed as Readonly<Record<string, unknown>>
  }

  text(name: string): string {
    const value = this.fields[name]
    return typeof value === 'string' ? value : this.fail(`"${name}" to be text, not ${excerpt(JSON.stringify(value))}`)
  }

  count(name: string): number {
    const value = this.fields[name]
    if (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0) return value
    return this.fail(`"${name}" to be a whole number from 0 on, not ${excerpt(JSON.stringify(value))}`)
  }

  time(name: string): number | undefined {
    const value = this.fields[name]
    if (value === undefined || typeof value === 'number') return value
    return this.fail(`"${name}" to be a number, not ${excerpt(JSON.stringify(value))}`)
  }

  fail(expected: string): never {
    throw malformedLine(this.#number, expected)
  }
}

/** What every reader of histories throws. */
export function malformedLine(number: number, expected: string): SyntaxError {
  return new SyntaxError(`line ${number} of the history: expected ${expected}`)
}

const EXCERPT_LENGTH_MAX = 60

export function excerpt(source: string | undefined): string {
  if (source === undefined) return 'nothing'
  return source.length <= EXCERPT_LENGTH_MAX ? source : `${source.slice(0, EXCERPT_LENGTH_MAX)}...`
}
