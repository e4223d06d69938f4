/**
 * What must be true of any kit that judges histories, as laws that hold or throw: for the kit that is published, and to
 * show that kits with a bug in them break some law (`mutants.test.ts`).
 *
 * Always: nothing is imported from the kit but types, so that a law speaks of the kit it is given.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import type { check, EtcdInput, EtcdOutput, EtcdState, Oracle } from 'quorate/testing'
import { etcdHistory, leaseHistory, sequentialEtcdHistory, type DrawnHistory } from './etcd-histories.js'
import { historyOf, type Drawn } from './histories.js'
import { expectBoth, runs, type Kit, type Law } from './law.js'
import { LAWS_BY_HAND } from './laws-by-hand.js'
import { LAWS_OF_VALUES } from './laws-of-values.js'
import { naivelyLegal } from './naive.js'

type EtcdCalls = readonly Drawn<EtcdInput, EtcdOutput>[]

/** One number, letter or flag of an answer, changed. Undefined where there is none. */
function otherAnswer(output: EtcdOutput, how: number): EtcdOutput | undefined {
  const text = JSON.stringify(output)
  const places = [...text.matchAll(/:(\d+)|:"([xy])"|:(true|false)/g)]
  const place = places[how % Math.max(1, places.length)]
  if (place === undefined) return undefined
  const [found, number, letter, flag] = place
  const other =
    number !== undefined
      ? Number(number) + (how % 2 === 0 ? 1 : -1)
      : letter !== undefined
        ? `"${letter === 'x' ? 'y' : 'x'}"`
        : flag !== 'true'
  return JSON.parse(`${text.slice(0, place.index)}:${other}${text.slice(place.index + found.length)}`) as EtcdOutput
}

/** Changes one answer, or moves a call where there is nothing to change. */
function mutate(drawn: EtcdCalls, at: number, how: number): EtcdCalls {
  return drawn.map((each, nth) => {
    if (nth !== at % drawn.length || each.ending.outcome !== 'ok') return each
    const output = otherAnswer(each.ending.output, how)
    if (output === undefined) return { ...each, invoked: each.invoked + 100, returned: each.returned + 100 }
    return { ...each, ending: { outcome: 'ok', output } }
  })
}

/** As a watch would see it that begins later, or that misses or sees wrong one event. */
function watched(
  kit: Kit,
  { events }: DrawnHistory,
  from: number,
  wrong: number,
): Oracle<EtcdState, EtcdInput> | undefined {
  const seen = events.slice(from).filter((_, nth) => nth !== wrong)
  return seen.length === 0 ? undefined : kit.watchOracle(seen)
}

const spoilt = (): fc.Arbitrary<readonly [number, number] | undefined> =>
  fc.option(fc.tuple(fc.nat(10), fc.nat(20)), { nil: undefined, freq: 3 })

function tell(verdict: ReturnType<typeof check>): string {
  return verdict.verdict === 'illegal' ? verdict.explanation : verdict.verdict
}

const realKeySpace: Law = {
  name: 'what the real key space answers is legal, by both engines, with an oracle and without',
  holds: (kit) => {
    const { check, etcdModel, watchOracle } = kit
    fc.assert(
      fc.property(etcdHistory(14), ({ drawn, events }) => {
        const history = historyOf(drawn)
        for (const engine of ['witness', 'search'] as const) {
          expect(tell(check(history, etcdModel, { engine }))).toBe('ok')
        }
        expect(tell(check(history, etcdModel, { oracle: watchOracle(events) }))).toBe('ok')
      }),
      runs(400),
    )
  },
}

const HUNG = /"lease":"\d"/

const leasesOfKeys: Law = {
  name: 'keys hang on the leases that they were put with, and are gone when those end',
  holds: ({ check, etcdModel, watchOracle }) => {
    let changed = 0
    fc.assert(
      fc.property(leaseHistory(10), fc.nat(9), ({ drawn, events }, at) => {
        const oracle = watchOracle(events)
        expect(tell(check(historyOf(drawn), etcdModel))).toBe('ok')
        expect(tell(check(historyOf(drawn), etcdModel, { oracle }))).toBe('ok')
        const shown = drawn.filter(({ ending }) => ending.outcome === 'ok' && HUNG.test(JSON.stringify(ending.output)))
        const one = shown[at % Math.max(1, shown.length)]
        if (one === undefined || one.ending.outcome !== 'ok' || one.ending.output.type === 'grant') return
        const output = JSON.parse(JSON.stringify(one.ending.output).replace(HUNG, '"lease":"8"')) as EtcdOutput
        const wrong = drawn.map((each) =>
          each === one ? { ...one, ending: { outcome: 'ok', output } as const } : each,
        )
        changed++
        expect(check(historyOf(wrong), etcdModel).verdict).toBe('illegal')
      }),
      runs(400),
    )
    expect(changed).toBeGreaterThan(5)
  },
}

