/**
 * Notices that the other side reads no more: bytes wait, and none of them leaves.
 *
 * Always: looks are counted, not time: a pause of our own process does not look like one of the peer.
 */
export class StallWatch {
  #takenBytes = 0
  #looks = 0

  /**
   * Called at even intervals: bytes that wait now, and all that ever left. How many looks in a row found that something
   * waited and nothing had left.
   */
  look(waitingBytes: number, takenBytes: number): number {
    this.#looks = waitingBytes > 0 && takenBytes === this.#takenBytes ? this.#looks + 1 : 0
    this.#takenBytes = takenBytes
    return this.#looks
  }
}
