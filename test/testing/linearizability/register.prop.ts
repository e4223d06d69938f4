/** The search, against every order tried one after the other, on small histories of a register. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check, registerModel } from 'quorate/testing'
import type { RegisterInput, RegisterOutput } from 'quorate/testing'
import { historyOf, type Drawn } from './histories.js'
import { naivelyLegal } from './naive.js'

const value = fc.constantFrom(null, 1, 2)
const input: fc.Arbitrary<RegisterInput> = fc.oneof(
  fc.record({ type: fc.constant('read' as const) }),
  fc.record({ type: fc.constant('write' as const), value }),
  fc.record({ type: fc.constant('cas' as const), expected: value, value }),
)
/** Any answer, right or wrong: with three values about half of the histories are legal. */
const call: fc.Arbitrary<Drawn<RegisterInput, RegisterOutput>> = fc
  .record({
    input,
    output: fc.record({ value, swapped: fc.boolean() }),
    uncertain: fc.nat(4),
    from: fc.nat(30),
    for: fc.nat(20),
  })
  .map((drawn) => ({
    client: 'a',
    input: drawn.input,
    ending: drawn.uncertain === 0 ? { outcome: 'unknown' } : { outcome: 'ok', output: drawn.output },
    invoked: drawn.from,
    returned: drawn.from + drawn.for + 0.5,
  }))

describe('the search', () => {
  test('finds an order exactly where there is one', () => {
    const verdicts = { ok: 0, illegal: 0, unknown: 0 }
    fc.assert(
      fc.property(fc.array(call, { maxLength: 6 }), (drawn) => {
        const history = historyOf(drawn)
        const { verdict } = check(history, registerModel)
        verdicts[verdict]++
        expect(verdict).toBe(naivelyLegal(history.calls, registerModel) ? 'ok' : 'illegal')
      }),
      { numRuns: 1500 },
    )
    expect(verdicts.ok).toBeGreaterThan(100)
    expect(verdicts.illegal).toBeGreaterThan(100)
  })

  test('gives an order that the model takes and time allows', () => {
    fc.assert(
      fc.property(fc.array(call, { maxLength: 8 }), (drawn) => {
        const history = historyOf(drawn)
        const verdict = check(history, registerModel)
        if (verdict.verdict !== 'ok') return
        const order = (verdict.linearizations[0]?.replay() ?? []).map(({ call }) => call)
        const answered = history.calls.filter(({ outcome }) => outcome === 'ok')
        expect(answered.every((call) => order.includes(call))).toBe(true)
        order.forEach((call, at) => {
          for (const later of order.slice(at + 1)) {
            if (later?.outcome === 'ok') expect(later.returned).toBeGreaterThan(call?.invoked ?? 0)
          }
        })
      }),
    )
  })
})
