/** Wall-clock time as text, against what the language itself says. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseUtcText, utcText } from '../../src/base/utc.js'

const inRange = fc.integer({ min: Date.UTC(2, 0, 1) - 1900 * 365 * 86_400_000, max: Date.UTC(9999, 11, 31) })

test('is the text that Date gives, without its punctuation, and is read back', () => {
  fc.assert(
    fc.property(inRange, (wallMs) => {
      const text = utcText(wallMs)
      expect(text).toBe(new Date(wallMs).toISOString().replaceAll(/[-:.]/g, ''))
      expect(parseUtcText(text)).toBe(wallMs)
    }),
  )
  expect(utcText(Date.UTC(2028, 1, 29, 23, 59, 59, 999))).toBe('20280229T235959999Z')
  expect(utcText(1.5)).toBe('19700101T000000001Z')
})

test('reads nothing else', () => {
  for (const text of ['', '20260231T000000000Z', '20261301T000000000Z', '20261130T240000000Z', '20261130T000000000']) {
    expect(parseUtcText(text)).toBe(undefined)
  }
})
