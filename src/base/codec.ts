/**
 * The bounded binary codec of everything that is written to disk or sent to a peer.
 *
 * Always: a reader never reads past its end, never allocates more than its input holds, and fails with `MALFORMED`
 * only. Numbers are big endian and of fixed size: on the paths that matter it beats varints (measured), and a hex dump can
 * be read by a person.
 */
import { asBuffer, putUint32, uint32At } from './bytes.js'
import { isStoreError, StoreError } from './errors.js'

const TWO_32 = 0x1_0000_0000
/** How this machine keeps numbers in memory. */
const LITTLE_ENDIAN = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/**
 * Decodes the whole of what this member itself wrote down: what cannot be decoded there is `DATA_DAMAGED`, and no fault
 * of whoever asked. `what` names the thing being read, for the error.
 */
export function decodeStored<T>(bytes: Uint8Array, what: string, decode: (reader: Reader) => T): T {
  try {
    const reader = new Reader(bytes, what)
    const value = decode(reader)
    reader.end()
    return value
  } catch (error) {
    if (!isStoreError(error, 'MALFORMED')) throw error
    throw new StoreError('DATA_DAMAGED', `The state on disk is damaged: ${error.message}`, { cause: error })
  }
}

/** Appends values to a buffer that grows. {@link Writer.finish} gives the bytes away; the writer is spent. */
export class Writer {
  #bytes: Buffer
  #length = 0

  constructor(expectedBytes = 256) {
    this.#bytes = Buffer.allocUnsafe(expectedBytes)
  }

  get length(): number {
    return this.#length
  }

  uint8(value: number): this {
    const at = this.#take(1)
    this.#bytes[at] = value
    return this
  }

  uint16(value: number): this {
    const at = this.#take(2)
    this.#bytes[at] = value >>> 8
    this.#bytes[at + 1] = value
    return this
  }

  uint32(value: number): this {
    const at = this.#take(4)
    putUint32(this.#bytes, at, value)
    return this
  }

  /** Many at once: in place of a call for each, a copy of all and a turn of their bytes. */
  uint32s(values: Uint32Array): this {
    const at = this.#take(values.byteLength)
    this.#bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at)
    if (LITTLE_ENDIAN) this.#bytes.subarray(at, at + values.byteLength).swap32()
    return this
  }

  /** A non-negative safe integer, in eight bytes. */
  uint53(value: number): this {
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a non-negative safe integer`)
    const at = this.#take(8)
    putUint32(this.#bytes, at, value / TWO_32)
    putUint32(this.#bytes, at + 4, value)
    return this
  }

  /** A signed 64-bit id. */
  int64(value: bigint): this {
    const at = this.#take(8)
    this.#bytes.writeBigInt64BE(BigInt.asIntN(64, value), at)
    return this
  }

  boolean(value: boolean): this {
    return this.uint8(value ? 1 : 0)
  }

  /** Bytes behind their length. */
  bytes(value: Uint8Array): this {
    this.uint32(value.byteLength)
    return this.raw(value)
  }

  /** Bytes without a length: what reads them knows it. */
  raw(value: Uint8Array): this {
    const at = this.#take(value.byteLength)
    this.#bytes.set(value, at)
    return this
  }

  /** A latin1 string (a key) behind its length. */
  latin1(value: string): this {
    this.uint32(value.length)
    const at = this.#take(value.length)
    this.#bytes.write(value, at, 'latin1')
    return this
  }

  /** Text as UTF-8 behind its length. */
  text(value: string): this {
    if (!value.isWellFormed()) throw new TypeError('text with half of a surrogate pair has no bytes in UTF-8')
    return this.bytes(Buffer.from(value, 'utf8'))
  }

  /** Overwrites four bytes written before, for a length or checksum known only now. */
  patchUint32(at: number, value: number): this {
    putUint32(this.#bytes, at, value)
    return this
  }

  /** A view on what has been written from `start` on; valid until the next write. */
  written(start = 0): Uint8Array {
    return this.#bytes.subarray(start, this.#length)
  }

  finish(): Uint8Array {
    return this.#length === this.#bytes.byteLength ? this.#bytes : this.#bytes.subarray(0, this.#length)
  }

  #take(bytes: number): number {
    const at = this.#length
    const needed = at + bytes
    if (needed > this.#bytes.byteLength) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.byteLength * 2))
      this.#bytes.copy(grown, 0, 0, at)
      this.#bytes = grown
    }
    this.#length = needed
    return at
  }
}

/** Reads what {@link Writer} wrote. Byte fields are views into the input, not copies. */
export class Reader {
  readonly #bytes: Buffer
  readonly #what: string
  #at = 0

  /** `what` names the thing being read, for the error. */
  constructor(bytes: Uint8Array, what: string) {
    this.#bytes = asBuffer(bytes)
    this.#what = what
  }

  get remaining(): number {
    return this.#bytes.byteLength - this.#at
  }

  uint8(): number {
    return this.#bytes[this.#take(1)] as number
  }

  uint16(): number {
    const at = this.#take(2)
    return ((this.#bytes[at] as number) << 8) | (this.#bytes[at + 1] as number)
  }

  uint32(): number {
    return uint32At(this.#bytes, this.#take(4))
  }

  uint53(): number {
    const at = this.#take(8)
    const value = uint32At(this.#bytes, at) * TWO_32 + uint32At(this.#bytes, at + 4)
    if (!Number.isSafeInteger(value)) throw this.malformed(`a number above 2^53 at byte ${at}`)
    return value
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#take(8))
  }

  boolean(): boolean {
    const value = this.uint8()
    if (value > 1) throw this.malformed(`${value} where 0 or 1 belongs`)
    return value === 1
  }

  bytes(): Uint8Array {
    return this.raw(this.uint32())
  }

  raw(length: number): Uint8Array {
    const at = this.#take(length)
    return this.#bytes.subarray(at, at + length)
  }

  latin1(): string {
    const length = this.uint32()
    const at = this.#take(length)
    return this.#bytes.toString('latin1', at, at + length)
  }

  /** Well-formed; other bytes are refused, since reading them would give many the same replacement. */
  text(): string {
    const bytes = asBuffer(this.bytes())
    const text = bytes.toString('utf8')
    const replaced = text.includes('\ufffd') && !Buffer.from(text, 'utf8').equals(bytes)
    if (replaced) throw this.malformed('text that is not UTF-8')
    return text
  }

  /**
   * A count of things of at least `leastBytes` each that follow; refused when the input cannot hold so many, so that
   * nobody makes us allocate by announcing a large number; and when there are more than `countMax`, since objects for the
   * smallest things take many times their bytes.
   */
  count(leastBytes: number, countMax = Infinity): number {
    const count = this.uint32()
    if (count * leastBytes > this.remaining)
      throw this.malformed(`${count} items announced, ${this.remaining} bytes left`)
    if (count > countMax) throw this.malformed(`${count} items announced, at most ${countMax} are possible`)
    return count
  }

  /** Asserts that everything was read: trailing bytes mean that writer and reader disagree. */
  end(): void {
    if (this.remaining !== 0) throw this.malformed(`${this.remaining} bytes too many`)
  }

  malformed(why: string): StoreError {
    return new StoreError('MALFORMED', `${this.#what} cannot be decoded: ${why}`)
  }

  #take(bytes: number): number {
    const at = this.#at
    if (bytes > this.#bytes.byteLength - at) {
      throw this.malformed(`${bytes} bytes wanted at byte ${at}, ${this.#bytes.byteLength - at} left`)
    }
    this.#at = at + bytes
    return at
  }
}
