/** Damages bytes as chance and malice do, by a seeded generator: the same seed, the same damage. */
import { below, type Random } from '../../src/base/random.js'

/** Where formats keep their bounds: zero, one, around powers of two, the largest that fits. */
const NUMBERS = [0, 1, 2, 127, 128, 255, 256, 1023, 1024, 32_767, 32_768, 65_535, 65_536, 2 ** 20, 4 * 2 ** 20].concat([
  ...[4 * 2 ** 20 + 1, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1],
])
/** Of eight bytes: what is no number any more, and what is no term or index any more. */
const HIGH_HALVES = [0, 1, 0xffff, 0x1_0000, 0x1f_ffff, 0x20_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]

/** Of most inputs; now and then one is as large as a frame may be. */
const BYTES_MAX = 16 * 1024
const LARGE_BYTES_MAX = 4 * 1024 * 1024 + 64
const LARGE_ONE_OF = 4000

export class Mutator {
  readonly #random: Random
  /** Something else to take parts from. */
  readonly #others: readonly Uint8Array[]

  constructor(random: Random, others: readonly Uint8Array[]) {
    this.#random = random
    this.#others = others
  }

  /** `input` with one to five damages. */
  mutate(input: Uint8Array): Uint8Array {
    let bytes: Buffer = Buffer.from(input)
    const bytesMax = this.#below(LARGE_ONE_OF) === 0 ? LARGE_BYTES_MAX : BYTES_MAX
    for (let times = 1 + this.#below(3) * this.#below(3); times > 0; times--) {
      bytes = this.#once(bytes, bytesMax)
      if (bytes.byteLength > bytesMax) bytes = bytes.subarray(0, bytesMax)
    }
    // Memory of its own: what keeps a view of it keeps nothing else.
    return new Uint8Array(bytes)
  }

  garbage(): Uint8Array {
    const length = this.#below(8) === 0 ? this.#below(2000) : this.#below(64)
    return Uint8Array.from({ length }, () => this.#below(256))
  }

  #once(bytes: Buffer, bytesMax: number): Buffer {
    const { byteLength } = bytes
    const at = this.#below(byteLength + 1)
    const some = this.#below(1 + Math.min(byteLength, 1 << this.#below(12)))
    switch (this.#below(11)) {
      case 0:
      case 1:
        if (byteLength > 0) bytes[this.#below(byteLength)]! ^= 1 << this.#below(8)
        return bytes
      case 2:
        if (byteLength > 0) bytes[this.#below(byteLength)] = this.#below(256)
        return bytes
      case 3:
        return this.#number(bytes)
      case 4:
        return this.#length(bytes)
      case 5:
        return bytes.subarray(0, at)
      case 6:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + some)])
      case 7: {
        const part = bytes.subarray(at, at + some)
        const times = bytesMax > BYTES_MAX ? Math.ceil(bytesMax / (1 + some)) : 1 + this.#below(1 << this.#below(8))
        const fitting = Math.min(times, Math.ceil(bytesMax / (1 + some)))
        return Buffer.concat([bytes.subarray(0, at), ...Array<Buffer>(fitting).fill(part), bytes.subarray(at)])
      }
      case 8:
        return Buffer.concat([
          bytes.subarray(0, at),
          this.garbage().subarray(0, 1 + this.#below(40)),
          bytes.subarray(at),
        ])
      case 9:
        bytes.fill(this.#below(2) * 255, at, Math.min(at + some, byteLength))
        return bytes
      default: {
        const other = this.#others[this.#below(this.#others.length)] ?? bytes
        return Buffer.concat([bytes.subarray(0, at), other.subarray(this.#below(other.byteLength + 1))])
      }
    }
  }

  /** A number of one of the usual widths becomes a remarkable one. */
  #number(bytes: Buffer): Buffer {
    const width = [1, 2, 4, 8][this.#below(4)] as number
    if (bytes.byteLength < width) return bytes
    const at = this.#below(bytes.byteLength - width + 1)
    const number = NUMBERS[this.#below(NUMBERS.length)] as number
    if (width === 8) {
      bytes.writeUInt32BE(HIGH_HALVES[this.#below(HIGH_HALVES.length)] as number, at)
      bytes.writeUInt32BE(number, at + 4)
    } else {
      bytes.writeUIntBE(number % 2 ** (8 * width), at, width)
    }
    return bytes
  }

  /** What looks like a length or a count becomes another one. */
  #length(bytes: Buffer): Buffer {
    const { byteLength } = bytes
    if (byteLength < 4) return bytes
    for (let tries = 0; tries < 32; tries++) {
      const at = this.#below(byteLength - 3)
      const length = bytes.readUInt32BE(at)
      if (length > byteLength) continue
      const changed = [length + 1, length - 1, 0, byteLength - at - 4, byteLength, 0xffff_ffff, length * 2]
      bytes.writeUInt32BE((changed[this.#below(changed.length)] as number) >>> 0, at)
      return bytes
    }
    return bytes
  }

  #below(limit: number): number {
    return below(this.#random, limit)
  }
}
