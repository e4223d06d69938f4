/**
 * What becomes of an operation of a simulated disk, as a function of (seed, disk, part of it, question, how often that was
 * asked before).
 *
 * Always: each question has a count of its own, and no draw moves another one. So that leaving out one fault leaves the
 * timings and fates of everything that happens in the same order as they were (fate.ts does the same for frames).
 */
import { hash64, mix } from '../../base/checksum.js'

/** What is asked. Numbers are part of every recorded seed: only ever add, at the end. */
const QUESTIONS = [
  // How long it takes.
  'open',
  'read',
  'write',
  'sync',
  // LevelDB's own.
  'rotation',
  // What a crash leaves.
  'pending',
  'suffix',
  'torn',
  'torn-bytes',
  // What a failed operation leaves.
  'after-failed-sync',
  'after-failed-write',
  // What rots.
  'rot-kind',
  'rot-place',
  'rot-length',
  'rot-bit',
] as const

export type DiskQuestion = (typeof QUESTIONS)[number]

const NUMBERS = Object.fromEntries(QUESTIONS.map((question, at) => [question, at])) as Record<DiskQuestion, number>
const TWO_32 = 0x1_0000_0000

/** The fates of one part of one disk: a database, or the high-water file. */
export class DiskFate {
  readonly part: string
  readonly #key: number
  readonly #counts = new Uint32Array(QUESTIONS.length)

  constructor(seed: number, disk: string, part: string) {
    const { high, low } = hash64(Buffer.from(JSON.stringify([seed, disk, part]), 'utf8'))
    this.part = part
    this.#key = high ^ low
  }

  /** A whole number, 0 <= n < `limit`, evenly: the next answer to this question. */
  below(question: DiskQuestion, limit: number): number {
    const number = NUMBERS[question]
    const count = (this.#counts[number] as number) + 1
    this.#counts[number] = count
    const draw = mix(mix(this.#key ^ Math.imul(number + 1, 0x9e3779b1)) ^ Math.imul(count, 0x85ebca6b))
    return Math.floor((draw / TWO_32) * limit)
  }

  /** True once in `times`. */
  onceIn(question: DiskQuestion, times: number): boolean {
    return this.below(question, times) === 0
  }
}
