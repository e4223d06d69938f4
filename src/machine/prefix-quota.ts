/**
 * Quotas of prefixes as bytes.
 *
 *     prefix | flags: 1 keys are limited, 2 bytes are | keysMax | bytesMax      a request; without flags the quota ends
 *     the same | 0                                                             a record, once all keys are counted
 *     the same | 1 | key                                                       those before this key are
 */
import type { Key } from '../base/bytes.js'
import { decodeStored, Writer, type Reader } from '../base/codec.js'
import type { PrefixLimits } from '../mvcc/prefix-quotas.js'

export interface PrefixQuotaSetting {
  readonly prefix: Key
  /** Undefined: none. */
  readonly limits: PrefixLimits | undefined
}

const KEYS = 1
const BYTES = 2
/** Length of the prefix, flags, two limits, whether there is a key. */
const OVERHEAD_BYTES = 4 + 1 + 8 + 8 + 1

export function writePrefixQuota(writer: Writer, { prefix, limits }: PrefixQuotaSetting): Writer {
  const { keysMax, bytesMax } = limits ?? {}
  const flags = (keysMax === undefined ? 0 : KEYS) | (bytesMax === undefined ? 0 : BYTES)
  return writer
    .latin1(prefix)
    .uint8(flags)
    .uint53(keysMax ?? 0)
    .uint53(bytesMax ?? 0)
}

/** Throws `MALFORMED`. */
export function readPrefixQuota(reader: Reader): PrefixQuotaSetting {
  const prefix = reader.latin1()
  const flags = reader.uint8()
  const [keysMax, bytesMax] = [reader.uint53(), reader.uint53()]
  const [limitsKeys, limitsBytes] = [(flags & KEYS) !== 0, (flags & BYTES) !== 0]
  if (flags > (KEYS | BYTES) || (!limitsKeys && keysMax !== 0) || (!limitsBytes && bytesMax !== 0)) {
    throw reader.malformed(`the quota of a prefix with flags ${flags}`)
  }
  const limits = { keysMax: limitsKeys ? keysMax : undefined, bytesMax: limitsBytes ? bytesMax : undefined }
  return { prefix, limits: flags === 0 ? undefined : limits }
}

export interface PrefixQuotaRecord {
  readonly prefix: Key
  readonly limits: PrefixLimits
  readonly countedTo: Key | undefined
}

export function encodePrefixQuota({ prefix, limits, countedTo }: PrefixQuotaRecord): Uint8Array {
  const writer = writePrefixQuota(new Writer(OVERHEAD_BYTES + prefix.length), { prefix, limits })
  writer.boolean(countedTo !== undefined)
  if (countedTo !== undefined) writer.latin1(countedTo)
  return writer.finish()
}

/** Throws `DATA_DAMAGED`. */
export function decodePrefixQuota(record: Uint8Array): PrefixQuotaRecord {
  return decodeStored(record, 'the record of the quota of a prefix', (reader) => {
    const { prefix, limits } = readPrefixQuota(reader)
    if (limits === undefined) throw reader.malformed('a quota without a limit')
    return { prefix, limits, countedTo: reader.boolean() ? reader.latin1() : undefined }
  })
}
