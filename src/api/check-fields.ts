/**
 * What the caller wrote, by name. A misspelt field that is ignored is worse than an error: a lease that was meant and not
 * taken makes a key that never expires, a branch that was meant and not taken writes nothing and says that it succeeded.
 *
 * Always: what is checked is what is read. Only own fields of plain objects are taken, so that nothing is inherited that
 * was not looked at. Not here: what the fields hold.
 */

/** The names that may be given. A record of all keys of a type, so that the compiler misses none. */
export type Fields<Options> = Readonly<Record<keyof Options, true>>

/**
 * Throws TypeError unless `value` is a plain object with none but these fields, or undefined: then nothing is done.
 *
 * @param what the part of a sentence that "takes": `put()`, say.
 */
export function checkFields(value: unknown, allowed: Readonly<Record<string, unknown>>, what: string): void {
  if (value === undefined) return
  if (!isPlainObject(value))
    throw new TypeError(`${what} takes a plain object of ${names(allowed)}, not ${kind(value)}`)
  for (const field of Object.keys(value)) {
    if (!Object.hasOwn(allowed, field)) {
      throw new TypeError(`${what} takes no ${field}${nearMiss(field, allowed)}, only ${names(allowed)}`)
    }
  }
}

/** What a value is, for people: a class where it is an instance of one. */
export function kind(value: unknown): string {
  if (value === null) return 'null'
  if (typeof value !== 'object') return typeof value
  if (Array.isArray(value)) return 'an array'
  const { constructor } = value as { readonly constructor?: unknown }
  if (isPlainObject(value) || typeof constructor !== 'function') return 'an object'
  return `an object of class ${constructor.name}`
}

/** Made by a literal or without a prototype, in this realm or another one. */
function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype === null || prototype === Object.prototype) return true
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf')
}

function names(allowed: Readonly<Record<string, unknown>>): string {
  return Object.keys(allowed)
    .join(', ')
    .replace(/, (?!.*, )/, ' and ')
}

/** ` (did you mean name?)` where a name that is not known is almost one that is, else nothing. */
export function nearMiss(field: string, allowed: Readonly<Record<string, unknown>>): string {
  const given = field.toLowerCase()
  const meant = Object.keys(allowed).find((name) => {
    const known = name.toLowerCase()
    return known.startsWith(given) || given.startsWith(known) || distance(given, known) <= MISTAKES
  })
  return meant === undefined ? '' : ` (did you mean ${meant}?)`
}

/** Letters that are wrong, missing or too many in a name that is still taken for another one. */
const MISTAKES = 2

/** How many letters must be changed, added or left out to make one text of the other. */
function distance(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, at) => at)
  for (let at = 1; at <= one.length; at++) {
    const above = row
    row = [at]
    for (let to = 1; to <= other.length; to++) {
      const changed = (above[to - 1] ?? 0) + (one[at - 1] === other[to - 1] ? 0 : 1)
      row.push(Math.min(changed, (above[to] ?? 0) + 1, (row[to - 1] ?? 0) + 1))
    }
  }
  return row[other.length] ?? 0
}
