/**
 * A request made of JSON, as protobuf's mapping has it: fields by both of their names, 64-bit numbers as numbers or as
 * strings, bytes in either base64, names of enums or their numbers; null is as if it were not there, and fields that are
 * not known are passed over, since clients may be newer.
 *
 * Always: what is not what its field takes is refused with the place where it stands, and never taken for something else.
 */
import { quote } from '../../base/quote.js'
import { AssertionError, assertNever } from '../../base/assert.js'
import { JsonSyntaxError, parseJson, type JsonNumber, type JsonObject, type JsonValue } from './json.js'
import type { EnumerationNumbers, FieldShape, MessageShape } from './shapes.js'
import { Refusal } from '../server/refusal.js'

/** The message that `body` holds; of nothing, the one without fields. Throws a {@link Refusal}: `INVALID_ARGUMENT`. */
export function decodeRequest<Message>(body: Uint8Array, shape: MessageShape<Message>): Message {
  const content = decodeText(body)
  if (content.trim() === '') return shape.maker.fromPartial({} as never)
  return decodeMessage(parse(content), shape, '')
}

function decodeText(body: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    throw refusal('the body is not UTF-8')
  }
}

function parse(content: string): JsonValue {
  try {
    return parseJson(content)
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw refusal(`the body is not one JSON value: ${error.message}`)
    throw error
  }
}

function decodeMessage<Message>(value: JsonValue, shape: MessageShape<Message>, path: string): Message {
  if (!isObject(value)) throw wrong(path, 'an object', value)
  const fields: Record<string, unknown> = {}
  const given = new Map<string, string>()
  for (const [key, inner] of value) {
    const field = shape.fields.get(key)
    if (field === undefined || inner === null) continue
    const at = path === '' ? key : `${path}.${key}`
    const place = field.within ?? field.name
    const before = given.get(place)
    if (before !== undefined) throw refusal(`${at}: only one of ${before} and ${key} may be given`)
    given.set(place, key)
    const decoded = decodeField(inner, field.shape, at)
    fields[place] = field.within === undefined ? decoded : { $case: field.name, value: decoded }
  }
  return shape.maker.fromPartial(fields as never)
}

function decodeField(value: JsonValue, shape: FieldShape, at: string): unknown {
  switch (shape.kind) {
    case 'bytes':
      return decodeBytes(value, at)
    case 'text':
      if (typeof value !== 'string') throw wrong(at, 'a string', value)
      return value
    case 'truth':
      if (typeof value !== 'boolean') throw wrong(at, 'true or false', value)
      return value
    case 'int64':
      return decodeInteger(value, { min: -(2n ** 63n), max: 2n ** 63n - 1n }, at)
    case 'uint64':
      return decodeInteger(value, { min: 0n, max: 2n ** 64n - 1n }, at)
    case 'enumeration':
      return decodeEnumeration(value, shape.numbers, at)
    case 'list':
      if (!isList(value)) throw wrong(at, 'an array', value)
      return value.map((each, index) => decodeField(each, shape.of, `${at}[${index}]`))
    case 'message':
      return decodeMessage(value, shape.shape(), at)
    case 'oneof':
      throw new AssertionError(`${at} is a oneof: it has no name in JSON`)
    default:
      return assertNever(shape, 'the shape of a field')
  }
}

/** Both alphabets, with the padding or without; lines may be broken. */
const BASE64 = /^(?:[A-Za-z0-9+/]*|[A-Za-z0-9_-]*)(={0,2})$/

function decodeBytes(value: JsonValue, at: string): Buffer {
  if (typeof value !== 'string') throw wrong(at, 'a string of base64', value)
  const content = value.replaceAll(/[\r\n]/g, '')
  const padding = BASE64.exec(content)?.[1]
  const isWhole = padding === '' ? content.length % 4 !== 1 : content.length % 4 === 0
  if (padding === undefined || !isWhole)
    throw refusal(`${at} must be base64, and its ${value.length} characters are not`)
  return Buffer.from(content, 'base64')
}

const INTEGER = /^(-?)(0|[1-9]\d*)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/
/** More digits than any 64-bit number has, however it is written. */
const DIGITS_MAX = 64

interface Bounds {
  readonly min: bigint
  readonly max: bigint
}

function decodeInteger(value: JsonValue, { min, max }: Bounds, at: string): bigint {
  const digits = typeof value === 'string' ? value : isNumber(value) ? value.digits : undefined
  const integer = digits === undefined ? undefined : integerOf(digits)
  if (integer === undefined) throw wrongNumber(at, 'a whole number', value)
  if (integer < min || integer > max) throw wrongNumber(at, `a number from ${min} to ${max}`, value)
  return integer
}

/** Of `12`, `12.0` and `1.2e1`; undefined for what is not whole, or no number. */
function integerOf(digits: string): bigint | undefined {
  if (digits.length > DIGITS_MAX) return undefined
  const [, sign, whole, fraction = '', exponent = '0'] = INTEGER.exec(digits) ?? []
  if (whole === undefined) return undefined
  const all = (whole + fraction).replace(/^0+(?=\d)/, '')
  if (/^0+$/.test(all)) return 0n
  const shift = Number(exponent) - fraction.length
  if (shift > DIGITS_MAX) return undefined
  const end = all.length + Math.min(shift, 0)
  if (end <= 0 || /[^0]/.test(all.slice(end))) return undefined
  const magnitude = BigInt(all.slice(0, end) + '0'.repeat(Math.max(shift, 0)))
  return sign === '-' ? -magnitude : magnitude
}

/** A number that has no name goes on: whoever it is for says what is wrong with it, as etcd does. */
function decodeEnumeration(value: JsonValue, numbers: EnumerationNumbers, at: string): number {
  if (typeof value === 'string') {
    const number = Object.hasOwn(numbers, value) ? numbers[value] : undefined
    if (typeof number === 'number' && number >= 0) return number
  } else if (isNumber(value)) {
    const integer = integerOf(value.digits)
    if (integer !== undefined && BigInt.asIntN(32, integer) === integer) return Number(integer)
  }
  const names = Object.keys(numbers).filter((name) => typeof numbers[name] === 'number' && numbers[name] >= 0)
  throw wrongNumber(at, `one of ${names.join(', ')}, or its number`, value)
}

function isObject(value: JsonValue): value is JsonObject {
  return value instanceof Map
}

function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value)
}

function isNumber(value: JsonValue): value is JsonNumber {
  return typeof value === 'object' && value !== null && 'digits' in value
}

/** Without the value: it may be a password. */
function wrong(at: string, expected: string, value: JsonValue): Refusal {
  return refusal(`${at === '' ? 'the body' : at} must be ${expected}, not ${describe(value)}`)
}

/** With it, where there is nothing to hide. */
function wrongNumber(at: string, expected: string, value: JsonValue): Refusal {
  const shown =
    typeof value === 'string' ? quote(value) : isNumber(value) ? value.digits.slice(0, DIGITS_MAX) : undefined
  return shown === undefined ? wrong(at, expected, value) : refusal(`${at} must be ${expected}, not ${shown}`)
}

function describe(value: JsonValue): string {
  if (value === null) return 'null'
  if (typeof value === 'boolean') return `${value}`
  if (typeof value === 'string') return 'a string'
  if (isNumber(value)) return 'a number'
  return isList(value) ? 'an array' : 'an object'
}

function refusal(what: string): Refusal {
  return new Refusal('INVALID_ARGUMENT', `etcdserver: malformed request: ${what}`)
}
