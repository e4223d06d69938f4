/**
 * JSON as the gateway reads it: numbers keep all their digits, and a name stands once in an object.
 *
 * Not by JSON.parse: ids of leases and members have 64 bits, and a number that became a double on the way names another
 * lease. Of two fields with one name it would keep the last and say nothing.
 *
 * Always: what is deep, long or much is bounded before it is made: depth and number here, length by whoever got the text.
 */
import { LIMITS } from '../../base/limits.js'
import { quote } from '../../base/quote.js'

/** A number by its digits, as they were written. */
export interface JsonNumber {
  readonly digits: string
}

export type JsonObject = ReadonlyMap<string, JsonValue>
export type JsonValue = null | boolean | string | JsonNumber | readonly JsonValue[] | JsonObject

/** Says what is wrong, and at which character. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError'
}

/** The value that `text` is. Throws {@link JsonSyntaxError}. */
export function parseJson(text: string): JsonValue {
  const reader = new Reader(text)
  const value = reader.value(0)
  reader.end()
  return value
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const SPACE = /[ \t\n\r]*/y
const WORD = /[a-zA-Z]+/y
/** What only JSON.parse makes of a text what it means, or refuses. */
const SPECIAL = /[\\\u0000-\u001f]/

class Reader {
  private at = 0
  private values = 0

  constructor(private readonly text: string) {}

  value(depth: number): JsonValue {
    if (++this.values > LIMITS.etcdRequestFieldsMax) {
      throw new JsonSyntaxError(`it has more than ${LIMITS.etcdRequestFieldsMax} values`)
    }
    this.skipSpace()
    const next = this.text[this.at]
    if (next === '{') return this.object(depth + 1)
    if (next === '[') return this.array(depth + 1)
    if (next === '"') return this.string()
    const digits = this.take(NUMBER)
    return digits === '' ? this.word() : { digits }
  }

  end(): void {
    this.skipSpace()
    if (this.at < this.text.length) this.fail('the end')
  }

  private object(depth: number): JsonObject {
    this.enter(depth)
    const fields = new Map<string, JsonValue>()
    if (this.leaves('}')) return fields
    do {
      this.skipSpace()
      if (this.text[this.at] !== '"') this.fail('the name of a field in quotes')
      const name = this.string()
      if (fields.has(name)) throw new JsonSyntaxError(`the field ${quote(name)} stands twice in one object`)
      this.expect(':')
      fields.set(name, this.value(depth))
    } while (this.goesOn('}'))
    return fields
  }

  private array(depth: number): readonly JsonValue[] {
    this.enter(depth)
    const values: JsonValue[] = []
    if (this.leaves(']')) return values
    do values.push(this.value(depth))
    while (this.goesOn(']'))
    return values
  }

  private string(): string {
    const start = this.at
    let end = this.text.indexOf('"', start + 1)
    while (end !== -1 && this.isEscaped(end)) end = this.text.indexOf('"', end + 1)
    if (end === -1) {
      this.at = this.text.length
      this.fail('the quote that ends a string')
    }
    this.at = end + 1
    const inner = this.text.slice(start + 1, end)
    if (!SPECIAL.test(inner)) return inner
    try {
      return JSON.parse(`"${inner}"`) as string
    } catch {
      throw new JsonSyntaxError(
        `the string at character ${start + 1} has an escape or a control character that JSON has not`,
      )
    }
  }

  /** An odd number of backslashes stands before it. */
  private isEscaped(at: number): boolean {
    let first = at
    while (this.text[first - 1] === '\\') first--
    return (at - first) % 2 === 1
  }

  private word(): null | boolean {
    const start = this.at
    const word = this.take(WORD)
    if (word === 'true') return true
    if (word === 'false') return false
    if (word === 'null') return null
    this.at = start
    return this.fail('a value')
  }

  private enter(depth: number): void {
    if (depth > LIMITS.jsonDepthMax) {
      throw new JsonSyntaxError(`it is more than ${LIMITS.jsonDepthMax} objects and arrays deep`)
    }
    this.at++
  }

  private leaves(end: string): boolean {
    this.skipSpace()
    if (this.text[this.at] !== end) return false
    this.at++
    return true
  }

  private goesOn(end: string): boolean {
    if (this.leaves(end)) return false
    if (this.text[this.at] !== ',') this.fail(`a comma or ${end}`)
    this.at++
    return true
  }

  private expect(sign: string): void {
    this.skipSpace()
    if (this.text[this.at] !== sign) this.fail(`a ${sign}`)
    this.at++
  }

  private skipSpace(): void {
    this.take(SPACE)
  }

  private take(pattern: RegExp): string {
    pattern.lastIndex = this.at
    const [found = ''] = pattern.exec(this.text) ?? []
    this.at += found.length
    return found
  }

  private fail(expected: string): never {
    const found = this.at < this.text.length ? quote(this.text.slice(this.at, this.at + 1)) : 'the end'
    throw new JsonSyntaxError(`at character ${this.at + 1} stands ${found} instead of ${expected}`)
  }
}
