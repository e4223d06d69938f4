/** Keys and names in messages. */
import { describe, expect, test } from 'vitest'
import { keyOf } from '../../src/base/bytes.js'
import { quote, quoteKey } from '../../src/base/quote.js'

describe('in a message', () => {
  test.each([
    ['ann', "'ann'"],
    ['', "''"],
    ['größe 😀', "'größe 😀'"],
    ["it's \\", "'it\\'s \\\\'"],
    ['a\nERROR b', "'a\\x0aERROR b'"],
    ['\x1b[2J\0\x7f\x85', "'\\x1b[2J\\x00\\x7f\\x85'"],
    ['\u202egpj\u200b\u2028', "'\\u{202e}gpj\\u{200b}\\u{2028}'"],
    ['x'.repeat(64), `'${'x'.repeat(64)}'`],
    ['x'.repeat(65), `'${'x'.repeat(64)}…' (65 bytes)`],
    ['😀'.repeat(64), `'${'😀'.repeat(64)}'`],
    ['😀'.repeat(15_000), `'${'😀'.repeat(64)}…' (60000 bytes)`],
    ['é'.repeat(100), `'${'é'.repeat(64)}…' (200 bytes)`],
  ])('the name and the key %j stand on one line, bounded', (text, shown) => {
    expect(quote(text)).toBe(shown)
    expect(quoteKey(keyOf(text))).toBe(shown)
  })

  test('half of a surrogate pair is escaped, and bytes that are no text are replaced', () => {
    expect(quote('a\ud800')).toBe("'a\\u{d800}'")
    expect(quoteKey('a\xff')).toBe("'a\ufffd'")
    expect(quoteKey('\xff'.repeat(1000))).toBe(`'${'\ufffd'.repeat(64)}…' (1000 bytes)`)
  })
})
