/** What the client of a watch is told. */
import { asBuffer } from '../../../base/bytes.js'
import type { WatchBatch, WatchEvent } from '../../../api/watch.js'
import {
  Event_EventType as EventType,
  type Event,
  type ResponseHeader,
  type WatchResponse,
} from '../../generated/rpc.js'
import { keyValueMessage } from '../../wire/key-value.js'

/** The id of what concerns no watch, or all of a stream. */
export const NO_WATCH = -1n

export function createdResponse(header: ResponseHeader, id: bigint): WatchResponse {
  return { ...EMPTY, header, watch_id: id, created: true }
}

export function rejectedResponse(header: ResponseHeader, reason: string): WatchResponse {
  return { ...EMPTY, header, watch_id: NO_WATCH, created: true, canceled: true, cancel_reason: reason }
}

export function canceledResponse(header: ResponseHeader, id: bigint, reason = ''): WatchResponse {
  return { ...EMPTY, header, watch_id: id, canceled: true, cancel_reason: reason }
}

/** The watch needs what history does not have any more. `header` is of revision 0, as etcd has it. */
export function compactedResponse(header: ResponseHeader, id: bigint, compactRevision: number): WatchResponse {
  return { ...EMPTY, header, watch_id: id, canceled: true, compact_revision: BigInt(compactRevision) }
}

/** Of one watch, or with {@link NO_WATCH} of all: everything up to the revision of the header was sent before. */
export function progressResponse(header: ResponseHeader, id: bigint): WatchResponse {
  return { ...EMPTY, header, watch_id: id }
}

export function eventsResponse(
  header: ResponseHeader,
  id: bigint,
  { events, fragment }: Extract<WatchBatch, { type: 'events' }>,
): WatchResponse {
  // Spelled out: copying what is empty took longer than making the rest, for each event of each watch.
  return {
    header,
    watch_id: id,
    created: false,
    canceled: false,
    compact_revision: 0n,
    cancel_reason: '',
    fragment,
    events: events.map(eventMessage),
  }
}

function eventMessage({ type, keyValue, previous }: WatchEvent): Event {
  return {
    type: type === 'put' ? EventType.PUT : EventType.DELETE,
    kv:
      type === 'put'
        ? keyValueMessage(keyValue)
        : { ...NO_VALUE, key: asBuffer(keyValue.keyBytes), mod_revision: BigInt(keyValue.modRevision) },
    prev_kv: previous && keyValueMessage(previous),
  }
}

const EMPTY: Omit<WatchResponse, 'header' | 'watch_id'> = {
  created: false,
  canceled: false,
  compact_revision: 0n,
  cancel_reason: '',
  fragment: false,
  events: [],
}

/** Of a deletion etcd tells the key and the revision, and nothing else. */
const NO_VALUE = { create_revision: 0n, version: 0n, value: Buffer.alloc(0), lease: 0n }
