/** Bytes that come in pieces of any size, taken in pieces of the size that is wanted. */
export class SnapshotSource {
  readonly #iterator: AsyncIterator<Uint8Array>
  /** What came and was not taken yet. */
  #pieces: Uint8Array[] = []
  #available = 0
  #offset = 0

  constructor(source: AsyncIterable<Uint8Array>) {
    this.#iterator = source[Symbol.asyncIterator]()
  }

  /** Bytes taken so far. */
  get offset(): number {
    return this.#offset
  }

  /** Exactly `length` bytes, or all that were left if they were fewer. Views, or a copy where they came in several pieces. */
  async take(length: number): Promise<Uint8Array> {
    while (this.#available < length && (await this.#fetch()));
    const taken = this.#cut(Math.min(length, this.#available))
    this.#available -= taken.byteLength
    this.#offset += taken.byteLength
    return taken
  }

  /** Tells whoever gives the bytes that no more are wanted. */
  async close(): Promise<void> {
    await this.#iterator.return?.()
  }

  /** False at the end. Throws TypeError for what is no bytes. */
  async #fetch(): Promise<boolean> {
    const next = await this.#iterator.next()
    if (next.done === true) return false
    const piece: unknown = next.value
    if (!ArrayBuffer.isView(piece)) throw new TypeError(`a snapshot is a stream of Uint8Array, not of ${typeof piece}`)
    this.#pieces.push(new Uint8Array(piece.buffer, piece.byteOffset, piece.byteLength))
    this.#available += piece.byteLength
    return true
  }

  #cut(length: number): Uint8Array {
    const first = this.#pieces[0]
    if (first !== undefined && first.byteLength > length) {
      this.#pieces[0] = first.subarray(length)
      return first.subarray(0, length)
    }
    if (first?.byteLength === length) {
      this.#pieces.shift()
      return first
    }
    const whole = new Uint8Array(length)
    let at = 0
    while (at < length) {
      const piece = this.#pieces[0] as Uint8Array
      const part = piece.subarray(0, length - at)
      whole.set(part, at)
      at += part.byteLength
      if (part.byteLength === piece.byteLength) this.#pieces.shift()
      else this.#pieces[0] = piece.subarray(part.byteLength)
    }
    return whole
  }
}
