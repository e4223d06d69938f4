/**
 * How long to wait before a peer is dialled again: longer with each failure, and half of it by chance, so that members that
 * failed together do not come back together.
 */
import type { Random } from '../base/random.js'

export interface BackoffLimits {
  readonly peerReconnectMsMin: number
  readonly peerReconnectMsMax: number
}

export class Backoff {
  readonly #limits: BackoffLimits
  readonly #random: Random
  #failures = 0

  constructor(limits: BackoffLimits, random: Random) {
    this.#limits = limits
    this.#random = random
  }

  /**
   * After a connection that stood for `stoodMs`; 0 for one that never did. One that fell again at once does not count as a
   * success: two members with one id would throw each other out of the same peer forever, twenty times a second.
   */
  nextMs(stoodMs: number): number {
    const { peerReconnectMsMin, peerReconnectMsMax } = this.#limits
    this.#failures = stoodMs >= peerReconnectMsMax ? 1 : this.#failures + 1
    const doublings = Math.min(this.#failures - 1, 16)
    const fullMs = Math.min(peerReconnectMsMin * 2 ** doublings, peerReconnectMsMax)
    return fullMs / 2 + (fullMs / 2) * (this.#random.uint32() / 0x1_0000_0000)
  }
}