const longWithOracle: Law = {
  name: 'long histories with many unknown outcomes are legal with an oracle, without going back far',
  holds: ({ check, etcdModel, watchOracle }) => {
    fc.assert(
      fc.property(etcdHistory(150), ({ drawn, events }) => {
        const verdict = check(historyOf(drawn), etcdModel, { oracle: watchOracle(events), stepsMax: 1_000_000 })
        expect('explanation' in verdict ? verdict.explanation : verdict.verdict).toBe('ok')
      }),
      runs(60),
    )
  },
}

const sequentialAnswers: Law = {
  name: 'of calls one after the other only the answer of the real key space is legal',
  holds: ({ check, etcdModel }) => {
    let changed = 0
    fc.assert(
      fc.property(sequentialEtcdHistory(12), fc.nat(11), fc.nat(20), (drawn, at, how) => {
        expect(tell(check(historyOf(drawn), etcdModel, { engine: 'search' }))).toBe('ok')
        const nth = at % Math.max(1, drawn.length)
        const ending = drawn[nth]?.ending
        const output = ending?.outcome === 'ok' ? otherAnswer(ending.output, how) : undefined
        if (output === undefined) return
        const wrong = drawn.map((each, place) =>
          place === nth ? { ...each, ending: { outcome: 'ok', output } as const } : each,
        )
        for (const engine of ['witness', 'search'] as const) {
          expect(check(historyOf(wrong), etcdModel, { engine }).verdict).toBe('illegal')
        }
        changed++
      }),
      runs(600),
    )
    expect(changed).toBeGreaterThan(300)
  },
}

const staleAnswers: Law = {
  name: 'a local read is legal where it was right once before it returned, and nowhere else',
  holds: ({ check, etcdModel }) => {
    const verdicts = { ok: 0, illegal: 0, unknown: 0 }
    fc.assert(
      fc.property(
        sequentialEtcdHistory(8),
        fc.nat(8),
        fc.nat(8),
        fc.constantFrom('a', 'b'),
        (drawn, seen, told, key) => {
          const reads = drawn.map((_, nth) => valueAfter(drawn, nth, key))
          const output = reads[Math.max(0, reads.length - 1 - seen)]
          if (output === undefined) return
          // After a call and the read of all keys that follows it.
          const last = 2 * (told % (drawn.length / 2)) + 1
          const at = 10 * last + 7
          const local: Drawn<EtcdInput, EtcdOutput> = {
            client: 'local',
            input: { type: 'get', key, local: true },
            ending: { outcome: 'ok', output },
            invoked: at,
            returned: at + 1,
          }
          const before = [{ type: 'get' } as const, ...reads.slice(0, last + 1)]
          const right = before.some((each) => JSON.stringify(each) === JSON.stringify(output)) ? 'ok' : 'illegal'
          for (const engine of ['witness', 'search'] as const) {
            expect(check(historyOf([...drawn, local]), etcdModel, { engine }).verdict).toBe(right)
          }
          verdicts[right]++
        },
      ),
      runs(1000),
    )
    expectBoth(verdicts, 10)
  },
}

/** What a read of one key finds after the call `nth`: taken from the reads of all keys that follow each call. */
function valueAfter(drawn: EtcdCalls, nth: number, key: string): EtcdOutput {
  for (let at = nth; at >= 0; at--) {
    const { input, ending } = drawn[at] as Drawn<EtcdInput, EtcdOutput>
    if (input.type !== 'range' || input.end !== '\0' || input.key !== '\0' || ending.outcome !== 'ok') continue
    if (ending.output.type !== 'range') continue
    const found = ending.output.items.find((item) => item.key === key)
    return found === undefined ? { type: 'get' } : { type: 'get', found }
  }
  return { type: 'get' }
}

