/**
 * What must be true of any kit that judges histories, as laws that hold or throw: for the kit that is published, and to
 * show that kits with a bug in them break some law (`mutants.test.ts`).
 *
 * Always: nothing is imported from the kit but types, so that a law speaks of the kit it is given.
 */
import fc from 'fast-check'
import { expect } from 'vitest'
import type {
  EtcdInput,
  EtcdOutput,
  KeyValueInput,
  KeyValueOutput,
  Oracle,
  RegisterInput,
  RegisterOutput,
} from 'quorate/testing'
import type { check, etcdModel, EtcdState, keyValueModel, registerModel, UNKNOWN, watchOracle } from 'quorate/testing'
import { etcdHistory, sequentialEtcdHistory, type DrawnHistory } from './etcd-histories.js'
import { historyOf, type Drawn } from './histories.js'
import { naivelyLegal } from './naive.js'

export interface Kit {
  readonly check: typeof check
  readonly etcdModel: typeof etcdModel
  readonly keyValueModel: typeof keyValueModel
  readonly registerModel: typeof registerModel
  readonly UNKNOWN: typeof UNKNOWN
  readonly watchOracle: typeof watchOracle
}

export interface Law {
  readonly name: string
  /** Throws where it is broken. */
  holds(kit: Kit): void
}

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

/** FC_NUM_RUNS goes before what is enough for every day. */
function runs(count: number): { readonly numRuns: number } {
  return { numRuns: fc.readConfigureGlobal().numRuns ?? count }
}

function expectBoth(verdicts: Readonly<Record<string, number>>, least: number): void {
  expect(verdicts['ok'], 'legal histories drawn').toBeGreaterThan(least)
  expect(verdicts['illegal'], 'illegal histories drawn').toBeGreaterThan(least)
}

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
          const output = reads[seen % Math.max(1, reads.length)]
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

export const LAWS: readonly Law[] = [
  registers,
  orderGiven,
  partitions,
  realKeySpace,
  sequentialAnswers,
  staleAnswers,
  asEveryOrder,
  asEveryOrderWithOracle,
  withoutPlace,
  enginesAgree,
  longWithOracle,
]
