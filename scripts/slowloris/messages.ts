/** What `npm run test:slowloris` says to the members and to the crowd. */
import type { TlsOptions } from '../../src/index.js'

/** How members reach each other, and so what the crowd speaks. */
export type Way = 'tcp' | 'tls' | 'http'

export interface MemberSettings {
  readonly name: string
  readonly cluster: Readonly<Record<string, string>>
  readonly dataDir: string
  readonly way: Way
  readonly tls: TlsOptions | undefined
}

export type MemberCommand =
  | { readonly type: 'ready' }
  /** Answered with how long each put took, in milliseconds: one after the other, for so long. */
  | { readonly type: 'puts'; readonly forMs: number }
  | { readonly type: 'usage' }

export interface Usage {
  readonly sockets: number
  readonly rssBytes: number
}

export type MemberReport = { readonly type: 'opened' } | { readonly type: 'failed'; readonly reason: string }

export interface CrowdSettings {
  readonly addresses: readonly string[]
  readonly way: Way
  readonly sockets: number
}

/** `gather`: answered once each socket was connected once. `disperse`: all of them are gone. */
export interface CrowdCommand {
  readonly type: 'gather' | 'disperse' | 'counts'
}

export interface CrowdCounts {
  readonly open: number
  /** Connections made, also those in the place of others that were closed. */
  readonly made: number
}
