/** Keys and bytes at the edge: what users give, in whatever form and from whatever realm, and what they get back. */
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { copyBytes, FROM_KEY_ON, keyBytes, keyOf, keyText, prefixEnd } from '../../src/base/bytes.js'

const key = fc.uint8Array({ maxLength: 6 }).map((bytes) => keyOf(bytes))
/** Few letters and many 0xff: where prefixes meet their ends. */
const crowded = fc
  .array(fc.constantFrom(0, 1, 0x61, 0xfe, 0xff), { maxLength: 4 })
  .map((bytes) => String.fromCharCode(...bytes))

describe('a key', () => {
  test('comes back as the bytes that were given', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect([...keyBytes(keyOf(bytes))]).toEqual([...bytes])
      }),
    )
  })

  test('given as text comes back as that text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        expect(keyText(keyOf(text))).toBe(text)
      }),
    )
  })

  test('is the same key as text and as the UTF-8 bytes of that text', () => {
    for (const text of ['', 'plain', 'Zürich', '東京', '🦊', 'a\0b']) {
      expect(keyOf(new TextEncoder().encode(text))).toBe(keyOf(text))
    }
  })

  test('compares like its bytes', () => {
    fc.assert(
      fc.property(key, key, (a, b) => {
        expect(Math.sign(Buffer.compare(keyBytes(a), keyBytes(b)))).toBe(a < b ? -1 : a > b ? 1 : 0)
      }),
    )
  })

  test('of text orders like its UTF-8 bytes, also beyond the basic plane', () => {
    // UTF-16 would put the fox before the full-width letter.
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '東', '\ufffd', '🦊'), maxLength: 4 })
    fc.assert(
      fc.property(text, text, (a, b) => {
        const bytes = Math.sign(Buffer.compare(Buffer.from(a), Buffer.from(b)))
        const [left, right] = [keyOf(a), keyOf(b)]
        expect(left < right ? -1 : left > right ? 1 : 0).toBe(bytes)
      }),
    )
  })

  test.each([[5], [null], [undefined], [{}], [['a']], [new ArrayBuffer(2)]])('cannot be %o', (wrong) => {
    expect(() => keyOf(wrong as unknown as string)).toThrow(/^key must be a string or a Uint8Array, not /)
    expect(() => copyBytes(wrong as unknown as string, 'value')).toThrow(
      /^value must be a string or a Uint8Array, not /,
    )
  })
})

describe('bytes', () => {
  test('of another realm are recognised', () => {
    const foreign = runInNewContext('new Uint8Array([104, 105])') as Uint8Array
    expect(foreign instanceof Uint8Array).toBe(false)
    expect(keyOf(foreign)).toBe('hi')
    expect([...copyBytes(foreign, 'value')]).toEqual([104, 105])
  })

  test('of a window on something larger are only the window', () => {
    const whole = new Uint8Array([1, 2, 3, 4, 5, 6])
    const window = whole.subarray(2, 4)
    expect([...copyBytes(window, 'value')]).toEqual([3, 4])
    expect([...keyBytes(keyOf(window))]).toEqual([3, 4])
    expect([...copyBytes(new DataView(whole.buffer, 1, 2) as unknown as Uint8Array, 'value')]).toEqual([2, 3])
    expect(copyBytes(new Uint16Array([0x0102]) as unknown as Uint8Array, 'value')).toHaveLength(2)
  })

  test('that were taken share nothing with what was given', () => {
    const given = Buffer.from('before')
    const taken = copyBytes(given, 'value')
    given.fill(0)
    expect(Buffer.from(taken).toString()).toBe('before')
  })
})

describe('the end of a prefix', () => {
  test('is above every key with the prefix, and no key without the prefix lies between', () => {
    fc.assert(
      fc.property(crowded, crowded, (prefix, candidate) => {
        const end = prefixEnd(prefix)
        const inside = candidate >= prefix && (end === FROM_KEY_ON || candidate < end)
        // No byte but 0xff: "from the prefix on" is then exactly the keys that start with it only where it is not empty.
        if (prefix !== '') expect(inside).toBe(candidate.startsWith(prefix))
      }),
      { numRuns: 2000 },
    )
  })

  test.each([
    ['a', 'b'],
    ['a\xff', 'b'],
    ['a\xff\xff', 'b'],
    ['\xff', FROM_KEY_ON],
    ['\xff\xff', FROM_KEY_ON],
    ['', FROM_KEY_ON],
    ['\0', '\x01'],
  ])('of %o is %o', (prefix, end) => {
    expect(prefixEnd(prefix)).toBe(end)
  })
})

describe('text that is half of a surrogate pair', () => {
  test('is refused, as key and as value: UTF-8 has no bytes for it, and two different keys would become one', () => {
    expect(() => keyOf('a\ud800')).toThrow(
      new TypeError('key must be well-formed text, it holds half of a surrogate pair; give bytes as a Uint8Array'),
    )
    expect(() => copyBytes('\udc00b', 'value')).toThrow(TypeError)
  })

  test('is no hindrance to whole pairs', () => {
    expect(keyText(keyOf('🔑'))).toBe('🔑')
  })
})
