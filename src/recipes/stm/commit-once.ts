/**
 * A transaction that compares what was read, and takes effect once at most, although its outcome may be unknown.
 *
 * Always: it is sent again only where it changes a key that it compares with the revision of a version that was there (its
 * witness). Whichever try comes first changes that revision, and no later one can hold: not even one that comes long after.
 * That a key was *missing* is no such compare: it holds again once the key is deleted.
 * Always: `conflict` means that no try took effect, and that none ever will. So the caller may start again with what is
 * there now; that it "did not take effect so far" would not be enough.
 *
 *     sent ─ unknown ─ sent again ┬ succeeded: it took effect now, and not before
 *                                 └ failed ┬ the witness is as it was: neither try, if a compare failed for good
 *                                          └ the witness changed ─ its first change in history: ours, or another one's
 *
 * Whether a change is ours is told by a mark: a key that the transaction writes with an id that nobody else writes. Without
 * one, another transaction may have done the very same, and then it stays unknown.
 */
import { compare, get, type Compare, type Operation, type Revision, type Transaction } from '../../api/operations.js'
import type { OperationResult, Store, TransactionResult, WatchEvent } from '../../api/store.js'
import { keyBytes, type Key } from '../../base/bytes.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import { firstChangeAfter } from './first-change.js'
import { selectionOf, type Interval } from './interval.js'
import type { Patience } from '../patience.js'
import { isForgotten } from '../failures.js'

/** A key as it was read: 0 where it was missing. */
export interface Seen {
  readonly key: Key
  readonly modRevision: Revision
}

export interface Attempt {
  /** Must be as they were read. */
  readonly seen: readonly Seen[]
  /** Must hold nothing that was put after `snapshot`. */
  readonly ranges: readonly Interval[]
  readonly snapshot: Revision
  readonly writes: readonly Operation[]
  /** One of `seen` that `writes` change. Undefined: there is none, and an unknown outcome stays unknown. */
  readonly witness: Seen | undefined
  /** What one of `writes` puts, and nobody else ever. */
  readonly mark: { readonly key: Key; readonly id: string } | undefined
}

export type Commit =
  /** `results` of the writes; undefined where the answer was lost and history told the rest. */
  | {
      readonly type: 'committed'
      readonly revision: Revision
      readonly results: readonly OperationResult[] | undefined
    }
  /** No try took effect, or ever will; `key` is one that had changed. */
  | { readonly type: 'conflict'; readonly key: Key }

/**
 * Rejects with `outcome` `unknown` where it cannot be told, or `patience` was over before it could; otherwise nothing was
 * done when it rejects.
 */
export async function commitOnce(store: Store, attempt: Attempt, patience: Patience): Promise<Commit> {
  const transaction = transactionOf(attempt)
  /** Why the outcome of an earlier try is unknown; undefined where all were refused. */
  let doubt: StoreError | undefined
  for (;;) {
    if (patience.signal.aborted) throw ended(patience, doubt)
    let answer: TransactionResult
    try {
      answer = await store.txn(transaction, { signal: patience.signal })
    } catch (error) {
      if (!isStoreError(error)) throw error
      if (error.outcome === 'unknown') doubt = error
      if (patience.signal.aborted) throw ended(patience, doubt)
      if (!error.retryable) throw doubt === undefined ? error : unknown(error)
      if (doubt !== undefined && !mayBeSentAgain(attempt)) return withoutTrying(store, attempt, doubt, patience)
      await patience.failed(error)
      continue
    }
    if (answer.succeeded) return { type: 'committed', revision: answer.revision, results: answer.results }
    const changed = changedOf(attempt, answer)
    if (doubt === undefined) return { type: 'conflict', key: changed.key }
    return whatBecame(store, attempt, changed, doubt, patience)
  }
}

function mayBeSentAgain({ witness }: Attempt): boolean {
  return witness !== undefined && witness.modRevision > 0
}

/** Its failure reads all that it compares, in the same order: what was in the way. */
function transactionOf({ seen, ranges, snapshot, writes }: Attempt): Transaction {
  return {
    compare: [
      ...seen.map(({ key, modRevision }): Compare => {
        const compared = compare(keyBytes(key))
        return modRevision === 0 ? compared.missing() : compared.modRevision('=', modRevision)
      }),
      ...ranges.map((range) => compare(selectionOf(range)).modRevision('<', snapshot + 1)),
    ],
    success: writes,
    failure: [
      ...seen.map(({ key }) => get(keyBytes(key), { keysOnly: true })),
      ...ranges.map((range) => get(selectionOf(range), { keysOnly: true, limit: 1, minModRevision: snapshot + 1 })),
    ],
  }
}

