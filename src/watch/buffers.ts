/**
 * What the queues of all watches of one member hold together, so that it is bounded however many watches there are.
 *
 * A batch that several watches wait with is counted once, with a little for each of them. When all is used up, whatever
 * else is published stays in history for those whose consumers do not wait for it: they are caught up when they ask.
 */
import { LIMITS } from '../base/limits.js'
import type { Event, Revision } from '../mvcc/types.js'

/** All events of one revision that a watch wants to see, in their order. Shared between watches: nobody changes it. */
export interface WatchBatch {
  readonly revision: Revision
  readonly events: readonly Event[]
}

/** One that may be in several queues. */
export class SharedBatch implements WatchBatch {
  readonly revision: Revision
  readonly events: readonly Event[]
  readonly bytes: number
  /** It was read by a watch that does not follow. */
  readonly fromHistory: boolean
  /** In how many queues it is. Kept by {@link Buffers}. */
  holders = 0

  constructor(revision: Revision, events: readonly Event[], fromHistory = false) {
    this.revision = revision
    this.fromHistory = fromHistory
    this.events = events
    let bytes = 0
    for (const { keyValue } of events) {
      bytes += EVENT_OVERHEAD_BYTES + keyValue.key.length + keyValue.value.byteLength
    }
    this.bytes = bytes
  }
}

export class Buffers {
  #bytes = 0

  get bytes(): number {
    return this.#bytes
  }

  get full(): boolean {
    return this.#bytes >= LIMITS.watchBuffersBytesMax
  }

  hold(batch: SharedBatch): void {
    if (batch.holders === 0) this.#bytes += batch.bytes
    batch.holders++
    this.#bytes += HOLDER_BYTES
  }

  release(batch: SharedBatch): void {
    batch.holders--
    this.#bytes -= HOLDER_BYTES
    if (batch.holders === 0) this.#bytes -= batch.bytes
  }
}

/** What an event costs besides its key and value, about. */
const EVENT_OVERHEAD_BYTES = 160
/** What a place in a queue costs, about. */
const HOLDER_BYTES = 16
