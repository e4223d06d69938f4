/** What the members of a crash run are told, and what they tell. Values travel as their ids: value.ts. */
import type { StoreStatus } from '../../src/api/store.js'

/** Leases travel as text: a message cannot hold a bigint. */
export type LeaseName = string

export type Call =
  | { readonly type: 'put' | 'swap'; readonly key: string; readonly id: string; readonly bytes: number }
  /** Two keys in one transaction. */
  | {
      readonly type: 'pair'
      readonly key: string
      readonly id: string
      readonly otherKey: string
      readonly otherId: string
      readonly bytes: number
    }
  | { readonly type: 'read' | 'delete'; readonly key: string }
  /** A put that the state machine must refuse: its lease does not exist. */
  | { readonly type: 'refuse'; readonly key: string; readonly id: string; readonly bytes: number }
  | {
      readonly type: 'attach'
      readonly key: string
      readonly id: string
      readonly bytes: number
      readonly lease: LeaseName
    }

export type LeaseCall =
  | { readonly type: 'grant'; readonly lease: LeaseName; readonly ttlMs: number }
  | { readonly type: 'renew' | 'revoke'; readonly lease: LeaseName }

export type Result =
  | {
      readonly outcome: 'ok'
      readonly revision: number
      readonly changed: boolean
      /** Of the value that was read. */
      readonly id?: string
    }
  | { readonly outcome: 'refused' | 'unknown'; readonly code: string }

/** A moment in the work of a member that is worth being killed in. */
export type Aim =
  | 'log append'
  | 'state write'
  /** Right after a state write: what follows is the sync of the mark and the trim. */
  | 'log trim'
  | 'compaction'
  | 'backup'

/** Of the watches of each member, what they want. */
export const WATCHES = [
  { name: 'everything', selection: { all: true }, wants: () => true },
  { name: 'a prefix', selection: { prefix: 'key/1' }, wants: ({ key }: Change) => key.startsWith('key/1') },
  { name: 'puts alone', selection: { prefix: 'lease/' }, wants: isPutOfLease },
] as const

export type Command =
  | { readonly type: 'call'; readonly call: Call; readonly timeoutMs: number }
  | { readonly type: 'lease'; readonly call: LeaseCall; readonly timeoutMs: number }
  | { readonly type: 'compact'; readonly revision: number }
  /** A snapshot into a file. */
  | { readonly type: 'backup'; readonly path: string }
  /** Report everything that a watch wants from this revision on, as it happens. */
  | { readonly type: 'watch'; readonly watch: number; readonly startRevision: number }
  /** Report how far the watches have come. */
  | { readonly type: 'progress' }
  | { readonly type: 'status' }
  /** Everything there is, up to `through`, without asking anybody else. */
  | { readonly type: 'history'; readonly through: number }
  | { readonly type: 'contents' }
  /** SIGKILL itself, so long after it next comes to this moment. */
  | { readonly type: 'die'; readonly at: Aim; readonly afterMs: number }
  | { readonly type: 'close' }

export interface Change {
  readonly type: 'put' | 'delete'
  readonly revision: number
  readonly key: string
  readonly id: string
}

/** What is there at last, and the leases that exist. */
export interface FinalContents {
  readonly items: readonly {
    readonly key: string
    readonly id: string
    readonly revision: number
    readonly lease: LeaseName | undefined
  }[]
  readonly leases: readonly LeaseName[]
}

export type Report =
  | { readonly type: 'opened' }
  | { readonly type: 'ready' }
  /** A whole revision, or none: how far a watch has come. */
  | { readonly type: 'changes'; readonly watch: number; readonly revision: number; readonly changes: readonly Change[] }
  /** Several times a second: what a member that is killed leaves us to know of it. */
  | { readonly type: 'progress'; readonly status: StoreStatus }
  | { readonly type: 'failed'; readonly reason: string }

function isPutOfLease({ type, key }: Change): boolean {
  return type === 'put' && key.startsWith('lease/')
}
