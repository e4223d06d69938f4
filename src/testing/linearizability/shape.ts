/** What is said of calls of another shape than a model takes. */
import { kind } from '../../api/check-fields.js'

/** Throws TypeError unless `value` is an object: its fields. */
export function fieldsOf(value: unknown, what: string, shape: string): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${what} is ${shape}, not ${kind(value)}`)
  }
  return value as Readonly<Record<string, unknown>>
}

export function checkText(value: unknown, what: string): void {
  if (typeof value !== 'string') throw new TypeError(`${what} is text, not ${kind(value)}`)
}

/** The type of an input, which is one of `types`. */
export function typeOf<Type extends string>(fields: Readonly<Record<string, unknown>>, types: readonly Type[]): Type {
  const type = types.find((each) => each === fields['type'])
  if (type !== undefined) return type
  throw new TypeError(`the type of an input is ${types.join(', ')}, not ${JSON.stringify(fields['type'])}`)
}
