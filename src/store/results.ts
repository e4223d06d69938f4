/**
 * What the machine answers, as users get it: values copied, so that they are theirs. Copying a large answer takes as long
 * as reading it did, so it too is done in slices.
 */
import { assertNever } from '../base/assert.js'
import { keyText } from '../base/bytes.js'
import type { Environment } from '../base/clock.js'
import { KeyValue } from '../api/key-value.js'
import type { OperationResult, WatchEvent } from '../api/store.js'
import { Slices } from '../member/slices.js'
import type { Event, KeyValue as KeyValueRecord, OperationResponse } from '../mvcc/types.js'

export function keyValueOf(record: KeyValueRecord): KeyValue
export function keyValueOf(record: KeyValueRecord | undefined): KeyValue | undefined
export function keyValueOf(record: KeyValueRecord | undefined): KeyValue | undefined {
  return record === undefined ? undefined : new KeyValue({ ...record, value: new Uint8Array(record.value) })
}

export function watchEventOf({ type, keyValue }: Event, previous?: KeyValueRecord): WatchEvent {
  const { modRevision: revision, createRevision } = keyValue
  const change = {
    keyValue: keyValueOf(keyValue),
    key: keyText(keyValue.key),
    revision,
    previous: keyValueOf(previous),
  }
  return type === 'put'
    ? { type, ...change, created: createRevision === revision }
    : { type, ...change, created: false }
}

export function keyValuesOf(records: readonly KeyValueRecord[], environment: Environment): Promise<KeyValue[]> {
  return copyAll(records, new Slices(environment))
}

export function resultsOf(
  responses: readonly OperationResponse[],
  environment: Environment,
): Promise<OperationResult[]> {
  return translateAll(responses, new Slices(environment))
}

async function copyAll(records: readonly KeyValueRecord[], slices: Slices): Promise<KeyValue[]> {
  const copied: KeyValue[] = []
  for (const record of records) {
    copied.push(keyValueOf(record))
    if (slices.spend(record.value.byteLength)) await slices.turn()
  }
  return copied
}

async function translateAll(responses: readonly OperationResponse[], slices: Slices): Promise<OperationResult[]> {
  const results: OperationResult[] = []
  for (const response of responses) results.push(await resultOf(response, slices))
  return results
}

async function resultOf(response: OperationResponse, slices: Slices): Promise<OperationResult> {
  switch (response.type) {
    case 'put': {
      const [previous] = await copyAll(response.previous === undefined ? [] : [response.previous], slices)
      return { type: 'put', previous }
    }
    case 'range': {
      const { keyValues, count, more } = response
      return { type: 'range', items: await copyAll(keyValues, slices), count, more }
    }
    case 'delete':
      return { type: 'delete', deleted: response.deleted, previous: await copyAll(response.previous, slices) }
    case 'transaction': {
      const results = await translateAll(response.responses, slices)
      return { type: 'transaction', succeeded: response.succeeded, results }
    }
    default:
      return assertNever(response, 'operation response')
  }
}
