/** What the services of the demo tell the one who watches them, and what they are told. */

/** A service writes these; each value is unique, so that history shows what became of it. */
export type WriteKind = 'order' | 'increment' | 'configuration'

export type Report =
  /** `entries`: what it found in its log on disk. */
  | { readonly type: 'opened'; readonly entries: number }
  | { readonly type: 'caught-up'; readonly revision: number }
  /** Who leads the store, as this member sees it. */
  | { readonly type: 'leader'; readonly leader: string | undefined; readonly term: number }
  /** The services have elected this one among themselves: it writes the configuration. */
  | { readonly type: 'elected' }
  | { readonly type: 'configured'; readonly version: number }
  /** Told before the store is called: a process that dies in between leaves an attempt, not a gap. */
  | { readonly type: 'attempt'; readonly kind: WriteKind; readonly value: string }
  | { readonly type: 'acknowledged'; readonly value: string; readonly revision: number; readonly term: number }
  /** Refused: it has no effect, now or later. Unknown: it may have one. */
  | { readonly type: 'failed'; readonly value: string; readonly outcome: 'refused' | 'unknown'; readonly code: string }

export type Command =
  | { readonly type: 'status' }
  /** No new work; answered when what is under way has ended. */
  | { readonly type: 'rest' }
  /** Every put there ever was, as this member has it. */
  | { readonly type: 'history' }
  | { readonly type: 'close' }

export interface Written {
  readonly revision: number
  readonly key: string
  readonly value: string
}
