/** The part of the contract that is about watches. */
import type { Revision } from '../mvcc/types.js'
import type { KeyValue } from './key-value.js'

export interface WatchOptions {
  /**
   * The first revision to see. Default: what happens after the call; `watch()` throws `STATE_REPLACED` where that cannot be told
   * now, since this member waits for another state (`status().awaitsState`). With a revision the watch waits for it.
   */
  readonly startRevision?: Revision | undefined
  /** Fill `previous` of each event, as far as history holds it. Default false. */
  readonly previous?: boolean | undefined
  /** Leave out puts, or deletes. */
  readonly filter?: { readonly puts?: false; readonly deletes?: false } | undefined
  /**
   * Tell in `batches()` how far the watch has come when nothing was delivered for so long: `true` for ten minutes, or
   * milliseconds, at least 100. Each time up to a tenth later, by chance. Default: only when asked.
   */
  readonly progress?: true | { readonly everyMs: number } | undefined
  /**
   * Split the events of one revision in `batches()` where their keys and values come to more bytes than this. A single event
   * is never split. Default: never.
   */
  readonly fragmentBytesMax?: number | undefined
  /**
   * Put what is read from history of several revisions into one batch of `batches()`, as long as keys and values come to no
   * more bytes than this. Default: each revision has a batch of its own. Of what happens while the watch follows it always has.
   */
  readonly mergeBytesMax?: number | undefined
  /** Has this watch wait for its turn among those of one consumer. Default: it waits for nobody. */
  readonly turns?: WatchTurns | undefined
  /** Ends the watch: the loop over it ends without an error. */
  readonly signal?: AbortSignal | undefined
}

/**
 * How a consumer of many watches bounds what they have in memory at the same time: a watch that is asked for its next batch
 * takes it only in its turn, and until then what it has to tell waits where all watches of the member share a bounded space.
 */
export interface WatchTurns {
  /**
   * Calls `step` when it is the watch's turn to take what waits for it, or to read a part of history, and resolves with what
   * it gave: a batch, which the consumer is handed next, or undefined where there is nothing to hand out yet.
   */
  run<T>(kind: 'take' | 'history', step: () => Promise<T | undefined>): Promise<T | undefined>
}

/** One change of one key, told apart by `type`. */
export type WatchEvent = PutEvent | DeleteEvent

export interface PutEvent extends Change {
  readonly type: 'put'
  /** The version that was written. */
  readonly keyValue: KeyValue
  /** Whether this put created the key. */
  readonly created: boolean
}

/** A deletion has no value, and nothing else that a version has: what was deleted is in `previous`, where it was asked for. */
export interface DeleteEvent extends Change {
  readonly type: 'delete'
  readonly keyValue: DeletedKey
  readonly created: false
}

interface Change {
  /** The key, as text. */
  readonly key: string
  /** The revision of the change. Several events of one transaction share it, and come one after the other. */
  readonly revision: Revision
  /** The version before: where the watch was opened with `previous`, there was one, and history holds it still. */
  readonly previous: KeyValue | undefined
}

/** What there is to say of a key that was deleted; its `modRevision` is that of the deletion. */
export type DeletedKey = Pick<KeyValue, 'key' | 'keyBytes' | 'modRevision'>

/** What a watch tells at once. */
export type WatchBatch =
  | {
      readonly type: 'events'
      readonly revision: Revision
      /** All that the watch wants to see of this revision, or a part of it; with `mergeBytesMax` also of some before. */
      readonly events: readonly WatchEvent[]
      /** More of this revision comes with the next batch. Never without `fragmentBytesMax`. */
      readonly fragment: boolean
      /** What the member was at when it handed this out: how far the watch lags. */
      readonly currentRevision: Revision
      /** The watch did not follow what happened, and read this from history: it was opened for the past, or had fallen behind. */
      readonly fromHistory: boolean
    }
  | {
      /** Everything up to `revision` that concerns the watch was delivered before this. */
      readonly type: 'progress'
      readonly revision: Revision
      /** It was asked for with `requestProgress()`. */
      readonly requested: boolean
    }

/**
 * A stream of changes: ordered, each exactly once, none left out, gap-free across leader changes.
 * A consumer may be as slow as it likes until its history is compacted: then the loop throws `COMPACTED`.
 *
 * It is iterated either event by event or by `batches()`: a watch has one consumer, and the other way throws `TypeError`.
 */
export interface Watch extends AsyncIterable<WatchEvent>, AsyncDisposable {
  /** Everything up to this revision that concerns the watch was delivered: where to resume from (plus one). */
  readonly revision: Revision
  /**
   * Resolves when it is decided that this watch may be had: it misses nothing from then on. Rejects with what its consumer
   * would be told otherwise, like `PERMISSION_DENIED`. Whether history has what it starts from is told by iterating.
   */
  opened(): Promise<void>
  /**
   * The same changes, those of one revision together, and notices of how far the watch has come.
   *
   * @example
   * for await (const batch of store.watch({ all: true }, { progress: { everyMs: 60_000 } }).batches()) {
   *   if (batch.type === 'events') apply(batch.events)
   *   remember(batch.revision)
   * }
   */
  batches(): AsyncIterable<WatchBatch>
  /**
   * Asks for a notice in `batches()`, after all events that this member has now. It comes once the watch has caught up, and
   * where it was opened for a revision in the future not before that is reached; several that are asked for meanwhile
   * come as one.
   */
  requestProgress(): void
  close(): Promise<void>
}
