/** What the machine answers, as users get it: values copied, so that they are theirs. */
import { assertNever } from '../base/assert.js'
import { KeyValue } from '../api/key-value.js'
import type { OperationResult } from '../api/store.js'
import type { KeyValue as KeyValueRecord, OperationResponse } from '../mvcc/types.js'

export function keyValueOf(record: KeyValueRecord): KeyValue
export function keyValueOf(record: KeyValueRecord | undefined): KeyValue | undefined
export function keyValueOf(record: KeyValueRecord | undefined): KeyValue | undefined {
  return record === undefined ? undefined : new KeyValue({ ...record, value: new Uint8Array(record.value) })
}

export function keyValuesOf(records: readonly KeyValueRecord[]): KeyValue[] {
  return records.map((record) => keyValueOf(record))
}

export function resultOf(response: OperationResponse): OperationResult {
  switch (response.type) {
    case 'put':
      return { type: 'put', previous: keyValueOf(response.previous) }
    case 'range':
      return { type: 'range', items: keyValuesOf(response.keyValues), count: response.count, more: response.more }
    case 'delete':
      return { type: 'delete', deleted: response.deleted, previous: keyValuesOf(response.previous) }
    case 'transaction':
      return { type: 'transaction', succeeded: response.succeeded, results: response.responses.map(resultOf) }
    default:
      return assertNever(response, 'operation response')
  }
}
