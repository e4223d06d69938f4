/**
 * The key space as the model sees it: every version of every key, so that reads of the past can be judged.
 *
 * Written for itself, not with the code it judges. Always: a state does not change; a {@link Draft} makes the next one.
 */
import { OrderedMap } from '../../base/ordered-map.js'

/** One version of a key; has the fields of `EtcdKeyValue`. A deletion has version 0. */
export interface Version {
  readonly key: string
  readonly value: string
  readonly create: number
  readonly mod: number
  readonly version: number
  readonly lease?: string
  /** The version before it. */
  readonly before: Version | undefined
}

export interface EtcdState {
  readonly revision: number
  /** The oldest revision that can be read. */
  readonly compacted: number
  /** The last version of every key that ever was. */
  readonly keys: OrderedMap<Version>
  /** The keys of each lease that was granted; `ENDED` for one that is over. */
  readonly leases: OrderedMap<readonly string[]>
  /** What the last revision changed. */
  readonly changes: readonly Version[]
  /** Equal for equal states. */
  readonly hash: number
}

export const ENDED: readonly string[] = Object.freeze([])

export const EMPTY_STATE: EtcdState = {
  revision: 1,
  compacted: 0,
  keys: new OrderedMap(),
  leases: new OrderedMap(),
  changes: [],
  hash: 0,
}

export function leaseExists(leases: OrderedMap<readonly string[]>, lease: string): boolean {
  const found = leases.get(lease)
  return found !== undefined && found !== ENDED
}

/** The version that a read at `revision` sees. */
export function versionAt(last: Version | undefined, revision: number): Version | undefined {
  let found = last
  while (found !== undefined && found.mod > revision) found = found.before
  return found === undefined || found.version === 0 ? undefined : found
}

/** The changes of one transaction, or of one change of a lease. */
export class Draft {
  readonly #from: EtcdState
  readonly #revision: number
  readonly #changes: Version[] = []
  #keys: OrderedMap<Version>
  #leases: OrderedMap<readonly string[]>
  #hash: number

  constructor(from: EtcdState) {
    this.#from = from
    this.#revision = from.revision + 1
    this.#keys = from.keys
    this.#leases = from.leases
    this.#hash = from.hash
  }

  /** As changed so far. */
  get keys(): OrderedMap<Version> {
    return this.#keys
  }

  get leases(): OrderedMap<readonly string[]> {
    return this.#leases
  }

  /** What reads inside the transaction see. */
  get revision(): number {
    return this.#revision
  }

  put(key: string, value: string, lease: string | undefined): void {
    const before = this.#keys.get(key)
    const exists = before !== undefined && before.version > 0
    const create = exists ? before.create : this.#revision
    const version = exists ? before.version + 1 : 1
    const made = { key, value, create, mod: this.#revision, version, before }
    this.#change(lease === undefined ? made : { ...made, lease })
  }

  delete(before: Version): void {
    this.#change({ key: before.key, value: '', create: 0, mod: this.#revision, version: 0, before })
  }

  setLease(lease: string, keys: readonly string[]): void {
    if (this.#leases === this.#from.leases) this.#leases = this.#leases.clone()
    this.#leases.set(lease, keys)
    this.#hash = (this.#hash + Math.imul(textHash(lease), keys === ENDED ? 3 : 5)) | 0
  }

  /** The state they lead to; with a revision more if a key was changed. */
  finish(): EtcdState {
    const changed = this.#changes.length > 0
    if (!changed && this.#leases === this.#from.leases) return this.#from
    const { revision, compacted, changes } = this.#from
    return {
      revision: changed ? this.#revision : revision,
      compacted,
      keys: this.#keys,
      leases: this.#leases,
      changes: changed ? this.#changes : changes,
      hash: this.#hash,
    }
  }

  #change(version: Version): void {
    const { before, lease } = version
    if (this.#keys === this.#from.keys) this.#keys = this.#keys.clone()
    this.#keys.set(version.key, version)
    this.#changes.push(version)
    this.#hash = (this.#hash + Math.imul(textHash(version.key), version.mod)) | 0
    const hungOn = before?.version === 0 ? undefined : before?.lease
    if (hungOn === lease) return
    if (hungOn !== undefined) {
      const keys = this.#leases.get(hungOn)
      if (keys !== undefined && keys !== ENDED)
        this.setLease(
          hungOn,
          keys.filter((key) => key !== version.key),
        )
    }
    if (lease !== undefined) this.setLease(lease, [...(this.#leases.get(lease) ?? []), version.key])
  }
}

/** Whether the two behave alike for ever. */
export function sameState(left: EtcdState, right: EtcdState): boolean {
  if (left === right) return true
  return (
    left.revision === right.revision &&
    left.compacted === right.compacted &&
    left.keys.size === right.keys.size &&
    left.leases.size === right.leases.size &&
    (left.keys === right.keys || sameVersions(left.keys, right.keys)) &&
    (left.leases === right.leases || sameLeases(left, right))
  )
}

function sameVersions(left: OrderedMap<Version>, right: OrderedMap<Version>): boolean {
  let same = true
  left.visit('', '\0', (version) => {
    same = sameHistory(version, right.get(version.key))
    return same
  })
  return same
}

function sameHistory(left: Version | undefined, right: Version | undefined): boolean {
  let [one, other] = [left, right]
  while (one !== other) {
    if (one === undefined || other === undefined || one.mod !== other.mod || one.version !== other.version) return false
    if (one.value !== other.value || one.lease !== other.lease) return false
    one = one.before
    other = other.before
  }
  return true
}

/** Which keys hang on a lease follows from the versions: only which leases exist is compared. */
function sameLeases({ leases: left }: EtcdState, { leases: right }: EtcdState): boolean {
  if (left === right) return true
  let same = true
  left.visit('', '\0', (keys, lease) => {
    const other = right.get(lease)
    same = other !== undefined && (other === ENDED) === (keys === ENDED)
    return same
  })
  return same
}

function textHash(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}
