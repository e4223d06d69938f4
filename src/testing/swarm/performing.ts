/** What an operation of a plan has while it is performed, and whom it tells of what happens. */
import type { HashResult } from '../../api/maintenance.js'
import type { Store, WatchEvent } from '../../api/store.js'
import type { LeaseId } from '../../base/lease-id.js'
import type { Login } from './administer.js'

/** What a client remembers from one of its operations to the next. */
export interface ClientMemory {
  /** The revision of the last change of each key, as it was last seen. */
  readonly seen: Map<string, number>
  lease: LeaseId | undefined
  /** The token by which it is known as a user. */
  login: Login | undefined
}

export interface PerformOptions {
  readonly signal: AbortSignal | undefined
  readonly memory: ClientMemory
  /** Told of each event that a watch of the plan delivers. */
  readonly watched: (event: WatchEvent, watch: WatchBegun) => void
  /** Told of each notice of progress of a watch of the plan. */
  readonly progressed: (revision: number, watch: WatchBegun) => void
  /** Told that a watch ended with an error. */
  readonly watchFailed: (error: unknown, watch: WatchBegun) => void
  /** Told of what a member holds. */
  readonly hashed: (hash: HashResult) => void
  /** Where the process of this name is reached. */
  readonly addressOf: (name: string) => string
  /** Told when a lock is held, before anything is written under it. */
  readonly held: (hold: HoldBegun) => void
}

/** A watch, as it was asked for. */
export interface WatchBegun {
  readonly startRevision: number
  /** The oldest revision that its member kept then. */
  readonly compactRevision: number
  /** The oldest revision that its member keeps now. */
  readonly compactRevisionNow: () => number
}

/** A lock that has just been taken. */
export interface HoldBegun {
  readonly name: string
  readonly token: number
  /** As it was when the lock was taken: reading it does not look at any clock. */
  readonly signal: AbortSignal
}

export function sleep(store: Store, forMs: number): Promise<void> {
  return new Promise((resolve) => {
    store.environment.timers.after(forMs, resolve)
  })
}
