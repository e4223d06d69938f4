/** Messages of etcd's API as results of the contract. What a server leaves out, or sends amiss, is an error of that server. */
import { StoreError } from '../../base/errors.js'
import { keyOf } from '../../base/bytes.js'
import { KeyValue } from '../../api/key-value.js'
import type { OperationResult, WatchEvent } from '../../api/store.js'
import { Event_EventType, type Event, type ResponseHeader, type ResponseOp } from '../generated/rpc.js'
import { keyValueOf } from '../wire/key-value.js'
import { numberOf } from '../wire/numbers.js'

/** Throws `SERVER_ERROR` where there is none. */
export function revisionOf(header: ResponseHeader | undefined): number {
  if (header === undefined) throw amiss('a response without a header')
  return numberOf(header.revision)
}

export function operationResultOf({ response }: ResponseOp): OperationResult {
  switch (response?.$case) {
    case 'response_put':
      return { type: 'put', previous: response.value.prev_kv && keyValueOf(response.value.prev_kv) }
    case 'response_range': {
      const { kvs, count, more } = response.value
      return { type: 'range', items: kvs.map(keyValueOf), count: numberOf(count), more }
    }
    case 'response_delete_range': {
      const { deleted, prev_kvs } = response.value
      return { type: 'delete', deleted: numberOf(deleted), previous: prev_kvs.map(keyValueOf) }
    }
    case 'response_txn': {
      const { succeeded, responses } = response.value
      return { type: 'transaction', succeeded, results: responses.map(operationResultOf) }
    }
    case undefined:
      throw amiss('a result of a transaction that is none')
  }
}

/** Throws `SERVER_ERROR`. */
export function watchEventOf({ type, kv, prev_kv }: Event): WatchEvent {
  if (kv === undefined) throw amiss('an event without a key')
  const previous = prev_kv && keyValueOf(prev_kv)
  if (type === Event_EventType.PUT) {
    const keyValue = keyValueOf(kv)
    const { key, modRevision: revision, createRevision } = keyValue
    return { type: 'put', keyValue, key, revision, previous, created: createRevision === revision }
  }
  const revision = numberOf(kv.mod_revision)
  const keyValue = new KeyValue({
    ...{ key: keyOf(kv.key), value: new Uint8Array(0), createRevision: 0, modRevision: revision, version: 0 },
    lease: 0n,
  })
  return { type: 'delete', keyValue, key: keyValue.key, revision, previous, created: false }
}

/** What was sent cannot be used; whether the call took effect is not known. */
export function amiss(what: string): StoreError {
  return new StoreError('SERVER_ERROR', `The server sent ${what}.`, { outcome: 'unknown' })
}
