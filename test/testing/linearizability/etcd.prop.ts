/** The etcd model and both engines, against the real key space and against every order tried one after the other. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { check, etcdModel, watchOracle } from 'quorate/testing'
import type { EtcdInput, EtcdOutput } from 'quorate/testing'
import { etcdHistory } from './etcd-histories.js'
import { historyOf, type Drawn } from './histories.js'
import { naivelyLegal } from './naive.js'

/** Changes one number or text of one answer, or takes one answer for one of no outcome, or moves a call. */
function mutate(
  drawn: readonly Drawn<EtcdInput, EtcdOutput>[],
  at: number,
  how: number,
): Drawn<EtcdInput, EtcdOutput>[] {
  return drawn.map((each, nth) => {
    if (nth !== at % drawn.length || each.ending.outcome !== 'ok') return each
    const text = JSON.stringify(each.ending.output)
    const places = [...text.matchAll(/:(\d+)|:"([xy])"|:(true|false)/g)]
    const place = places[how % Math.max(1, places.length)]
    if (place === undefined) return { ...each, invoked: each.invoked + 100, returned: each.returned + 100 }
    const [found, number, letter, flag] = place
    const other =
      number !== undefined
        ? Number(number) + (how % 2 === 0 ? 1 : -1)
        : letter !== undefined
          ? `"${letter === 'x' ? 'y' : 'x'}"`
          : flag !== 'true'
    const output = JSON.parse(
      `${text.slice(0, place.index)}:${other}${text.slice(place.index + found.length)}`,
    ) as EtcdOutput
    return { ...each, ending: { outcome: 'ok', output } }
  })
}

describe('what the real key space answers', () => {
  test('is legal, by both engines, with an oracle and without', () => {
    fc.assert(
      fc.property(etcdHistory(14), ({ drawn, events }) => {
        const history = historyOf(drawn)
        for (const engine of ['witness', 'search'] as const) {
          const verdict = check(history, etcdModel, { engine })
          expect(verdict.verdict === 'illegal' ? verdict.explanation : verdict.verdict).toBe('ok')
        }
        const verdict = check(history, etcdModel, { oracle: watchOracle(events) })
        expect(verdict.verdict === 'illegal' ? verdict.explanation : verdict.verdict).toBe('ok')
      }),
      { numRuns: 400 },
    )
  })

  test('is legal in long histories with many unknown outcomes, without going back far', () => {
    fc.assert(
      fc.property(etcdHistory(150), ({ drawn, events }) => {
        const history = historyOf(drawn)
        const verdict = check(history, etcdModel, { oracle: watchOracle(events), stepsMax: 1_000_000 })
        expect('explanation' in verdict ? verdict.explanation : verdict.verdict).toBe('ok')
      }),
      { numRuns: 60 },
    )
  })
})

describe('both engines say the same', () => {
  test('as every order tried one after the other, of answers right and wrong', () => {
    const verdicts = { ok: 0, illegal: 0, unknown: 0 }
    fc.assert(
      fc.property(etcdHistory(5), fc.nat(10), fc.nat(20), ({ drawn }, at, how) => {
        const history = historyOf(mutate(drawn, at, how))
        const expected = naivelyLegal(history.calls, etcdModel) ? 'ok' : 'illegal'
        expect(check(history, etcdModel, { engine: 'search' }).verdict).toBe(expected)
        expect(check(history, etcdModel, { engine: 'witness' }).verdict).toBe(expected)
        verdicts[expected]++
      }),
      { numRuns: 1000 },
    )
    expect(verdicts.ok).toBeGreaterThan(100)
    expect(verdicts.illegal).toBeGreaterThan(100)
  })

  test('of longer histories, legal and not', () => {
    fc.assert(
      fc.property(etcdHistory(12), fc.nat(10), fc.nat(20), ({ drawn }, at, how) => {
        const history = historyOf(mutate(drawn, at, how))
        const search = check(history, etcdModel, { engine: 'search' })
        const witness = check(history, etcdModel, { engine: 'witness' })
        expect(witness.verdict).toBe(search.verdict)
      }),
      { numRuns: 400 },
    )
  })
})
