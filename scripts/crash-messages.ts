/** What the members of a crash run are told, and what they tell. Values travel as their ids: crash-value.ts. */
import type { StoreStatus } from '../src/api/store.js'

export type Call =
  | { readonly type: 'put' | 'swap'; readonly key: string; readonly id: string; readonly bytes: number }
  | { readonly type: 'read' | 'delete'; readonly key: string }
  /** A put that the state machine must refuse: its lease does not exist. */
  | { readonly type: 'refuse'; readonly key: string; readonly id: string; readonly bytes: number }

export type Result =
  | {
      readonly outcome: 'ok'
      readonly revision: number
      readonly changed: boolean
      /** Of the value that was read. */
      readonly id?: string
    }
  | { readonly outcome: 'refused' | 'unknown'; readonly code: string }

export type Command =
  | { readonly type: 'call'; readonly call: Call; readonly timeoutMs: number }
  /** Report everything from this revision on, as it happens. */
  | { readonly type: 'watch'; readonly startRevision: number }
  | { readonly type: 'status' }
  /** Everything there is, up to `through`, without asking anybody else. */
  | { readonly type: 'history'; readonly through: number }
  | { readonly type: 'close' }

export interface Change {
  readonly type: 'put' | 'delete'
  readonly revision: number
  readonly key: string
  readonly id: string
}

export type Report =
  | { readonly type: 'opened' }
  | { readonly type: 'ready' }
  | { readonly type: 'change'; readonly change: Change }
  /** Several times a second: what a member that is killed leaves us to know of it. */
  | { readonly type: 'progress'; readonly status: StoreStatus }
  | { readonly type: 'failed'; readonly reason: string }
