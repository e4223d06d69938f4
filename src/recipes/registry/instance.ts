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

/** What an instance says of itself. */
export interface InstanceDescription<Metadata = unknown> {
  /** Where it is reached, in whatever form those who look for it understand. */
  readonly address: string
  /** Anything that JSON can hold. Default: nothing. */
  readonly metadata?: Metadata | undefined
}

export interface NewInstance<Metadata = unknown> extends InstanceDescription<Metadata> {
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
export function encodeInstance({ address, metadata }: InstanceDescription): string {
  if (typeof address !== 'string' || address === '') {
    throw new TypeError(`address must be a string of at least one character, not ${kind(address)}`)
  }
  const text = JSON.stringify({ address, metadata })
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
  if (typeof id !== 'string' || id === '') {
    throw new TypeError(`id must be a string of at least one character, not ${kind(id)}`)
  }
  if (id.includes('/'))
    throw new RangeError(`id must have no slash, as ${quote(id)} has: it would belong to another registry`)
  const bytes = Buffer.byteLength(id, 'utf8')
  if (bytes > LIMITS.instanceIdBytesMax) {
    throw new RangeError(`id must have at most ${LIMITS.instanceIdBytesMax} bytes, not ${bytes}`)
  }
}

/** Undefined for a key of a registry below. Throws for what no registration wrote. */
export function decodeInstance<Metadata>(name: string, found: KeyValue): Instance<Metadata> | undefined {
  const id = found.key.slice(prefixOf(name).length)
  if (id === '' || id.includes('/')) return undefined
  const described = found.json<Partial<InstanceDescription<Metadata>> | null>()
  if (typeof described?.address !== 'string') throw new TypeError(`${quote(found.key)} describes no instance`)
  const { address, metadata } = described
  const { createRevision, modRevision } = found
  return { id, address, metadata: metadata as Metadata, createRevision, modRevision }
}
