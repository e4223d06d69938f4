/**
 * The versioned key space: every change makes a revision, every revision can be read until it is compacted away.
 *
 * In memory is the index: which revisions changed which key. The records themselves, with the values, are behind the
 * backend. Writes are synchronous and deterministic, and belong to whoever applies the log; clients' reads are planned
 * here and completed elsewhere (range.ts).
 *
 * Always: the same requests in the same order give the same revisions, answers, records and digest.
 * Not here: who may write and when (the machine), time, leases (the lease book), watchers (they get the events).
 */
import { assert } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import type { Digest } from '../base/checksum.js'
import { damaged } from '../base/damaged-state.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { NO_LEASE, type LeaseId } from '../base/lease-id.js'
import type { Backend } from './backend.js'
import { Sweep } from './compaction.js'
import { HistoryHash } from './history-hash.js'
import { KeySpace } from './key-space.js'
import { NO_LEASES, type LeaseBook } from './lease-book.js'
import { completePlan } from './plan.js'
import type { PrefixLimits, PrefixQuota } from './prefix-quotas.js'
import { planRange, type PlannedRange } from './range.js'
import { contentBytes, decodeRecord, hashRecord, RECORD_KEY_BYTES, recordKey, type Record } from './record.js'
import { countPrefix, tallyRange, type KeyRange, type Tally } from './statistics.js'
import { execute } from './transaction.js'
import type {
  DeletePlan,
  DeleteRequest,
  Event,
  KeyValue,
  Operation,
  OperationPlan,
  OperationResponse,
  PutPlan,
  PutRequest,
  RangePlan,
  RangeRequest,
  RangeResponse,
  Revision,
  RevisionId,
  TransactionPlan,
  TransactionRequest,
} from './types.js'
import { validateOperation } from './validate.js'
import { Write } from './write.js'

export type { PlannedRange } from './range.js'

/** What a write did. `events` is empty if it changed nothing; then the revision did not rise either. */
export interface Written<P extends OperationPlan = OperationPlan> {
  /** Names the records that it was asked to show: {@link MvccStore.complete} reads them, or whoever owns the backend. */
  readonly response: P
  readonly events: readonly Event[]
}

export class MvccStore {
  readonly #space: KeySpace
  readonly #sweep: Sweep
  /** While records are loaded: the lease of the latest version of each key that has one. Leases may end between versions. */
  #loading: { last: RevisionId; compactRevisionChanged: boolean; readonly leases: Map<Key, LeaseId> } | undefined

  /** `valueCacheBytesMax`: how much may be kept of what was written or read last, so that it is not read again. */
  constructor(backend: Backend, leases: LeaseBook = NO_LEASES, valueCacheBytesMax = 0) {
    this.#space = new KeySpace(backend, leases, valueCacheBytesMax)
    this.#sweep = new Sweep(this.#space)
  }

  /** Of the latest change; 1 when there was none. */
  get revision(): Revision {
    return this.#space.revision
  }

  /** The oldest revision that can be read; 0 before the first compaction. */
  get compactRevision(): Revision {
    return this.#space.compactRevision
  }

  /** Keys with a history that is still kept, whether they exist now or not. */
  get size(): number {
    return this.#space.index.size
  }

  /** The sum over the latest record of every key that exists: independent of history, and so of compaction. */
  get digest(): Digest {
    return this.#space.digest
  }

  /** The sum over all records that are kept, this member's own affair: history-digest.ts. */
  get historyDigest(): Digest {
    return this.#space.history.digest
  }

  /** Of all records that are kept, superseded ones too, with their keys. Each member's own affair: it depends on how far the sweep has come. */
  get bytes(): number {
    return this.#space.bytes
  }

  /** How many changes the revision `main` has, which can be read. */
  changesOf(main: Revision): number {
    return this.#space.changes.of(main)
  }

