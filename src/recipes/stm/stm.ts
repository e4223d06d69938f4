/**
 * Software transactional memory: a function that reads and writes keys as if it were alone, whose writes take effect all at
 * once, or it is run again.
 *
 * Always: all that a run reads is the store at one revision, so the work never sees half of another transaction, not even
 * in a run that is in vain. It commits only if what it read is still so.
 * Always: the work is run again only when no earlier run took effect, or can any more (commit-once.ts).
 */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { keyOf, keyText, type Key } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import { quote } from '../../base/quote.js'
import { below, randomId } from '../../base/random.js'
import { commitOnce, type Attempt } from './commit-once.js'
import { covers } from './interval.js'
import { callListener } from '../call-listener.js'
import { checkStore } from '../check-store.js'
import { Patience, type WaitOptions } from '../patience.js'
import { Overlay } from './stm-overlay.js'
import { Snapshot } from './stm-snapshot.js'
import { StmTransaction } from './stm-transaction.js'

export interface StmOptions extends WaitOptions {
  /**
   * What must not have changed since the snapshot when the writes take effect. `serializable-snapshot` (default): what was
   * read, and the keys that are written without having been read. `serializable`: what was read; a key that is only written
   * is overwritten, whatever it holds by then.
   */
  readonly isolation?: 'serializable-snapshot' | 'serializable' | undefined
  /** How often the work is run at most; Infinity for as often as it takes. Default LIMITS.stmTriesMax. */
  readonly tries?: number | undefined
  /**
   * A key of yours for nothing else, that each of these transactions writes with an id of its own. With it a commit whose
   * answer was lost finds out from history that it was done, where otherwise it could have been another transaction that did
   * the same. Default: none; such a commit rejects as unknown.
   */
  readonly mark?: string | undefined
  /** Called right before the call resolves, with the revision of the commit; of a work that only read, of its snapshot. What it throws is logged. */
  readonly onCommit?: ((commit: StmCommit) => unknown) | undefined
}

export interface StmCommit {
  readonly revision: Revision
  /** How often the work was run. */
  readonly tries: number
}

const FIELDS: Fields<StmOptions> = { isolation: true, tries: true, mark: true, onCommit: true, ...CALL_FIELDS }

/** What work to do; it may be run several times. */
export type StmWork<Result> = (transaction: StmTransaction) => Promise<Result> | Result

/**
 * Runs `work`, and makes its writes take effect all at once; resolves with what it returned. It may be run several times,
 * until nobody else changed meanwhile what it read: let it do nothing but read and write through its transaction. When it
 * throws, nothing is written and the call rejects with its error.
 *
 * Rejects with `ABORTED` or `TIMEOUT` when it was given up, `TRANSACTION_CONFLICT` after too many tries,
 * `TOO_MANY_OPERATIONS` where there is more to compare or to write than one transaction of the store takes, and with what
 * the store rejects with. Nothing was written then, unless `outcome` is `unknown`.
 *
 * @example
 * const left = await stm(store, async (tx) => {
 *   const [from, to] = [Number((await tx.get('a'))?.text()), Number((await tx.get('b'))?.text())]
 *   if (from < 5) throw new Error('not enough')
 *   tx.put('a', String(from - 5))
 *   tx.put('b', String(to + 5))
 *   return from - 5
 * })
 */
export async function stm<Result>(store: Store, work: StmWork<Result>, options: StmOptions = {}): Promise<Result> {
  checkStore(store)
  checkOptions(work, options)
  const patience = new Patience(store.environment, options)
  const closing = new AbortController()
  patience.endWith(closing.signal)
  // What the work waits for may have nothing to do with the store.
  const stop = store.on('closed', () => {
    closing.abort(new StoreError('CLOSED', 'the store was closed'))
  })
  try {
    return await runUntilDone(store, work, options, patience)
  } finally {
    stop()
    patience.end()
  }
}

/** @internal {@link stm} for recipes, whose calls have a patience of their own. */
export async function runUntilDone<Result>(
  store: Store,
  work: StmWork<Result>,
  options: Omit<StmOptions, keyof WaitOptions>,
  patience: Patience,
): Promise<Result> {
  const { tries = LIMITS.stmTriesMax } = options
  for (let run = 1; ; run++) {
    const outcome = await runOnce(store, work, options, patience)
    if (outcome.type === 'done') {
      const { result, revision } = outcome
      // Whatever it does: what was committed resolves. An error would be taken for one of the work, which writes nothing.
      if (revision !== undefined) callListener(store.environment, () => options.onCommit?.({ revision, tries: run }))
      return result
    }
    if (run >= tries) throw inVain(run, outcome.key)
    await patience.pause(pauseMs(store, run))
  }
}

type Run<Result> =
  | { readonly type: 'done'; readonly result: Result; readonly revision: Revision | undefined }
  /** Undefined: the snapshot was compacted. */
  | { readonly type: 'conflict'; readonly key: Key | undefined }

