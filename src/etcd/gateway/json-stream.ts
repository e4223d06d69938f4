/**
 * The JSON objects of a request body, one after the other, as they come: clients of etcd's streams send several in one body,
 * with or without something between them, and await answers before they send the next.
 *
 * Always: no more is held than one object, up to a bound. What is within an object is not looked at here, but for where it ends.
 */
import { Refusal } from '../server/refusal.js'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const OPENING = new Set([0x7b, 0x5b])
const CLOSING = new Set([0x7d, 0x5d])
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d])

/** Rejects with a {@link Refusal} for what is no object, is too large, or is cut off. */
export async function* jsonObjects(body: AsyncIterable<Uint8Array>, bytesMax: number): AsyncGenerator<Uint8Array> {
  const scanner = new Scanner(bytesMax)
  for await (const chunk of body) yield* scanner.take(chunk)
  scanner.end()
}

class Scanner {
  readonly #bytesMax: number
  #begun: Uint8Array[] = []
  #begunBytes = 0
  #depth = 0
  #inString = false
  #escaped = false

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  /** The objects that end within `chunk`. */
  *take(chunk: Uint8Array): Generator<Uint8Array> {
    let start = 0
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at] as number
      if (this.#depth === 0) {
        if (SPACE.has(byte)) continue
        if (byte !== 0x7b) throw malformed('each value of the body must be an object')
        start = at
      }
      if (!this.#endsWith(byte)) continue
      this.#keep(chunk.subarray(start, at + 1))
      yield this.#taken()
    }
    if (this.#depth > 0) this.#keep(chunk.subarray(start))
  }

  end(): void {
    if (this.#depth > 0) throw malformed('the body ends within an object')
  }

  /** Whether the outermost object ends with this byte. */
  #endsWith(byte: number): boolean {
    if (this.#inString) {
      if (this.#escaped) this.#escaped = false
      else if (byte === BACKSLASH) this.#escaped = true
      else if (byte === QUOTE) this.#inString = false
      return false
    }
    if (byte === QUOTE) this.#inString = true
    else if (OPENING.has(byte)) this.#depth++
    else if (CLOSING.has(byte)) this.#depth--
    return this.#depth === 0
  }

  #keep(part: Uint8Array): void {
    this.#begunBytes += part.length
    if (this.#begunBytes > this.#bytesMax) throw new Refusal('INVALID_ARGUMENT', 'etcdserver: request is too large')
    this.#begun.push(part)
  }

  #taken(): Uint8Array {
    const whole = Buffer.concat(this.#begun)
    this.#begun = []
    this.#begunBytes = 0
    return whole
  }
}

function malformed(what: string): Refusal {
  return new Refusal('INVALID_ARGUMENT', `etcdserver: malformed request: ${what}`)
}