const asEveryOrder: Law = {
  name: 'both engines say what every order says, tried one after the other, of answers right and wrong',
  holds: (kit) => {
    const { check, etcdModel } = kit
    const verdicts = { ok: 0, illegal: 0, unknown: 0 }
    fc.assert(
      fc.property(etcdHistory(5), spoilt(), fc.integer({ min: 1, max: 12 }), ({ drawn }, spoil, stepsMax) => {
        const history = historyOf(spoil === undefined ? drawn : mutate(drawn, ...spoil))
        const expected = naivelyLegal(history.calls, etcdModel, kit.UNKNOWN) ? 'ok' : 'illegal'
        for (const engine of ['witness', 'search'] as const) {
          expect(tell(check(history, etcdModel, { engine }))).toEqual(
            expected === 'ok' ? 'ok' : expect.stringMatching(/ /),
          )
          expect([expected, 'unknown']).toContain(check(history, etcdModel, { engine, stepsMax }).verdict)
        }
        verdicts[expected]++
      }),
      runs(1000),
    )
    expectBoth(verdicts, 100)
  },
}

/** Answers that say nothing of their place, not even those of local reads. */
function placeless({ etcdModel }: Kit): Kit['etcdModel'] {
  const { witness } = etcdModel
  if (witness === undefined) return etcdModel
  const stale = (input: EtcdInput): boolean => etcdModel.stale?.(input) ?? false
  return {
    ...etcdModel,
    witness: { ...witness, place: (input, output) => (stale(input) ? undefined : witness.place(input, output)) },
  }
}

const withoutPlace: Law = {
  name: 'a local read whose answer has no place is judged as every order judges it',
  holds: (kit) => {
    const model = placeless(kit)
    const verdicts = { ok: 0, illegal: 0, unknown: 0 }
    const drawing = fc.tuple(etcdHistory(6), fc.option(fc.nat(20), { nil: undefined }), fc.boolean())
    fc.assert(
      fc.property(drawing, ([drawnHistory, how, known]) => {
        const { drawn } = drawnHistory
        const local = drawn.findIndex(({ input }) => model.stale?.(input))
        if (local < 0) return
        const oracle = known ? watched(kit, drawnHistory, 0, -1) : undefined
        const history = historyOf(how === undefined ? drawn : mutate(drawn, local, how))
        const expected = naivelyLegal(history.calls, model, kit.UNKNOWN, oracle) ? 'ok' : 'illegal'
        expect(kit.check(history, model, { oracle }).verdict).toBe(expected)
        verdicts[expected]++
      }),
      runs(2000),
    )
    expectBoth(verdicts, 20)
  },
}

const asEveryOrderWithOracle: Law = {
  name: 'with an oracle, whole or late or wrong, the witness says what every order says that the oracle agrees with',
  holds: (kit) => {
    const { check, etcdModel } = kit
    const verdicts = { ok: 0, illegal: 0, unknown: 0 }
    const drawing = fc.record({
      history: etcdHistory(6),
      spoil: spoilt(),
      from: fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(3) }),
      wrong: fc.oneof({ weight: 4, arbitrary: fc.constant(-1) }, { weight: 1, arbitrary: fc.nat(3) }),
      stepsMax: fc.integer({ min: 1, max: 15 }),
    })
    fc.assert(
      fc.property(drawing, ({ history: drawnHistory, spoil, from, wrong, stepsMax }) => {
        const oracle = watched(kit, drawnHistory, from, wrong)
        const { drawn } = drawnHistory
        const history = historyOf(spoil === undefined ? drawn : mutate(drawn, ...spoil))
        const expected = naivelyLegal(history.calls, etcdModel, kit.UNKNOWN, oracle) ? 'ok' : 'illegal'
        expect(check(history, etcdModel, { oracle }).verdict).toBe(expected)
        expect([expected, 'unknown']).toContain(check(history, etcdModel, { oracle, stepsMax }).verdict)
        verdicts[expected]++
      }),
      runs(1500),
    )
    expectBoth(verdicts, 200)
  },
}

const enginesAgree: Law = {
  name: 'both engines say the same of longer histories, legal and not',
  holds: ({ check, etcdModel }) => {
    fc.assert(
      fc.property(etcdHistory(12), fc.nat(10), fc.nat(20), ({ drawn }, at, how) => {
        const history = historyOf(mutate(drawn, at, how))
        const search = check(history, etcdModel, { engine: 'search' })
        const witness = check(history, etcdModel, { engine: 'witness' })
        expect(witness.verdict).toBe(search.verdict)
      }),
      runs(400),
    )
  },
}

export const LAWS: readonly Law[] = [
  ...LAWS_BY_HAND,
  ...LAWS_OF_VALUES,
  realKeySpace,
  leasesOfKeys,
  sequentialAnswers,
  staleAnswers,
  asEveryOrder,
  asEveryOrderWithOracle,
  withoutPlace,
  enginesAgree,
  longWithOracle,
]
