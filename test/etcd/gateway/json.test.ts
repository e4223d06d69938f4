/** JSON with all its digits: what JSON.parse takes is taken, what it refuses is refused, and the rest is said here. */
import { describe, expect, it } from 'vitest'
import fc from 'fast-check'
import { LIMITS } from '../../../src/base/limits.js'
import { JsonSyntaxError, parseJson, type JsonValue } from '../../../src/etcd/gateway/json.js'

describe('the JSON reader', () => {
  it('reads what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.constantFrom(undefined, 1, '\t'), (value, space) => {
        expect(plain(parseJson(JSON.stringify(value, null, space)))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })

  it('takes and refuses the texts that JSON.parse takes and refuses', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"\\',
      '"',
      '1',
      '-',
      '.5',
      'e3',
      '0',
      'true',
      'nul',
      ' ',
      '\n',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), (pieces) => {
        const text = pieces.join('')
        expect(
          isTaken(() => parseJson(text)),
          text,
        ).toBe(isTaken(() => JSON.parse(text)))
      }),
    )
  })

  it('keeps all digits of a number', () => {
    expect(parseJson('9223372036854775807')).toEqual({ digits: '9223372036854775807' })
    expect(parseJson('[-1.50e+3]')).toEqual([{ digits: '-1.50e+3' }])
  })

  it('takes names that are special in JavaScript for names', () => {
    const value = parseJson('{"__proto__":1,"constructor":2}')
    expect([...(value as ReadonlyMap<string, JsonValue>).keys()]).toEqual(['__proto__', 'constructor'])
  })

  it.each([
    ['{"a":1,"a":2}', "the field 'a' stands twice in one object"],
    ['{"a" 1}', "at character 6 stands '1' instead of a :"],
    ['{"a":', 'at character 6 stands the end instead of a value'],
    ['{"a":"b', 'at character 8 stands the end instead of the quote that ends a string'],
    ['["\\x"]', 'the string at character 2 has an escape or a control character that JSON has not'],
    ['[1] 2', "at character 5 stands '2' instead of the end"],
    ['{,}', "at character 2 stands ',' instead of the name of a field in quotes"],
  ])('says of %s what is wrong where', (text, message) => {
    expect(() => parseJson(text)).toThrow(new JsonSyntaxError(message))
  })

  it('refuses more values than there may be, before it makes more', () => {
    const list = (values: number): string => `[${Array.from({ length: values }, () => '{}').join(',')}]`
    expect(() => parseJson(list(LIMITS.etcdRequestFieldsMax - 1))).not.toThrow()
    expect(() => parseJson(list(LIMITS.etcdRequestFieldsMax))).toThrow('it has more than 30000 values')
  })

  it('refuses what is too deep', () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels)
    expect(() => parseJson(deep(LIMITS.jsonDepthMax))).not.toThrow()
    expect(() => parseJson(deep(LIMITS.jsonDepthMax + 1))).toThrow('it is more than 100 objects and arrays deep')
  })
})

function plain(value: JsonValue): unknown {
  if (value instanceof Map) {
    const entries = [...(value as ReadonlyMap<string, JsonValue>)].map(([name, each]) => [name, plain(each)] as const)
    // By definition, not by assignment: `__proto__` is a name.
    return Object.fromEntries(entries)
  }
  if (Array.isArray(value)) return value.map((each: JsonValue) => plain(each))
  if (typeof value === 'object' && value !== null) return JSON.parse((value as { digits: string }).digits)
  return value
}

function isTaken(parse: () => unknown): boolean {
  try {
    parse()
    return true
  } catch {
    return false
  }
}
