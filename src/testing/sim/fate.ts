/**
 * What becomes of a frame, as a function of (seed, sender, receiver, channel, kind, how many of that kind went before).
 *
 * Always: each question about a frame is answered by a draw of its own, and no draw moves another one. So that leaving out
 * one fault, one frame or one kind of fault leaves the fate of all others as it was, and a failing run can be shrunk; a
 * single stream of random numbers would turn every removal into another world.
 */
import { hash64, mix } from '../../base/checksum.js'
import type { Channel } from '../../transport/transport.js'

/** What is asked about a frame. Numbers are part of every recorded seed: only ever add. */
export const QUESTION = {
  lost: 1,
  delay: 2,
  spiked: 3,
  reordered: 4,
  reorderDelay: 5,
  duplicated: 6,
  duplicateDelay: 7,
  flipped: 8,
} as const

export type Question = (typeof QUESTION)[keyof typeof QUESTION]

const MILLION = 1_000_000
const TWO_32 = 0x1_0000_0000

/** The fates of the frames from one place to another on one channel. */
export class LinkFate {
  readonly #key: number
  readonly #counts = new Map<number, number>()

  constructor(seed: number, from: string, to: string, channel: Channel = 'main') {
    // Main is not named: its fates are those of all seeds recorded before there was another channel.
    const way = channel === 'main' ? [seed, from, to] : [seed, from, to, channel]
    const { high, low } = hash64(Buffer.from(JSON.stringify(way), 'utf8'))
    this.#key = high ^ low
  }

  /** The fate of the next frame of this kind. */
  next(kind: number): FrameFate {
    const nth = this.#counts.get(kind) ?? 0
    this.#counts.set(kind, nth + 1)
    return new FrameFate(this.#key, kind, nth)
  }
}

export class FrameFate {
  /** How many of this kind went the same way before. */
  readonly nth: number
  readonly #key: number

  constructor(linkKey: number, kind: number, nth: number) {
    this.nth = nth
    this.#key = mix(mix(linkKey ^ Math.imul(kind + 1, 0x9e3779b1)) ^ Math.imul(nth + 1, 0x85ebca6b))
  }

  /** True in `perMillion` of a million cases. A rise of the rate only adds cases. */
  happens(question: Question, perMillion: number): boolean {
    return perMillion > 0 && this.#draw(question) < (perMillion / MILLION) * TWO_32
  }

  /** 0 <= n < `limit`, evenly. */
  evenly(question: Question, limit: number): number {
    return (this.#draw(question) / TWO_32) * limit
  }

  /**
   * Mostly near 0, half as often with each further `half`; at most 32 of them. An exponential distribution made of
   * straight pieces: logarithms may differ in their last bit between engines, and a seed must not.
   */
  exponentially(question: Question, half: number): number {
    const draw = this.#draw(question)
    const zeros = Math.clz32(draw)
    if (zeros >= 31) return 32 * half
    const within = (draw - 2 ** (31 - zeros)) / 2 ** (31 - zeros)
    return (zeros + 1 - within) * half
  }

  #draw(question: Question): number {
    return mix(this.#key ^ Math.imul(question, 0xc2b2ae35))
  }
}