async function runOnce<Result>(
  store: Store,
  work: StmWork<Result>,
  options: StmOptions,
  patience: Patience,
): Promise<Run<Result>> {
  const snapshot = new Snapshot(store, patience)
  const overlay = new Overlay()
  const transaction = new StmTransaction(snapshot, overlay)
  try {
    patience.signal.throwIfAborted()
    const result = await patience.within(Promise.resolve(work(transaction)))
    transaction.end()
    if (snapshot.isForgotten) return { type: 'conflict', key: undefined }
    if (overlay.isEmpty) return { type: 'done', result, revision: snapshot.revision }
    checkCounts(snapshot.seen.length, snapshot.ranges.length, overlay.operations().length)
    if (options.isolation !== 'serializable') await snapshot.look(overlay.keys())
    const commit = await commitOnce(store, attemptOf(store, snapshot, overlay, options), patience)
    return commit.type === 'conflict' ? commit : { type: 'done', result, revision: commit.revision }
  } catch (error) {
    if (snapshot.isForgotten) return { type: 'conflict', key: undefined }
    throw error
  } finally {
    transaction.end()
  }
}

function attemptOf(store: Store, snapshot: Snapshot, overlay: Overlay, options: StmOptions): Attempt {
  const { seen, revision = 0 } = snapshot
  const mark = options.mark === undefined ? undefined : writeMark(store, overlay, keyOf(options.mark))
  const ranges = [...snapshot.ranges]
  // Nobody need know the keys in a range that is only deleted: one that has gone meanwhile is what was wanted.
  if (options.isolation !== 'serializable' && revision > 0) ranges.push(...overlay.ranges())
  const writes = overlay.operations()
  checkCounts(seen.length, ranges.length, writes.length)
  const keys = new Set(overlay.keys())
  const deleted = overlay.ranges()
  const written = seen.filter(({ key }) => keys.has(key) || deleted.some((range) => covers(range, key)))
  const witness = written.find(({ modRevision }) => modRevision > 0) ?? written[0]
  return { seen, ranges, snapshot: revision, writes, witness, mark }
}

/** Last, and over what the work deleted: a range in which it lies is cut around it. */
function writeMark(store: Store, overlay: Overlay, key: Key): Attempt['mark'] {
  if (overlay.get(key) !== undefined) {
    throw new TypeError(`${quote(keyText(key))} is the mark of this transaction: a key that the work must not put`)
  }
  const id = String(randomId(store.environment.random))
  overlay.put(key, id)
  return { key, id }
}

function checkCounts(keys: number, ranges: number, writes: number): void {
  const max = LIMITS.transactionOperationsMax
  if (keys + ranges <= max && writes <= max) return
  throw new StoreError(
    'TOO_MANY_OPERATIONS',
    `a transaction may compare ${max} keys and ranges and write ${max}; this one read ${keys} keys and ${ranges} ranges, ` +
      `and writes ${writes}: read less (with limit), or split it`,
  )
}

function inVain(tries: number, key: Key | undefined): StoreError {
  const why = key === undefined ? 'its snapshot was compacted' : `${quote(keyText(key))} had changed`
  return new StoreError(
    'TRANSACTION_CONFLICT',
    `the transaction was run ${tries} ${tries === 1 ? 'time' : 'times'} in vain: the last time ${why}`,
  )
}

/** By chance, so that those who met do not meet again; and longer each time, so that of any number one gets through. */
function pauseMs({ environment }: Store, run: number): number {
  const fullMs = Math.min(LIMITS.stmPauseMsMax, LIMITS.stmPauseMsMin * 2 ** (run - 1))
  return fullMs / 2 + below(environment.random, Math.ceil(fullMs / 2))
}

function checkOptions(work: unknown, options: StmOptions): void {
  if (typeof work !== 'function') throw new TypeError(`stm() takes a function of a transaction, not ${kind(work)}`)
  checkFields(options, FIELDS, 'stm()')
  const { isolation = 'serializable-snapshot', tries = 1, mark = 'mark', onCommit } = options
  if (isolation !== 'serializable-snapshot' && isolation !== 'serializable') {
    throw new TypeError(`isolation must be 'serializable-snapshot' or 'serializable', not ${String(isolation)}`)
  }
  if (typeof tries !== 'number') throw new TypeError(`tries must be a number, not ${kind(tries)}`)
  if (!(tries >= 1) || (tries !== Infinity && !Number.isSafeInteger(tries))) {
    throw new RangeError(`tries must be a whole number from 1 on, or Infinity, not ${tries}`)
  }
  if (typeof mark !== 'string' || mark === '') throw new TypeError('mark must be a key of at least one character')
  if (onCommit !== undefined && typeof onCommit !== 'function') throw new TypeError('onCommit must be a function')
}
