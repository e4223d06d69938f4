/** What `npm run test:partitions` and its members say to each other. */
import type { StoreStatus } from '../../src/index.js'

export interface MemberSettings {
  readonly name: string
  readonly cluster: Readonly<Record<string, string>>
  readonly dataDir: string
  readonly transport: 'tcp' | 'http'
  readonly electionTimeoutMs: number
}

export type Command =
  /** So many clients call this member, one call after the other each, until told to rest. */
  | { readonly type: 'work'; readonly clients: number; readonly seed: number }
  /** Answered once the last call has ended. */
  | { readonly type: 'rest' }
  | { readonly type: 'ready' }
  | { readonly type: 'status' }
  /** Writes what the clients of this member were told to a file. */
  | { readonly type: 'history'; readonly path: string }
  /** Puts such files together, and judges them by the history of the store. */
  | { readonly type: 'judge'; readonly paths: readonly string[]; readonly page: string }

export type Report = { readonly type: 'opened' } | { readonly type: 'failed'; readonly reason: string }

export interface Counts {
  readonly ok: number
  readonly refused: number
  readonly unknown: number
}

export interface Judgement {
  readonly verdict: string
  readonly explanation: string
  readonly calls: Counts
  readonly revision: number
}

export type { StoreStatus }
