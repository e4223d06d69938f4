/**
 * What the sender of a snapshot has in its hands: the stream cut into pieces, those that the receiver asked for and has not
 * acknowledged.
 *
 *     acknowledged | kept, sent | kept, to be sent | not read from the stream yet
 *                  next         sent               made
 *
 * Always: kept is at most a window and one block of the stream. What was acknowledged is gone: a receiver that begins anew
 * needs a new transfer.
 */
import { assert } from '../base/assert.js'

export interface Piece {
  readonly number: number
  readonly bytes: Uint8Array
  readonly last: boolean
}

export class SendWindow {
  readonly #pieceBytes: number
  /** Those from `#next` on. */
  #pieces: Uint8Array[] = []
  #next = 0
  #sent = 0
  #through = 0
  /** Of the stream, and not a whole piece yet. */
  #rest: Uint8Array[] = []
  #restBytes = 0
  #ended = false

  constructor(pieceBytes: number) {
    this.#pieceBytes = pieceBytes
  }

  /** Bytes of the pieces that the receiver has. */
  get acknowledgedBytes(): number {
    return this.#next * this.#pieceBytes
  }

  /** Pieces that are made, and those before. */
  get made(): number {
    return this.#next + this.#pieces.length
  }

  /** Whether more is to be read from the stream. */
  get wantsMore(): boolean {
    return !this.#ended && this.made < this.#through
  }

  /** All of the stream was read. */
  get ended(): boolean {
    return this.#ended
  }

  /** All of the snapshot was made, and acknowledged. */
  get acknowledged(): boolean {
    return this.#ended && this.#pieces.length === 0
  }

  /**
   * The receiver has all pieces before `next` and takes those before `through`. The same words again mean that what was sent
   * did not arrive. False, and nothing changed, where they are older than what it said before, or of no receiver of these.
   */
  pull(next: number, through: number): boolean {
    if (next < this.#next || through < this.#through || next > this.made) return false
    if (next === this.#next && through === this.#through) this.#sent = next
    this.#pieces = this.#pieces.slice(next - this.#next)
    this.#next = next
    this.#sent = Math.max(this.#sent, next)
    this.#through = through
    return true
  }

  /** The stream goes on with `bytes`, which nobody changes. */
  supply(bytes: Uint8Array): void {
    assert(!this.#ended, 'the stream goes on behind its end')
    this.#rest.push(bytes)
    this.#restBytes += bytes.byteLength
    if (this.#restBytes < this.#pieceBytes) return
    const whole = Buffer.concat(this.#rest, this.#restBytes)
    let at = 0
    for (; whole.byteLength - at >= this.#pieceBytes; at += this.#pieceBytes) {
      this.#pieces.push(whole.subarray(at, at + this.#pieceBytes))
    }
    // A copy, so that what is left over does not keep all the others.
    this.#rest = at === whole.byteLength ? [] : [Uint8Array.from(whole.subarray(at))]
    this.#restBytes = whole.byteLength - at
  }

  /** The stream is at its end: what is left, if anything, is the last piece. */
  finish(): void {
    assert(!this.#ended, 'the stream ends twice')
    this.#ended = true
    this.#pieces.push(Buffer.concat(this.#rest, this.#restBytes))
    this.#rest = []
    this.#restBytes = 0
  }

  /** What is to be sent now. */
  take(): readonly Piece[] {
    const end = Math.min(this.made, this.#through)
    const pieces: Piece[] = []
    for (let number = this.#sent; number < end; number++) {
      const last = this.#ended && number === this.made - 1
      pieces.push({ number, bytes: this.#pieces[number - this.#next] as Uint8Array, last })
    }
    this.#sent = Math.max(this.#sent, end)
    return pieces
  }
}
