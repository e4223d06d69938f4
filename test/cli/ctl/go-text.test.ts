/** Texts as Go's programs write and read them. */
import { describe, expect, test } from 'vitest'
import { goQuote, goUnquoted } from '../../../src/cli/ctl/go-text.js'
import { goJson } from '../../../src/cli/ctl/print/go-json.js'
import { bytesText, tookText } from '../../../src/cli/ctl/print/units.js'
import { tableText } from '../../../src/cli/ctl/print/table.js'
import { wordsOf } from '../../../src/cli/ctl/words.js'
import { RangeResponse, TxnResponse } from '../../../src/etcd/generated/rpc.js'

describe('a text in quotes', () => {
  const texts: readonly (readonly [string | Uint8Array, string])[] = [
    ['plain', '"plain"'],
    ['a "word"\\', '"a \\"word\\"\\\\"'],
    ['line\nend\ttab\r\x07\b\f\v', '"line\\nend\\ttab\\r\\a\\b\\f\\v"'],
    ['\x00\x1b\x7f', '"\\x00\\x1b\\x7f"'],
    ['größe 世界 😀', '"größe 世界 😀"'],
    ['\u200b\u00a0', '"\\u200b\\u00a0"'],
    [Buffer.of(0xff, 0x61, 0xc3), '"\\xffa\\xc3"'],
  ]
  test.each(texts)('of %j is %s, and means that again', (bytes, text) => {
    expect(goQuote(bytes)).toBe(text)
    expect(goUnquoted(`${text} rest`)).toEqual({ bytes: Buffer.from(bytes as Uint8Array), rest: ' rest' })
  })

  test('is read with all escapes that Go has', () => {
    expect(goUnquoted('"\\101\\x42\\u0043\\U0001f600"')?.bytes.toString()).toBe('ABC😀')
  })

  test.each(['plain', '"open', '"\\q"', '"\\xZZ"', '"\\U00110000"'])('is not %s', (text) => {
    expect(goUnquoted(text)).toBeUndefined()
  })
})

test('a line is taken apart into words, those in quotes as one', () => {
  expect(wordsOf(`put key "two words" 'as they "stand"' --lease=12 "tab\\t" x`)).toEqual([
    ...['put', 'key', 'two words', 'as they "stand"', '--lease=12', 'tab\t', 'x'],
  ])
  expect(wordsOf('  ')).toEqual([])
  expect(() => wordsOf('put "\\xff" 1')).toThrow(/not UTF-8/)
  expect(() => wordsOf('put "\\q" 1')).toThrow(/no text in quotes/)
})

describe('JSON', () => {
  test('has numbers of 64 bits whole, bytes in base64, and nothing that is zero', () => {
    const header = { cluster_id: 18446744073709551615n, member_id: 1n, revision: 0n, raft_term: 2n }
    const kv = { key: Buffer.from('a'), value: Buffer.alloc(0), lease: -1n, version: 1n }
    const message = RangeResponse.create({ header, kvs: [kv], more: false, count: 1n })
    expect(goJson(message)).toBe(
      '{"header":{"cluster_id":18446744073709551615,"member_id":1,"raft_term":2},' +
        '"kvs":[{"key":"YQ==","version":1,"lease":-1}],"count":1}',
    )
  })

  test('names which of several a response is', () => {
    const message = TxnResponse.create({ responses: [{ response: { $case: 'response_put', value: {} } }] })
    expect(goJson(message)).toBe('{"responses":[{"Response":{"ResponsePut":{}}}]}')
  })
})

test('sizes and durations are told as Go does', () => {
  expect([0n, 9n, 999n, 1000n, 20_480n, 1_500_000n, 2_147_483_648n].map(bytesText)).toEqual([
    ...['0 B', '9 B', '999 B', '1.0 kB', '20 kB', '1.5 MB', '2.1 GB'],
  ])
  expect([0.25, 1.5, 2250].map(tookText)).toEqual(['250µs', '1.5ms', '2.25s'])
})

test('a table has titles in the middle and cells to the right', () => {
  expect(tableText(['id', 'name'], [['1', 'a member']])).toBe(
    ['+----+----------+', '| ID |   NAME   |', '+----+----------+', '|  1 | a member |', '+----+----------+', ''].join(
      '\n',
    ),
  )
})