/** What a failed try saw. */
interface Changed {
  /** The first key that was not as it was read. */
  readonly key: Key
  /** Whether the witness was not, either. */
  readonly witness: boolean
  /** Whether a compare failed that cannot hold again: that of a version which is not the latest any more. */
  readonly forGood: boolean
}

function changedOf(attempt: Attempt, { results }: TransactionResult): Changed {
  const { seen, ranges, witness } = attempt
  const now = results.map((result) => (result.type === 'range' ? result.items[0] : undefined))
  const changed = seen.filter(({ modRevision }, at) => (now[at]?.modRevision ?? 0) !== modRevision)
  const phantom = now.slice(seen.length).findIndex((item) => item !== undefined)
  const inRange = now[seen.length + phantom]?.key ?? ranges[phantom]?.from
  return {
    key: changed[0]?.key ?? inRange ?? '',
    witness: witness !== undefined && changed.includes(witness),
    forGood: changed.some(({ modRevision }) => modRevision > 0),
  }
}

/** Of an attempt that may not be sent again: whether it is the first change of its witness, if there is one. */
async function withoutTrying(store: Store, attempt: Attempt, doubt: StoreError, patience: Patience): Promise<Commit> {
  const { witness } = attempt
  if (witness === undefined) throw unknown(doubt)
  const now = await insistOr(patience, doubt, (signal) => store.get(keyBytes(witness.key), { signal }))
  if (now === undefined) throw unknown(doubt)
  return whatBecame(store, attempt, { key: witness.key, witness: true, forGood: false }, doubt, patience)
}

async function whatBecame(
  store: Store,
  attempt: Attempt,
  changed: Changed,
  doubt: StoreError,
  patience: Patience,
): Promise<Commit> {
  const { witness, snapshot } = attempt
  const conflict = { type: 'conflict', key: changed.key } as const
  if (witness === undefined) throw unknown(doubt)
  if (!changed.witness) {
    if (changed.forGood) return conflict
    throw unknown(doubt)
  }
  const since = witness.modRevision > 0 ? witness.modRevision : snapshot
  const first = await insistOr(patience, doubt, (signal) => {
    return firstChangeAfter(store, keyBytes(witness.key), since, signal)
  })
  if (first === undefined) throw unknown(doubt)
  const ours = await insistOr(patience, doubt, (signal) => isOurs(store, attempt, first, signal))
  if (ours === true) return { type: 'committed', revision: first.revision, results: undefined }
  if (ours === false && changed.forGood) return conflict
  throw unknown(doubt)
}

/** Undefined: nobody can tell. */
async function isOurs(
  store: Store,
  { mark, witness, writes }: Attempt,
  first: WatchEvent,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  if (mark === undefined) {
    const own = writes.find((write) => write.type === 'put' && write.key === witness?.key)
    if (own?.type !== 'put') return first.type === 'put' ? false : undefined
    const same = first.type === 'put' && !own.ignoreValue && Buffer.compare(first.keyValue.value, own.value) === 0
    return same || own.ignoreValue ? undefined : false
  }
  try {
    const found = await store.get(keyBytes(mark.key), { revision: first.revision, signal })
    return found?.modRevision === first.revision && found.text() === mark.id
  } catch (error) {
    if (isForgotten(error)) return undefined
    throw error
  }
}

/** Reads, where giving up leaves the outcome open. */
async function insistOr<T>(
  patience: Patience,
  doubt: StoreError,
  call: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  try {
    return await patience.insist(call)
  } catch (error) {
    if (patience.signal.aborted) throw ended(patience, doubt)
    throw unknown(error)
  }
}

function ended({ signal }: Patience, doubt: StoreError | undefined): unknown {
  return doubt === undefined ? signal.reason : unknown(signal.reason)
}

function unknown(cause: unknown): unknown {
  if (!isStoreError(cause)) return cause
  const { code, message } = cause
  return new StoreError(code, `whether it took effect is not known: ${message}`, { outcome: 'unknown', cause })
}
