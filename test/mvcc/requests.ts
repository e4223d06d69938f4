/** Requests in few words, for the tests. */
import { prefixEnd } from '../../src/base/bytes.js'
import type {
  Compare,
  DeleteRequest,
  KeyValue,
  Operation,
  PutRequest,
  RangeRequest,
  TransactionRequest,
} from '../../src/mvcc/types.js'

export const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'))
export const text = (value: Uint8Array): string => Buffer.from(value).toString('latin1')

export function put(key: string, value = '', more: Partial<PutRequest> = {}): PutRequest {
  return { type: 'put', key, value: bytes(value), lease: 0n, ...more }
}

export function del(key: string, rangeEnd?: string, more: Partial<DeleteRequest> = {}): DeleteRequest {
  return { type: 'delete', key, rangeEnd, ...more }
}

export function get(key: string, rangeEnd?: string, more: Partial<RangeRequest> = {}): RangeRequest {
  return { type: 'range', key, rangeEnd, ...more }
}

export function prefix(key: string, more: Partial<RangeRequest> = {}): RangeRequest {
  return get(key, prefixEnd(key), more)
}

export function txn(
  compare: readonly Compare[],
  success: readonly Operation[],
  failure: readonly Operation[] = [],
): TransactionRequest {
  return { type: 'transaction', compare, success, failure }
}

export function always(...success: readonly Operation[]): TransactionRequest {
  return txn([], success)
}

/** `key=value@modRevision` for each, as a line that reads well in a failure. */
export function describeAll(keyValues: readonly KeyValue[]): string {
  return keyValues.map(({ key, value, modRevision }) => `${key}=${text(value)}@${modRevision}`).join(' ')
}
