/** Laws of the search, on registers and on keys with values. */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { KeyValueInput, KeyValueOutput, RegisterInput, RegisterOutput } from 'quorate/testing'
import type { RegisterValue } from '../../../src/testing/linearizability/register-model.js'
import { historyOf, sequential, type Drawn } from './histories.js'
import { expectBoth, runs, type Law } from './law.js'
import { naivelyLegal } from './naive.js'

const registerValue = fc.constantFrom(null, 1, 2)
const registerInput: fc.Arbitrary<RegisterInput> = fc.oneof(
  fc.record({ type: fc.constant('read' as const) }),
  fc.record({ type: fc.constant('write' as const), value: registerValue }),
  fc.record({ type: fc.constant('cas' as const), expected: registerValue, value: registerValue }),
)
/** Any answer, right or wrong: with three values about half of the histories are legal. */
const registerCall: fc.Arbitrary<Drawn<RegisterInput, RegisterOutput>> = fc
  .record({
    input: registerInput,
    output: fc.record({ value: registerValue, swapped: fc.boolean() }),
    end: fc.constantFrom('ok', 'ok', 'ok', 'ok', 'unknown', 'pending', 'refused'),
    from: fc.nat(30),
    for: fc.nat(20),
  })
  .map(({ input, output, end, from, for: lasts }) => ({
    client: 'a',
    input,
    ending: end === 'ok' ? { outcome: 'ok', output } : { outcome: end },
    invoked: from,
    returned: from + lasts + 0.5,
  }))

const registers: Law = {
  name: 'the search finds an order of the calls of a register exactly where there is one',
  holds: (kit) => {
    const { check, registerModel } = kit
    const verdicts = { ok: 0, illegal: 0, unknown: 0 }
    fc.assert(
      fc.property(fc.array(registerCall, { maxLength: 6 }), fc.integer({ min: 1, max: 8 }), (drawn, stepsMax) => {
        const history = historyOf(drawn)
        const expected = naivelyLegal(history.calls, registerModel, kit.UNKNOWN) ? 'ok' : 'illegal'
        expect(check(history, registerModel).verdict).toBe(expected)
        expect([expected, 'unknown']).toContain(check(history, registerModel, { stepsMax }).verdict)
        verdicts[expected]++
      }),
      runs(1500),
    )
    expectBoth(verdicts, 100)
  },
}

const orderGiven: Law = {
  name: 'the order that is given for a legal history is one that the model takes and time allows',
  holds: ({ check, registerModel, UNKNOWN }) => {
    fc.assert(
      fc.property(fc.array(registerCall, { maxLength: 8 }), (drawn) => {
        const history = historyOf(drawn)
        const verdict = check(history, registerModel)
        if (verdict.verdict !== 'ok') return
        const order = (verdict.linearizations[0]?.replay() ?? []).map(({ call }) => call)
        const answered = history.calls.filter(({ outcome }) => outcome === 'ok')
        expect(answered.every((call) => order.includes(call))).toBe(true)
        expect(new Set(order).size).toBe(order.length)
        let state = registerModel.init()
        order.forEach((call, at) => {
          for (const later of order.slice(at + 1)) {
            if (later?.outcome === 'ok') expect(later.returned).toBeGreaterThan(call?.invoked ?? 0)
          }
          const output = call?.outcome === 'ok' ? (call.output as RegisterOutput) : UNKNOWN
          const after = registerModel.step(state, call?.input as RegisterInput, output)
          expect(after).toBeDefined()
          state = after as typeof state
        })
      }),
    )
  },
}

const registersInTurn: Law = {
  name: 'of calls of a register one after the other only the right answer is legal',
  holds: ({ check, registerModel }) => {
    fc.assert(
      fc.property(fc.array(registerInput, { minLength: 1, maxLength: 8 }), fc.nat(7), (inputs, at) => {
        let held: RegisterValue = null
        const pairs = inputs.map((input): [RegisterInput, RegisterOutput] => {
          if (input.type === 'read') return [input, { value: held }]
          const swapped = input.type === 'write' || input.expected === held
          if (swapped) held = input.value
          return [input, input.type === 'cas' ? { swapped } : {}]
        })
        expect(check(sequential(...pairs), registerModel).verdict).toBe('ok')
        const [input, output] = pairs[at % pairs.length] as [RegisterInput, RegisterOutput]
        if (input.type === 'write') return
        const wrong: RegisterOutput = input.type === 'read' ? { value: 'never' } : { swapped: output.swapped !== true }
        const changed = pairs.map((pair, nth) => (nth === at % pairs.length ? ([input, wrong] as const) : pair))
        expect(check(sequential(...changed), registerModel).verdict).toBe('illegal')
      }),
      runs(200),
    )
  },
}

const keyValueCall: fc.Arbitrary<Drawn<KeyValueInput, KeyValueOutput>> = fc
  .record({
    type: fc.constantFrom('get', 'get', 'put', 'append'),
    key: fc.constantFrom('a', 'b'),
    value: fc.constantFrom('', '1', '2', '12'),
    known: fc.nat(5),
    from: fc.nat(30),
    for: fc.nat(15),
  })
  .map(({ type, key, value, known, from, for: lasts }) => ({
    client: 'a',
    input: type === 'get' ? { type, key } : { type: type as 'put', key, value },
    ending: known === 0 ? { outcome: 'unknown' } : { outcome: 'ok', output: type === 'get' ? { value } : {} },
    invoked: from,
    returned: from + lasts + 0.5,
  }))

const partitions: Law = {
  name: 'a history of several keys is legal exactly where that of each key is',
  holds: (kit) => {
    const { check, keyValueModel } = kit
    const { key: _, ...oneKey } = keyValueModel
    const verdicts = { ok: 0, illegal: 0, unknown: 0 }
    fc.assert(
      fc.property(fc.array(keyValueCall, { maxLength: 7 }), (drawn) => {
        const legal = (name: string): boolean =>
          naivelyLegal(historyOf(drawn.filter(({ input }) => input.key === name)).calls, oneKey, kit.UNKNOWN)
        const expected = legal('a') && legal('b') ? 'ok' : 'illegal'
        expect(check(historyOf(drawn), keyValueModel).verdict).toBe(expected)
        verdicts[expected]++
      }),
      runs(600),
    )
    expectBoth(verdicts, 100)
  },
}

export const LAWS_OF_VALUES: readonly Law[] = [registers, registersInTurn, orderGiven, partitions]
