/**
 * The port between members: opaque frames, weakly promised.
 *
 * A frame may be lost, repeated, delayed or reordered; it is never altered, and it comes from the peer that it says it
 * comes from. What crosses it (Raft messages, forwarded calls) is encoded in member/wire; a transport knows none of it.
 * Ordered byte streams for snapshots will stand beside frames, on a connection of their own.
 */

/** A member as the transport sees it: a positive safe integer. */
export type PeerId = number

export interface Frame {
  /** 0 to 255, for the one above to tell its codecs apart. */
  readonly kind: number
  readonly bytes: Uint8Array
}

/** Who speaks: checked in the handshake by both sides. */
export interface TransportIdentity {
  readonly clusterId: number
  readonly memberId: PeerId
}

/**
 * What the transport calls; every method returns at once and never throws. Never called within a call of the transport's
 * own methods, always in a turn of its own.
 */
export interface TransportHandler {
  /** `frame.bytes` belongs to the receiver: the transport does not use the memory again. */
  onFrame(from: PeerId, frame: Frame): void
  /** A connection to `peer` stands, in the direction we send. */
  onReachable(peer: PeerId): void
  /** The connection to `peer` is gone, or could not be made; repeated tries report only the first time. */
  onUnreachable(peer: PeerId, reason: string): void
}

export interface Peer {
  readonly id: PeerId
  /** In the form that this transport understands: `host:port` for TCP. */
  readonly address: string
}

export interface TransportStatistics {
  readonly framesSent: number
  readonly framesReceived: number
  /** Frames dropped because a queue was full or no connection stood, or queued on a connection that fell. */
  readonly framesDropped: number
  /** Inbound connections closed for a reason of theirs: wrong cluster, malformed frame, time-out. */
  readonly connectionsRefused: number
}

export interface Transport {
  /**
   * Starts to listen and to connect to the peers. Rejects with `ADDRESS_IN_USE`, `ADDRESS_INVALID` or `TLS_REQUIRED`, after
   * which it may be called again; with `CLOSED`; with `TypeError` when it was called before.
   */
  start(identity: TransportIdentity, handler: TransportHandler): Promise<void>
  /**
   * Replaces the set of peers: frames from others are refused, connections to others closed. Allowed before start. The own
   * id is passed over. A peer that is removed is not reported unreachable. An address that is none is reported as such
   * through `onUnreachable`: it may come from a configuration that others decided on.
   */
  setPeers(peers: readonly Peer[]): void
  /**
   * Queues a frame and returns at once; false when it was dropped (unknown peer, full queue, no connection).
   * Frames sent in one turn of the event loop leave together. `frame.bytes` must not change afterwards.
   * Throws `RangeError` for a frame that could never be sent: over `LIMITS.frameBytesMax`, or a kind that is no byte.
   */
  send(to: PeerId, frame: Frame): boolean
  /** Where it listens, as a peer would dial it (the port that was chosen, for port 0); undefined before start. */
  readonly address: string | undefined
  readonly statistics: TransportStatistics
  /** Stops listening, closes every connection; idempotent; afterwards no handler is called. */
  close(): Promise<void>
}
