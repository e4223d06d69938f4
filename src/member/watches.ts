/**
 * Runs watches: hands out what the hub queued, and fetches from history what a watch missed.
 *
 * Always: history is read only when the consumer asks for more and its queue is empty; so a slow consumer costs a queue
 * of bounded size and nothing else, and makes nobody late.
 */
import type { Clock } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Machine } from '../machine/machine.js'
import { decodeRecord, parseRecordKey, recordKey, RECORDS_END } from '../mvcc/record.js'
import type { Event, Key as _Key } from '../mvcc/types.js'
import type { StateStore } from '../storage/state-store.js'
import type { WatchHub } from '../watch/hub.js'
import type { WatchBatch, Watcher } from '../watch/watcher.js'
