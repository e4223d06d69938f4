/**
 * What a member measures of itself, for whoever keeps books of it: how long disks and peers take, how much goes where, what
 * failed. The etcd face makes its metrics of it.
 *
 * Always: a measurement costs nothing while nobody listens: it is not even built. Always: nothing that a member does depends
 * on it. Always: it carries no key, no value and no secret.
 */

/** One thing that was measured. Times are those of the member's own monotonic clock. */
export type Measurement =
  // The disk.
  /** Entries of the log were written and synced; `bytes`: of what they carry. */
  | { readonly type: 'log-written'; readonly durationMs: number; readonly entries: number; readonly bytes: number }
  /** What applying had changed was written and synced, as one batch. */
  | { readonly type: 'state-written'; readonly durationMs: number }
  | { readonly type: 'defragmented'; readonly durationMs: number }
  /** A snapshot for whoever asked `maintenance.snapshot()`; not `whole`: it failed, or was left before its end. */
  | {
      readonly type: 'snapshot-read'
      readonly durationMs: number
      readonly bytes: number
      readonly whole: boolean
    }
  /** Everything that this member holds was hashed. */
  | { readonly type: 'hashed'; readonly durationMs: number }

  // The state machine.
  /** A command of the log was applied. */
  | ({
      readonly type: 'applied'
      readonly durationMs: number
      /** `put`, `delete`, `transaction`, `compact`, `lease-grant` and the like; undefined for one that was refused. */
      readonly request: string | undefined
    } & Operations)
  /** Keys were read, outside of transactions: from when that was asked for to when all of it was there. */
  | { readonly type: 'ranged'; readonly durationMs: number; readonly ok: boolean }
  /** History before `revision` is no more for readers; it is swept from the disk in steps. */
  | { readonly type: 'compacted'; readonly revision: number }
  /** One step, between which others have their turn. */
  | { readonly type: 'sweep-step'; readonly durationMs: number }
  /** A sweep came to its end, after so many records. */
  | { readonly type: 'swept'; readonly durationMs: number; readonly records: number }

  // Consensus.
  /** A write of this member's users was given up: at its deadline, by its caller, or with the member. */
  | { readonly type: 'proposal-failed' }
  /** No answer came in time to whoever asked for a read index: it is asked for again. */
  | { readonly type: 'read-index-late' }
  /** The leader that was asked for a read index leads no more, or nobody gave one before the deadline of a read. */
  | { readonly type: 'read-index-failed' }
  /** This leader sent a heartbeat more than two intervals after the one before. */
  | { readonly type: 'heartbeat-late'; readonly peer: number }

  // Leases, as they are applied here; renewed and expired ones are told by the leader alone.
  | { readonly type: 'lease-granted'; readonly ttlMs: number }
  | { readonly type: 'lease-revoked' }
  | { readonly type: 'lease-renewed' }
  | { readonly type: 'leases-expired'; readonly leases: number }

  // Watches.
  /** A watch of this member took these. */
  | { readonly type: 'events-delivered'; readonly events: number }

  // Other members, by their ids.
  | { readonly type: 'peer-reachable'; readonly peer: number }
  | { readonly type: 'peer-unreachable'; readonly peer: number }
  /** From a word to a peer to its answer, where the transport measures it: with each connection, then about once a second. */
  | { readonly type: 'round-trip'; readonly peer: number; readonly durationMs: number }
  /** `taken`: the transport queued it. */
  | { readonly type: 'frame-sent'; readonly peer: number; readonly bytes: number; readonly taken: boolean }
  | { readonly type: 'frame-received'; readonly peer: number; readonly bytes: number }
  /** The state of this member was sent to one that lags, or the other way round. */
  | {
      readonly type: 'state-sent' | 'state-received'
      readonly peer: number
      readonly durationMs: number
      readonly bytes: number
      readonly ok: boolean
    }

/** What a command comes to, with everything inside transactions. */
export interface Operations {
  readonly puts: number
  readonly deletes: number
  readonly ranges: number
  /** Of the keys and values that were put. */
  readonly putBytes: number
}

export type Listen = (measurement: Measurement) => void

/** How things stand with a member at one moment, beside what its status tells. */
export interface Gauges {
  /** Writes and reads of this member's users that wait. */
  readonly proposalsWaiting: number
  readonly readsWaiting: number
  /** Keys that exist. */
  readonly keys: number
  readonly leases: number
  readonly authRevision: number
  readonly watches: number
  /** Of those, that are behind and caught up from history. */
  readonly watchesLagging: number
  /** Bytes of events that wait for the consumers of watches. */
  readonly watchBufferBytes: number
  readonly reachablePeers: readonly number[]
  /** Snapshots that are being made for users. */
  readonly snapshots: number
  /** Members that are being sent the state of this one. */
  readonly sendingTo: readonly number[]
  /** The member whose state is being received. */
  readonly receivingFrom: number | undefined
  /** A state from elsewhere takes the place of this member's own. */
  readonly installing: boolean
  readonly defragmenting: boolean
}
