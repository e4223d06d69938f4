/**
 * Feeds a target with drawn inputs and holds what comes of each against the rules:
 *
 *     it is taken, or refused with a documented code            nothing else is thrown, now or later
 *     at most 100 ms, where time is asked for                   seen again when it is fed again: a busy machine is no bug
 *     memory for bytes: at most four times the input            and LEAST_BYTES, for an input of a few bytes
 *     memory for all else: HEAP_FACTOR times the input          objects for what the bytes say, and an error with its stack
 *
 * Memory is what V8 says before and after, exactly, not what is left after a collection: what was asked for and thrown away
 * counts too. Where a collection came between, the input is fed again.
 *
 * Inputs come in blocks, each drawn from the seed, the name of the target and its own number, so that any block can be
 * drawn again without those before it.
 */
import { getHeapStatistics } from 'node:v8'
import fc from 'fast-check'
import type { Clock } from '../../src/base/clock.js'
import { crc32 } from '../../src/base/checksum.js'
import { below } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { Mutator } from './mutate.js'
import type { FuzzTarget, Verdict } from './target.js'

export const BLOCK_INPUTS = 500
const VALID_PER_BLOCK = 60
/** Of a block's inputs. */
const VALID_ONE_OF = 12
const GARBAGE_ONE_OF = 12

export const INPUT_MS_MAX = 100
export const BUFFER_FACTOR = 4
export const HEAP_FACTOR = 64
const LEAST_BYTES = 24 * 1024
const AGAIN_TIMES = 3

export interface FuzzFailure {
  readonly target: string
  readonly input: Uint8Array
  readonly what: string
}

export interface FuzzTally {
  inputs: number
  taken: number
  refused: number
  bytes: number
  largestBytes: number
  slowestMs: number
  /** Of inputs of LEAST_BYTES and more, times the input. */
  buffers: number
  heap: number
  readonly failures: FuzzFailure[]
}

export interface FuzzRules {
  /** By which an input that takes longer than INPUT_MS_MAX fails; without one, none does. */
  readonly clock?: Pick<Clock, 'monotonicMs'>
}

export function emptyTally(): FuzzTally {
  const none = { inputs: 0, taken: 0, refused: 0, bytes: 0, largestBytes: 0, slowestMs: 0, buffers: 0, heap: 0 }
  return { ...none, failures: [] }
}

/** The inputs of one block. */
export function* inputsOf(target: FuzzTarget, seed: number, block: number): Generator<Uint8Array> {
  const drawn = crc32(Buffer.from(`${target.name} ${seed} ${block}`))
  const random = seededRandom(drawn)
  const valid = fc.sample(target.valid, { numRuns: VALID_PER_BLOCK, seed: drawn })
  const pool = [...valid, ...target.captured]
  const mutator = new Mutator(random, pool)
  const { captured } = target
  for (let nth = 0; nth < BLOCK_INPUTS; nth++) {
    const kind = below(random, VALID_ONE_OF)
    if (kind === 0) {
      yield Uint8Array.from(valid[below(random, valid.length)] as Uint8Array)
    } else if (kind === 1 && below(random, GARBAGE_ONE_OF) < 6) {
      yield mutator.garbage()
    } else {
      const from = captured.length > 0 && below(random, 2) === 0 ? captured : valid
      const input = mutator.mutate(from[below(random, from.length)] as Uint8Array)
      if (below(random, 2) === 0) target.mend?.(input)
      yield input
    }
  }
}

/** Feeds a block, or the first `count` of it. */
export async function runBlock(
  target: FuzzTarget,
  seed: number,
  block: number,
  rules: FuzzRules,
  tally: FuzzTally,
  count = BLOCK_INPUTS,
): Promise<void> {
  for (const input of inputsOf(target, seed, block)) {
    if (count-- <= 0) return
    await runInput(target, input, rules, tally)
  }
}

/** Feeds one input. What breaks a rule is in `tally.failures`; nothing is thrown. */
export async function runInput(
  target: FuzzTarget,
  input: Uint8Array,
  rules: FuzzRules,
  tally: FuzzTally,
): Promise<void> {
  let fed = await feed(target, input, rules)
  for (let times = 1; times < AGAIN_TIMES && broken(fed, target, input) !== undefined; times++) {
    fed = lesser(fed, await feed(target, input, rules))
  }
  const { byteLength } = input
  tally.inputs++
  tally.bytes += byteLength
  tally.largestBytes = Math.max(tally.largestBytes, byteLength)
  tally.slowestMs = Math.max(tally.slowestMs, fed.ms)
  if (byteLength >= LEAST_BYTES) {
    tally.buffers = Math.max(tally.buffers, fed.bufferBytes / byteLength)
    tally.heap = Math.max(tally.heap, fed.heapBytes / byteLength)
  }
  if (fed.verdict === 'taken') tally.taken++
  else if (fed.verdict === 'refused') tally.refused++
  const what = broken(fed, target, input)
  if (what !== undefined) tally.failures.push({ target: target.name, input, what })
}

interface Fed {
  readonly verdict: Verdict | { readonly thrown: unknown }
  readonly ms: number
  readonly bufferBytes: number
  readonly heapBytes: number
}

async function feed(target: FuzzTarget, input: Uint8Array, { clock }: FuzzRules): Promise<Fed> {
  // Not the input itself: it is fed again, and somebody may change it.
  const run = target.prepare(Uint8Array.from(input))
  const before = getHeapStatistics()
  const startMs = clock?.monotonicMs() ?? 0
  let verdict: Fed['verdict']
  try {
    const given = run()
    verdict = given instanceof Promise ? await given : given
  } catch (thrown) {
    verdict = { thrown }
  }
  const ms = (clock?.monotonicMs() ?? 0) - startMs
  const after = getHeapStatistics()
  return {
    verdict,
    ms,
    bufferBytes: after.external_memory - before.external_memory,
    heapBytes: after.used_heap_size - before.used_heap_size,
  }
}

/** What cannot be blamed on the machine, a collection or code that was not compiled yet. */
function lesser(a: Fed, b: Fed): Fed {
  return {
    verdict: a.verdict,
    ms: Math.min(a.ms, b.ms),
    bufferBytes: Math.min(a.bufferBytes, b.bufferBytes),
    heapBytes: Math.min(a.heapBytes, b.heapBytes),
  }
}

function broken(
  { verdict, ms, bufferBytes, heapBytes }: Fed,
  target: FuzzTarget,
  input: Uint8Array,
): string | undefined {
  const { byteLength } = input
  const fixed = LEAST_BYTES + (target.fixedBytes ?? 0)
  if (typeof verdict === 'object') return `it threw ${describe(verdict.thrown)}`
  if (ms > INPUT_MS_MAX) return `it took ${ms.toFixed(0)} ms for ${byteLength} bytes`
  if (bufferBytes > BUFFER_FACTOR * byteLength + fixed) return `it set aside ${bufferBytes} bytes for ${byteLength}`
  if (heapBytes > HEAP_FACTOR * byteLength + fixed) return `it made objects of ${heapBytes} bytes out of ${byteLength}`
  return undefined
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
