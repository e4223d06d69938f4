/**
 * What a registry holds of one instance: a key `name/id` with `{"address":...,"metadata":...}`, under the lease of who lives.
 *
 * A key with a further slash belongs to a registry below this one (`services/web` and `services/web/admin`): it is none of
 * its instances. So an id has no slash.
 */
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { KeyValue } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import { LIMITS } from '../../base/limits.js'
import { quote } from '../../base/quote.js'
import { prefixOf } from '../name.js'

interface Addressed {
  /** Where it is reached, in whatever form those who look for it understand. */
  readonly address: string
}

interface MayHave<Metadata> {
  /** Anything that JSON can hold. Default: nothing. */
  readonly metadata?: Metadata | undefined
}

interface Has<Metadata> {
  /** Anything that JSON can hold. */
  readonly metadata: Metadata
}

/** What an instance says of itself. Metadata of a type that has nothing in common with nothing must be given. */
export type InstanceDescription<Metadata = unknown> = Addressed &
  (undefined extends Metadata ? MayHave<Metadata> : Has<Metadata>)

/** Whatever the type of the metadata. */
export type AnyDescription = Addressed & MayHave<unknown>

export type NewInstance<Metadata = unknown> = InstanceDescription<Metadata> & {
  /** What tells it from the others; the same after a restart, or a new one. Without slashes. */
  readonly id: string
}

/** An instance that is registered. */
export interface Instance<Metadata = unknown> {
  readonly id: string
  readonly address: string
  /** As it was given. The type is what you say it is: nothing checks it. */
  readonly metadata: Metadata
  /** When it was registered, or registered again. */
  readonly createRevision: Revision
  /** When it was last changed. */
  readonly modRevision: Revision
}

const FIELDS: Fields<NewInstance> = { id: true, address: true, metadata: true }
export const DESCRIPTION_FIELDS: Fields<InstanceDescription> = { address: true, metadata: true }

/** The value of the key. Throws TypeError or RangeError. */
export function encodeInstance({ address, metadata }: AnyDescription): string {
  checkText('address', address)
  const text = JSON.stringify({ address, metadata }, onlyJson)
  const bytes = Buffer.byteLength(text, 'utf8')
  if (bytes <= LIMITS.registrationBytesMax) return text
  throw new RangeError(
    `address and metadata are ${bytes} bytes as JSON, more than the ${LIMITS.registrationBytesMax} that a registry holds of one instance: store the rest under a key of its own`,
  )
}

/** Throws TypeError or RangeError. */
export function checkInstance(instance: NewInstance): void {
  if (instance === undefined) throw new TypeError('register() takes an object with at least an `id` and an `address`')
  checkFields(instance, FIELDS, 'register()')
  const { id } = instance
  checkText('id', id)
  if (id.includes('/'))
    throw new RangeError(`id must have no slash, as ${quote(id)} has: it would belong to another registry`)
  const bytes = Buffer.byteLength(id, 'utf8')
  if (bytes > LIMITS.instanceIdBytesMax) {
    throw new RangeError(`id must have at most ${LIMITS.instanceIdBytesMax} bytes, not ${bytes}`)
  }
}

function checkText(field: string, text: string): void {
  if (typeof text === 'string' && text !== '') return
  const given: unknown = text
  throw new TypeError(`${field} must be a string of at least one character, not ${given === '' ? "''" : kind(given)}`)
}

/** JSON has other values for these, or none, and would not say so: a Map becomes `{}`, NaN null. */
function onlyJson(_: string, value: unknown): unknown {
  const isPlain = typeof value === 'object' && /^(null|an array|an object)$/.test(kind(value))
  if (isPlain || Number.isFinite(value) || ['string', 'boolean', 'undefined'].includes(typeof value)) return value
  throw new TypeError(`metadata must be what JSON can hold, not ${typeof value === 'number' ? value : kind(value)}`)
}

/** Undefined for a key of a registry below. Throws for what no registration wrote. */
export function decodeInstance<Metadata>(name: string, found: KeyValue): Instance<Metadata> | undefined {
  const id = found.key.slice(prefixOf(name).length)
  if (id === '' || id.includes('/')) return undefined
  const described = found.json<Partial<AnyDescription> | null>()
  if (typeof described?.address !== 'string') throw new TypeError(`${quote(found.key)} describes no instance`)
  const { address, metadata } = described
  const { createRevision, modRevision } = found
  return { id, address, metadata: metadata as Metadata, createRevision, modRevision }
}
