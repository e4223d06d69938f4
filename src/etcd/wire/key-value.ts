/** Between a version of a key and its message. */
import { asBuffer, keyOf } from '../../base/bytes.js'
import { KeyValue } from '../../api/key-value.js'
import type { KeyValue as KeyValueMessage } from '../generated/rpc.js'
import { numberOf } from './numbers.js'

export function keyValueMessage(keyValue: KeyValue): KeyValueMessage {
  return {
    key: asBuffer(keyValue.keyBytes),
    create_revision: BigInt(keyValue.createRevision),
    mod_revision: BigInt(keyValue.modRevision),
    version: BigInt(keyValue.version),
    value: asBuffer(keyValue.value),
    lease: keyValue.lease ?? 0n,
  }
}

/** The value is copied: the message is a part of a larger piece of memory. */
export function keyValueOf(message: KeyValueMessage): KeyValue {
  return new KeyValue({
    key: keyOf(message.key),
    createRevision: numberOf(message.create_revision),
    modRevision: numberOf(message.mod_revision),
    version: numberOf(message.version),
    value: new Uint8Array(message.value),
    lease: message.lease,
  })
}
