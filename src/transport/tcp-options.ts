/** What a TCP transport is given, and what its parts share. */
import type { Environment } from '../base/clock.js'
import { LIMITS } from '../base/limits.js'
import type { Speaker } from './handshake.js'
import type { TlsIdentity } from './tls-identity.js'
import type { TlsOptions } from './tls-options.js'
import type { TransportHandler } from './transport.js'

export interface TcpOptions {
  /** Where to listen: `host:port`; port 0 takes any free one, which `address` then tells. */
  readonly listen: string
  /** Clock, timers, randomness (for the jitter of reconnecting) and logger. */
  readonly environment: Environment
  /**
   * Encrypts, and lets in who shows a certificate of the cluster's own authority. All members of a cluster with it, or none.
   * Default: without, and so only for this machine.
   */
  readonly tls?: TlsOptions
  /**
   * Listens beyond this machine without encryption, so that whoever reaches the port can pose as a member. Default
   * false: without `tls` such a `listen` is refused with `TLS_REQUIRED`. Only for a network that nobody else can reach.
   */
  readonly insecure?: boolean
  /** Other bounds than those of LIMITS. All members of a cluster must agree on `frameBytesMax`. */
  readonly limits?: Partial<TcpLimits>
}

export type TcpLimits = Readonly<Record<(typeof LIMIT_NAMES)[number], number>>

const LIMIT_NAMES = [
  'frameBytesMax',
  'peerQueueBytesMax',
  'peerQueueFramesMax',
  'inboundConnectionsMax',
  'handshakeMsMax',
  'peerIdleMsMax',
  'peerKeepaliveMs',
  'peerKeepalivesUnansweredMax',
  'peerReconnectMsMin',
  'peerReconnectMsMax',
  'peerStallMsMax',
] as const

/** Every bound, those not given taken from LIMITS. */
export function completeLimits(given: Partial<TcpLimits> = {}): TcpLimits {
  const limits = Object.fromEntries(LIMIT_NAMES.map((name) => [name, given[name] ?? LIMITS[name]])) as TcpLimits
  for (const name of LIMIT_NAMES) {
    if (!Number.isSafeInteger(limits[name]) || limits[name] <= 0) {
      throw new RangeError(`limits.${name} must be a positive whole number, not ${limits[name]}`)
    }
  }
  return limits
}

/** Counted by all parts of one transport; see TransportStatistics. */
export interface Counters {
  framesSent: number
  framesReceived: number
  framesDropped: number
  connectionsRefused: number
}

/** What the parts of a started transport share. */
export interface TcpContext {
  readonly self: Speaker
  readonly handler: TransportHandler
  readonly environment: Environment
  readonly limits: TcpLimits
  readonly counters: Counters
  /** Ready; undefined where nothing is encrypted. */
  readonly tls: TlsIdentity | undefined
}
