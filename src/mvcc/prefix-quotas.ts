/**
 * Quotas of prefixes: how many keys, and how many bytes of keys and values, may exist under a prefix.
 *
 * Only latest versions count: what a user sees, not what history costs. Prefixes may lie inside each other; a key counts
 * for each that it starts with. What is used is kept up with every write, and counted anew when the state is loaded.
 *
 * A prefix that is given a quota is counted bit by bit, a fixed number of keys with each entry of the log, and the quota
 * holds once all are counted: so a million keys hold nobody up, and every member begins to refuse with the same entry.
 *
 * Always: decided from the state before a transaction and the transaction alone, so that every member decides alike.
 * Always: what does not grow passes, also where a prefix is over its quota, since that was set too late or too low.
 */
import { present } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import { quoteKey } from '../base/quote.js'
import { StoreError } from '../base/errors.js'

/** Undefined: any number. */
export interface PrefixLimits {
  readonly keysMax: number | undefined
  readonly bytesMax: number | undefined
}

export interface PrefixUsage {
  readonly keys: number
  /** Of keys and values. */
  readonly bytes: number
}

export interface PrefixQuota extends PrefixLimits, PrefixUsage {
  readonly prefix: Key
  /** The keys before it are counted; undefined: all are, and the quota holds. */
  readonly countedTo: Key | undefined
}

interface Counted extends PrefixLimits {
  readonly prefix: Key
  countedTo: Key | undefined
  keys: number
  bytes: number
}

export class PrefixQuotas {
  readonly #quotas = new Map<Key, Counted>()
  /** Of the prefixes, each once: what a key is cut to. */
  #lengths: readonly number[] = []
  #uncounted = 0

  get size(): number {
    return this.#quotas.size
  }

  has(prefix: Key): boolean {
    return this.#quotas.has(prefix)
  }

  /** By their prefixes. */
  list(): readonly PrefixQuota[] {
    return [...this.#quotas.values()].map((quota) => ({ ...quota })).sort((a, b) => (a.prefix < b.prefix ? -1 : 1))
  }

  /** New limits for a prefix that has some, or the first ones: then its keys are yet to be counted. */
  set(prefix: Key, limits: PrefixLimits): void {
    const { countedTo, keys, bytes } = this.#quotas.get(prefix) ?? { countedTo: prefix, keys: 0, bytes: 0 }
    this.#put({ prefix, ...limits, countedTo, keys, bytes })
  }

  /** A quota as it was, of which what is counted already is to be counted again. */
  load(prefix: Key, limits: PrefixLimits, countedTo: Key | undefined): void {
    this.#put({ prefix, ...limits, countedTo, keys: 0, bytes: 0 })
  }

  /** One whose keys are not all counted. */
  get counting(): PrefixQuota | undefined {
    if (this.#uncounted === 0) return undefined
    for (const quota of this.#quotas.values()) if (quota.countedTo !== undefined) return quota
    return undefined
  }

  /** Adds keys up to before `countedTo`, or the last ones, to those that are counted. */
  counted(prefix: Key, usage: PrefixUsage, countedTo: Key | undefined): void {
    const quota = present(this.#quotas.get(prefix), 'the quota whose keys are counted')
    const { keys, bytes } = usage
    this.#put({ ...quota, keys: quota.keys + keys, bytes: quota.bytes + bytes, countedTo })
  }

  /** Whether there was one. */
  remove(prefix: Key): boolean {
    const removed = this.#quotas.delete(prefix)
    this.#survey()
    return removed
  }

  /** So many keys more, and bytes of keys and values, by a change of `key`. */
  count(key: Key, keys: number, bytes: number): void {
    this.#visit(key, (quota) => {
      if (quota.countedTo !== undefined && key >= quota.countedTo) return
      quota.keys += keys
      quota.bytes += bytes
    })
  }

  /** What a write would add; {@link Growth.check} decides. */
  growth(): Growth {
    return new Growth((key, visit) => {
      this.#visit(key, (quota) => {
        if (quota.countedTo === undefined) visit(quota)
      })
    })
  }

  #visit(key: Key, visit: (quota: Counted) => void): void {
    for (const length of this.#lengths) {
      if (length > key.length) return
      const quota = this.#quotas.get(key.slice(0, length))
      if (quota !== undefined) visit(quota)
    }
  }

  #put(quota: Counted): void {
    this.#quotas.set(quota.prefix, quota)
    this.#survey()
  }

  /** There are few. */
  #survey(): void {
    this.#uncounted = [...this.#quotas.values()].filter(({ countedTo }) => countedTo !== undefined).length
    const lengths = new Set([...this.#quotas.keys()].map(({ length }) => length))
    this.#lengths = [...lengths].sort((a, b) => a - b)
  }
}

/** What one write would add, summed up over all its changes: what it deletes makes room for what it puts. */
export class Growth {
  readonly #visit: (key: Key, visit: (quota: Counted) => void) => void
  readonly #added = new Map<Counted, { keys: number; bytes: number }>()

  /** @internal made by {@link PrefixQuotas.growth} */
  constructor(visit: (key: Key, visit: (quota: Counted) => void) => void) {
    this.#visit = visit
  }

  add(key: Key, keys: number, bytes: number): void {
    this.#visit(key, (quota) => {
      const added = this.#added.get(quota)
      if (added === undefined) this.#added.set(quota, { keys, bytes })
      else {
        added.keys += keys
        added.bytes += bytes
      }
    })
  }

  /** Throws `PREFIX_QUOTA_EXCEEDED`. */
  check(): void {
    for (const [quota, added] of this.#added) {
      const { prefix, keysMax = Infinity, bytesMax = Infinity } = quota
      if (added.keys > 0 && quota.keys + added.keys > keysMax)
        throw exceeded(prefix, quota.keys, added.keys, keysMax, 'keys')
      if (added.bytes > 0 && quota.bytes + added.bytes > bytesMax)
        throw exceeded(prefix, quota.bytes, added.bytes, bytesMax, 'bytes')
    }
  }
}

function exceeded(prefix: Key, used: number, added: number, most: number, what: string): StoreError {
  return new StoreError(
    'PREFIX_QUOTA_EXCEEDED',
    `The request would add ${added} ${what} under the prefix ${quoteKey(prefix)}, which has ${used} of ${most} allowed.`,
  )
}
