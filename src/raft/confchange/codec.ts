/**
 * What an entry of kind `configuration` carries: the whole configuration that holds from it on, not the change that led
 * there, so that any such entry can be understood by itself; and data of the owner's.
 *
 * Always: decoding fails with `MALFORMED` only, and what it returns is a configuration in which somebody votes.
 */
import { Reader, Writer } from '../../base/codec.js'
import { LIMITS } from '../../base/limits.js'
import { whyNotConfiguration, type CompleteConfiguration } from '../configuration.js'
import type { NodeId } from '../types.js'

const VERSION = 1
/** Of one with data: a version that does not know what becomes of data must not pass over it. */
const VERSION_WITH_DATA = 2
const ID_BYTES = 8

export interface ConfigurationContent {
  readonly configuration: CompleteConfiguration
  /** Empty where there is none. */
  readonly data: Uint8Array
}

export function encodeConfiguration({ configuration, data }: ConfigurationContent): Uint8Array {
  const writer = new Writer(256 + data.byteLength).uint8(versionOf(data)).boolean(configuration.autoLeave)
  for (const ids of listsOf(configuration)) {
    writer.uint32(ids.length)
    for (const id of ids) writer.uint53(id)
  }
  return writer.bytes(data).finish()
}

export function decodeConfiguration(bytes: Uint8Array): ConfigurationContent {
  const reader = new Reader(bytes, 'a configuration')
  const version = reader.uint8()
  if (version !== VERSION && version !== VERSION_WITH_DATA) throw reader.malformed(`version ${version} is not known`)
  const autoLeave = reader.boolean()
  const voters = readIds(reader)
  const outgoing = readIds(reader)
  const learners = readIds(reader)
  const learnersNext = readIds(reader)
  const data = reader.bytes()
  reader.end()
  const configuration = { voters, outgoing, learners, learnersNext, autoLeave }
  const wrong = voters.length === 0 ? 'nobody votes' : whyNotConfiguration(configuration)
  if (wrong !== undefined) throw reader.malformed(wrong)
  return { configuration, data }
}

function versionOf(data: Uint8Array): number {
  return data.byteLength === 0 ? VERSION : VERSION_WITH_DATA
}

function listsOf({ voters, outgoing, learners, learnersNext }: CompleteConfiguration): (readonly NodeId[])[] {
  return [voters, outgoing, learners, learnersNext]
}

function readIds(reader: Reader): NodeId[] {
  const count = reader.count(ID_BYTES)
  if (count > LIMITS.membersMax) throw reader.malformed(`${count} members, at most ${LIMITS.membersMax} are possible`)
  return Array.from({ length: count }, () => reader.uint53())
}