  /**
   * The hash of what can be read up to `revision` (0: the current one), to be given every record that the backend holds now,
   * with the sweep held. Throws `COMPACTED`, `FUTURE_REVISION`.
   */
  historyHash(revision: Revision): HistoryHash {
    return new HistoryHash(this.#space, revision)
  }

  /** The revision to read at, for one that is asked for (0: the latest). Throws `COMPACTED`, `FUTURE_REVISION`. */
  readableRevision(wanted: Revision): Revision {
    if (wanted === 0) return this.revision
    this.#space.checkReadable(wanted)
    return wanted
  }

  /** The quotas of prefixes, and what is used of each. */
  get prefixQuotas(): readonly PrefixQuota[] {
    return this.#space.quotas.list()
  }

  hasPrefixQuota(prefix: Key): boolean {
    return this.#space.quotas.has(prefix)
  }

  /** Sets the quota of a prefix, or ends it. {@link countPrefixes} counts what is used; before that it does not hold. */
  setPrefixQuota(prefix: Key, limits: PrefixLimits | undefined): void {
    if (limits === undefined) this.#space.quotas.remove(prefix)
    else this.#space.quotas.set(prefix, limits)
  }

  /** Takes up a quota when the state is loaded, before any record: what is used is counted at the end. */
  loadPrefixQuota(prefix: Key, limits: PrefixLimits, countedTo: Key | undefined): void {
    this.#space.quotas.load(prefix, limits, countedTo)
  }

  /** Counts up to `keysMax` more keys for a quota that does not hold yet; whether there was one. */
  countPrefixes(keysMax: number): boolean {
    return countPrefix(this.#space, keysMax)
  }

  /**
   * Counts up to `most` histories of a range at `revision`; gives what is left of the range, undefined at its end. The
   * sweep is held since the revision was readable ({@link holdSweep}).
   */
  tally(range: KeyRange, revision: Revision, most: number, tally: Tally): KeyRange | undefined {
    return tallyRange(this.#space, range, revision, most, tally)
  }

  /** Which records answer a range. Throws `COMPACTED` (with `compactRevision`), `FUTURE_REVISION`, `RESPONSE_TOO_LARGE`. */
  planRange(request: RangeRequest): PlannedRange {
    return planRange(this.#space, request)
  }

  /** The answer to a range at once, for whoever can read its backend synchronously. Throws like {@link planRange}. */
  range(request: RangeRequest): RangeResponse {
    validateOperation(request)
    return this.complete(this.planRange(request))
  }

  /**
   * The latest version of one key, at once; undefined where it does not exist. The same as a {@link range} of it without
   * options, in less than a third of the time (bench/README.md). Throws `DATA_DAMAGED` where its record is missing.
   */
  get(key: Key): KeyValue | undefined {
    const found = this.#space.index.get(key)
    const current = found?.current
    return current && this.#space.read(current)
  }

  /**
   * Reads at once what a plan names. A plan holds until the next compaction, unless it is held ({@link holdSweep}).
   * Throws `DATA_DAMAGED` where a record is missing.
   */
  complete<P extends OperationPlan>(plan: P): Extract<OperationResponse, { type: P['type'] }> {
    const response = completePlan(plan, (id) => this.#space.read(id))
    return response as Extract<OperationResponse, { type: P['type'] }>
  }

  /** Keeps at hand what was read of the record that a plan names, if there is room and nothing has replaced it. */
  keep(id: RevisionId, keyValue: KeyValue): void {
    this.#space.keep(id, keyValue)
  }

  /** Keeps the records of every plan made up to now, until what this gives is called. */
  holdSweep(): () => void {
    return this.#sweep.hold()
  }

  /**
   * Turns a record read from history into the event that watchers see. `previous` is looked up in the index; it is
   * undefined where the event created the key, or where the version before it can no longer be read.
   */
  eventOf(record: Record): Event {
    const { type, id, keyValue } = record
    // What the compact revision itself replaced is gone or about to go. Decided by the number, not by how far the sweep
    // has come, so that every member answers alike.
    const kept = id.main > this.#space.compactRevision
    const previous = kept ? this.#space.index.get(keyValue.key)?.at(id.main - 1) : undefined
    return { type, keyValue, previous }
  }

  /**
   * Does a put, a delete or a transaction, or plans a range. No value is read for the response. Throws what `validateOperation` and the checks of
   * transaction.ts throw, with nothing written. `DATA_DAMAGED` and every other error mean that the state is unusable.
   */
  write(request: PutRequest): Written<PutPlan>
  write(request: DeleteRequest): Written<DeletePlan>
  write(request: TransactionRequest): Written<TransactionPlan>
  write(request: RangeRequest): Written<RangePlan>
  write(request: Operation): Written
  write(request: Operation): Written {
    validateOperation(request)
    const write = this.#begin()
    try {
      const response = execute(this.#space, request, write)
      return { response, events: write.finish() }
    } catch (error) {
      // A refusal after the first change would leave half a transaction behind and call it refused.
      assert(
        !write.begun || !isStoreError(error) || error.code === 'DATA_DAMAGED',
        `refused in mid-write: ${String(error)}`,
      )
      throw error
    }
  }

  /** Deletes keys that all exist, in the order given and in one revision. */
  deleteKeys(keys: readonly Key[]): readonly Event[] {
    const write = this.#begin()
    write.deleteKeys(keys)
    return write.finish()
  }

  /**
   * Makes `revision` the oldest that can be read. Throws `COMPACTED` where that was done already, `FUTURE_REVISION`.
   * What this makes superfluous is removed by {@link sweep}.
   */
  compact(revision: Revision): void {
    const space = this.#space
    if (revision <= space.compactRevision) {
      throw new StoreError(
        'COMPACTED',
        `Revision ${revision} was compacted before: the oldest readable is ${space.compactRevision}.`,
        {
          compactRevision: space.compactRevision,
        },
      )
    }
    space.checkReadable(revision)
    space.compactRevision = revision
    space.changes.compacted(revision)
    this.#sweep.begin()
  }

  /** Raises the revision to `revision`, without a change, and compacts everything before it. */
  compactAll(revision: Revision): void {
    assert(revision > this.revision, () => `the revision is raised from ${this.revision} to ${revision}`)
    this.#space.revision = revision
    this.#space.changes.raised(revision)
    this.compact(revision)
  }

  /** How many records sweeps have removed since this was loaded. */
  get removedRecords(): number {
    return this.#space.removedRecords
  }

  /** Whether {@link sweep} has something to do. */
  get sweeping(): boolean {
    return this.#sweep.pending
  }

  /**
   * Removes superfluous records of up to about `keysMax` keys from the backend and the index. Whether calling it again
   * would remove more: not so while it is held.
   */
  sweep(keysMax: number): boolean {
    return this.#sweep.step(keysMax)
  }

  /** Begins to rebuild an empty store from its records, with what stands beside them. */
  startLoading(revision: Revision, compactRevision: Revision): void {
    assert(this.#space.index.size === 0, 'a store that has keys is loaded again')
    this.#space.index.startLoading()
    this.#space.revision = revision
    this.#space.compactRevision = compactRevision
    this.#loading = { last: { main: 0, sub: 0 }, compactRevisionChanged: false, leases: new Map() }
  }

  /** Takes up one record; they come in ascending order. The value is not kept. Throws `DATA_DAMAGED`. */
  load(stateKey: string, bytes: Uint8Array): void {
    const loading = this.#loading
    assert(loading !== undefined, 'a record is loaded before startLoading')
    const record = decodeRecord(bytes)
    const { id, keyValue } = record
    if (recordKey(id) !== stateKey) throw damaged(`the record of revision ${describeId(id)} stands under another key`)
    if (id.main > this.#space.revision) {
      throw damaged(
        `the record of revision ${describeId(id)} is newer than the state, which is at ${this.#space.revision}`,
      )
    }
    const { last } = loading
    assert(id.main > last.main || (id.main === last.main && id.sub > last.sub), 'records are loaded out of order')
    loading.last = id
    if (id.main === this.#space.compactRevision) loading.compactRevisionChanged = true
    this.#space.history.add(id.main, id.sub)
    this.#space.changes.add(id.main, id.sub)

    const found = this.#space.index.getOrInsert(keyValue.key)
    if (found.modRevision === id.main) throw damaged(`revision ${id.main} changes one key twice`)
    const put = record.type === 'put'
    const compactable = found.compactable
    found.restore(id, put ? keyValue : undefined)
    found.bytes = bytes.byteLength
    this.#space.bytes += RECORD_KEY_BYTES + bytes.byteLength
    const hash = put ? hashRecord(bytes) : undefined
    found.hashHigh = hash ? hash.high | 0 : 0
    found.hashLow = hash ? hash.low | 0 : 0
    if (!compactable && found.compactable) this.#sweep.add(found)
    if (keyValue.lease !== NO_LEASE) loading.leases.set(found.key, keyValue.lease)
    else loading.leases.delete(found.key)
  }

  /**
   * Ends loading: sums up the digest, hangs the keys on their leases, resumes the sweep. Throws `DATA_DAMAGED` where a
   * key hangs on a lease that is not there.
   */
  finishLoading(): void {
    const loading = this.#loading
    assert(loading !== undefined, 'loading ends before it began')
    this.#loading = undefined
    const space = this.#space
    space.index.finishLoading()
    for (const found of space.index.all()) {
      space.digestHigh = (space.digestHigh + found.hashHigh) | 0
      space.digestLow = (space.digestLow + found.hashLow) | 0
      if (space.quotas.size > 0 && found.live) space.quotas.count(found.key, 1, contentBytes(found.bytes))
    }
    for (const [key, lease] of loading.leases) {
      if (!space.leases.exists(lease)) throw damaged(`a key hangs on lease ${lease}, which is missing`)
      space.leases.attach(key, lease)
    }
    // That none is missing the digests tell.
    if (!loading.compactRevisionChanged) space.changes.raised(space.compactRevision)
    space.changes.compacted(space.compactRevision)
    if (space.compactRevision > 0) this.#sweep.begin()
  }

  #begin(): Write {
    return new Write(this.#space, (found) => this.#sweep.add(found))
  }
}

function describeId(id: RevisionId): string {
  return `${id.main}.${id.sub}`
}
