/**
 * Whose directory this is. Recorded twice: in the header of the high-water file, where it can be read before any database
 * is opened, and in the log, so that a directory put together from two others is found out.
 */
import { crc32 } from '../base/checksum.js'
import { Reader, Writer } from '../base/codec.js'
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'

/** Grows when a released version could misread what a later one writes. */
export const FORMAT_VERSION = 2

export const IDENTITY_KEY = 'i'

const NAME_BYTES_MAX = 1024

/** What decides: the ids. */
export type Owner = Pick<Identity, 'clusterId' | 'memberId'>

export interface Identity {
  readonly clusterId: number
  readonly memberId: number
  /** For messages: the ids decide. */
  readonly name: string
}

/** Throws `RangeError` for ids that are not positive safe integers, or a name that is too long to record. */
export function checkIdentity(identity: Identity): void {
  for (const id of [identity.clusterId, identity.memberId]) {
    if (!Number.isSafeInteger(id) || id <= 0) throw new RangeError(`${id} is not an id: a positive safe integer`)
  }
  const bytes = Buffer.byteLength(identity.name, 'utf8')
  if (bytes > NAME_BYTES_MAX) throw new RangeError(`a member's name has at most ${NAME_BYTES_MAX} bytes, not ${bytes}`)
}

export function encodeIdentity(identity: Identity): Uint8Array {
  const writer = new Writer().uint32(FORMAT_VERSION).uint53(identity.clusterId).uint53(identity.memberId)
  writer.text(identity.name)
  return writer.uint32(crc32(writer.written())).finish()
}

/** Rejects with `MALFORMED`. */
export function decodeIdentity(bytes: Uint8Array): Identity {
  const reader = new Reader(bytes, 'the identity record')
  const format = reader.uint32()
  const clusterId = reader.uint53()
  const memberId = reader.uint53()
  const name = reader.text()
  const checked = bytes.byteLength - reader.remaining
  if (reader.uint32() !== crc32(bytes.subarray(0, checked))) throw reader.malformed('its checksum is wrong')
  if (format < 1 || format > FORMAT_VERSION) throw reader.malformed(`format ${format} is unknown`)
  return { clusterId, memberId, name }
}

export function sameIdentity(a: Owner, b: Owner): boolean {
  return a.clusterId === b.clusterId && a.memberId === b.memberId
}

/** Throws `WRONG_CLUSTER` or `WRONG_MEMBER` when the directory was written by another one than `wanted`. */
export function refuseForeign(found: Identity, wanted: Identity, location: string): void {
  if (sameIdentity(found, wanted)) return
  const belongs = `${location} holds the data of member ${describeIdentity(found)}, this is member ${describeIdentity(wanted)}`
  if (found.clusterId !== wanted.clusterId) {
    throw new StoreError(
      'WRONG_CLUSTER',
      `${belongs}: another cluster. Give the directory that belongs to this member, or an empty one for a new member; ` +
        'if it should be the same cluster, open a member that joined it with `join`, and a first one with its name and the first ' +
        'members in `cluster` as they were at first, whoever has come and gone since.',
    )
  }
  throw new StoreError(
    'WRONG_MEMBER',
    `${belongs}: another member of the same cluster. Give each member a directory of its own; a member that joined the cluster ` +
      'is opened with `join`.',
  )
}

/** In decimal, as `store.status()` shows them. */
export function describeIdentity(identity: Identity): string {
  return `${quote(identity.name)} (id ${identity.memberId}, cluster ${identity.clusterId})`
}
