/**
 * What clients ask of the store in a run, as data.
 *
 * A client does one thing at a time: an operation begins at its time, or when the one before it by the same client has
 * ended. What an operation writes is told by its `id`, so that every value is written once in a run and leaving out one
 * operation changes no other.
 */
export type Operation = {
  /** Unique in its plan. */
  readonly id: number
  readonly atMs: number
  readonly client: number
  /** The member whose store is asked. When it is not running then, the operation is left out. */
  readonly member: string
  readonly timeoutMs: number
  /** Milliseconds after which the caller aborts it, if it does. */
  readonly abortAfterMs?: number
} & OperationKind

export type OperationKind =
  | { readonly type: 'put'; readonly key: string; readonly valueBytes: number }
  | { readonly type: 'read'; readonly key: string; readonly consistency: 'linearizable' | 'local' }
  /** From `key` to `end`, as of `back` revisions ago. */
  | {
      readonly type: 'range'
      readonly key: string
      readonly end: string
      readonly limit: number
      readonly back: number
    }
  | { readonly type: 'delete'; readonly key: string; readonly end?: string }
  /** Writes if the key is as this client last read it. */
  | { readonly type: 'swap'; readonly key: string }
  /** Compares one key and changes several, in one transaction. */
  | { readonly type: 'transaction'; readonly compared: string; readonly keys: readonly string[] }
  /** Grants a lease and puts the keys under it, one after the other. */
  | { readonly type: 'put-with-lease'; readonly keys: readonly string[]; readonly ttlMs: number }
  /** Of the lease that this client granted last. */
  | { readonly type: 'keep-alive' }
  | { readonly type: 'revoke' }
  /** Forgets history but for the last `keep` revisions. */
  | { readonly type: 'compact'; readonly keep: number }
  /** Watches everything, taking each event `slowMs` after the last, for `forMs`. */
  | {
      readonly type: 'watch'
      /** From so many revisions ago, as far as they are kept. */
      readonly back: number
      /** Or from so many revisions after the oldest that is kept; below 0, which must be refused. */
      readonly fromOldest?: number
      /** Asks for what each change replaced. */
      readonly previous?: boolean
      readonly slowMs: number
      readonly forMs: number
    }
  /** Takes a lock, writes under its guard, holds it for `holdMs`. */
  | { readonly type: 'lock'; readonly name: string; readonly holdMs: number; readonly ttlMs: number }

export type OperationType = OperationKind['type']
