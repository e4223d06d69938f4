/** The short form of `npm run fuzz`; and that it finds what it is there for. No time decides here: that is asked for by the long form. */
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { Reader, Writer } from '../../src/base/codec.js'
import { pathOf } from '../mutants/mutant.js'
import { readCorpus } from './corpus.js'
import { BLOCK_INPUTS, emptyTally, inputsOf, runBlock, runInput, type FuzzRules, type FuzzTally } from './engine.js'
import { decoder, type FuzzTarget } from './target.js'
import { fuzzTargets } from './targets.js'

const SEED = fc.readConfigureGlobal()?.seed ?? 1
const BLOCKS = 2
const VALID = 20
const RULES = {}

const CORPUS = pathOf('test/testdata/fuzz')
const targets = fuzzTargets(CORPUS)
afterAll(async () => {
  for (const target of targets) await target.close?.()
})

test('there are at least twenty targets, each with a name of its own', () => {
  expect(new Set(targets.map(({ name }) => name)).size).toBe(targets.length)
  expect(targets.length).toBeGreaterThanOrEqual(20)
})

test('the recordings hold frames of every kind', () => {
  const { payloads } = readCorpus(CORPUS)
  for (const [kind, recorded] of Object.entries(payloads)) expect([kind, recorded.length > 0]).toEqual([kind, true])
})

describe('whatever comes from outside is taken or refused as documented, for at most four times its bytes:', () => {
  test.each(targets.map((target) => [target.name, target] as const))('%s', async (_, target) => {
    const tally = emptyTally()
    // What is compiled or loaded by the first inputs is not theirs.
    await runBlock(target, 0, 0, RULES, emptyTally(), 20)
    const count = Math.ceil(BLOCK_INPUTS * BLOCKS * target.share)
    for (let block = 0; block * BLOCK_INPUTS < count; block++) {
      await runBlock(target, SEED, block, RULES, tally, count - block * BLOCK_INPUTS)
    }
    for (const make of target.extremes ?? []) await runInput(target, make(), RULES, tally)
    expect(failuresOf(tally, target)).toEqual([])
    // Damage of what was none to begin with would show little.
    for (const input of fc.sample(target.valid, { numRuns: VALID, seed: SEED }))
      await runInput(target, input, RULES, tally)
    expect(tally.taken).toBeGreaterThan(0)
  })
})

test('the same seed draws the same inputs, another one others', () => {
  const target = targets[0] as FuzzTarget
  const drawn = (seed: number) => [...inputsOf(target, seed, 3)].map((input) => Buffer.from(input).toString('hex'))
  expect(drawn(5)).toEqual(drawn(5))
  expect(drawn(5)).not.toEqual(drawn(6))
})

describe('a decoder with a bug planted in it is found out:', () => {
  const valid = fc.uint8Array({ maxLength: 40 }).map((bytes) => new Writer().bytes(bytes).finish())
  const planted = (decode: (reader: Reader) => unknown) =>
    decoder({
      ...{ name: 'planted', codes: ['MALFORMED'], valid, captured: [] },
      decode: (input) => decode(new Reader(input, 'a planted thing')),
    })
  const found = async (decode: (reader: Reader) => unknown, rules: FuzzRules = RULES): Promise<string> => {
    const tally = emptyTally()
    for (const input of inputsOf(planted(decode), SEED, 0)) {
      await runInput(planted(decode), input, rules, tally)
      if (tally.failures.length > 0) break
    }
    return tally.failures[0]?.what ?? 'nothing'
  }

  test('none in one without a bug', async () => {
    expect(await found((reader) => reader.bytes())).toBe('nothing')
  })

  test('one that allocates what is announced', async () => {
    const what = await found((reader) => {
      const length = reader.uint32()
      return Buffer.alloc(Math.min(length, 2 ** 22)).fill(reader.raw(length))
    })
    expect(what).toContain('it set aside')
  })

  test('one that makes objects by a number that is announced', async () => {
    expect(await found((reader) => Array.from({ length: Math.min(reader.uint32(), 50_000) }, () => ({})))).toContain(
      'it made objects of',
    )
  })

  test('one that trips over what is not there', async () => {
    expect(await found((reader) => (['a'][reader.uint8()] as string).length)).toContain('it threw TypeError')
  })

  test('one that rejects with anything else', async () => {
    expect(await found((reader) => Promise.reject(new RangeError(`no ${reader.uint8()}`)))).toContain('RangeError')
  })

  test('one that takes its time, where time is asked for', async () => {
    let nowMs = 0
    const clock = { monotonicMs: () => nowMs }
    const slow = (reader: Reader): void => {
      nowMs += reader.uint32() % 8 === 7 ? 150 : 1
    }
    expect(await found(slow, { clock })).toContain('it took 150 ms')
    expect(await found(slow)).toBe('nothing')
  })
})

/** With the bytes, so that they can be fed again: `npm run fuzz -- --target NAME --file PATH`. */
function failuresOf(tally: FuzzTally, target: FuzzTarget): string[] {
  return tally.failures.map(({ what, input }) => `${target.name}: ${what}; input ${Buffer.from(input).toString('hex')}`)
}
