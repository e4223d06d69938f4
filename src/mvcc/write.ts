/**
 * The changes of one revision: the only writer of the key space.
 *
 * Every change of one transaction carries the same main revision and a sub revision counted from 0. The first one is refused
 * where there is no revision left. Nothing else here can be refused: what may fail was checked before (transaction.ts), and
 * what fails now, a damaged record or a broken invariant, leaves a half-done write that must never reach the disk. The
 * machine stops then.
 */
import { assert } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import { StoreError } from '../base/errors.js'
import { NO_LEASE } from '../base/lease-id.js'
import { LIMITS } from '../base/limits.js'
import type { KeyIndex } from './key-index.js'
import type { KeySpace } from './key-space.js'
import { contentBytes, encodePut, encodeTombstone, hashRecord, tombstone } from './record.js'
import type { DeletePlan, DeleteRequest, Event, PutPlan, PutRequest, Revision, RevisionId } from './types.js'

export class Write {
  readonly #space: KeySpace
  readonly #revision: Revision
  readonly #events: Event[] = []
  readonly #touched: (found: KeyIndex) => void
  #open = true

  /** `touched` is told of every key that has come to have more to it than one live version. */
  constructor(space: KeySpace, touched: (found: KeyIndex) => void) {
    this.#space = space
    this.#revision = space.revision + 1
    this.#touched = touched
  }

  /** Whether anything was changed. */
  get begun(): boolean {
    return this.#events.length > 0
  }

  /** Reads the version before where the new one keeps its value, and only then. */
  put(request: PutRequest): PutPlan {
    this.#checkRevision()
    const space = this.#space
    const found = space.index.getOrInsert(request.key)
    const previous = found.current
    const lease = request.ignoreLease ? space.leases.leaseOf(request.key) : request.lease
    const given = request.ignoreValue ? this.#valueToKeep(request, previous) : request.value

    const main = this.#revision
    const sub = this.#events.length
    const compactable = found.compactable
    const [keysBefore, bytesBefore] = found.live ? [1, contentBytes(found.bytes)] : [0, 0]
    found.put(main, sub)
    const { key, createRevision, version } = found
    const keyValue = { key, value: given, createRevision, modRevision: main, version, lease }
    const record = encodePut(keyValue, sub)
    // From here on a view into the record of our own, not into what was given: that may be a small part of a large frame,
    // which an event waiting for a slow watcher would keep alive.
    keyValue.value = record.subarray(record.byteLength - given.byteLength)
    space.addRecord(main, sub, record)
    found.bytes = record.byteLength
    space.values.keep(found, keyValue)
    this.#count(found, record)
    if (space.quotas.size > 0) space.quotas.count(key, 1 - keysBefore, contentBytes(found.bytes) - bytesBefore)
    if (!compactable && found.compactable) this.#touched(found)
    if (lease !== NO_LEASE) space.leases.attach(key, lease)
    else space.leases.detach(key)
    this.#events.push({ type: 'put', keyValue, previous: nameOf(previous) })
    return { type: 'put', previous: request.previousKeyValue ? previous : undefined }
  }

  delete(request: DeleteRequest): DeletePlan {
    const doomed: KeyIndex[] = []
    this.#space.index.visit(request.key, request.rangeEnd, (found) => {
      if (found.live) doomed.push(found)
      return true
    })
    const previous = request.previousKeyValue ? doomed.map(currentOf) : []
    for (const found of doomed) this.#delete(found)
    return { type: 'delete', deleted: doomed.length, previous }
  }

  /** Deletes keys that all exist, in the order given: how a lease takes its keys with it. */
  deleteKeys(keys: readonly Key[]): void {
    for (const key of keys) {
      const found = this.#space.index.get(key)
      assert(found !== undefined && found.live, () => `${JSON.stringify(key)} hangs on a lease but does not exist`)
      this.#delete(found)
    }
  }

  /** Raises the store's revision by one if anything was changed, and gives the changes in their order. */
  finish(): readonly Event[] {
    assert(this.#open, 'a write was finished twice')
    this.#open = false
    if (this.begun) this.#space.revision = this.#revision
    return this.#events
  }

  #delete(found: KeyIndex): void {
    this.#checkRevision()
    const previous = found.current
    const { quotas } = this.#space
    if (quotas.size > 0) quotas.count(found.key, -1, -contentBytes(found.bytes))
    const id: RevisionId = { main: this.#revision, sub: this.#events.length }
    const compactable = found.compactable
    found.delete(id.main, id.sub)
    const record = encodeTombstone(found.key, id)
    this.#space.addRecord(id.main, id.sub, record)
    found.bytes = record.byteLength
    this.#count(found, undefined)
    if (!compactable) this.#touched(found)
    this.#space.leases.detach(found.key)
    this.#events.push({ type: 'delete', keyValue: tombstone(found.key, id.main), previous: nameOf(previous) })
  }

  /** Throws `LIMIT_EXCEEDED`, before the first change or never. */
  #checkRevision(): void {
    if (this.#revision <= LIMITS.revisionMax) return
    throw new StoreError(
      'LIMIT_EXCEEDED',
      `Revision ${LIMITS.revisionMax} was the last one: nothing can be changed any more.`,
    )
  }

  /** Puts `record` in the place that the key's record before had in the digest. */
  #count(found: KeyIndex, record: Uint8Array | undefined): void {
    const space = this.#space
    const hash = record && hashRecord(record)
    const high = hash ? hash.high | 0 : 0
    const low = hash ? hash.low | 0 : 0
    space.digestHigh = (space.digestHigh - found.hashHigh + high) | 0
    space.digestLow = (space.digestLow - found.hashLow + low) | 0
    found.hashHigh = high
    found.hashLow = low
  }

  #valueToKeep(request: PutRequest, previous: RevisionId | undefined): Uint8Array {
    assert(previous !== undefined, () => `${JSON.stringify(request.key)} has no value to keep`)
    return this.#space.read(previous).value
  }
}

/** Without what it names: an event may wait long for a slow watcher. */
function nameOf(id: RevisionId | undefined): RevisionId | undefined {
  return id?.cached === undefined ? id : { main: id.main, sub: id.sub }
}

function currentOf(found: KeyIndex): RevisionId {
  const current = found.current
  assert(current !== undefined, () => `${JSON.stringify(found.key)} does not exist`)
  return current
}
