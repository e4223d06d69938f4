/**
 * Looks through a request before anything is made of it, by the tags and lengths of its fields alone: bytes are bounded
 * elsewhere, but two bytes can be an operation, and to make that costs a thousand times as much as to read it.
 *
 * Always: what is no message is left to whoever decodes it, and says what is wrong with it.
 */
import { StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'

/** What stands in a message that is to be looked through: the fields that are messages themselves. */
interface Shape {
  readonly inner: ReadonlyMap<number, () => Shape>
  /** Its fields that are operations, or compares, of a transaction. */
  readonly isTransaction: boolean
}

const FLAT: Shape = { inner: new Map(), isTransaction: false }
const flat = (): Shape => FLAT
const transaction = (): Shape => TRANSACTION
const OPERATION: Shape = {
  inner: new Map([...[1, 2, 3].map((field) => [field, flat] as const), [4, transaction] as const]),
  isTransaction: false,
}
const operation = (): Shape => OPERATION
const TRANSACTION: Shape = {
  inner: new Map([
    [1, flat],
    [2, operation],
    [3, operation],
  ]),
  isTransaction: true,
}

/** Of others the fields of the message itself are looked at. */
const SHAPES: ReadonlyMap<string, Shape> = new Map([
  ['/etcdserverpb.KV/Txn', TRANSACTION],
  ['/etcdserverpb.Watch/Watch', { inner: new Map([1, 2, 3].map((field) => [field, flat])), isTransaction: false }],
  ['/etcdserverpb.Auth/RoleGrantPermission', { inner: new Map([[2, flat]]), isTransaction: false }],
])

/** Fields that one operation, or compare, of a transaction may need. */
const OPERATION_FIELDS = 24
/** Less than so many bytes cannot be too much. */
const HARMLESS_BYTES = 256

/** Of the request of a method: why it is refused, `TOO_MANY_OPERATIONS` or `REQUEST_TOO_LARGE`; undefined: it may be decoded. */
export function tooMuch(path: string, bytes: Uint8Array, operationsMax: number): StoreError | undefined {
  if (bytes.length <= Math.min(HARMLESS_BYTES, operationsMax)) return undefined
  const scan = new Scan(bytes, Math.max(LIMITS.etcdRequestFieldsMax, operationsMax * OPERATION_FIELDS))
  try {
    scan.message(bytes.length, SHAPES.get(path) ?? FLAT, operationsMax, 0)
  } catch (error) {
    if (error instanceof StoreError) return error
    throw error
  }
  return undefined
}

class Scan {
  #at = 0
  #fields = 0
  readonly #bytes: Uint8Array
  readonly #fieldsMax: number

  constructor(bytes: Uint8Array, fieldsMax: number) {
    this.#bytes = bytes
    this.#fieldsMax = fieldsMax
  }

  /** @param operationsMax of each list of a transaction; that those around it count as well is for whoever decodes it. */
  message(end: number, shape: Shape, operationsMax: number, depth: number): void {
    const counts = [0, 0, 0, 0]
    while (this.#at < end) {
      if (++this.#fields > this.#fieldsMax) throw tooManyFields(this.#fieldsMax)
      const tag = this.#varint()
      const field = tag >>> 3
      if (shape.isTransaction && field >= 1 && field <= 3) {
        const count = (counts[field] as number) + 1
        counts[field] = count
        if (count > operationsMax) throw tooManyOperations(operationsMax)
      }
      this.#skip(tag, end, shape.inner.get(field), operationsMax, depth)
    }
    // What was not whole: decoding will say so.
    this.#at = end
  }

  #skip(tag: number, end: number, inner: (() => Shape) | undefined, operationsMax: number, depth: number): void {
    switch (tag & 7) {
      case 0:
        this.#varint()
        return
      case 1:
        this.#at += 8
        return
      case 2: {
        const length = this.#varint()
        const next = Math.min(this.#at + length, end)
        if (inner !== undefined) {
          if (depth === DEPTH_MAX) throw tooDeep()
          this.message(next, inner(), operationsMax, depth + 1)
        }
        this.#at = next
        return
      }
      case 5:
        this.#at += 4
        return
      default:
        // Groups: their ends are tags as well.
        return
    }
  }

  /** Up to 32 bits of it, which is all that a tag or a length has. */
  #varint(): number {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = this.#bytes[this.#at++] ?? 0
      if (shift < 32) value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
  }
}

/** A transaction within one is two messages deeper; the store looks more closely. */
const DEPTH_MAX = 2 * LIMITS.transactionDepthMax + 4

function tooManyFields(fieldsMax: number): StoreError {
  return new StoreError('REQUEST_TOO_LARGE', `The request has more than ${fieldsMax} fields.`)
}

function tooManyOperations(operationsMax: number): StoreError {
  return new StoreError('TOO_MANY_OPERATIONS', `More than ${operationsMax} compares or operations are not allowed.`)
}

function tooDeep(): StoreError {
  const most = LIMITS.transactionDepthMax
  return new StoreError('TOO_MANY_OPERATIONS', `Transactions stand more than ${most} deep within each other.`)
}
