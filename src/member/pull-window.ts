/**
 * What the receiver of a snapshot has in its hands: pieces that arrived, in whatever order, until they are taken in theirs.
 *
 *     taken | here | missing, here, missing ... | not asked for yet
 *           taken  next                         through
 *
 * Always: kept is at most a window: no more is asked for than there is room, and what was not asked for is dropped.
 */
import type { Piece } from './send-window.js'

export class PullWindow {
  readonly #pieces: number
  readonly #here = new Map<number, Piece>()
  #taken = 0
  #next = 0
  /** Number of the last piece; undefined until it is here. */
  #last: number | undefined

  /** Room for so many `pieces`. */
  constructor(pieces: number) {
    this.#pieces = pieces
  }

  /** What to ask for: all before `next` is here. */
  get wanted(): { readonly next: number; readonly through: number } {
    return { next: this.#next, through: this.#taken + this.#pieces }
  }

  /** All pieces were taken. */
  get done(): boolean {
    return this.#last !== undefined && this.#taken > this.#last
  }

  /** Whether {@link take} has one to give. */
  get hasNext(): boolean {
    return this.#here.has(this.#taken)
  }

  /** Keeps a piece that came; false where it came before, or was not asked for. */
  accept(piece: Piece): boolean {
    const { number, last } = piece
    if (number < this.#next || number >= this.wanted.through || this.#here.has(number)) return false
    if (this.#last !== undefined && number > this.#last) return false
    this.#here.set(number, piece)
    if (last) this.#last = number
    while (this.#here.has(this.#next)) this.#next++
    return true
  }

  /** The next piece in its order. */
  take(): Piece | undefined {
    const piece = this.#here.get(this.#taken)
    if (piece === undefined) return undefined
    this.#here.delete(this.#taken)
    this.#taken++
    return piece
  }
}
